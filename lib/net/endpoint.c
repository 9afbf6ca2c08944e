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

/* What an earlier remote left behind would fail the next send. */
static void clear_error(int fd)
{
	int stale;

	hl_sockopt_get(fd, SOL_SOCKET, SO_ERROR, &stale);
}

int hl_endpoint_connect(int fd, const struct hail_addr *remote,
			struct hail_addr *out)
{
	struct hail_addr found = {0};
	socklen_t size = sizeof(found);

	if (connect(fd, &remote->sa, hl_addr_size(remote)))
		return -errno;
	clear_error(fd);
	if (getpeername(fd, &found.sa, &size))
		return -errno;
	*out = found;
	return 0;
}

/* Binds `fd` to a port of the kernel's choice as if it had been asked for by
 * number: one that the kernel only chose it takes back with a connection. While
 * a stand-in holds the port, two sockets that both allow it (SO_REUSEADDR) may
 * share it. */
static int bind_chosen(int fd, int stand_in, const struct hail_addr *local)
{
	struct hail_addr chosen;
	int reuse = 0;
	int err = bind_to(stand_in, local);

	if (!err)
		err = hl_endpoint_local(stand_in, &chosen);
	if (!err)
		err = hl_sockopt_get(fd, SOL_SOCKET, SO_REUSEADDR, &reuse);
	if (!err)
		err = hl_sockopt_set(stand_in, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = bind_to(fd, &chosen);
	if (!err)
		err = hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	return err;
}

static int bind_any(int fd, const struct hail_socket_options *options,
		    const struct hail_addr *local)
{
	int family = local->sa.sa_family;
	int stand_in = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (stand_in < 0)
		return -errno;
	if (family == AF_INET6)
		err = hl_sockopt_set(stand_in, IPPROTO_IPV6, IPV6_V6ONLY,
				     options->ipv6_only);
	if (!err)
		err = bind_chosen(fd, stand_in, local);
	close(stand_in);
	return err;
}

static int set_up(int fd, const struct hail_socket_options *options,
		  const struct hail_addr *local, struct hail_addr *remote)
{
	int err = hl_sockopt_apply(fd, local->sa.sa_family, options);

	if (!err && hail_addr_port(local))
		err = bind_to(fd, local);
	else if (!err)
		err = bind_any(fd, options, local);
	if (!err && options->remote.sa.sa_family != AF_UNSPEC)
		err = hl_endpoint_connect(fd, &options->remote, remote);
	return err;
}

int hl_endpoint_open(const struct hail_socket_options *options,
		     struct hail_addr *remote)
{
	struct hail_addr local = options->local;
	int fd, err;

	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = options->remote.sa.sa_family;
	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = options->ipv6_only ? AF_INET6 : AF_INET;
	fd = socket(local.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = set_up(fd, options, &local, remote);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int hl_endpoint_disconnect(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (connect(fd, &none, sizeof(none)))
		return -errno;
	clear_error(fd);
	return 0;
}
