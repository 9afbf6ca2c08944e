/* SPDX-License-Identifier: MIT */
/* keepalive.c: what keeps a run running, and what ends it. The simulated
 * kernel answers a wait for ever with nothing to come by -EDEADLK: that is how
 * these tests see that a run would go on. */
#include "world.h"

#include <pthread.h>
#include <signal.h>

static void nothing(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
}

static void assert_ends(struct world *world)
{
	cr_assert_eq(hail_engine_run(world->engine), 0);
}

static void assert_goes_on(struct world *world)
{
	cr_assert_eq(hail_engine_run(world->engine), -EDEADLK);
}

Test(keepalive, an_engine_with_nothing_to_do_ends_its_run_at_once)
{
	struct world world;

	world_start(&world, NULL);
	assert_ends(&world);
	assert_ends(&world);
	world_end(&world);
}

Test(keepalive, an_open_socket_keeps_it_running)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	assert_goes_on(&world);
	seen_close(&seen);
	assert_ends(&world);
	cr_assert_eq(seen.closes, 1);
	world_end(&world);
}

Test(keepalive, an_unrefd_socket_does_not)
{
	struct world world;
	struct seen a = {0}, b = {0};

	world_start(&world, NULL);
	world_open(&world, &a, NULL);
	world_open(&world, &b, NULL);
	cr_assert_eq(hail_socket_unref(a.socket), 0);
	assert_goes_on(&world);
	cr_assert_eq(hail_socket_unref(b.socket), 0);
	assert_ends(&world);
	/* Both are flags, not counts. */
	cr_assert_eq(hail_socket_unref(b.socket), 0);
	cr_assert_eq(hail_socket_ref(b.socket), 0);
	cr_assert_eq(hail_socket_ref(b.socket), 0);
	assert_goes_on(&world);
	cr_assert_eq(hail_socket_unref(b.socket), 0);
	assert_ends(&world);
	world_end(&world);
}

Test(keepalive, a_socket_that_closes_keeps_it_running_even_if_unrefd)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	sim_chaos(world.sim)->delay = 5;
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_socket_unref(seen.socket), 0);
	world_turn(&world);
	seen_close(&seen);
	assert_ends(&world);
	cr_assert_eq(seen.closes, 1);
	assert_ends(&world);
	world_end(&world);
}

Test(keepalive, a_running_timer_keeps_it_running_unless_unrefd)
{
	struct world world;
	struct hail_timer *timer;

	world_start(&world, NULL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, nothing, NULL), 0);
	assert_ends(&world);
	cr_assert_eq(hail_timer_start(timer, 2 * MS, 0), 0);
	assert_ends(&world);
	cr_assert_eq(world_stats(&world).timers, 1);
	cr_assert_eq(hail_timer_start(timer, 1000000 * MS, 0), 0);
	cr_assert_eq(hail_timer_unref(timer), 0);
	assert_ends(&world);
	cr_assert_eq(hail_timer_ref(timer), 0);
	cr_assert_eq(hail_timer_stop(timer), 0);
	assert_ends(&world);
	cr_assert_eq(hail_timer_start(timer, 1000000 * MS, 0), 0);
	cr_assert_eq(hail_timer_destroy(timer), 0);
	assert_ends(&world);
	world_end(&world);
}

static void count(struct hail_engine *engine, void *arg)
{
	(void)engine;
	++*(unsigned *)arg;
}

Test(keepalive, a_post_is_run_before_a_run_ends)
{
	struct world world;
	unsigned ran = 0;

	world_start(&world, NULL);
	cr_assert_eq(hail_engine_post(world.engine, count, &ran), 0);
	cr_assert_eq(hail_engine_post(world.engine, count, &ran), 0);
	assert_ends(&world);
	cr_assert_eq(ran, 2);
	world_end(&world);
}

static void post_more(struct hail_engine *engine, void *arg)
{
	unsigned *left = arg;

	if ((*left)--)
		cr_assert_eq(hail_engine_post(engine, post_more, arg), 0);
}

Test(keepalive, posts_of_posts_are_run_too)
{
	struct world world;
	unsigned left = 5;

	world_start(&world, NULL);
	cr_assert_eq(hail_engine_post(world.engine, post_more, &left), 0);
	assert_ends(&world);
	cr_assert_eq(left, UINT32_MAX);
	world_end(&world);
}

Test(keepalive, an_engines_own_reference_is_counted)
{
	struct world world;

	world_start(&world, NULL);
	cr_assert_eq(hail_engine_unref(world.engine), -EINVAL);
	cr_assert_eq(hail_engine_ref(world.engine), 0);
	cr_assert_eq(hail_engine_ref(world.engine), 0);
	cr_assert_eq(hail_engine_unref(world.engine), 0);
	assert_goes_on(&world);
	cr_assert_eq(hail_engine_unref(world.engine), 0);
	assert_ends(&world);
	cr_assert_eq(hail_engine_unref(world.engine), -EINVAL);
	cr_assert_eq(hail_engine_ref(NULL), -EINVAL);
	cr_assert_eq(hail_engine_unref(NULL), -EINVAL);
	world_end(&world);
}

static void stop_it(struct hail_engine *engine, void *arg)
{
	(void)arg;
	hail_engine_stop(engine);
}

Test(keepalive, stop_ends_a_run_from_within)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_engine_post(world.engine, stop_it, NULL), 0);
	assert_ends(&world);
	/* It was used up. */
	assert_goes_on(&world);
	world_end(&world);
}

Test(keepalive, stop_ends_the_next_run_if_none_is_under_way)
{
	struct world world;
	struct seen seen = {0};
	unsigned ran = 0;

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	hail_engine_stop(world.engine);
	hail_engine_stop(world.engine);
	seen_inject(&seen, 0, 3);
	cr_assert_eq(hail_engine_post(world.engine, count, &ran), 0);
	assert_ends(&world);
	/* Handlers that are due are still called. */
	cr_assert_eq(ran, 1);
	cr_assert_eq(seen.datagrams, 3);
	assert_goes_on(&world);
	hail_engine_stop(NULL);
	world_end(&world);
}

Test(keepalive, stop_ends_the_next_turn_too)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	hail_engine_stop(world.engine);
	cr_assert_eq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_eq(hail_engine_turn(world.engine, -1), -EDEADLK);
	world_end(&world);
}

static struct hail_engine *stopped_by_signal;

static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(stopped_by_signal);
}

static void raise_signal(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
	raise(SIGUSR1);
}

Test(keepalive, stop_is_for_signal_handlers)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct world world;
	struct seen seen = {0};
	struct hail_timer *timer;

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	stopped_by_signal = world.engine;
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	cr_assert_eq(
		hail_timer_create(&timer, world.engine, raise_signal, NULL), 0);
	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	assert_ends(&world);
	world_end(&world);
}

Test(keepalive, a_failing_backend_ends_the_run_with_its_error)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	sim_fail_call(world.sim, SIM_CALL_WAIT, -EIO, 0);
	cr_assert_eq(hail_engine_run(world.engine), -EIO);
	sim_fail_call(world.sim, SIM_CALL_WAIT, -EIO, 0);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	/* And it may be tried again. */
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 1);
	world_end(&world);
}
