/* SPDX-License-Identifier: MIT */
/* drain.c: backpressure. In Bun send answers false, sendMany falls short, and
 * drain follows; but there it also comes once unasked after the socket was
 * made, comes for what isn't backpressure, and never comes after a count that
 * was short for another cause, so that callers hang. */
#include "netns/pair.h"

#define WINDOW 4

static struct live_batch batch;

static void start(struct live_talk *talk)
{
	live_talk_start(talk, &HAIL_SOCKET_OPTIONS(.window = WINDOW));
	live_batch_fill(&batch, &talk->remote);
}

static ssize_t send_some(struct live *live, size_t first, size_t count)
{
	return hail_send_many(live->socket, batch.messages + first, count);
}

static int send_one(struct live *live)
{
	return hail_send(live->socket, "x", 1, batch.messages[0].remote);
}

static void fill_window(struct live *live)
{
	for (int i = 0; i < WINDOW; i++)
		cr_assert_eq(send_one(live), 0);
}

static void be_refused(struct live *live)
{
	fill_window(live);
	cr_assert_eq(send_one(live), -EAGAIN);
}

Test(bun_drain, fires_after_a_refused_send)
{
	struct live_talk talk = {0};

	start(&talk);
	live_inside(&talk.live, be_refused);
	cr_assert_eq(talk.live.drains, 1);
	cr_assert_eq(send_one(&talk.live), 0);
	live_talk_end(&talk);
}

static void fall_short(struct live *live)
{
	cr_assert_eq(send_some(live, 0, WINDOW + 1), WINDOW);
}

Test(bun_drain, fires_after_a_short_send_many)
{
	struct live_talk talk = {0};

	start(&talk);
	live_inside(&talk.live, fall_short);
	cr_assert_eq(talk.live.drains, 1);
	live_talk_end(&talk);
}

/* The window's room, not the kernel's, says when: the other has its own. */
static void fill_both(struct live *live)
{
	be_refused(live);
	for (int i = 0; i < WINDOW + 1; i++)
		cr_assert_eq(send_one(live->arg), 0);
}

Test(bun_drain, the_window_is_each_sockets_own)
{
	struct live_talk talk = {0};
	struct live other = {0};

	start(&talk);
	live_open(&other, talk.engine,
		  &HAIL_SOCKET_OPTIONS(.window = 2 * WINDOW));
	talk.live.arg = &other;
	live_inside(&talk.live, fill_both);
	cr_assert_eq(talk.live.drains, 1);
	cr_assert_eq(other.drains, 0);
	live_talk_end(&talk);
}

Test(bun_drain, fires_when_a_link_that_was_stuck_goes_on)
{
	struct live live = {0};
	struct hail_addr remote;
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	pair_stick(&pair);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .window = WINDOW, .send_buffer = 8192));
	live_batch_fill(&batch, &remote);
	while (send_one(&live) == 0)
		live_turn(pair.engine);
	live_settle(pair.engine);
	cr_assert_eq(live.drains, 0);
	pair_unstick(&pair);
	live_until(pair.engine, live.drains == 1);
	pair_end(&pair);
	close(fd);
}

Test(bun_drain, never_fires_unasked_after_creation)
{
	struct live_talk talk = {0};

	start(&talk);
	live_settle(talk.engine);
	cr_assert_eq(talk.live.drains, 0);
	cr_assert_eq(send_one(&talk.live), 0);
	live_inside(&talk.live, fill_window);
	cr_assert_eq(talk.live.drains, 0);
	live_talk_end(&talk);
}

static struct hail_addr everybody;
static char large[65508];

/* What hail sees, and what the kernel says: nobody may broadcast unasked. */
static void send_unusable(struct live *live)
{
	struct hail_message oversize = {large, sizeof(large),
					batch.messages[0].remote};

	cr_assert_eq(hail_send(live->socket, "x", 1, NULL), -EDESTADDRREQ);
	cr_assert_eq(hail_send_many(live->socket, &oversize, 1), -EMSGSIZE);
	cr_assert_eq(live_send(live, "x", &everybody), 0);
}

Test(bun_drain, fires_for_nothing_but_backpressure)
{
	struct live_talk talk = {0};

	everybody = live_addr("127.255.255.255", 9);
	start(&talk);
	live_inside(&talk.live, send_unusable);
	cr_assert_eq(talk.live.errors, 1);
	cr_assert_eq(talk.live.error[0].code, -EACCES);
	cr_assert_eq(talk.live.drains, 0);
	live_talk_end(&talk);
}

