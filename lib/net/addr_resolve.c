/* SPDX-License-Identifier: MIT */
/* net/addr_resolve.c: from a host's name to an address. It may block, so
 * nothing inside the library calls it. */
#include "net/addr.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

/* What getaddrinfo() answered, as an errno. */
static int resolve_error(int answer)
{
	switch (answer) {
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno > 0 ? -errno : -ENOENT;
	default:
		return -ENOENT;
	}
}

static int resolve_first(struct hail_addr *out, const struct addrinfo *info,
			 uint16_t port)
{
	struct hail_addr addr = {.sa.sa_family = AF_UNSPEC};

	for (; info; info = info->ai_next) {
		if (info->ai_addrlen > sizeof(addr))
			continue;
		memcpy(&addr, info->ai_addr, info->ai_addrlen);
		if (hl_addr_size(&addr) == info->ai_addrlen)
			break;
	}
	if (!info)
		return -ENOENT;
	hl_addr_set_port(&addr, port);
	*out = addr;
	return 0;
}

int hail_addr_resolve(struct hail_addr *out, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *found;
	int rc;

	if (!out || !host)
		return -EINVAL;
	rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc != 0)
		return resolve_error(rc);
	rc = resolve_first(out, found, port);
	freeaddrinfo(found);
	return rc;
}
