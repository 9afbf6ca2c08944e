/* SPDX-License-Identifier: MIT */
/* The set of numbers holds what was put in, and nothing else. */
#include "util/idset.h"

#include "random.h"

#include <criterion/criterion.h>
#include <errno.h>

#define MANY 20000

static struct hl_idset set;

static void empty(void)
{
	cr_assert_eq(set.count, 0);
	cr_assert_null(set.slots);
}

TestSuite(idset, .init = empty);

Test(idset, an_empty_one_has_nothing_and_owns_nothing)
{
	cr_assert_not(hl_idset_has(&set, 1));
	cr_assert_not(hl_idset_remove(&set, 1));
	empty();
}

Test(idset, what_is_there_is_not_added_again)
{
	cr_assert_eq(hl_idset_add(&set, 7), 0);
	cr_assert_eq(hl_idset_add(&set, 7), -EEXIST);
	cr_assert_eq(set.count, 1);
	cr_assert(hl_idset_remove(&set, 7));
	cr_assert_not(hl_idset_remove(&set, 7));
	empty();
}

Test(idset, every_number_but_0_can_be_there)
{
	const uint64_t ids[] = {1,          2,
				UINT32_MAX, UINT64_C(1) << 32,
				UINT64_MAX, UINT64_MAX - 1};
	const size_t count = sizeof(ids) / sizeof(*ids);

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hl_idset_add(&set, ids[i]), 0);
	for (size_t i = 0; i < count; i++)
		cr_assert(hl_idset_has(&set, ids[i]));
	for (size_t i = 0; i < count; i++)
		cr_assert(hl_idset_remove(&set, ids[i]));
	empty();
}

/* As cookies are: consecutive, or in runs of one processor each. */
Test(idset, many_consecutive_numbers_come_and_go)
{
	for (uint64_t id = 1; id <= MANY; id++)
		cr_assert_eq(hl_idset_add(&set, id * 4096), 0);
	cr_assert_eq(set.count, MANY);
	cr_assert_leq(set.capacity, 4 * MANY);
	for (uint64_t id = 1; id <= MANY; id += 2)
		cr_assert(hl_idset_remove(&set, id * 4096));
	for (uint64_t id = 1; id <= MANY; id++)
		cr_assert_eq(hl_idset_has(&set, id * 4096), id % 2 == 0);
	for (uint64_t id = 2; id <= MANY; id += 2)
		cr_assert(hl_idset_remove(&set, id * 4096));
	empty();
}

#define RANGE 300

/* Against an array of bools, at every filling, gaps in the middle of runs of
 * taken slots among them. */
Test(idset, it_holds_what_a_plain_table_holds)
{
	struct test_random random = test_random_seeded(5);
	bool there[RANGE + 1] = {false};

	for (unsigned i = 0; i < 200000; i++) {
		uint64_t id = 1 + test_random_below(&random, RANGE);

		if (i / 1000 % 2 == test_random_below(&random, 4) / 3) {
			cr_assert_eq(hl_idset_add(&set, id),
				     there[id] ? -EEXIST : 0);
			there[id] = true;
		} else {
			cr_assert_eq(hl_idset_remove(&set, id), there[id]);
			there[id] = false;
		}
		id = 1 + test_random_below(&random, RANGE);
		cr_assert_eq(hl_idset_has(&set, id), there[id]);
	}
	for (uint64_t id = 1; id <= RANGE; id++)
		cr_assert_eq(hl_idset_remove(&set, id), there[id]);
	empty();
}
