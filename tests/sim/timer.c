/* SPDX-License-Identifier: MIT */
/* timer.c: timers fire no earlier than asked, in their order, and may do
 * anything to themselves. Over the real clock, with delays of milliseconds. */
#include "world.h"

#include <time.h>

struct ticker {
	struct world *world;
	struct hail_timer *timer;
	unsigned fired;
	uint64_t last; /* the engine's time when it fired */
	unsigned end;  /* stops itself at this count */
	unsigned *order, *place;
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void tick(struct hail_timer *timer, void *user)
{
	struct ticker *ticker = user;

	cr_assert_eq(timer, ticker->timer);
	ticker->last = hail_engine_now(ticker->world->engine);
	if (++ticker->fired == ticker->end)
		cr_assert_eq(hail_timer_stop(timer), 0);
	if (ticker->order)
		*ticker->place = (*ticker->order)++;
}

static void create(struct world *world, struct ticker *ticker)
{
	ticker->world = world;
	cr_assert_eq(
		hail_timer_create(&ticker->timer, world->engine, tick, ticker),
		0);
}

Test(timer, fires_once_and_no_earlier_than_asked)
{
	struct world world;
	struct ticker ticker = {0};
	uint64_t start;

	world_start(&world, NULL);
	create(&world, &ticker);
	for (unsigned ms = 0; ms < 5; ms++) {
		start = clock_ns();
		cr_assert_eq(hail_timer_start(ticker.timer, ms * MS, 0), 0);
		cr_assert_eq(hail_engine_run(world.engine), 0);
		cr_assert_eq(ticker.fired, ms + 1);
		cr_assert_geq(ticker.last, start + ms * MS);
		cr_assert_leq(ticker.last, clock_ns());
	}
	cr_assert_eq(world_stats(&world).timers, 5);
	world_end(&world);
}

Test(timer, a_turn_waits_no_longer_than_for_the_next)
{
	struct world world;
	struct ticker ticker = {0};

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, MS, 0), 0);
	for (int i = 0; !ticker.fired && i < 100; i++)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_eq(ticker.fired, 1);
	world_end(&world);
}

Test(timer, a_turn_waits_no_longer_than_it_was_told_to)
{
	struct world world;
	struct ticker ticker = {0};
	uint64_t start;

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, 60000 * MS, 0), 0);
	start = clock_ns();
	cr_assert_eq(hail_engine_turn(world.engine, (int64_t)MS), 0);
	cr_assert_geq(clock_ns(), start + MS);
	cr_assert_lt(clock_ns(), start + 10000 * MS);
	world_end(&world);
}

Test(timer, those_that_are_due_fire_in_the_order_of_their_time)
{
	static const unsigned delays[] = {3, 1, 2, 1, 0};
	static const unsigned places[] = {4, 1, 3, 2, 0};
	unsigned order = 0, place[5];
	struct world world;
	struct ticker tickers[5] = {{0}};
	uint64_t start;

	world_start(&world, NULL);
	/* The delays count from the engine's now, which a turn sets. */
	world_turn(&world);
	for (int i = 0; i < 5; i++) {
		create(&world, &tickers[i]);
		tickers[i].order = &order;
		tickers[i].place = &place[i];
		cr_assert_eq(hail_timer_start(tickers[i].timer,
					      delays[i] * 5 * MS, 0),
			     0);
	}
	start = clock_ns();
	while (clock_ns() < start + 16 * MS)
		continue;
	cr_assert_eq(world_turn(&world), 5);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(place[i], places[i]);
	world_end(&world);
}

Test(timer, a_periodic_one_keeps_its_pace_until_it_is_stopped)
{
	struct world world;
	struct ticker ticker = {.end = 5};
	uint64_t start = clock_ns();

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, 2 * MS, MS), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(ticker.fired, 5);
	cr_assert_geq(ticker.last, start + 6 * MS);
	world_end(&world);
}

Test(timer, periods_that_were_missed_fire_once)
{
	struct world world;
	struct ticker ticker = {0};
	uint64_t start = clock_ns(), started, end;

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, 4 * MS, 4 * MS), 0);
	/* Making the world may have taken longer than a period. */
	started = clock_ns();
	while (clock_ns() < started + 25 * MS)
		continue;
	cr_assert_eq(world_turn(&world), 1);
	cr_assert_eq(ticker.fired, 1);
	/* The beat is kept: whole periods after the start. */
	while (ticker.fired < 3)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	end = clock_ns();
	cr_assert_geq(ticker.last, start + 32 * MS);
	cr_assert_leq(ticker.last, end);
	world_end(&world);
}

