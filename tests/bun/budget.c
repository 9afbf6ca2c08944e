/* SPDX-License-Identifier: MIT */
/* budget.c: how much one turn may hand over. Bun has no limit, so that a flood
 * starves timers and other sockets. */
#include "support/live.h"

#define BUDGET 8

Test(bun_budget, a_turn_hands_a_socket_no_more_than_the_budget)
{
	struct live_talk talk = {
		.engine_options = &HAIL_ENGINE_OPTIONS(.budget = BUDGET)};

	live_talk_start(&talk, NULL);
	for (int i = 0; i < 5 * BUDGET; i++)
		live_plain_send(talk.fd, "x", live_port(&talk.live));
	live_until(talk.engine, talk.live.datagrams);
	cr_assert_eq(talk.live.datagrams, BUDGET);
	live_until(talk.engine, talk.live.datagrams == 5 * BUDGET);
	cr_assert_eq(talk.live.batch_max, BUDGET);
	cr_assert_eq(talk.live.batches, 5);
	live_talk_end(&talk);
}

static unsigned fired;

static void count(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
	fired++;
}

Test(bun_budget, a_flood_starves_no_timer_and_no_other_socket)
{
	struct live_talk talk = {0};
	struct plain_flood *flood;
	struct hail_timer *timer;
	struct live loud = {0};

	live_talk_start(&talk, NULL);
	live_open(&loud, talk.engine, NULL);
	cr_assert_eq(hail_timer_create(&timer, talk.engine, count, NULL), 0);
	flood = plain_flood_start(live_port(&loud), 100);
	live_until(talk.engine, loud.datagrams);
	for (unsigned i = 1; i <= 20; i++) {
		cr_assert_eq(hail_timer_start(timer, 1, 0), 0);
		live_until(talk.engine, fired == i);
		live_talk_hear(&talk, "me too");
	}
	plain_flood_stop(flood);
	live_talk_end(&talk);
}
