/* SPDX-License-Identifier: MIT */
/* path_mtu.c: asking how wide the way to a remote is. */
#include "net/path_mtu.h"

#include "net/endpoint.h"
#include "option.h"
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hail/option.h>

/* Whether the socket may send there; a port isn't needed for that. */
static int check_remote(const struct hail_socket *socket,
			const struct hail_addr *remote)
{
	struct hail_socket_options options = {
		.local = socket->local,
		.remote = *remote,
		.ipv6_only = socket->ipv6_only,
	};

	if (remote->sa.sa_family == AF_UNSPEC)
		return -EINVAL;
	/* At the same place in both families. */
	options.remote.v4.sin_port = htons(1);
	return hl_endpoint_check(&options);
}

int hail_socket_path_mtu(const struct hail_socket *socket,
			 const struct hail_addr *remote, uint32_t *out)
{
	struct hl_sockopt_target target;
	uint32_t multicast_interface;
	int err = out ? hl_socket_check(socket) : -EINVAL;

	if (!err && !remote && !hl_socket_connected(socket))
		err = -ENOTCONN;
	if (!err && remote)
		err = check_remote(socket, remote);
	if (!err)
		err = hail_socket_get(socket, HAIL_OPTION_MULTICAST_INTERFACE,
				      &multicast_interface);
	if (err)
		return err;
	target = hl_option_target(socket);
	return hl_path_mtu_find(&target, &socket->local,
				remote ? remote : &socket->remote,
				multicast_interface, out);
}
