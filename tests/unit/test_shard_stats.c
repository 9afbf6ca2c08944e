/* SPDX-License-Identifier: MIT */
/* The sum of shards' counters: that no member of the struct is left out. */
#include "shard_stats.h"

#include <criterion/criterion.h>
#include <string.h>

/* Each 32 bits of all members, but for the size. */
static void expect_words(const struct hail_engine_stats *stats, uint32_t word)
{
	const unsigned char *bytes = (const unsigned char *)stats;
	uint32_t found;

	for (size_t at = sizeof(stats->size); at < sizeof(*stats); at += 4) {
		memcpy(&found, bytes + at, sizeof(found));
		cr_assert_eq(found, word, "at byte %zu: %x", at, found);
	}
}

Test(shard_stats, every_member_is_added)
{
	struct hail_engine_stats sum = {0}, part;

	memset(&part, 1, sizeof(part));
	hl_shard_stats_add(&sum, &part);
	expect_words(&sum, 0x01010101);
	hl_shard_stats_add(&sum, &part);
	cr_assert_eq(sum.batch_wait_ns, part.batch_wait_ns);
	cr_assert_eq(sum.napi_us, part.napi_us);
	sum.batch_wait_ns += part.batch_wait_ns;
	sum.napi_us += part.napi_us;
	expect_words(&sum, 0x02020202);
	cr_assert_eq(sum.size, 0);
}

Test(shard_stats, of_what_counts_nothing_the_highest_is_told)
{
	struct hail_engine_stats sum = {.batch_wait_ns = 7, .napi_us = 3};
	struct hail_engine_stats part = {.batch_wait_ns = 5, .napi_us = 4};

	hl_shard_stats_add(&sum, &part);
	cr_assert_eq(sum.batch_wait_ns, 7);
	cr_assert_eq(sum.napi_us, 4);
}
