/* SPDX-License-Identifier: MIT */
/* net/addr.c: what an address is equal to, where it stands among others and how
 * it is hashed. Pure functions. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <string.h>

uint16_t hail_addr_port(const struct hail_addr *addr)
{
	if (!addr)
		return 0;
	switch (addr->sa.sa_family) {
	case AF_INET:
		return ntohs(addr->v4.sin_port);
	case AF_INET6:
		return ntohs(addr->v6.sin6_port);
	default:
		return 0;
	}
}

static bool equal_v4(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_port == b->sin_port &&
	       a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* The flow label isn't compared: it names a way through the network, not an
 * endpoint. */
static bool equal_v6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
	return a->sin6_port == b->sin6_port &&
	       a->sin6_scope_id == b->sin6_scope_id &&
	       memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
}

bool hail_addr_equal(const struct hail_addr *a, const struct hail_addr *b)
{
	if (!a || !b || a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_UNSPEC:
		return true;
	case AF_INET:
		return equal_v4(&a->v4, &b->v4);
	case AF_INET6:
		return equal_v6(&a->v6, &b->v6);
	default:
		return false;
	}
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_v4(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	int order = compare_numbers(ntohl(a->sin_addr.s_addr),
				    ntohl(b->sin_addr.s_addr));

	if (order == 0)
		order = compare_numbers(ntohs(a->sin_port), ntohs(b->sin_port));
	return order;
}

static int compare_v6(const struct sockaddr_in6 *a,
		      const struct sockaddr_in6 *b)
{
	int order = memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr));

	if (order == 0)
		order = compare_numbers(ntohs(a->sin6_port),
					ntohs(b->sin6_port));
	if (order == 0)
		order = compare_numbers(a->sin6_scope_id, b->sin6_scope_id);
	return order;
}

/* Addresses of one family that hail doesn't know equal nothing, not even
 * themselves, which no order can say: they stand together in one place. */
int hail_addr_compare(const struct hail_addr *a, const struct hail_addr *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	if (a->sa.sa_family != b->sa.sa_family)
		return compare_numbers(a->sa.sa_family, b->sa.sa_family);
	switch (a->sa.sa_family) {
	case AF_INET:
		return compare_v4(&a->v4, &b->v4);
	case AF_INET6:
		return compare_v6(&a->v6, &b->v6);
	default:
		return 0;
	}
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* SipHash-1-3, as the tables of Rust, Ruby and Python use for keys that
 * strangers choose: a short mixer whose collisions only those find who know the
 * seed. */
static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* Its key has 128 bits; the seed is all that there is for them. */
static void sip_start(uint64_t v[4], uint64_t seed)
{
	v[0] = seed ^ 0x736f6d6570736575;
	v[1] = ~seed ^ 0x646f72616e646f6d;
	v[2] = seed ^ 0x6c7967656e657261;
	v[3] = ~seed ^ 0x7465646279746573;
}

static void sip_add(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint64_t sip_end(uint64_t v[4])
{
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void hash_v4(uint64_t v[4], const struct sockaddr_in *addr)
{
	sip_add(v, AF_INET | (uint64_t)addr->sin_port << 16 |
			   (uint64_t)addr->sin_addr.s_addr << 32);
}

static void hash_v6(uint64_t v[4], const struct sockaddr_in6 *addr)
{
	uint64_t ip[2];

	memcpy(ip, &addr->sin6_addr, sizeof(ip));
	sip_add(v, AF_INET6 | (uint64_t)addr->sin6_port << 16 |
			   (uint64_t)addr->sin6_scope_id << 32);
	sip_add(v, ip[0]);
	sip_add(v, ip[1]);
}

/* The family comes first and tells how many words follow, which is why the
 * length that SipHash adds at the end isn't needed. */
uint64_t hail_addr_hash(const struct hail_addr *addr, uint64_t seed)
{
	uint64_t v[4];

	if (!addr)
		return 0;
	sip_start(v, seed);
	switch (addr->sa.sa_family) {
	case AF_INET:
		hash_v4(v, &addr->v4);
		break;
	case AF_INET6:
		hash_v6(v, &addr->v6);
		break;
	default:
		sip_add(v, addr->sa.sa_family);
	}
	return sip_end(v);
}
