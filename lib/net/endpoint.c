/* SPDX-License-Identifier: MIT */
/* net/endpoint.c: the life of a descriptor between socket() and close(). */
#include "net/endpoint.h"

#include "net/addr.h"
#include "net/sockopt.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int hl_endpoint_check(const struct hail_socket_options *options)
{
	const struct hail_addr *local = &options->local;
	const struct hail_addr *remote = &options->remote;

	if (local->sa.sa_family != AF_UNSPEC && !hl_addr_size(local))
		return -EAFNOSUPPORT;
	if (options->ipv6_only && local->sa.sa_family == AF_INET)
		return -EINVAL;
	if (remote->sa.sa_family == AF_UNSPEC)
		return 0;
	if (!hl_addr_size(remote) ||
	    (options->ipv6_only && hl_addr_is_v4(remote)) ||
	    (local->sa.sa_family == AF_INET &&
	     remote->sa.sa_family == AF_INET6))
		return -EAFNOSUPPORT;
	return hail_addr_port(remote) ? 0 : -EINVAL;
}

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

bool hl_endpoint_connected(int fd)
{
	struct hail_addr remote;
	socklen_t size = sizeof(remote);

	return !getpeername(fd, &remote.sa, &size);
}

int hl_endpoint_connect(int fd, const struct hail_addr *remote,
			struct hail_addr *out)
{
	struct hail_addr found = {0};
	socklen_t size = sizeof(found);

	if (connect(fd, &remote->sa, hl_addr_size(remote)))
		return -errno;
	hl_sockopt_take_error(fd); /* an earlier remote's */
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
	int reuse = 0, err, failed;

