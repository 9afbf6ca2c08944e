/* SPDX-License-Identifier: MIT */
/* close.c: the end of a socket. In Bun it is at once, may be asked for again,
 * nothing tells of it, and what was pending is gone; closing inside data stops
 * the batch. */
#include "netns/pair.h"

Test(bun_close, closing_again_is_0_and_does_nothing)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(hail_socket_close(talk.live.socket), 0);
	live_until(talk.engine, talk.live.closes);
	live_settle(talk.engine);
	cr_assert_eq(talk.live.closes, 1);
	live_talk_end(&talk);
}

Test(bun_close, the_close_handler_tells_it_from_a_later_turn)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_turn(talk.engine);
	cr_assert_eq(hail_socket_close(talk.live.socket), 0);
	cr_assert_eq(talk.live.closes, 0);
	live_until(talk.engine, talk.live.closes == 1);
	live_talk_end(&talk);
}

static void bind_again(struct live *live)
{
	struct hail_addr *local = live->arg;
	int fd = plain_open_at(&local->sa, sizeof(local->v4), 0);

	cr_assert_geq(fd, 0, "the port is still taken");
	close(fd);
}

Test(bun_close, the_port_is_free_when_the_close_handler_runs)
{
	struct hail_addr local;
	struct live_talk talk = {
		.live = {.on_close = bind_again, .arg = &local}};

	live_talk_start(&talk, NULL);
	live_turn(talk.engine);
	local = live_local(&talk.live);
	live_close(&talk.live);
	live_talk_end(&talk);
}

static void say_goodbye(struct live *live)
{
	cr_assert_eq(live_send(live, "goodbye", live->arg), 0);
	cr_assert_eq(hail_socket_close(live->socket), 0);
}

Test(bun_close, a_datagram_sent_just_before_it_still_leaves)
{
	struct live_talk talk = {0};

	talk.live.arg = &talk.remote;
	live_talk_start(&talk, NULL);
	live_inside(&talk.live, say_goodbye);
	live_expect(talk.fd, "goodbye");
	cr_assert_eq(live_stats(talk.engine).traffic.cancelled, 0);
	live_talk_end(&talk);
}

/* A socket on a stuck link, with four datagrams in flight: how many it took. */
static unsigned start_stuck(struct pair *pair, struct live *live, int *fd)
{
	struct hail_addr remote;
	unsigned taken = 0;

	pair_start(pair, NULL, NULL);
	*fd = pair_far(pair, FAR_V4, 0, &remote);
	pair_stick(pair);
	live_open(live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .window = 4, .send_buffer = 8192));
	while (live_send(live, "stuck", &remote) == 0)
		taken++;
	return taken;
}

static void assert_outcome(const struct pair *pair, unsigned sent,
			   unsigned cancelled)
{
	struct hail_traffic traffic = live_stats(pair->engine).traffic;

	cr_assert_eq(traffic.sent, sent);
	cr_assert_eq(traffic.cancelled, cancelled);
}

Test(bun_close, what_cannot_leave_is_cancelled_and_counted)
{
	struct live live = {0};
	struct pair pair;
	unsigned taken;
	int fd;

	taken = start_stuck(&pair, &live, &fd);
	live_close(&live);
	assert_outcome(&pair, taken - 4, 4);
	pair_end(&pair);
	close(fd);
}

Test(bun_close, lingering_it_waits_for_what_is_in_flight)
{
	struct live live = {0};
	struct pair pair;
	unsigned taken;
	int fd;

	taken = start_stuck(&pair, &live, &fd);
	cr_assert_eq(hail_socket_close_linger(live.socket, -1), 0);
	live_settle(pair.engine);
	cr_assert_eq(live.closes, 0);
	pair_unstick(&pair);
	live_until(pair.engine, live.closes == 1);
	assert_outcome(&pair, taken, 0);
	for (unsigned i = 0; i < taken; i++)
		live_expect(fd, "stuck");
	pair_end(&pair);
	close(fd);
}

static void close_it(struct live *live, const struct hail_datagram *batch,
		     size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_close(live->socket), 0);
	live->closing = true;
}

Test(bun_close, in_data_it_ends_the_delivery)
{
	struct live_talk talk = {
		.engine_options = &HAIL_ENGINE_OPTIONS(.budget = 2),
		.live = {.on_data = close_it},
	};

	live_talk_start(&talk, NULL);
	for (int i = 0; i < 20; i++)
		live_plain_send(talk.fd, "x", live_port(&talk.live));
	live_until(talk.engine, talk.live.closes == 1);
	cr_assert_eq(talk.live.batches, 1);
	cr_assert_eq(talk.live.late, 0);
	live_talk_end(&talk);
}

/* Data has arrived, and a drain is owed. */
static void owe_drain(struct live *live)
{
	struct live_talk *talk = live->arg;

	cr_assert_eq(live_send(live, "x", &talk->remote), 0);
	cr_assert_eq(live_send(live, "x", &talk->remote), -EAGAIN);
	live_plain_send(talk->fd, "x", live_port(live));
	cr_assert_eq(hail_socket_close(live->socket), 0);
}

Test(bun_close, no_handler_but_close_runs_after_it)
{
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message refused = {"x", 1, &everybody};
	struct live_talk talk = {0};

	talk.live.arg = &talk;
	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.window = 1));
	live_inside(&talk.live, owe_drain);
	cr_assert_eq(talk.live.closes, 1);
	/* The next turn would tell what the kernel said of the message. */
	live_open(&talk.live, talk.engine, NULL);
	cr_assert_eq(hail_send_many(talk.live.socket, &refused, 1), 1);
	live_close(&talk.live);
	cr_assert_eq(talk.live.datagrams, 0);
	cr_assert_eq(talk.live.drains, 0);
	cr_assert_eq(talk.live.errors, 0);
	live_talk_end(&talk);
}