Test(timer, starting_a_running_one_starts_it_anew)
{
	struct world world;
	struct ticker ticker = {0};

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, 60000 * MS, MS), 0);
	cr_assert_eq(hail_timer_start(ticker.timer, 0, 0), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(ticker.fired, 1);
	world_end(&world);
}

Test(timer, a_stopped_one_does_not_fire_and_stays_usable)
{
	struct world world;
	struct ticker ticker = {0};

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_stop(ticker.timer), 0);
	cr_assert_eq(hail_timer_start(ticker.timer, 0, MS), 0);
	cr_assert_eq(hail_timer_stop(ticker.timer), 0);
	world_settle(&world);
	cr_assert_eq(ticker.fired, 0);
	cr_assert_eq(hail_timer_start(ticker.timer, 0, 0), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(ticker.fired, 1);
	world_end(&world);
}

/* Destroys the timer that is named, which may be this one. */
static void destroy_arg(struct hail_timer *timer, void *user)
{
	struct hail_timer **victim = user;

	(void)timer;
	cr_assert_eq(hail_timer_destroy(*victim), 0);
	*victim = NULL;
}

Test(timer, one_may_destroy_itself_or_another_that_is_due)
{
	struct world world;
	struct hail_timer *self, *killer;
	struct ticker ticker = {0};

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_create(&self, world.engine, destroy_arg, &self),
		     0);
	cr_assert_eq(hail_timer_create(&killer, world.engine, destroy_arg,
				       &ticker.timer),
		     0);
	cr_assert_eq(hail_timer_start(self, 0, MS), 0);
	cr_assert_eq(hail_timer_start(killer, 0, 0), 0);
	cr_assert_eq(hail_timer_start(ticker.timer, MS / 10, MS), 0);
	while (ticker.timer)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_null(self);
	cr_assert_eq(ticker.fired, 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	world_end(&world);
}

static void restart(struct hail_timer *timer, void *user)
{
	unsigned *left = user;

	if (--*left)
		cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
}

Test(timer, one_may_start_itself_again_and_others_run_in_between)
{
	struct world world;
	struct hail_timer *timer;
	unsigned left = 10;

	world_start(&world, NULL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, restart, &left),
		     0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	for (unsigned i = 9; i > 0; i--) {
		world_turn(&world);
		cr_assert_eq(left, i);
	}
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(left, 0);
	world_end(&world);
}

Test(timer, endless_delays_never_fire)
{
	struct world world;
	struct ticker ticker = {0};

	world_start(&world, NULL);
	create(&world, &ticker);
	cr_assert_eq(hail_timer_start(ticker.timer, UINT64_MAX, 0), 0);
	world_settle(&world);
	cr_assert_eq(hail_timer_start(ticker.timer, 0, UINT64_MAX), 0);
	world_settle(&world);
	cr_assert_eq(ticker.fired, 1);
	world_end(&world);
}

Test(timer, wrong_arguments_are_refused)
{
	struct world world;
	struct hail_timer *timer = NULL;

	world_start(&world, NULL);
	cr_assert_eq(hail_timer_create(NULL, world.engine, tick, NULL),
		     -EINVAL);
	cr_assert_eq(hail_timer_create(&timer, NULL, tick, NULL), -EINVAL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, NULL, NULL),
		     -EINVAL);
	cr_assert_null(timer);
	cr_assert_eq(hail_timer_start(NULL, 0, 0), -EINVAL);
	cr_assert_eq(hail_timer_stop(NULL), -EINVAL);
	cr_assert_eq(hail_timer_ref(NULL), -EINVAL);
	cr_assert_eq(hail_timer_unref(NULL), -EINVAL);
	cr_assert_eq(hail_timer_destroy(NULL), 0);
	world_end(&world);
}

/* A heap that is exercised: no timer is lost and none fires twice. */
Test(timer, many_fire_each_once_whatever_is_stopped_and_started)
{
	struct world world;
	static struct ticker tickers[300];
	unsigned expected = 0;

	world_start(&world, NULL);
	for (int i = 0; i < 300; i++) {
		create(&world, &tickers[i]);
		cr_assert_eq(hail_timer_start(tickers[i].timer,
					      sim_random(world.sim, 3) * MS, 0),
			     0);
	}
	for (int i = 0; i < 300; i++) {
		tickers[i].end = sim_random(world.sim, 3) != 0;
		if (!tickers[i].end)
			cr_assert_eq(hail_timer_stop(tickers[i].timer), 0);
		expected += tickers[i].end;
	}
	cr_assert_eq(hail_engine_run(world.engine), 0);
	for (int i = 0; i < 300; i++)
		cr_assert_eq(tickers[i].fired, tickers[i].end);
	cr_assert_eq(world_stats(&world).timers, expected);
	world_end(&world);
}