	err = bind_to(stand_in, local);
	if (!err)
		err = hl_endpoint_local(stand_in, &chosen);
	if (!err)
		err = hl_sockopt_get(fd, SOL_SOCKET, SO_REUSEADDR, &reuse);
	if (!err)
		err = hl_sockopt_set(stand_in, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (err)
		return err;
	err = bind_to(fd, &chosen);
	failed = hl_sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	return err ? err : failed;
}

static int bind_any(const struct hl_sockopt_target *target,
		    const struct hail_addr *local)
{
	struct hl_sockopt_target stand_in = *target;
	int err;

	stand_in.fd = socket(target->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stand_in.fd < 0)
		return -errno;
	err = hl_sockopt_mirror_binding(target, &stand_in);
	if (!err)
		err = bind_chosen(target->fd, stand_in.fd, local);
	close(stand_in.fd);
	return err;
}

/* What the options ask for, with a family where they leave it open. */
static struct hail_addr choose_local(const struct hail_socket_options *options)
{
	struct hail_addr local = options->local;

	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = options->remote.sa.sa_family;
	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = options->ipv6_only ? AF_INET6 : AF_INET;
	return local;
}

static struct hl_sockopt_target
target_of(int fd, const struct hail_socket_options *options)
{
	return (struct hl_sockopt_target){
		.fd = fd,
		.family = choose_local(options).sa.sa_family,
		.ipv6_only = options->ipv6_only,
	};
}

int hl_endpoint_make(const struct hail_socket_options *options)
{
	struct hl_sockopt_target target = target_of(-1, options);
	int err;

	target.fd = socket(target.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (target.fd < 0)
		return -errno;
	err = hl_sockopt_apply(&target, options, HL_SOCKOPT_OWN);
	if (!err)
		return target.fd;
	close(target.fd);
	return err;
}

int hl_endpoint_bind(int fd, const struct hail_socket_options *options)
{
	struct hl_sockopt_target target = target_of(fd, options);
	struct hail_addr local = choose_local(options);

	return hail_addr_port(&local) ? bind_to(fd, &local)
				      : bind_any(&target, &local);
}

int hl_endpoint_open(const struct hail_socket_options *options,
		     struct hail_addr *remote)
{
	int fd = hl_endpoint_make(options);
	int err;

	if (fd < 0)
		return fd;
	err = hl_endpoint_bind(fd, options);
	if (!err && options->remote.sa.sa_family != AF_UNSPEC)
		err = hl_endpoint_connect(fd, &options->remote, remote);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* What a descriptor of another's making is. */
struct found {
	struct hl_sockopt_target target;
	struct hail_addr local, remote;
	bool bound, connected;
};

static int find_kind(int fd, int *family)
{
	int type = 0, protocol = 0;
	int err = hl_sockopt_get(fd, SOL_SOCKET, SO_DOMAIN, family);

	if (!err)
		err = hl_sockopt_get(fd, SOL_SOCKET, SO_TYPE, &type);
	if (!err)
		err = hl_sockopt_get(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	if (err)
		return err;
	if (*family != AF_INET && *family != AF_INET6)
		return -EAFNOSUPPORT;
	if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
		return -EPROTOTYPE;
	return 0;
}

static int find_out(int fd, struct found *found)
{
	socklen_t size = sizeof(found->remote);
	int only = 0;
	int err = find_kind(fd, &found->target.family);

	if (!err)
		err = hl_endpoint_local(fd, &found->local);
	if (!err && found->target.family == AF_INET6)
		err = hl_sockopt_get(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only);
	if (err)
		return err;
	found->target.fd = fd;
	found->target.ipv6_only = only;
	found->bound = hail_addr_port(&found->local);
	found->connected = !getpeername(fd, &found->remote.sa, &size);
	return 0;
}

/* Whether what is asked for can still be had of it. */
static int check_found(const struct found *found,
		       const struct hail_socket_options *options)
{
	sa_family_t local = options->local.sa.sa_family;
	struct hail_socket_options both = {
		.local = found->local,
		.remote = options->remote,
		.ipv6_only = found->target.ipv6_only || options->ipv6_only,
	};

	if (local != AF_UNSPEC && local != found->target.family)
		return -EAFNOSUPPORT;
	if (local != AF_UNSPEC && found->bound)
		return -EINVAL;
	if (options->remote.sa.sa_family != AF_UNSPEC && found->connected)
		return -EISCONN;
	return hl_endpoint_check(&both);
}

int hl_endpoint_adopt(int fd, const struct hail_socket_options *options,
		      struct hail_addr *remote)
{
	struct found found = {0};
	struct hail_addr local = options->local;
	int err = find_out(fd, &found);

	if (!err)
		err = check_found(&found, options);
	if (err)
		return err;
	found.target.ipv6_only |= options->ipv6_only;
	err = hl_sockopt_apply(&found.target, options, HL_SOCKOPT_ADOPTED);
	if (local.sa.sa_family == AF_UNSPEC)
		local.sa.sa_family = (sa_family_t)found.target.family;
	/* Directly: it may be of another network namespace, where no stand-in
	 * of this thread's can hold a port for it. */
	if (!err && !found.bound)
		err = bind_to(fd, &local);
	if (!err && options->remote.sa.sa_family != AF_UNSPEC)
		err = hl_endpoint_connect(fd, &options->remote, &found.remote);
	/* As hail's own are: a program that is executed shall not keep the
	 * port. */
	if (!err && fcntl(fd, F_SETFD, FD_CLOEXEC))
		err = -errno;
	if (!err)
		*remote = found.remote;
	return err;
}

/* A port that another's descriptor was given by the kernel goes with the
 * connection, and perhaps the address: it is bound to that port again. */
static int keep_port(int fd, const struct hail_addr *before)
{
	struct hail_addr local;
	int err = hl_endpoint_local(fd, &local);

	if (err || hail_addr_port(&local))
		return err;
	hl_addr_set_port(&local, hail_addr_port(before));
	return bind_to(fd, &local);
}

int hl_endpoint_disconnect(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct hail_addr before;
	int err = hl_endpoint_local(fd, &before);

	if (!err && connect(fd, &none, sizeof(none)))
		err = -errno;
	if (err)
		return err;
	hl_sockopt_take_error(fd); /* an earlier remote's */
	return keep_port(fd, &before);
}
