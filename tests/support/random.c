/* SPDX-License-Identifier: MIT */
/* support/random.c: splitmix64, which is good for any seed, zero included. */
#include "random.h"

struct test_random test_random_seeded(uint64_t seed)
{
	return (struct test_random){.state = seed};
}

uint64_t test_random_next(struct test_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t test_random_below(struct test_random *random, uint64_t bound)
{
	return test_random_next(random) % bound;
}

void test_random_fill(struct test_random *random, void *memory, size_t size)
{
	unsigned char *bytes = memory;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)test_random_next(random);
}