/* One oversize message, at each place of a batch that needs several windows:
 * also where it is the first that the window has no room for. */
struct progress {
	size_t next, end;
	unsigned oversize, refusals;
};

static void persevere(struct live *live)
{
	struct progress *progress = live->arg;
	ssize_t taken = 0;

	while (progress->next < progress->end && taken != -EAGAIN) {
		taken = send_some(live, progress->next,
				  progress->end - progress->next);
		if (taken > 0)
			progress->next += (size_t)taken;
		progress->refusals += taken == -EAGAIN;
		if (taken != -EMSGSIZE)
			continue;
		progress->oversize++;
		progress->next++;
	}
}

Test(bun_drain, no_sender_hangs_on_an_oversize_datagram_wherever_it_stands)
{
	for (size_t at = 0; at < 3 * WINDOW; at++) {
		struct progress progress = {.end = 3 * WINDOW};
		struct live_talk talk = {
			.live = {.on_drain = persevere, .arg = &progress}};

		start(&talk);
		batch.messages[at].data = large;
		batch.messages[at].size = sizeof(large);
		live_inside(&talk.live, persevere);
		live_until(talk.engine, progress.next == progress.end);
		live_batch_expect(&batch, talk.fd, 0, at);
		live_batch_expect(&batch, talk.fd, at + 1, 3 * WINDOW - at - 1);
		cr_assert_eq(progress.oversize, 1);
		live_talk_end(&talk);
	}
}

static void fall_short_for_two_causes(struct live *live)
{
	cr_assert_eq(send_some(live, 0, 8), 2);
	cr_assert_eq(send_some(live, 2, 6), -EMSGSIZE);
	cr_assert_eq(send_some(live, 3, 5), WINDOW - 2);
	cr_assert_eq(send_some(live, 2, 6), -EMSGSIZE);
}

Test(bun_drain, fires_after_a_short_count_that_had_another_cause_too)
{
	struct live_talk talk = {0};

	start(&talk);
	batch.messages[2].data = large;
	batch.messages[2].size = sizeof(large);
	live_inside(&talk.live, fall_short_for_two_causes);
	cr_assert_eq(talk.live.drains, 1);
	live_talk_end(&talk);
}

Test(bun_drain, a_refused_connection_makes_no_count_short)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int holder;
	uint16_t port = plain_dead_port(&holder);

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = live_v4(port)));
	live_batch_fill(&batch, NULL);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(send_some(&live, 0, 64), 64);
		live_settle(engine);
	}
	cr_assert_gt(live.errors, 0);
	cr_assert_eq(live.error[0].code, -ECONNREFUSED);
	cr_assert_eq(live.drains, 0);
	close(holder);
	live_end(engine);
}

static void be_refused_often(struct live *live)
{
	be_refused(live);
	cr_assert_eq(send_one(live), -EAGAIN);
	cr_assert_eq(send_some(live, 0, 3), -EAGAIN);
}

Test(bun_drain, fires_once_for_several_refusals)
{
	struct live_talk talk = {0};

	start(&talk);
	live_inside(&talk.live, be_refused_often);
	cr_assert_eq(talk.live.drains, 1);
	cr_assert_eq(live_traffic(&talk.live).refused, 3);
	/* Nor does it for what is taken later. */
	live_inside(&talk.live, fill_window);
	cr_assert_eq(talk.live.drains, 1);
	live_talk_end(&talk);
}

Test(bun_drain, fires_once_more_for_each_refusal_that_follows_it)
{
	struct live_talk talk = {0};

	start(&talk);
	for (unsigned i = 1; i <= 10; i++) {
		live_inside(&talk.live, be_refused);
		cr_assert_eq(talk.live.drains, i);
	}
	live_talk_end(&talk);
}

static void be_refused_again(struct live *live)
{
	if (live->drains < 5)
		be_refused(live);
}

Test(bun_drain, fires_again_for_a_refusal_in_the_drain_handler)
{
	struct live_talk talk = {.live = {.on_drain = be_refused_again}};

	start(&talk);
	live_inside(&talk.live, be_refused);
	live_until(talk.engine, talk.live.drains == 5);
	live_settle(talk.engine);
	cr_assert_eq(talk.live.drains, 5);
	live_talk_end(&talk);
}
