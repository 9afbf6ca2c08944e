/* SPDX-License-Identifier: MIT */
/* net/addr_kind.c: what kind of address it is, and the two ways to write an
 * IPv4 address. Pure functions. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Where the IPv4 address begins in a mapped one. */
#define MAPPED_AT 12

bool hail_addr_is_v4_mapped(const struct hail_addr *addr)
{
	return addr && addr->sa.sa_family == AF_INET6 && hl_addr_is_v4(addr);
}

int hail_addr_unmap(struct hail_addr *addr)
{
	struct hail_addr plain = {.v4.sin_family = AF_INET};

	if (!addr)
		return -EINVAL;
	if (addr->sa.sa_family == AF_INET)
		return 0;
	if (!hail_addr_is_v4_mapped(addr))
		return -EAFNOSUPPORT;
	plain.v4.sin_port = addr->v6.sin6_port;
	memcpy(&plain.v4.sin_addr, addr->v6.sin6_addr.s6_addr + MAPPED_AT,
	       sizeof(plain.v4.sin_addr));
	*addr = plain;
	return 0;
}

int hail_addr_map(struct hail_addr *addr)
{
	struct hail_addr mapped = {.v6.sin6_family = AF_INET6};
	uint8_t *ip = mapped.v6.sin6_addr.s6_addr;

	if (!addr)
		return -EINVAL;
	if (hail_addr_is_v4_mapped(addr))
		return 0;
	if (addr->sa.sa_family != AF_INET)
		return -EAFNOSUPPORT;
	mapped.v6.sin6_port = addr->v4.sin_port;
	ip[MAPPED_AT - 2] = ip[MAPPED_AT - 1] = 0xff;
	memcpy(ip + MAPPED_AT, &addr->v4.sin_addr, sizeof(addr->v4.sin_addr));
	*addr = mapped;
	return 0;
}

/* A kind is a set of networks: addresses whose first bits are these. IPv4's are
 * written as mapped ones, so that one look serves both families. */
struct network {
	uint8_t ip[16];
	unsigned bits;
};

#define V4(a, b, length)                                                       \
	{                                                                      \
		{[10] = 0xff, 0xff, a, b}, 96 + (length)                       \
	}
#define V6(a, b, length)                                                       \
	{                                                                      \
		{a, b}, length                                                 \
	}

static const struct network unspecified[] = {V4(0, 0, 32), V6(0, 0, 128)};
static const struct network loopback[] = {V4(127, 0, 8), {{[15] = 1}, 128}};
static const struct network private[] = {V4(10, 0, 8), V4(172, 16, 12),
					 V4(192, 168, 16), V6(0xfc, 0, 7)};
static const struct network link_local[] = {V4(169, 254, 16),
					    V6(0xfe, 0x80, 10)};
static const struct network multicast[] = {V4(224, 0, 4), V6(0xff, 0, 8)};

static bool is_in(const struct network *network, const uint8_t *ip)
{
	size_t whole = network->bits / 8;
	unsigned left = network->bits % 8;

	if (memcmp(ip, network->ip, whole) != 0)
		return false;
	return left == 0 || (ip[whole] ^ network->ip[whole]) >> (8 - left) == 0;
}

static bool is_in_any(const struct network *networks, size_t count,
		      const struct hail_addr *addr)
{
	struct hail_addr wide;

	if (!addr)
		return false;
	wide = *addr;
	if (wide.sa.sa_family == AF_INET)
		hail_addr_map(&wide);
	if (wide.sa.sa_family != AF_INET6)
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_in(&networks[i], wide.v6.sin6_addr.s6_addr))
			return true;
	return false;
}

#define IS_IN(networks, addr)                                                  \
	is_in_any(networks, sizeof(networks) / sizeof((networks)[0]), addr)

bool hail_addr_is_unspecified(const struct hail_addr *addr)
{
	return IS_IN(unspecified, addr);
}

bool hail_addr_is_loopback(const struct hail_addr *addr)
{
	return IS_IN(loopback, addr);
}

bool hail_addr_is_private(const struct hail_addr *addr)
{
	return IS_IN(private, addr);
}

bool hail_addr_is_link_local(const struct hail_addr *addr)
{
	return IS_IN(link_local, addr);
}

bool hail_addr_is_multicast(const struct hail_addr *addr)
{
	return IS_IN(multicast, addr);
}
