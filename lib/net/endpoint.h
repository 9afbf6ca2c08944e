/* SPDX-License-Identifier: MIT */
/* net/endpoint.h: binding and connecting a descriptor. */
#ifndef HL_NET_ENDPOINT_H
#define HL_NET_ENDPOINT_H

#include <hail/socket.h>

/* Whether the addresses of the options can go together: 0, -EAFNOSUPPORT,
 * -EINVAL. */
int hl_endpoint_check(const struct hail_socket_options *options);

/* A UDP socket as the options want it, bound and, with a remote, connected:
 * that is written to `remote` as the descriptor knows it, which is left alone
 * otherwise. Returns the descriptor, or a negative errno and leaves nothing
 * open. */
int hl_endpoint_open(const struct hail_socket_options *options,
		     struct hail_addr *remote);

/* Two of its steps: a socket with its options set, or a negative errno; and
 * binding it. */
int hl_endpoint_make(const struct hail_socket_options *options);
int hl_endpoint_bind(int fd, const struct hail_socket_options *options);

/* The same with `fd`, of another's making, which stays open in any case.
 * `remote` is AF_UNSPEC where it isn't connected. */
int hl_endpoint_adopt(int fd, const struct hail_socket_options *options,
		      struct hail_addr *remote);

/* `remote` as `fd` knows it then is written to `out`. An error that an earlier
 * remote left behind is not the new one's: it is cleared. */
int hl_endpoint_connect(int fd, const struct hail_addr *remote,
			struct hail_addr *out);

bool hl_endpoint_connected(int fd);
/* Takes the connection back and keeps the local address and port. */
int hl_endpoint_disconnect(int fd);

int hl_endpoint_local(int fd, struct hail_addr *out);

#endif
