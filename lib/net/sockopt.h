/* SPDX-License-Identifier: MIT */
/* net/sockopt.h: the options of struct hail_socket_options that are socket
 * options of the kernel. */
#ifndef HL_NET_SOCKOPT_H
#define HL_NET_SOCKOPT_H

#include <hail/socket.h>

/* Sets on `fd`, a socket of `family`, what the options ask for. A negative
 * errno as the kernel gives it. */
int hl_sockopt_apply(int fd, int family,
		     const struct hail_socket_options *options);

/* One integer option. */
int hl_sockopt_set(int fd, int level, int name, int value);
int hl_sockopt_get(int fd, int level, int name, int *value);

#endif
