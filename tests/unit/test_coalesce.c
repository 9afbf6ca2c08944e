/* SPDX-License-Identifier: MIT */
/* Coalescing is turned on by runs of one sender and one size in large batches,
 * and by nothing else. */
#include "coalesce.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

#define COUNT_MAX 64

static struct hail_datagram batch[COUNT_MAX];

/* Runs of `run` datagrams of one sender, each sender's of another size. */
static void fill(size_t count, size_t run)
{
	for (size_t i = 0; i < count; i++) {
		uint16_t sender = (uint16_t)(i / run);

		batch[i] = (struct hail_datagram){
			.remote.v4 = {.sin_family = AF_INET,
				      .sin_port = htons(1000 + sender)},
			.size = 100u + sender,
			.true_size = 100u + sender,
		};
	}
}

static struct hl_coalesce automatic(void)
{
	struct hl_coalesce coalesce;

	hl_coalesce_init(&coalesce, HAIL_COALESCE_AUTO);
	return coalesce;
}

/* As a socket does it; returns after how many batches it was turned on, or 0:
 * it was not by `batches`. */
static unsigned feed(struct hl_coalesce *coalesce, size_t count,
		     unsigned batches)
{
	for (unsigned n = 1; n <= batches; n++) {
		if (hl_coalesce_due(coalesce, count) &&
		    hl_coalesce_look(coalesce, batch, count)) {
			hl_coalesce_turned(coalesce, true);
			return n;
		}
	}
	return 0;
}

Test(coalesce, runs_turn_it_on_after_a_while)
{
	for (size_t count = HL_COALESCE_BATCH; count <= COUNT_MAX; count++) {
		struct hl_coalesce coalesce = automatic();

		fill(count, count);
		cr_assert_not(coalesce.on);
		cr_assert_eq(feed(&coalesce, count, 1000), HL_COALESCE_SCORE);
		cr_assert(coalesce.on);
		cr_assert_not(hl_coalesce_due(&coalesce, count));
	}
}

Test(coalesce, small_batches_are_not_looked_at)
{
	struct hl_coalesce coalesce = automatic();

	fill(HL_COALESCE_BATCH - 1, COUNT_MAX);
	cr_assert_eq(feed(&coalesce, HL_COALESCE_BATCH - 1, 10000), 0);
	cr_assert_eq(coalesce.score, 0);
}

Test(coalesce, one_datagram_each_of_many_senders_does_not)
{
	struct hl_coalesce coalesce = automatic();

	fill(COUNT_MAX, 1);
	cr_assert_eq(feed(&coalesce, COUNT_MAX, 10000), 0);
}

Test(coalesce, runs_of_several_senders_do)
{
	struct hl_coalesce coalesce = automatic();

	/* The middle pair straddles two of them. */
	fill(34, 6);
	cr_assert_eq(feed(&coalesce, 34, 1000), HL_COALESCE_SCORE);
}

Test(coalesce, sizes_that_differ_do_not)
{
	struct hl_coalesce coalesce = automatic();

	fill(32, 32);
	for (uint32_t i = 0; i < 32; i++)
		batch[i].true_size += i;
	cr_assert_eq(feed(&coalesce, 32, 10000), 0);
}

Test(coalesce, what_cannot_share_a_piece_does_not)
{
	static const uint32_t sizes[] = {0, 32754, 65507};
	static const uint32_t least = 32753;
	struct hl_coalesce coalesce = automatic();

	fill(32, 32);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		for (size_t i = 0; i < 32; i++)
			batch[i].true_size = sizes[k];
		cr_assert_eq(feed(&coalesce, 32, 1000), 0);
	}
	for (size_t i = 0; i < 32; i++)
		batch[i].true_size = least;
	cr_assert_neq(feed(&coalesce, 32, 1000), 0);
}

/* What is cut has the size that was sent. */
Test(coalesce, what_is_cut_to_one_size_does_not)
{
	struct hl_coalesce coalesce = automatic();

	fill(32, 32);
	for (uint32_t i = 0; i < 32; i++) {
		batch[i].size = 10;
		batch[i].true_size = 100 + i;
	}
	cr_assert_eq(feed(&coalesce, 32, 1000), 0);
}

Test(coalesce, a_batch_without_runs_takes_back_two_with)
{
	struct hl_coalesce coalesce = automatic();

	for (unsigned n = 0; n < 1000; n++) {
		fill(32, 32);
		cr_assert_eq(feed(&coalesce, 32, 2), 0);
		fill(32, 1);
		cr_assert_eq(feed(&coalesce, 32, 1), 0);
	}
	cr_assert_eq(coalesce.score, 0);
}

Test(coalesce, a_kernel_that_refuses_is_not_asked_again)
{
	struct hl_coalesce coalesce = automatic();

	hl_coalesce_turned(&coalesce, false);
	fill(32, 32);
	cr_assert_eq(feed(&coalesce, 32, 1000), 0);
	cr_assert_not(coalesce.on);
}

Test(coalesce, whoever_has_decided_is_not_overruled)
{
	struct hl_coalesce coalesce;

	fill(32, 32);
	hl_coalesce_init(&coalesce, HAIL_COALESCE_OFF);
	cr_assert_eq(feed(&coalesce, 32, 1000), 0);
	cr_assert_not(coalesce.on);
	hl_coalesce_init(&coalesce, HAIL_COALESCE_ON);
	cr_assert(coalesce.on);
	cr_assert_eq(feed(&coalesce, 32, 1000), 0);
	cr_assert(coalesce.on);
}
