/* SPDX-License-Identifier: MIT */
/* buffers.c: the kernel's buffers of a socket. Bun leaves them as they are: of
 * 10,000 datagrams of 1400 bytes that come while it is busy 92 arrive, and
 * nobody tells of the others. */
#include "support/live.h"

#define MANY 10000
#define SIZE 1400

/* Many that come before the socket is looked at. */
static struct hail_socket_stats flood(struct live_talk *talk,
				      uint32_t receive_buffer)
{
	static const char payload[SIZE];
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	live_talk_start(talk,
			&HAIL_SOCKET_OPTIONS(.receive_buffer = receive_buffer,
					     .facts = HAIL_FACT_DROPS));
	for (int i = 0; i < MANY; i++)
		cr_assert(plain_send(talk->fd, payload, SIZE,
				     live_port(&talk->live)));
	live_settle(talk->engine);
	cr_assert_eq(hail_socket_stats(talk->live.socket, &stats), 0);
	return stats;
}

Test(bun_buffers, their_sizes_are_options)
{
	struct live_talk talk = {0};
	uint32_t value;

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.receive_buffer = 50000,
						    .send_buffer = 40000));
	cr_assert_eq(hail_socket_get(talk.live.socket,
				     HAIL_OPTION_RECEIVE_BUFFER, &value),
		     0);
	cr_assert_eq(value, 50000);
	cr_assert_eq(hail_socket_get(talk.live.socket, HAIL_OPTION_SEND_BUFFER,
				     &value),
		     0);
	cr_assert_eq(value, 40000);
	live_talk_end(&talk);
}

Test(bun_buffers, a_large_one_loses_none_of_ten_thousand)
{
	struct live_talk talk = {0};
	struct hail_socket_stats stats = flood(&talk, 64 << 20);

	if (stats.receive_buffer < 128 << 20)
		cr_skip_test("net.core.rmem_max is too small");
	cr_assert_eq(stats.kernel_drops, 0);
	cr_assert_eq(talk.live.datagrams, MANY);
	live_talk_end(&talk);
}

Test(bun_buffers, what_the_kernel_drops_is_counted)
{
	struct live_talk talk = {0};
	struct hail_socket_stats stats = flood(&talk, 0);

	cr_assert_gt(stats.kernel_drops, 0);
	cr_assert_eq(stats.traffic.received + stats.kernel_drops, MANY);
	live_talk_end(&talk);
}

Test(bun_buffers, what_the_kernel_drops_is_told_with_a_datagram)
{
	struct live_talk talk = {0};
	uint64_t drops = flood(&talk, 0).kernel_drops;

	live_talk_hear(&talk, "after the flood");
	cr_assert(talk.live.last_facts.known & HAIL_FACT_DROPS);
	cr_assert_eq(talk.live.last_facts.drops, drops);
	live_talk_end(&talk);
}
