/* SPDX-License-Identifier: MIT */
/*
 * net/sockopt.h: the options of a socket that are the kernel's.
 *
 * Each is a row of one table, from which it is checked, set when a socket is
 * opened or adopted, changed later, and read.
 */
#ifndef HL_NET_SOCKOPT_H
#define HL_NET_SOCKOPT_H

#include <hail/socket.h>

/* A socket that options are set on. One of IPv6 that isn't for IPv6 alone
 * carries IPv4 too, and has the options of both. */
struct hl_sockopt_target {
	int fd;
	int family;
	bool ipv6_only;
};

/* Which options are set. */
enum hl_sockopt_occasion {
	/* On a new socket: what was asked for, and where hail's default isn't
	 * the kernel's. */
	HL_SOCKOPT_OWN = 1 << 0,
	/* On one of another's making: what was asked for, and what hail must
	 * know. */
	HL_SOCKOPT_ADOPTED = 1 << 1,
};

/* Whether each option is in its range and none is against another: 0 or
 * -EINVAL. What only the kernel can tell is told by hl_sockopt_apply(). */
int hl_sockopt_check(const struct hail_socket_options *options);

/* Sets what the options ask for. -EINVAL, -ENODEV, or as the kernel says. */
int hl_sockopt_apply(const struct hl_sockopt_target *target,
		     const struct hail_socket_options *options,
		     enum hl_sockopt_occasion occasion);

/* Sets on a new socket what decides where the other one can be bound. */
int hl_sockopt_mirror_binding(const struct hl_sockopt_target *from,
			      const struct hl_sockopt_target *to);
/* The same, and what decides which way its datagrams take, but for the
 * interface of multicast, which the kernel doesn't tell. */
int hl_sockopt_mirror_routing(const struct hl_sockopt_target *from,
			      const struct hl_sockopt_target *to);

/* Sets on a new socket all that the other one has, but for what is about
 * sharing its port, about multicast's interface and about transmit times. */
int hl_sockopt_copy(const struct hl_sockopt_target *from,
		    const struct hl_sockopt_target *to);

/* Changes and reads one, an enum hail_option, with the errors of option.h. */
int hl_sockopt_change(const struct hl_sockopt_target *target, uint32_t option,
		      uint32_t value);
int hl_sockopt_read(const struct hl_sockopt_target *target, uint32_t option,
		    uint32_t *value);

/* One integer option of the kernel. */
int hl_sockopt_set(int fd, int level, int name, int value);
int hl_sockopt_get(int fd, int level, int name, int *value);
/* Has the kernel hand over what comes from one sender in a row as one piece
 * (UDP_GRO). There is no way back while anything may be queued: see
 * coalesce.h. */
int hl_sockopt_start_coalescing(int fd);
/* Takes the error that the kernel has for the next call on the socket, which
 * then meets none: a positive errno, or 0. */
int hl_sockopt_take_error(int fd);

#endif
