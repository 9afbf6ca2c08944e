/* SPDX-License-Identifier: MIT */
/* batch_wait.c: which waits of an engine are asked to go on for a batch, and
 * that what is due isn't kept back by it. Over the real clock: with the longest
 * limit a machine may be slow. */
#include "world.h"

#define LIMIT ((uint64_t)(1000 * MS))
#define MANY 4096 /* they make waits of milliseconds */

/* Many have come just now. */
static void start_busy(struct world *world, struct seen *seen)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.batch_wait_ns = LIMIT,
						.small_buffers = MANY,
						.budget = 4096));
	world_open(world, seen, &HAIL_SOCKET_OPTIONS(.datagram_max = 64));
	seen_inject(seen, 0, MANY);
	while (seen->datagrams < MANY)
		cr_assert_geq(hail_engine_turn(world->engine, -1), 0);
}

static void wake(struct sim *sim, void *arg)
{
	(void)sim;
	hail_engine_stop(arg);
}

Test(batch_wait, is_not_asked_for_without_the_option)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	for (uint32_t i = 0; i < 200; i++) {
		seen_inject(&seen, i, 1);
		cr_assert_gt(hail_engine_turn(world.engine, -1), 0);
		cr_assert_eq(sim_batch_ns(world.sim), 0);
	}
	cr_assert_eq(world_stats(&world).batch_waits, 0);
	cr_assert_eq(world_stats(&world).batch_wait_ns, 0);
	world_end(&world);
}

Test(batch_wait, is_asked_for_where_many_come)
{
	struct world world;
	struct seen seen = {0};
	struct hail_engine_stats stats;

	start_busy(&world, &seen);
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_turn(world.engine, -1), 1);
	stats = world_stats(&world);
	cr_assert_gt(sim_batch_ns(world.sim), 0);
	cr_assert_leq(sim_batch_ns(world.sim), LIMIT);
	cr_assert_gt(stats.batch_waits, 0);
	cr_assert_eq(stats.batch_wait_ns, sim_batch_ns(world.sim));
	world_end(&world);
}

Test(batch_wait, is_not_asked_for_where_few_come)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.batch_wait_ns = LIMIT));
	world_open(&world, &seen, NULL);
	for (uint32_t i = 0; i < 3; i++) {
		seen_inject(&seen, i, 1);
		cr_assert_eq(hail_engine_turn(world.engine, -1), 1);
		cr_assert_eq(sim_batch_ns(world.sim), 0);
	}
	cr_assert_eq(world_stats(&world).batch_waits, 0);
	world_end(&world);
}

Test(batch_wait, is_not_for_turns_that_do_not_wait)
{
	struct world world;
	struct seen seen = {0};

	start_busy(&world, &seen);
	for (uint32_t i = 0; i < 10; i++) {
		seen_inject(&seen, i, 1);
		world_turn(&world);
		cr_assert_eq(sim_batch_ns(world.sim), 0);
	}
	world_end(&world);
}

static void do_nothing(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
}

Test(batch_wait, is_not_for_turns_with_work_at_hand)
{
	struct world world;
	struct seen seen = {0};

	start_busy(&world, &seen);
	seen_inject(&seen, 0, 1);
	hail_engine_post(world.engine, do_nothing, NULL);
	cr_assert_gt(hail_engine_turn(world.engine, -1), 0);
	cr_assert_eq(sim_batch_ns(world.sim), 0);
	world_end(&world);
}

static void count(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

Test(batch_wait, ends_with_the_time_of_a_timer)
{
	struct world world;
	struct seen seen = {0};
	struct hail_timer *timer;
	unsigned fired = 0, waits;

	start_busy(&world, &seen);
	cr_assert_eq(hail_timer_create(&timer, world.engine, count, &fired), 0);
	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	waits = sim_waits(world.sim);
	while (!fired)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_leq(sim_waits(world.sim), waits + 2);
	world_end(&world);
}

Test(batch_wait, a_stop_ends_it_when_its_time_is_over)
{
	struct world world;
	struct seen seen = {0};

	start_busy(&world, &seen);
	sim_expect_wakes(world.sim, true);
	sim_each_wait(world.sim, wake, world.engine);
	cr_assert_eq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_gt(sim_batch_ns(world.sim), 0);
	world_end(&world);
}
