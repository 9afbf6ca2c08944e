/* SPDX-License-Identifier: MIT */
/* path_mtu.c: asking how wide the way to a remote is. */
#include "net/path_mtu.h"

#include "net/addr.h"
#include "option.h"
#include "socket.h"

#include <errno.h>
#include <hail/option.h>

/* Whether the socket may send there; a port isn't needed for that. */
static int check_way(const struct hail_socket *socket,
		     const struct hail_addr *remote)
{
	struct hail_addr to = *remote;

	hl_addr_set_port(&to, 1);
	return hl_socket_check_remote(socket, &to);
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
		err = check_way(socket, remote);
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
