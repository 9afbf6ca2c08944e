/* SPDX-License-Identifier: MIT */
/* budget.c: no flood keeps another socket, a timer or a post waiting for
 * longer than a turn. */
#include "world.h"

#define BUDGET 8

/* The most that one handler was given in the turn under way. */
static void flood(struct sim *sim, void *arg)
{
	struct seen **sockets = arg;

	(void)sim;
	for (int i = 0; sockets[i]; i++)
		if (sim_pending(sim, sockets[i]->slot) < 100)
			seen_inject(sockets[i], 0, 100);
}

static void start(struct world *world)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.budget = BUDGET));
}

Test(budget, bounds_what_a_socket_is_handed_in_a_turn)
{
	struct world world;
	struct seen seen = {0};

	start(&world);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 100);
	for (unsigned turn = 1; seen.datagrams < 100; turn++) {
		world_turn(&world);
		cr_assert_leq(seen.batches, turn);
		cr_assert_leq(turn, 100);
	}
	cr_assert_eq(seen.batch_max, BUDGET);
	cr_assert_eq(seen.batches, 13);
	world_end(&world);
}

Test(budget, what_is_left_over_is_handed_on_without_waiting)
{
	struct world world;
	struct seen seen = {0};

	start(&world);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 30);
	while (seen.datagrams < 30)
		cr_assert_gt(hail_engine_turn(world.engine, -1), 0);
	world_end(&world);
}

Test(budget, shares_a_turn_between_sockets_that_are_flooded)
{
	struct world world;
	struct seen a = {0}, b = {0};
	struct seen *both[] = {&a, &b, NULL};

	start(&world);
	world_open(&world, &a, NULL);
	world_open(&world, &b, NULL);
	sim_each_wait(world.sim, flood, both);
	for (int i = 0; i < 200; i++) {
		world_turn(&world);
		cr_assert_leq(a.datagrams, b.datagrams + 2 * BUDGET);
		cr_assert_leq(b.datagrams, a.datagrams + 2 * BUDGET);
	}
	cr_assert_gt(a.datagrams, 150 * BUDGET);
	world_end(&world);
}

Test(budget, a_quiet_socket_is_heard_in_the_turn_among_flooded_ones)
{
	struct world world;
	struct seen a = {0}, b = {0}, quiet = {0};
	struct seen *both[] = {&a, &b, NULL};

	start(&world);
	world_open(&world, &a, NULL);
	world_open(&world, &b, NULL);
	world_open(&world, &quiet, NULL);
	sim_each_wait(world.sim, flood, both);
	for (unsigned i = 1; i < 50; i++) {
		seen_inject(&quiet, 0, 1);
		world_turn(&world);
		cr_assert_geq(quiet.datagrams + 2, i);
	}
	world_end(&world);
}

static void fire(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

static void run(struct hail_engine *engine, void *arg)
{
	(void)engine;
	++*(unsigned *)arg;
}

Test(budget, timers_and_posts_run_in_between)
{
	struct world world;
	struct seen a = {0};
	struct seen *one[] = {&a, NULL};
	struct hail_timer *timer;
	unsigned fired = 0, ran = 0;

	start(&world);
	world_open(&world, &a, NULL);
	sim_each_wait(world.sim, flood, one);
	world_turn(&world);
	cr_assert_eq(hail_timer_create(&timer, world.engine, fire, &fired), 0);
	for (unsigned i = 1; i < 20; i++) {
		cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
		cr_assert_eq(hail_engine_post(world.engine, run, &ran), 0);
		world_turn(&world);
		cr_assert_eq(fired, i);
		cr_assert_eq(ran, i);
	}
	cr_assert_gt(a.datagrams, 15 * BUDGET);
	world_end(&world);
}

static void post_again(struct hail_engine *engine, void *arg)
{
	++*(unsigned *)arg;
	cr_assert_eq(hail_engine_post(engine, post_again, arg), 0);
}

static void start_again(struct hail_timer *timer, void *user)
{
	++*(unsigned *)user;
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
}

Test(budget, posts_and_timers_that_renew_themselves_keep_nobody_waiting)
{
	struct world world;
	struct seen seen = {0};
	struct hail_timer *timer;
	unsigned fired = 0, ran = 0;

	start(&world);
	world_open(&world, &seen, NULL);
	world_turn(&world);
	cr_assert_eq(
		hail_timer_create(&timer, world.engine, start_again, &fired),
		0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(hail_engine_post(world.engine, post_again, &ran), 0);
	seen_inject(&seen, 0, 10);
	for (int i = 0; i < 10; i++)
		world_turn(&world);
	cr_assert_eq(seen.datagrams, 10);
	cr_assert_eq(ran, 10);
	cr_assert_eq(fired, 10);
	world_end(&world);
}
