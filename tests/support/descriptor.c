/* SPDX-License-Identifier: MIT */
/* support/descriptor.c: getsockopt(), and who has which address. */
#include "support/descriptor.h"

#define DESCRIPTORS_MAX 1024

const char *const descriptor_names[DESCRIPTOR_KINDS] = {"IPv4", "IPv6 only",
							"dual stack"};

struct hail_socket_options
descriptor_options(enum descriptor_kind kind,
		   const struct hail_socket_options *options)
{
	struct hail_socket_options own = *options;

	own.local = live_addr(descriptor_has_v6(kind) ? "::" : "0.0.0.0", 0);
	own.ipv6_only = kind == DESCRIPTOR_V6_ONLY;
	return own;
}

int descriptor_open(enum descriptor_kind kind)
{
	int fd = socket(descriptor_has_v6(kind) ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	if (kind == DESCRIPTOR_V6_ONLY)
		descriptor_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return fd;
}

int descriptor_of(const struct live *live)
{
	const struct hail_addr local = live_local(live);
	struct hail_addr found;

	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
		socklen_t size = sizeof(found);

		if (!getsockname(fd, &found.sa, &size) &&
		    hail_addr_equal(&found, &local))
			return fd;
	}
	cr_assert(false, "no descriptor has the socket's address");
	return -1;
}

int descriptor_try_adopt(struct live *live, struct hail_engine *engine, int fd,
			 const struct hail_socket_options *options)
{
	struct hail_socket_options own = HAIL_SOCKET_OPTIONS(.window = 0);

	if (options)
		own = *options;
	own.handlers = live_handlers;
	own.user = live;
	live->engine = engine;
	live->closing = false;
	return hail_socket_adopt(&live->socket, engine, fd, &own);
}

int descriptor_get(int fd, int level, int name)
{
	socklen_t size = sizeof(int);
	int value = 0;

	cr_assert_eq(getsockopt(fd, level, name, &value, &size), 0,
		     "level %d, option %d: %s", level, name, strerror(errno));
	return value;
}

void descriptor_set(int fd, int level, int name, int value)
{
	cr_assert_eq(setsockopt(fd, level, name, &value, sizeof(value)), 0,
		     "level %d, option %d: %s", level, name, strerror(errno));
}
