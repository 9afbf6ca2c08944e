/* SPDX-License-Identifier: MIT */
/* support/random.h: numbers that only look random: the same for the same seed,
 * so that a failure can be had again. */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct test_random {
	uint64_t state;
};

struct test_random test_random_seeded(uint64_t seed);
uint64_t test_random_next(struct test_random *random);
/* From 0 to `bound` - 1; `bound` isn't 0. */
uint64_t test_random_below(struct test_random *random, uint64_t bound);
void test_random_fill(struct test_random *random, void *memory, size_t size);

#endif
