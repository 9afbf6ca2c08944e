/* SPDX-License-Identifier: MIT */
/* No second, wherever it begins, has more than HAIL_LOG_RATE lines, and none is
 * left out without being counted. */
#include "log.h"

#include "random.h"
#include "util/clock.h"

#include <criterion/criterion.h>

#define START UINT64_C(123456789)
#define NEVER UINT64_MAX

static struct hl_log_limit limit;

/* How many were left out before, or NEVER. */
static uint64_t admit(uint64_t now)
{
	uint64_t left_out = NEVER - 1;

	return hl_log_admit(&limit, now, &left_out) ? left_out : NEVER;
}

static void fill(uint64_t now)
{
	for (int i = 0; i < HAIL_LOG_RATE; i++)
		cr_assert_eq(admit(now), 0);
}

Test(log, the_first_lines_are_written_at_once)
{
	fill(START);
	cr_assert_eq(admit(START), NEVER);
}

Test(log, also_where_the_clock_has_just_begun)
{
	fill(0);
	cr_assert_eq(admit(0), NEVER);
}

Test(log, a_line_may_follow_a_second_after_the_one_that_it_displaces)
{
	fill(START);
	cr_assert_eq(admit(START + HL_NS_PER_S - 1), NEVER);
	cr_assert_eq(admit(START + HL_NS_PER_S), 1);
}

Test(log, those_left_out_are_told_once)
{
	fill(START);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(admit(START + 1), NEVER);
	cr_assert_eq(admit(START + HL_NS_PER_S), 1000);
	cr_assert_eq(admit(START + HL_NS_PER_S), 0);
}

Test(log, what_is_left_out_keeps_nothing_waiting)
{
	fill(START);
	for (uint64_t i = 1; i < HL_NS_PER_S; i += HL_NS_PER_S / 100)
		cr_assert_eq(admit(START + i), NEVER);
	cr_assert_neq(admit(START + HL_NS_PER_S), NEVER);
}

Test(log, few_lines_a_second_are_all_written)
{
	for (uint64_t i = 0; i < 1000; i++)
		cr_assert_eq(admit(START + i * HL_NS_PER_S / HAIL_LOG_RATE), 0);
}

Test(log, no_second_has_too_many_and_each_line_is_accounted_for)
{
	static uint64_t times[10000];
	struct test_random random = test_random_seeded(1);
	uint64_t now = START, asked = 0, told = 0, written = 0;
	uint64_t left_out;

	for (; asked < 10000; asked++) {
		now += test_random_below(&random, HL_NS_PER_S / 20);
		left_out = admit(now);
		if (left_out == NEVER)
			continue;
		told += left_out;
		times[written++] = now;
		if (written > HAIL_LOG_RATE)
			cr_assert_geq(now - times[written - 1 - HAIL_LOG_RATE],
				      HL_NS_PER_S);
	}
	cr_assert_gt(told, 0);
	cr_assert_eq(written + told + limit.left_out, asked);
}
