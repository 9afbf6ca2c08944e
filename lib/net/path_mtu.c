/* SPDX-License-Identifier: MIT */
/*
 * net/path_mtu.c: a socket that is made to be connected and asked.
 *
 * Only connected sockets can be asked for the MTU, and these answer by the
 * route that they used last: what another socket has learned of the path since
 * then they tell only after they have sent something themselves (Linux 6.18).
 * So also for a connected one another is made.
 */
#include "net/path_mtu.h"

#include "net/addr.h"

#include <errno.h>
#include <hail/option.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The discard protocol's: any will do, nothing is sent. */
#define PORT 9

static int check_namespace(int a, int b)
{
	uint64_t cookies[2] = {0};
	const int fds[2] = {a, b};

	for (int i = 0; i < 2; i++) {
		socklen_t size = sizeof(cookies[i]);

		if (getsockopt(fds[i], SOL_SOCKET, SO_NETNS_COOKIE, &cookies[i],
			       &size))
			return -errno;
	}
	return cookies[0] == cookies[1] ? 0 : -ENOTSUP;
}

static int connect_like(const struct hl_sockopt_target *stand_in,
			const struct hail_addr *local,
			const struct hail_addr *remote)
{
	struct hail_addr from = *local, to = *remote;

	hl_addr_set_port(&from, 0);
	hl_addr_set_port(&to, PORT);
	if (!hail_addr_is_unspecified(local) &&
	    bind(stand_in->fd, &from.sa, hl_addr_size(&from)))
		return -errno;
	return connect(stand_in->fd, &to.sa, hl_addr_size(&to)) ? -errno : 0;
}

static int ask(const struct hl_sockopt_target *stand_in, uint32_t *out)
{
	bool six = stand_in->family == AF_INET6;
	int mtu;
	int err = hl_sockopt_get(stand_in->fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
				 six ? IPV6_MTU : IP_MTU, &mtu);

	if (!err)
		*out = (uint32_t)mtu;
	return err;
}

int hl_path_mtu_find(const struct hl_sockopt_target *socket_of,
		     const struct hail_addr *local,
		     const struct hail_addr *remote,
		     uint32_t multicast_interface, uint32_t *out)
{
	struct hl_sockopt_target stand_in = *socket_of;
	int err;

	stand_in.fd = socket(stand_in.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stand_in.fd < 0)
		return -errno;
	err = check_namespace(socket_of->fd, stand_in.fd);
	if (!err)
		err = hl_sockopt_mirror_routing(socket_of, &stand_in);
	if (!err)
		err = hl_sockopt_change(&stand_in,
					HAIL_OPTION_MULTICAST_INTERFACE,
					multicast_interface);
	if (!err)
		err = connect_like(&stand_in, local, remote);
	if (!err)
		err = ask(&stand_in, out);
	close(stand_in.fd);
	return err;
}
