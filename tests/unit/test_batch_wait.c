/* SPDX-License-Identifier: MIT */
/* How long waiting for a batch pays follows the rate at which datagrams come,
 * and no clock but the one that is told. */
#include "batch_wait.h"

#include <criterion/criterion.h>

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)

/* A turn every `step_ns` that brings `count`, so often; the last answer. */
static uint64_t repeat(struct hl_batch_wait *wait, uint64_t *now,
		       uint64_t step_ns, uint32_t count, unsigned times)
{
	uint64_t chosen = 0;

	for (unsigned i = 0; i < times; i++) {
		hl_batch_wait_note(wait, count);
		*now += step_ns;
		chosen = hl_batch_wait_choose(wait, *now);
	}
	return chosen;
}

Test(batch_wait, where_nothing_comes_there_is_no_wait)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	cr_assert_eq(hl_batch_wait_choose(&wait, now), 0);
	cr_assert_eq(repeat(&wait, &now, MS, 0, 100), 0);
	cr_assert_eq(wait.chosen_ns, 0);
}

Test(batch_wait, a_few_datagrams_a_second_are_not_waited_for)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(repeat(&wait, &now, 20 * MS, 1, 1), 0);
}

Test(batch_wait, a_burst_after_a_silence_is_not_taken_for_a_rate)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	hl_batch_wait_choose(&wait, now);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(repeat(&wait, &now, 20 * MS, 33, 1), 0);
}

/* 100 a millisecond, told in turns of any length. */
Test(batch_wait, at_a_high_rate_it_is_as_long_as_a_good_batch_takes)
{
	static const struct {
		uint64_t step_ns;
		uint32_t count;
	} turns[] = {
		{10 * US, 1},
		{50 * US, 5},
		{MS, 100},
		{7 * MS, 700},
	};
	uint64_t good = HL_BATCH_WAIT_GOOD * 10 * US;

	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct hl_batch_wait wait = {.limit_ns = MS};
		uint64_t now = 5 * S;
		uint64_t chosen = repeat(&wait, &now, turns[i].step_ns,
					 turns[i].count, 2000);

		cr_assert_leq(chosen, good + good / 50, "case %zu", i);
		cr_assert_geq(chosen, good - good / 50, "case %zu", i);
		cr_assert_eq(wait.chosen_ns, chosen);
	}
}

Test(batch_wait, it_is_never_longer_than_the_limit)
{
	for (uint64_t limit = 1; limit <= S; limit *= 10) {
		for (uint32_t count = 0; count < 100; count++) {
			struct hl_batch_wait wait = {.limit_ns = limit};
			uint64_t now = 5 * S;

			for (int i = 0; i < 50; i++)
				cr_assert_leq(
					repeat(&wait, &now, limit, count, 1),
					limit);
		}
	}
}

Test(batch_wait, it_begins_where_enough_come_within_the_limit)
{
	const uint32_t worth = HL_BATCH_WAIT_WORTH;

	for (uint64_t limit = 10 * US; limit <= S; limit *= 10) {
		struct hl_batch_wait below = {.limit_ns = limit};
		struct hl_batch_wait above = {.limit_ns = limit};
		uint64_t now = 5 * S;

		cr_assert_eq(repeat(&below, &now, limit, worth - 1, 200), 0);
		now = 5 * S;
		cr_assert_eq(repeat(&above, &now, limit, worth + 1, 200),
			     limit);
	}
}

/* However high it was: a wait in vain costs a timer. */
Test(batch_wait, when_the_rate_falls_it_ends_after_a_few_waits)
{
	for (uint32_t count = 1; count < 1000; count++) {
		struct hl_batch_wait wait = {.limit_ns = MS};
		uint64_t now = 5 * S;

		repeat(&wait, &now, MS, count, 100);
		repeat(&wait, &now, 20 * MS, 1, 3);
		cr_assert_eq(wait.chosen_ns, 0, "%u a millisecond", count);
	}
}

Test(batch_wait, when_the_rate_rises_it_begins_within_the_limit)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	repeat(&wait, &now, S, 1, 1);
	cr_assert_gt(repeat(&wait, &now, 10 * US, 1, 100), 0);
}

/* An engine whose waits bring `count` each, while many come in between them:
 * how many it makes in so many turns. */
static unsigned count_waits(struct hl_batch_wait *wait, uint64_t *now,
			    uint32_t count, unsigned turns)
{
	unsigned waits = 0;

	for (unsigned i = 0; i < turns; i++) {
		if (!repeat(wait, now, 10 * US, 1, 1))
			continue;
		hl_batch_wait_judge(wait, count);
		waits++;
	}
	return waits;
}

Test(batch_wait, one_that_brings_something_is_followed_by_the_next)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	repeat(&wait, &now, 10 * US, 1, 1000);
	cr_assert_eq(count_waits(&wait, &now, HL_BATCH_WAIT_VAIN, 100), 100);
}

/* As where a remote sends one when it has the answer to the last. */
Test(batch_wait, one_in_vain_is_followed_by_a_rest_that_doubles)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S, rest = 0;

	repeat(&wait, &now, 10 * US, 1, 1000);
	for (unsigned i = 1; i <= 2 * HL_BATCH_WAIT_REST_MAX; i++) {
		uint64_t chosen = repeat(&wait, &now, 10 * US, 1, 1);

		cr_assert_gt(chosen, 0);
		hl_batch_wait_judge(&wait, HL_BATCH_WAIT_VAIN - 1);
		rest = chosen
		       << (i < HL_BATCH_WAIT_REST_MAX ? i
						      : HL_BATCH_WAIT_REST_MAX);
		cr_assert_eq(count_waits(&wait, &now, 0,
					 (unsigned)(rest / (10 * US))),
			     0, "rest %u", i);
		now += MS;
	}
}

Test(batch_wait, one_that_is_worth_it_ends_the_doubling)
{
	struct hl_batch_wait wait = {.limit_ns = MS};
	uint64_t now = 5 * S;

	repeat(&wait, &now, 10 * US, 1, 1000);
	count_waits(&wait, &now, 0, 100000);
	repeat(&wait, &now, 10 * US, 1, 100000);
	hl_batch_wait_judge(&wait, HL_BATCH_WAIT_GOOD);
	hl_batch_wait_judge(&wait, 0);
	cr_assert_leq(wait.rest_end, now + 3 * MS);
}

/* Powers of two, whose products would leave nothing of 64 bits. */
Test(batch_wait, no_number_is_too_large)
{
	struct hl_batch_wait wait = {.limit_ns = 1 << 29};
	uint64_t now = 0;

	for (int i = 0; i < 100; i++) {
		hl_batch_wait_note(&wait, UINT32_C(1) << 31);
		cr_assert_gt(repeat(&wait, &now, 0, UINT32_C(1) << 31, 1), 0);
		cr_assert_lt(wait.chosen_ns, MS);
	}
	cr_assert_eq(hl_batch_wait_choose(&wait, UINT64_MAX), 0);
	cr_assert_leq(hl_batch_wait_choose(&wait, 0), wait.limit_ns);
}
