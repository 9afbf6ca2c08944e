/* SPDX-License-Identifier: MIT */
/* net/sockopt.c: socket options as a table. */
#include "net/sockopt.h"

#include <errno.h>
#include <limits.h>

struct flag_option {
	size_t offset; /* of a bool */
	int family;    /* AF_UNSPEC: every */
	int level, name;
	bool always; /* set also where it is false: the default may differ */
};

static const struct flag_option flags[] = {
	{offsetof(struct hail_socket_options, reuse_addr), AF_UNSPEC,
	 SOL_SOCKET, SO_REUSEADDR, false},
	{offsetof(struct hail_socket_options, reuse_port), AF_UNSPEC,
	 SOL_SOCKET, SO_REUSEPORT, false},
	{offsetof(struct hail_socket_options, broadcast), AF_UNSPEC, SOL_SOCKET,
	 SO_BROADCAST, false},
	/* net.ipv6.bindv6only may have turned it on. */
	{offsetof(struct hail_socket_options, ipv6_only), AF_INET6,
	 IPPROTO_IPV6, IPV6_V6ONLY, true},
};

struct size_option {
	size_t offset; /* of a uint32_t; 0 leaves the kernel's */
	int name;
	int force; /* the same beyond the sysctl's limit */
};

static const struct size_option sizes[] = {
	{offsetof(struct hail_socket_options, receive_buffer), SO_RCVBUF,
	 SO_RCVBUFFORCE},
	{offsetof(struct hail_socket_options, send_buffer), SO_SNDBUF,
	 SO_SNDBUFFORCE},
};

int hl_sockopt_set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		return -errno;
	return 0;
}

int hl_sockopt_get(int fd, int level, int name, int *value)
{
	socklen_t size = sizeof(*value);

	if (getsockopt(fd, level, name, value, &size))
		return -errno;
	return 0;
}

static int apply_flag(int fd, int family, const struct flag_option *option,
		      const struct hail_socket_options *options)
{
	const bool *value =
		(const void *)((const char *)options + option->offset);

	if (option->family != AF_UNSPEC && option->family != family)
		return 0;
	if (!*value && !option->always)
		return 0;
	return hl_sockopt_set(fd, option->level, option->name, *value);
}

static int apply_size(int fd, const struct size_option *option,
		      const struct hail_socket_options *options)
{
	const uint32_t *value =
		(const void *)((const char *)options + option->offset);
	/* The kernel doubles it in an int. */
	int size = *value > INT_MAX / 2 ? INT_MAX / 2 : (int)*value;

	if (!size || !hl_sockopt_set(fd, SOL_SOCKET, option->force, size))
		return 0;
	return hl_sockopt_set(fd, SOL_SOCKET, option->name, size);
}

int hl_sockopt_apply(int fd, int family,
		     const struct hail_socket_options *options)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && !err; i++)
		err = apply_flag(fd, family, &flags[i], options);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !err; i++)
		err = apply_size(fd, &sizes[i], options);
	return err;
}
