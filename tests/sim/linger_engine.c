/* SPDX-License-Identifier: MIT */
/* linger_engine.c: sockets that close with patience, and the engine that turns
 * for them: it ends when they do, and leaves none of them waiting. */
#include "lingering.h"

#include <poll.h>
#include <stdlib.h>

static void fire_unblock(struct hail_timer *timer, void *user)
{
	(void)timer;
	seen_unblock(user);
}

static void run_until_unblocked(bool unref)
{
	struct world world;
	struct seen seen = {0};
	struct hail_timer *timer;

	lingering_start_full(&world, &seen, NULL);
	if (unref)
		cr_assert_eq(hail_socket_unref(seen.socket), 0);
	seen_linger(&seen, FOR_EVER);
	cr_assert_eq(
		hail_timer_create(&timer, world.engine, fire_unblock, &seen),
		0);
	cr_assert_eq(hail_timer_unref(timer), 0);
	cr_assert_eq(hail_timer_start(timer, 2 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, 5);
	cr_assert_eq(hail_timer_destroy(timer), 0);
	lingering_finish(&world, &seen);
}

Test(linger_engine, keeps_the_engine_running)
{
	run_until_unblocked(false);
}

Test(linger_engine, keeps_the_engine_running_for_a_socket_that_did_not)
{
	run_until_unblocked(true);
}

Test(linger_engine, ends_with_the_engine_and_calls_nobody)
{
	static const int64_t timeouts[] = {FOR_EVER, SHORT, LONG};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct world world;
		struct seen seen = {0};

		lingering_start_full(&world, &seen, NULL);
		sim_fail_sends(world.sim, seen.slot, -EPERM, 0, 2);
		seen_linger(&seen, timeouts[i]);
		if (i)
			world_turn(&world);
		cr_assert_eq(hail_engine_destroy(world.engine), 0);
		cr_assert_eq(sim_attached(world.sim), 0);
		cr_assert_eq(sim_faults(world.sim), 0);
		sim_destroy(world.sim);
		cr_assert_eq(seen.errors, 0);
		cr_assert_eq(seen.closes, 0);
		cr_assert_eq(seen.late, 0);
	}
}

static void send_and_linger(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(seen, 0, 300), 300);
	seen_linger(seen, FOR_EVER);
}

/* Turns for as long as the descriptor says that one is due. */
static void follow(struct world *world)
{
	struct pollfd fd = {
		.fd = hail_engine_fd(world->engine),
		.events = POLLIN,
	};

	for (int i = 0; poll(&fd, 1, 0) == 1; i++) {
		cr_assert_lt(i, 1000, "the descriptor stays readable");
		world_turn(world);
	}
}

Test(linger_engine, a_foreign_loop_is_told_of_the_end)
{
	struct world world;
	struct seen seen = {0};

	lingering_start(&world, &seen, NULL);
	follow(&world);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
	seen_linger(&seen, FOR_EVER);
	follow(&world);
	cr_assert_eq(seen.closes, 0);
	seen_unblock(&seen);
	follow(&world);
	cr_assert_eq(seen.closes, 1);
	lingering_finish(&world, &seen);
}

Test(linger_engine, a_foreign_loop_is_told_of_the_end_of_what_a_handler_began)
{
	struct world world;
	struct seen seen = {.on_data = send_and_linger};

	lingering_start(&world, &seen, NULL);
	follow(&world);
	seen_inject(&seen, 0, 1);
	follow(&world);
	cr_assert_eq(seen.closes, 1);
	assert_sent(&world, 0, 300);
	lingering_finish(&world, &seen);
}

static void fire_linger(struct hail_timer *timer, void *user)
{
	struct seen *seen = user;

	(void)timer;
	cr_assert_eq(seen_send_many(seen, 0, 5), 5);
	seen_linger(seen, FOR_EVER);
}

