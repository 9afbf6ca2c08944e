/* SPDX-License-Identifier: MIT */
/* Plans of random batches against a simple oracle, and against the rules that
 * the kernel and the promises make. */
#include "plan.h"
#include "random.h"

#include <criterion/criterion.h>

#define ROUNDS 3000

static const struct hl_memory memory; /* malloc() and free() */

static void check(const uint8_t *bytes, size_t size, struct hl_gso *gso,
		  uint64_t seed)
{
	static struct plan plan;
	const char *broken;

	plan_read(&plan, bytes, size);
	broken = plan_check(&plan, gso);
	cr_assert_null(broken, "seed %lu: %s", seed, broken);
}

/* One set of books for all, as an engine has: nothing of an earlier plan may
 * count. */
Test(gso_plan, is_the_oracles_for_random_batches)
{
	static uint8_t bytes[PLAN_HEADER_SIZE + PLAN_MESSAGE_SIZE * 300];
	struct hl_gso gso = {0};

	cr_assert_eq(hl_gso_init(&gso, &memory, PLAN_MESSAGES_MAX), 0);
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct test_random random = test_random_seeded(seed);
		size_t size = test_random_below(
			&random, seed % 30 ? 200 : sizeof(bytes));

		test_random_fill(&random, bytes, size);
		check(bytes, size, &gso, seed);
	}
	hl_gso_fini(&gso);
}

/* Few remotes and few sizes: long trains, which random bytes seldom make. */
Test(gso_plan, is_the_oracles_for_batches_that_are_much_alike)
{
	static uint8_t bytes[PLAN_HEADER_SIZE + PLAN_MESSAGE_SIZE * 400];
	struct hl_gso gso = {0};

	cr_assert_eq(hl_gso_init(&gso, &memory, 400), 0);
	for (uint64_t seed = 0; seed < ROUNDS / 10; seed++) {
		struct test_random random = test_random_seeded(seed);

		test_random_fill(&random, bytes, sizeof(bytes));
		bytes[0] = (uint8_t)(3 + seed % 2);
		for (size_t i = PLAN_HEADER_SIZE; i < sizeof(bytes);
		     i += PLAN_MESSAGE_SIZE) {
			bytes[i] &= 1;
			bytes[i + 1] |= 1;
			bytes[i + 2] = 0;
			bytes[i + 3] = (uint8_t)(bytes[i + 3] % 40 ? 7 : 6);
		}
		check(bytes, sizeof(bytes), &gso, seed);
	}
	hl_gso_fini(&gso);
}
