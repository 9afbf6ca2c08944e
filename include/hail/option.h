/* SPDX-License-Identifier: MIT */
/* option.h: options of an open socket, to be read and, where the kernel lets
 * them, changed. */
#ifndef HAIL_OPTION_H
#define HAIL_OPTION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_socket;

/* Each has the range and the meaning of the member of struct
 * hail_socket_options that it is named after, except as said here and that 0 is
 * the number 0 (so 0 and 1 are off and on). (o) can't be set on an open socket,
 * (r) can only be read: both answer -ENOTSUP. What a dual-stack socket has for
 * IPv6 and for IPv4 is set for both, and read as IPv6's. */
enum hail_option {
	/* What was asked of the kernel or what it gave, whichever is less:
	 * half of what it books. The kernel makes of too few, of 0 too, the
	 * least that it can work with. */
	HAIL_OPTION_RECEIVE_BUFFER = 1,
	HAIL_OPTION_SEND_BUFFER,
	/* Bytes that the kernel books at most for what is held. */
	HAIL_OPTION_RECEIVE_BUFFER_BOOKED, /* (r) */
	HAIL_OPTION_SEND_BUFFER_BOOKED,    /* (r) */
	HAIL_OPTION_REUSE_ADDR,
	HAIL_OPTION_REUSE_PORT,
	/* 1 where neither of the two is on; setting 1 turns both off, 0 is
	 * refused. */
	HAIL_OPTION_EXCLUSIVE,
	HAIL_OPTION_IPV6_ONLY, /* (o) */
	HAIL_OPTION_BROADCAST,
	HAIL_OPTION_FREE_BIND,
	HAIL_OPTION_TTL, /* 1 to 255 */
	HAIL_OPTION_MULTICAST_TTL,
	HAIL_OPTION_MULTICAST_LOOP, /* not no_multicast_loop: 1 is heard here */
	HAIL_OPTION_MULTICAST_INTERFACE,
	HAIL_OPTION_TOS, /* sets the priority too, where there is IPv4 */
	HAIL_OPTION_PRIORITY,
	HAIL_OPTION_MARK,
	HAIL_OPTION_DEVICE,   /* to change one that is set needs CAP_NET_RAW */
	HAIL_OPTION_PATH_MTU, /* enum hail_path_mtu */
	/* In IPv4 1 where path_mtu is PROBE; it can't be turned off there. */
	HAIL_OPTION_DONT_FRAGMENT,
	HAIL_OPTION_BUSY_POLL, /* microseconds */
	HAIL_OPTION_ERRORS,    /* (o) */
	/* (o); read: whether it is on now, 0 or 1, whoever decided. */
	HAIL_OPTION_COALESCE,
	HAIL_OPTION_FACTS,  /* (o) */
	HAIL_OPTION_TXTIME, /* (o) */
};

/* Sets one, on the socket's peers too. After an error the socket has what it
 * had, unless only a peer couldn't have it.
 *   -EINVAL   no such option, a value out of its range, or NULL
 *   -ENOTSUP  can't be set on an open socket
 *   -ENODEV   no interface of that index
 *   -EAFNOSUPPORT   an option of IPv6 on a socket of IPv4
 *   -EPERM    as the kernel says, for what needs CAP_NET_ADMIN; or not the
 *             engine's thread
 *   -EBADF    the socket is closed or closing */
int hail_socket_set(struct hail_socket *socket, uint32_t option,
		    uint32_t value);

/* Reads one as the kernel has it now, whoever set it; but the interface of
 * multicast of an IPv4 socket, which the kernel doesn't tell, as it was set by
 * hail. -EINVAL: no such option, or NULL; -ENOTSUP: an adopted descriptor has
 * IP_PMTUDISC_DO, for which path_mtu has no name; -EAFNOSUPPORT; -EBADF;
 * -EPERM: not the engine's thread. */
int hail_socket_get(const struct hail_socket *socket, uint32_t option,
		    uint32_t *value);

#ifdef __cplusplus
}
#endif

#endif
