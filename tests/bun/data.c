/* SPDX-License-Identifier: MIT */
/* data.c: what the data handler is given. Bun calls it once a datagram, with a
 * fresh copy of the bytes, the sender's port and address, and whether it was
 * truncated and came by IPv6. */
#include "support/live.h"

#define TOGETHER 30

Test(bun_data, one_call_hands_over_what_arrived_together)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	for (int i = 0; i < TOGETHER; i++)
		live_plain_send(talk.fd, "x", live_port(&talk.live));
	live_until(talk.engine, talk.live.datagrams);
	cr_assert_eq(talk.live.datagrams, TOGETHER);
	cr_assert_eq(talk.live.batches, 1);
	live_talk_end(&talk);
}

Test(bun_data, each_datagram_names_its_sender_and_the_family)
{
	struct live_talk v4 = {.ip = "127.0.0.1"}, v6 = {.ip = "::1"};

	live_talk_start(&v4, NULL);
	live_talk_hear(&v4, "who");
	cr_assert(hail_addr_equal(&v4.live.last_remote, &v4.remote));
	cr_assert_eq(v4.live.last_remote.sa.sa_family, AF_INET);
	live_talk_end(&v4);
	live_talk_start(&v6, NULL);
	live_talk_hear(&v6, "who");
	cr_assert(hail_addr_equal(&v6.live.last_remote, &v6.remote));
	cr_assert_eq(v6.live.last_remote.sa.sa_family, AF_INET6);
	live_talk_end(&v6);
}

static void note(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	*(struct hail_datagram *)live->arg = batch[count - 1];
}

Test(bun_data, a_truncated_datagram_is_flagged_and_tells_its_true_size)
{
	struct hail_datagram got = {0};
	struct live_talk talk = {.live = {.on_data = note, .arg = &got}};

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.datagram_max = 4));
	live_plain_send(talk.fd, "four and more", live_port(&talk.live));
	live_until(talk.engine, talk.live.datagrams == 1);
	live_expect_last(&talk.live, "four");
	cr_assert_eq(got.flags, HAIL_DATAGRAM_TRUNCATED);
	cr_assert_eq(got.true_size, strlen("four and more"));
	live_talk_hear(&talk, "fits");
	cr_assert_eq(got.flags, 0);
	live_talk_end(&talk);
}

static void keep_first(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct hail_datagram *kept = live->arg;

	(void)count;
	if (kept->buffer)
		return;
	*kept = batch[0];
	cr_assert_eq(hail_buffer_retain(kept->buffer), 0);
}

Test(bun_data, retained_bytes_stay_where_they_are_without_a_copy)
{
	struct hail_datagram kept = {0};
	struct live_talk talk = {.live = {.on_data = keep_first, .arg = &kept}};

	live_talk_start(&talk, NULL);
	live_talk_hear(&talk, "to be kept");
	for (int i = 0; i < 1000; i++)
		live_talk_hear(&talk, "others after");
	cr_assert_eq(kept.size, strlen("to be kept"));
	cr_assert(!memcmp(kept.data, "to be kept", kept.size));
	cr_assert_eq(live_stats(talk.engine).buffers.in_use, 1);
	cr_assert_eq(hail_buffer_release(kept.buffer), 0);
	live_talk_end(&talk);
}

static void count_buffers(struct live *live, const struct hail_datagram *batch,
			  size_t count)
{
	(void)batch;
	(void)count;
	*(uint32_t *)live->arg = live_stats(live->engine).buffers.in_use;
}

Test(bun_data, what_is_not_retained_ends_with_the_handler)
{
	uint32_t inside = 0;
	struct live_talk talk = {
		.live = {.on_data = count_buffers, .arg = &inside}};

	live_talk_start(&talk, NULL);
	live_talk_hear(&talk, "short-lived");
	cr_assert_eq(inside, 1);
	cr_assert_eq(live_stats(talk.engine).buffers.in_use, 0);
	live_talk_end(&talk);
}
