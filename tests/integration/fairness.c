/* SPDX-License-Identifier: MIT */
/* fairness.c: no socket is handed more than the budget before the others have
 * had their turn. */
#include "support/live.h"

#define SOCKETS 3
#define EACH 200
#define BUDGET 8

static struct live lives[SOCKETS];
static size_t widest;
static bool one_is_done;

/* While all of them have datagrams left none is more than a budget ahead. */
static void compare(struct live *live, const struct hail_datagram *batch,
		    size_t count)
{
	size_t least = SIZE_MAX;

	(void)batch;
	(void)count;
	for (int i = 0; i < SOCKETS; i++) {
		one_is_done = one_is_done || lives[i].datagrams == EACH;
		if (lives[i].datagrams < least)
			least = lives[i].datagrams;
	}
	if (!one_is_done && live->datagrams - least > widest)
		widest = live->datagrams - least;
}

Test(fairness, sockets_with_much_to_receive_take_turns)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = BUDGET, .buffers = 1024));
	int fd = live_plain();

	for (int i = 0; i < SOCKETS; i++) {
		lives[i].on_data = compare;
		live_open(&lives[i], engine, NULL);
		/* All of the first come before any of the last. */
		for (int k = 0; k < EACH; k++)
			live_plain_send(fd, "x", live_port(&lives[i]));
	}
	for (int i = 0; i < SOCKETS; i++)
		live_until(engine, lives[i].datagrams == EACH);
	for (int i = 0; i < SOCKETS; i++)
		cr_assert_leq(lives[i].batch_max, BUDGET);
	cr_assert_leq(widest, BUDGET, "one was %zu ahead", widest);
	close(fd);
	live_end(engine);
}

Test(fairness, two_flooded_sockets_get_fair_shares)
{
	struct hail_engine *engine = live_engine(NULL);
	struct plain_flood *floods[2];
	size_t sum;

	for (int i = 0; i < 2; i++) {
		live_open(&lives[i], engine, NULL);
		floods[i] = plain_flood_start(live_port(&lives[i]), 100);
	}
	live_until(engine, lives[0].datagrams + lives[1].datagrams > 100000);
	for (int i = 0; i < 2; i++)
		plain_flood_stop(floods[i]);
	sum = lives[0].datagrams + lives[1].datagrams;
	/* How much each flood sends is up to the scheduler. */
	cr_assert_gt(lives[0].datagrams, sum / 5);
	cr_assert_gt(lives[1].datagrams, sum / 5);
	live_end(engine);
}

static unsigned posts;

static void post_again(struct hail_engine *engine, void *arg)
{
	posts++;
	cr_assert_eq(hail_engine_post(engine, post_again, arg), 0);
}

Test(fairness, a_quiet_socket_and_posts_are_served_beside_a_flood)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live *loud = &lives[0], *quiet = &lives[1];
	struct plain_flood *flood;
	int fd = live_plain();

	live_open(loud, engine, NULL);
	live_open(quiet, engine, NULL);
	cr_assert_eq(hail_engine_post(engine, post_again, NULL), 0);
	flood = plain_flood_start(live_port(loud), 100);
	live_until(engine, loud->datagrams);
	for (size_t i = 1; i <= 50; i++) {
		size_t before = loud->datagrams;
		unsigned posts_before = posts;

		live_plain_send(fd, "me too", live_port(quiet));
		live_until(engine, quiet->datagrams == i);
		/* Two turns of the loud one, and some for the scheduler. */
		cr_expect_lt(loud->datagrams - before, 1000);
		live_until(engine, posts > posts_before);
	}
	plain_flood_stop(flood);
	close(fd);
	live_end(engine);
}

static unsigned calls;

static void count_turn(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
	calls++;
}

Test(fairness, a_timer_that_is_always_due_stops_nothing_else)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live *live = &lives[0];
	struct hail_timer *timer;
	int fd = live_plain();

	live_open(live, engine, NULL);
	cr_assert_eq(hail_timer_create(&timer, engine, count_turn, NULL), 0);
	cr_assert_eq(hail_timer_start(timer, 0, 1), 0);
	for (size_t i = 1; i <= 100; i++) {
		live_plain_send(fd, "x", live_port(live));
		live_until(engine, live->datagrams == i);
	}
	cr_assert_geq(calls, 100);
	close(fd);
	live_end(engine);
}
