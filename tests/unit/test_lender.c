/* SPDX-License-Identifier: MIT */
/* Whether lending pays is found out by one train, and asked again ever more
 * seldom. */
#include "lender.h"

#include "net/gso.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MINUTE (60 * HL_NS_PER_S)

/* Lends one at this time and hears what came of it. */
static void try_once(struct hl_lender *lender, enum hl_lender_verdict verdict,
		     uint64_t now)
{
	cr_assert(hl_lender_may(lender, now));
	hl_lender_lend(lender);
	hl_lender_learn(lender, verdict, now);
}

Test(lender, only_one_is_tried_at_first)
{
	struct hl_lender lender = {0};

	cr_assert(hl_lender_may(&lender, 0));
	hl_lender_lend(&lender);
	cr_assert_not(hl_lender_may(&lender, 100 * MINUTE));
}

Test(lender, after_a_gain_all_are_lent)
{
	struct hl_lender lender = {0};

	try_once(&lender, HL_LENDER_GAIN, 1);
	for (int i = 0; i < 100; i++) {
		cr_assert(hl_lender_may(&lender, 1));
		hl_lender_lend(&lender);
	}
}

Test(lender, a_loss_counts_for_a_minute_and_twice_as_long_each_time)
{
	struct hl_lender lender = {0};
	uint64_t now = 5, span = MINUTE;

	for (int i = 0; i < 20; i++) {
		try_once(&lender, HL_LENDER_LOSS, now);
		cr_assert_not(hl_lender_may(&lender, now + span - 1));
		now += span;
		if (i < 6)
			span *= 2;
	}
	cr_assert_eq(span, 64 * MINUTE);
}

Test(lender, several_losses_of_one_time_count_once)
{
	struct hl_lender lender = {0};

	try_once(&lender, HL_LENDER_GAIN, 0);
	for (int i = 0; i < 10; i++)
		hl_lender_lend(&lender);
	for (int i = 0; i < 10; i++)
		hl_lender_learn(&lender, HL_LENDER_LOSS, 1);
	cr_assert(hl_lender_may(&lender, 1 + MINUTE));
}

Test(lender, a_gain_forgets_earlier_losses)
{
	struct hl_lender lender = {0};

	try_once(&lender, HL_LENDER_LOSS, 0);
	try_once(&lender, HL_LENDER_LOSS, MINUTE);
	try_once(&lender, HL_LENDER_GAIN, 3 * MINUTE);
	try_once(&lender, HL_LENDER_LOSS, 4 * MINUTE);
	cr_assert(hl_lender_may(&lender, 5 * MINUTE));
}

Test(lender, a_send_that_failed_for_its_own_reason_says_nothing)
{
	struct hl_lender lender = {0};

	try_once(&lender, HL_LENDER_UNKNOWN, 0);
	cr_assert(hl_lender_may(&lender, 0));
	try_once(&lender, HL_LENDER_GAIN, 0);
	try_once(&lender, HL_LENDER_UNKNOWN, 0);
	cr_assert(hl_lender_may(&lender, 0));
	cr_assert_eq(lender.state, HL_LENDER_PROVEN);
}

Test(lender, pages_are_counted_once_where_bytes_follow_each_other)
{
	unsigned char *base = aligned_alloc(4096, 8 * 4096);
	uint32_t pages = 0;
	const void *end = NULL;

	cr_assert_eq(hl_gso_pages(NULL, base, 0, 4096), 0);
	cr_assert_eq(hl_gso_pages(NULL, base, 4096, 4096), 1);
	cr_assert_eq(hl_gso_pages(NULL, base + 1, 4096, 4096), 2);
	cr_assert_eq(hl_gso_pages(NULL, base + 4095, 4098, 4096), 3);
	for (size_t at = 100; at < 20000; at += 1000) {
		pages += hl_gso_pages(end, base + at, 1000, 4096);
		end = base + at + 1000;
	}
	cr_assert_eq(pages, hl_gso_pages(NULL, base + 100, 20000, 4096));
	free(base);
}
