/* SPDX-License-Identifier: MIT */
/* net/endpoint.c: the life of a descriptor between socket() and close(). */
#include "net/endpoint.h"

#include "net/addr.h"
#include "net/sockopt.h"

#include <errno.h>
#include <unistd.h>

static int bind_to(int fd, const struct hail_addr *local)
{
	return bind(fd, &local->sa, hl_addr_size(local)) ? -errno : 0;
}

int hl_endpoint_local(int fd, struct hail_addr *out)
{
	socklen_t size = sizeof(*out);

	*out = (struct hail_addr){0};
	return getsockname(fd, &out->sa, &size) ? -errno : 0;
}

int hl_endpoint_connect(int fd, const struct hail_addr *remote,
			struct hail_addr *out)
{
	struct hail_addr found = {0};
	socklen_t size = sizeof(found);
	int stale;

	if (connect(fd, &remote->sa, hl_addr_size(remote)))
		return -errno;
	hl_sockopt_get(fd, SOL_SOCKET, SO_ERROR, &stale);
	if (getpeername(fd, &found.sa, &size))
		return -errno;
	*out = found;
	return 0;
}

static int set_up(int fd, const struct hail_socket_options *options,
		  const struct hail_addr *local)
{
	struct hail_addr connected;
	int err = hl_sockopt_apply(fd, local->sa.sa_family, options);

	if (!err)
		err = bind_to(fd, local);
	if (!err && options->remote.sa.sa_family != AF_UNSPEC)
		err = hl_endpoint_connect(fd, &options->remote, &connected);
	return err;
}

int hl_endpoint_open(const struct hail_socket_options *options)
{
	struct hail_addr local = options->local;
	int fd, err;

	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = options->remote.sa.sa_family;
	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = AF_INET;
	fd = socket(local.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = set_up(fd, options, &local);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Binds `fd` once more to the port that it had, while another socket stands in
 * for it: two that both allow it (SO_REUSEADDR) may share a port. */
static int dissolve(int fd, int stand_in, const struct hail_addr *local)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct hail_addr now;
	int err;

	err = hl_sockopt_set(stand_in, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = bind_to(stand_in, local);
	if (err)
		return err;
	if (connect(fd, &none, sizeof(none)))
		return -errno;
	err = hl_endpoint_local(fd, &now);
	/* The kernel has kept a port that was asked for by its number. */
	if (err || hail_addr_port(&now) == hail_addr_port(local))
		return err;
	return bind_to(fd, local);
}

int hl_endpoint_disconnect(int fd, const struct hail_addr *local)
{
	int reuse, stand_in, v6only = 0;
	int err = hl_sockopt_get(fd, SOL_SOCKET, SO_REUSEADDR, &reuse);

	/* Disconnecting frees a port that the kernel chose, and somebody else
	 * could get it. */
	stand_in = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stand_in < 0)
		return -errno;
	if (!err && local->sa.sa_family == AF_INET6) {
		err = hl_sockopt_get(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only);
		if (!err)
			err = hl_sockopt_set(stand_in, IPPROTO_IPV6,
					     IPV6_V6ONLY, v6only);
	}
	if (!err)
		err = hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = dissolve(fd, stand_in, local);
	hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	close(stand_in);
	return err;
}
