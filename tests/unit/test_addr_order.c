/* SPDX-License-Identifier: MIT */
/* Addresses in order, and their hashes: both say the same as equality. */
#include "parsed.h"
#include "random.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* In order, by family, address, port and scope; bytes count as a whole number
 * does that begins with the first. */
static const struct {
	const char *ip;
	uint16_t port;
} ordered[] = {
	{"0.0.0.0", 0},
	{"0.0.0.0", 1},
	{"0.0.0.0", 255},
	{"0.0.0.0", 256},
	{"0.0.0.0", 65535},
	{"0.0.0.1", 0},
	{"0.0.1.0", 0},
	{"1.0.0.0", 7},
	{"127.255.255.255", 7},
	{"128.0.0.0", 7},
	{"255.255.255.255", 7},
	{"::", 0},
	{"::", 1},
	{"::1", 0},
	{"::ffff:0.0.0.0", 0},
	{"1::", 0},
	{"fe80::1", 0},
	{"fe80::1%1", 0},
	{"fe80::1%2", 0},
	{"fe80::1%256", 0},
	{"fe80::1%4294967295", 0},
	{"fe80::1", 1},
	{"fe80::1%1", 1},
	{"fe80::1", 256},
	{"fe80::2", 0},
	{"ffff::", 0},
};
#define ORDERED (sizeof(ordered) / sizeof(*ordered))

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

/* NULL and no family come before those of the list. */
static const struct hail_addr *number_of(struct hail_addr *room, size_t i)
{
	if (i == 0)
		return NULL;
	*room = i == 1 ? of_family(AF_UNSPEC)
		       : parsed(ordered[i - 2].ip, ordered[i - 2].port);
	return room;
}

Test(addr_compare, orders_by_family_address_port_and_scope)
{
	for (size_t i = 0; i < ORDERED + 2; i++) {
		for (size_t k = 0; k < ORDERED + 2; k++) {
			struct hail_addr a, b;
			const struct hail_addr *left = number_of(&a, i);
			const struct hail_addr *right = number_of(&b, k);

			cr_assert_eq(sign(hail_addr_compare(left, right)),
				     (i > k) - (i < k), "%zu, %zu", i, k);
		}
	}
}

Test(addr_compare, is_zero_where_both_are_equal_or_null)
{
	for (size_t i = 0; i < (ORDERED + 2) * (ORDERED + 2); i++) {
		struct hail_addr a, b;
		const struct hail_addr *left = number_of(&a, i % (ORDERED + 2));
		const struct hail_addr *right =
			number_of(&b, i / (ORDERED + 2));

		cr_assert_eq(hail_addr_compare(left, right) == 0,
			     hail_addr_equal(left, right) || (!left && !right));
	}
}

Test(addr_compare, does_not_look_at_padding_and_flow_label)
{
	struct hail_addr a = parsed("127.0.0.1", 1), b = a;

	memset(b.v4.sin_zero, UNTOUCHED, sizeof(b.v4.sin_zero));
	cr_assert_eq(hail_addr_compare(&a, &b), 0);
	a = b = parsed("::1", 1);
	b.v6.sin6_flowinfo = 7;
	cr_assert_eq(hail_addr_compare(&a, &b), 0);
}

static int compare_for_qsort(const void *a, const void *b)
{
	return hail_addr_compare(a, b);
}

Test(addr_compare, sorts)
{
	struct test_random random = test_random_seeded(1);
	struct hail_addr addrs[ORDERED];

	for (size_t i = 0; i < ORDERED; i++) {
		size_t at = test_random_below(&random, i + 1);

		addrs[i] = addrs[at];
		addrs[at] = parsed(ordered[i].ip, ordered[i].port);
	}
	qsort(addrs, ORDERED, sizeof(*addrs), compare_for_qsort);
	for (size_t i = 0; i < ORDERED; i++) {
		struct hail_addr wanted =
			parsed(ordered[i].ip, ordered[i].port);

		cr_assert(hail_addr_equal(&addrs[i], &wanted), "%zu", i);
	}
}

Test(addr_hash, is_the_same_for_equal_addresses)
{
	struct hail_addr a = parsed("127.0.0.1", 1), b = untouched();

	b.v4.sin_family = AF_INET;
	b.v4.sin_port = a.v4.sin_port;
	b.v4.sin_addr = a.v4.sin_addr;
	cr_assert_eq(hail_addr_hash(&a, 5), hail_addr_hash(&b, 5));
	a = b = parsed("fe80::1%1", 1);
	b.v6.sin6_flowinfo = 7;
	cr_assert_eq(hail_addr_hash(&a, 5), hail_addr_hash(&b, 5));
	a = b = of_family(AF_UNSPEC);
	memset(b.sa.sa_data, 0, sizeof(b.sa.sa_data));
	cr_assert_eq(hail_addr_hash(&a, 5), hail_addr_hash(&b, 5));
}

