/* SPDX-License-Identifier: MIT */
/* How long trains to a remote are left alone after one was refused. */
#include "net/gso_limit.h"
#include "util/clock.h"

#include <criterion/criterion.h>

#define START (1000 * HL_NS_PER_S)

static struct hl_gso_limits limits;

Test(gso_limit, nothing_is_limited_at_first)
{
	for (uint64_t hash = 0; hash < 200; hash++)
		cr_assert_eq(hl_gso_limit_get(&limits, hash, 0),
			     HL_GSO_UNLIMITED);
	cr_assert_eq(limits.until_ns, 0);
}

Test(gso_limit, what_was_refused_counts_for_its_remote_alone)
{
	hl_gso_limit_set(&limits, 5, 1199, START);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START), 1199);
	cr_assert_eq(hl_gso_limit_get(&limits, 6, START), HL_GSO_UNLIMITED);
	cr_assert_eq(limits.until_ns, START + HL_NS_PER_S);
}

Test(gso_limit, it_counts_for_a_second_and_then_no_more)
{
	hl_gso_limit_set(&limits, 5, 0, START);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + HL_NS_PER_S - 1), 0);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + HL_NS_PER_S),
		     HL_GSO_UNLIMITED);
}

Test(gso_limit, the_span_doubles_up_to_about_a_minute)
{
	uint64_t span = HL_NS_PER_S;

	for (uint32_t times = 1; times <= 7; times++, span *= 2)
		cr_assert_eq(hl_gso_limit_span(times), span, "%u", times);
	cr_assert_eq(hl_gso_limit_span(8), 64 * HL_NS_PER_S);
	cr_assert_eq(hl_gso_limit_span(UINT32_MAX), 64 * HL_NS_PER_S);
}

/* Refused as soon as it is tried again. */
Test(gso_limit, each_refusal_in_a_row_counts_for_twice_as_long)
{
	uint64_t now = START;

	for (uint32_t times = 1; times < 12; times++) {
		uint64_t span = hl_gso_limit_span(times);

		hl_gso_limit_set(&limits, 5, 1199, now);
		cr_assert_eq(hl_gso_limit_get(&limits, 5, now + span - 1), 1199,
			     "%u", times);
		now += span;
		cr_assert_eq(hl_gso_limit_get(&limits, 5, now),
			     HL_GSO_UNLIMITED, "%u", times);
	}
}

Test(gso_limit, several_of_one_submission_are_one_refusal)
{
	for (int i = 0; i < 10; i++)
		hl_gso_limit_set(&limits, 5, 1199, START);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + HL_NS_PER_S),
		     HL_GSO_UNLIMITED);
}

Test(gso_limit, of_several_that_count_the_shortest_segment_stays)
{
	hl_gso_limit_set(&limits, 5, 1199, START);
	hl_gso_limit_set(&limits, 5, 799, START);
	hl_gso_limit_set(&limits, 5, 999, START + 1);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + 2), 799);
	hl_gso_limit_set(&limits, 5, 999, START + HL_NS_PER_S);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + HL_NS_PER_S), 999);
}

Test(gso_limit, a_refusal_long_after_the_last_is_a_first_one)
{
	hl_gso_limit_set(&limits, 5, 1199, START);
	hl_gso_limit_set(&limits, 5, 1199, START + HL_NS_PER_S);
	/* The second counts until three seconds after the start. */
	hl_gso_limit_set(&limits, 5, 1199, START + 5 * HL_NS_PER_S);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + 6 * HL_NS_PER_S),
		     HL_GSO_UNLIMITED);
}

Test(gso_limit, of_two_that_share_a_place_the_latter_stays)
{
	uint64_t other = 5 + HL_GSO_LIMITS_MAX;

	hl_gso_limit_set(&limits, 5, 1199, START);
	hl_gso_limit_set(&limits, 5, 1199, START + HL_NS_PER_S);
	hl_gso_limit_set(&limits, other, 0, START + HL_NS_PER_S + 1);
	cr_assert_eq(hl_gso_limit_get(&limits, 5, START + HL_NS_PER_S + 2),
		     HL_GSO_UNLIMITED);
	cr_assert_eq(hl_gso_limit_get(&limits, other, START + HL_NS_PER_S + 2),
		     0);
	/* It is a newcomer's first. */
	cr_assert_eq(
		hl_gso_limit_get(&limits, other, START + 2 * HL_NS_PER_S + 1),
		HL_GSO_UNLIMITED);
}

Test(gso_limit, as_many_as_there_are_places_are_remembered)
{
	for (uint64_t hash = 0; hash < HL_GSO_LIMITS_MAX; hash++)
		hl_gso_limit_set(&limits, hash, (uint32_t)hash, START);
	for (uint64_t hash = 0; hash < HL_GSO_LIMITS_MAX; hash++)
		cr_assert_eq(hl_gso_limit_get(&limits, hash, START), hash);
}