/* Nothing is armed that would end with the close and bring a turn. */
Test(linger_engine,
     a_foreign_loop_is_told_of_the_end_of_a_socket_that_hears_nobody)
{
	struct world world;
	struct hail_socket *socket;
	struct hail_timer *timer;
	struct seen seen = {0};

	world_start(&world, NULL);
	cr_assert_eq(hail_socket_open(&socket, world.engine, NULL), 0);
	seen.world = &world;
	seen.socket = socket;
	cr_assert_eq(
		hail_timer_create(&timer, world.engine, fire_linger, &seen), 0);
	follow(&world);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	follow(&world);
	assert_sent(&world, 0, 5);
	cr_assert_eq(world_stats(&world).sockets, 0);
	cr_assert_eq(hail_timer_destroy(timer), 0);
	world_end(&world);
}

/* ---- Many, and chance ---- */

Test(linger_engine, of_many_sockets_ends_each_in_its_own_time)
{
	enum { MANY = 200 };
	struct world world;
	struct seen *all = calloc(MANY, sizeof(*all));

	cr_assert_not_null(all);
	world_start(&world, NULL);
	for (int i = 0; i < MANY; i++) {
		world_open(&world, &all[i], NULL);
		seen_block(&all[i]);
		cr_assert_eq(seen_send_many(&all[i], 0, 5), 5);
		seen_linger(&all[i], i % 3 ? FOR_EVER : LONG);
	}
	world_settle(&world);
	for (int i = 0; i < MANY; i++) {
		int at = i * 77 % MANY;

		cr_assert_eq(all[at].closes, 0);
		if (i % 10 == 9)
			seen_close(&all[at]);
		else
			seen_unblock(&all[at]);
		world_settle(&world);
		cr_assert_eq(all[at].closes, 1);
	}
	lingering_counted(&world, MANY * 5 * 9 / 10, 0, MANY * 5 / 10);
	lingering_finish(&world, &all[0]);
	free(all);
}

/* What leaves does so in its order, whatever the kernel does, and all of it. */
static void through(uint64_t seed, const struct sim_chaos *chaos)
{
	struct world world;
	struct seen seen = {0};
	uint32_t next = 0;

	world_start_seeded(&world, seed, &HAIL_ENGINE_OPTIONS(.entries = 16));
	world_open(
		&world, &seen,
		&HAIL_SOCKET_OPTIONS(.window = 100, .errors = seed % 2 == 0));
	*sim_chaos(world.sim) = *chaos;
	if (chaos->credit)
		sim_stop(world.sim, seen.slot);
	sim_capacity(world.sim, seen.slot, 20000);
	for (int i = 0; i < 10; i++) {
		ssize_t taken = seen_send_many(&seen, next,
					       1 + sim_random(world.sim, 30));

		next += taken > 0 ? (uint32_t)taken : 0;
		if (sim_random(world.sim, 2))
			world_turn(&world);
	}
	seen_linger(&seen, seed % 3 ? FOR_EVER : LONG);
	cr_assert_eq(hail_engine_run(world.engine), 0, "seed %lu", seed);
	assert_sent(&world, 0, next);
	lingering_counted(&world, next, 0, 0);
	lingering_finish(&world, &seen);
}

Test(linger_engine, keeps_order_and_loses_nothing_through_backpressure)
{
	const struct sim_chaos chaos = {
		.partial = 40,
		.credit = 9,
		.delay = 4,
		.late = 30,
		.reorder = true,
	};

	for (uint64_t seed = 0; seed < 60; seed++)
		through(seed, &chaos);
}

Test(linger_engine,
     keeps_order_and_loses_nothing_while_polls_and_cancels_are_late)
{
	const struct sim_chaos chaos = {.partial = 60, .delay = 9, .late = 60};

	for (uint64_t seed = 100; seed < 140; seed++)
		through(seed, &chaos);
}

Test(linger_engine,
     keeps_order_and_loses_nothing_while_the_kernel_wants_for_memory)
{
	const struct sim_chaos chaos = {.again = 15, .partial = 30, .late = 20};

	/* Those that submit one datagram a remote: of a batch the kernel may
	 * refuse one and take the next. */
	for (uint64_t seed = 200; seed < 240; seed += 2)
		through(seed, &chaos);
}