Test(addr_hash, differs_where_addresses_do)
{
	for (size_t i = 2; i < ORDERED + 2; i++) {
		for (size_t k = 1; k < i; k++) {
			struct hail_addr a, b;

			cr_assert_neq(hail_addr_hash(number_of(&a, i), 0),
				      hail_addr_hash(number_of(&b, k), 0),
				      "%zu, %zu", i, k);
		}
	}
}

Test(addr_hash, a_mapped_address_is_another_than_the_plain_one)
{
	struct hail_addr plain = parsed("192.0.2.1", 53), mapped = plain;

	cr_assert_eq(hail_addr_map(&mapped), 0);
	cr_assert_neq(hail_addr_hash(&plain, 0), hail_addr_hash(&mapped, 0));
}

Test(addr_hash, of_null_is_zero_whatever_the_seed)
{
	cr_assert_eq(hail_addr_hash(NULL, 0), 0);
	cr_assert_eq(hail_addr_hash(NULL, UINT64_MAX), 0);
}

/* Flips one bit at a time of what counts in an address, or of the seed. */
struct flipped {
	struct hail_addr addr;
	uint64_t seed;
};

static void flip(struct flipped *flipped, size_t bit)
{
	const struct {
		void *at;
		size_t bits;
	} v4[] = {{&flipped->seed, 64},
		  {&flipped->addr.v4.sin_port, 16},
		  {&flipped->addr.v4.sin_addr, 32}},
	  v6[] = {{&flipped->seed, 64},
		  {&flipped->addr.v6.sin6_port, 16},
		  {&flipped->addr.v6.sin6_scope_id, 32},
		  {&flipped->addr.v6.sin6_addr, 128}},
	  *part = flipped->addr.sa.sa_family == AF_INET ? v4 : v6;

	for (; bit >= part->bits; part++)
		bit -= part->bits;
	((uint8_t *)part->at)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static struct flipped random_one(struct test_random *random, sa_family_t family)
{
	struct flipped one;

	test_random_fill(random, &one, sizeof(one));
	one.addr.sa.sa_family = family;
	return one;
}

#define ROUNDS 2000

/* Each bit of the input turns each bit of the output in half of all cases: of
 * 2000, 1000, and the seventh multiple of the deviation of 22 away is 157. */
static void assert_avalanche(sa_family_t family, size_t bits)
{
	struct test_random random = test_random_seeded(family);

	for (size_t bit = 0; bit < bits; bit++) {
		unsigned turned[64] = {0};

		for (unsigned round = 0; round < ROUNDS; round++) {
			struct flipped one = random_one(&random, family);
			uint64_t hash = hail_addr_hash(&one.addr, one.seed);

			flip(&one, bit);
			hash ^= hail_addr_hash(&one.addr, one.seed);
			for (unsigned i = 0; i < 64; i++)
				turned[i] += (unsigned)(hash >> i & 1);
		}
		for (unsigned i = 0; i < 64; i++)
			cr_assert(turned[i] > 1000 - 157 &&
					  turned[i] < 1000 + 157,
				  "input %zu, output %u: %u of %u", bit, i,
				  turned[i], ROUNDS);
	}
}

Test(addr_hash, each_bit_of_address_port_scope_and_seed_turns_half_of_the_hash)
{
	assert_avalanche(AF_INET, 64 + 16 + 32);
	assert_avalanche(AF_INET6, 64 + 16 + 32 + 128);
}

#define BUCKETS 1024
#define PER_BUCKET 64

/* As a server's peers are: many addresses of one network, a few ports. */
static uint64_t hash_of_neighbour(uint32_t number, uint64_t seed)
{
	struct hail_addr addr = parsed("10.0.0.0", 0);

	addr.v4.sin_addr.s_addr = htonl(0x0a000000 + number / 16);
	addr.v4.sin_port = htons((uint16_t)(40000 + number % 16));
	return hail_addr_hash(&addr, seed);
}

/* Pearson's sum for 1023 degrees of freedom is 1023 with a deviation of 45. */
static void assert_spread(unsigned shift, uint64_t seed)
{
	static unsigned found[BUCKETS];
	double sum = 0;

	memset(found, 0, sizeof(found));
	for (uint32_t i = 0; i < BUCKETS * PER_BUCKET; i++)
		found[hash_of_neighbour(i, seed) >> shift & (BUCKETS - 1)]++;
	for (size_t i = 0; i < BUCKETS; i++) {
		double off = (double)found[i] - PER_BUCKET;

		sum += off * off / PER_BUCKET;
	}
	cr_assert(sum > 1023 - 5 * 45 && sum < 1023 + 5 * 45,
		  "bits from %u, seed %llu: %f", shift,
		  (unsigned long long)seed, sum);
}

Test(addr_hash, neighbours_spread_evenly_by_any_ten_bits)
{
	for (unsigned shift = 0; shift <= 54; shift += 9)
		for (uint64_t seed = 0; seed < 3; seed++)
			assert_spread(shift, seed);
}
