/* SPDX-License-Identifier: MIT */
/* net/addr.h: addresses, as the parts of the library need them. */
#ifndef HL_NET_ADDR_H
#define HL_NET_ADDR_H

#include <hail/addr.h>

/* The length that the kernel wants with it; 0 for any other family. */
static inline socklen_t hl_addr_size(const struct hail_addr *addr)
{
	switch (addr->sa.sa_family) {
	case AF_INET:
		return sizeof(addr->v4);
	case AF_INET6:
		return sizeof(addr->v6);
	default:
		return 0;
	}
}

/* In host order; of an IPv4 or IPv6 address. */
static inline void hl_addr_set_port(struct hail_addr *addr, uint16_t port)
{
	addr->v4.sin_port = htons(port); /* at the same place in both */
}

/* Whether datagrams to it travel in IPv4: plain or v4-mapped. */
static inline bool hl_addr_is_v4(const struct hail_addr *addr)
{
	return addr->sa.sa_family == AF_INET ||
	       (addr->sa.sa_family == AF_INET6 &&
		IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr));
}

#endif
