/* SPDX-License-Identifier: MIT */
/* Whether a remote is in a submission already, for remotes of every kind. */
#include "distinct.h"

#include <criterion/criterion.h>
#include <hail/addr.h>

static struct hail_addr at(const char *ip, uint16_t port)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, ip, port), 0);
	return addr;
}

static const struct hl_memory memory; /* malloc() and free() */

static bool add(struct hl_distinct *distinct, const char *ip, uint16_t port)
{
	struct hail_addr addr = at(ip, port);

	return hl_distinct_add(distinct, &addr);
}

static void start(struct hl_distinct *distinct, uint32_t count)
{
	*distinct = (struct hl_distinct){0};
	cr_assert_eq(hl_distinct_init(distinct, &memory, count), 0);
	hl_distinct_begin(distinct);
}

Test(distinct, a_remote_is_new_once_in_a_submission)
{
	struct hl_distinct distinct;

	start(&distinct, 8);
	cr_assert(add(&distinct, "192.0.2.1", 9));
	cr_assert_not(add(&distinct, "192.0.2.1", 9));
	cr_assert_not(add(&distinct, "192.0.2.1", 9));
	hl_distinct_fini(&distinct);
}

Test(distinct, addresses_and_ports_both_tell_remotes_apart)
{
	struct hl_distinct distinct;

	start(&distinct, 8);
	cr_assert(add(&distinct, "192.0.2.1", 9));
	cr_assert(add(&distinct, "192.0.2.1", 10));
	cr_assert(add(&distinct, "192.0.2.2", 9));
	cr_assert(add(&distinct, "193.0.2.1", 9));
	cr_assert(add(&distinct, "2001:db8::1", 11));
	cr_assert(add(&distinct, "2001:db8::1", 12));
	cr_assert_not(add(&distinct, "192.0.2.2", 9));
	cr_assert_not(add(&distinct, "2001:db8::1", 11));
	hl_distinct_fini(&distinct);
}

/* A dual-stack socket may be given either. */
Test(distinct, a_mapped_address_is_the_one_that_it_stands_for)
{
	struct hl_distinct distinct;

	start(&distinct, 8);
	cr_assert(add(&distinct, "192.0.2.1", 9));
	cr_assert_not(add(&distinct, "::ffff:192.0.2.1", 9));
	cr_assert(add(&distinct, "::ffff:192.0.2.1", 10));
	cr_assert_not(add(&distinct, "192.0.2.1", 10));
	hl_distinct_fini(&distinct);
}

Test(distinct, a_new_submission_has_nothing_in_it)
{
	struct hl_distinct distinct;

	start(&distinct, 2);
	for (int i = 0; i < 1000; i++) {
		cr_assert(add(&distinct, "192.0.2.1", 9));
		cr_assert_not(add(&distinct, "192.0.2.1", 9));
		hl_distinct_begin(&distinct);
	}
	hl_distinct_fini(&distinct);
}

/* Adds `count` of them; each must be found, or each must not. */
static void add_many(struct hl_distinct *distinct, uint32_t count, bool fresh)
{
	for (uint32_t i = 0; i < count; i++) {
		struct hail_addr addr = at("10.0.0.0", (uint16_t)(1 + i % 97));

		addr.v4.sin_addr.s_addr += i << 8;
		cr_assert_eq(hl_distinct_add(distinct, &addr), fresh,
			     "%u of %u", i, count);
	}
}

Test(distinct, as_many_as_it_was_made_for_fit)
{
	static const uint32_t counts[] = {1, 2, 3, 4, 256, 4096};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct hl_distinct distinct;

		start(&distinct, counts[i]);
		for (int round = 0; round < 3; round++) {
			add_many(&distinct, counts[i], true);
			add_many(&distinct, counts[i], false);
			hl_distinct_begin(&distinct);
		}
		hl_distinct_fini(&distinct);
	}
}

/* After 2^32 submissions the number of one is that of an old one again. */
Test(distinct, marks_of_an_old_round_do_not_count_when_its_number_comes_again)
{
	struct hl_distinct distinct;

	start(&distinct, 64);
	add_many(&distinct, 64, true);
	distinct.round = UINT32_MAX - 1;
	hl_distinct_begin(&distinct);
	cr_assert_eq(distinct.round, UINT32_MAX);
	add_many(&distinct, 32, true);
	add_many(&distinct, 32, false);
	hl_distinct_begin(&distinct);
	cr_assert_neq(distinct.round, 0, "that is what no mark has");
	add_many(&distinct, 64, true);
	add_many(&distinct, 64, false);
	hl_distinct_begin(&distinct);
	add_many(&distinct, 64, true);
	hl_distinct_fini(&distinct);
}

Test(distinct, the_marks_of_an_empty_table_belong_to_no_round)
{
	struct hl_distinct distinct = {0};

	cr_assert_eq(hl_distinct_init(&distinct, &memory, 4), 0);
	distinct.round = UINT32_MAX;
	hl_distinct_begin(&distinct);
	cr_assert(add(&distinct, "192.0.2.1", 9));
	cr_assert_not(add(&distinct, "192.0.2.1", 9));
	hl_distinct_fini(&distinct);
}
