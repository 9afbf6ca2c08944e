/* SPDX-License-Identifier: MIT */
/* timer.c: timers fire no earlier than asked and keep their pace, also under
 * a flood, and keep an engine running as they should. */
#include "support/live.h"

struct beats {
	unsigned count, last;
	uint64_t when[64]; /* as the test's clock says */
	uint64_t now;      /* as the engine says, where there is one */
	struct hail_engine *engine;
	void (*on_beat)(struct hail_timer *timer, struct beats *beats);
};

static void beat(struct hail_timer *timer, void *user)
{
	struct beats *beats = user;

	if (beats->count < live_count(beats->when))
		beats->when[beats->count] = plain_now();
	beats->count++;
	if (beats->on_beat)
		beats->on_beat(timer, beats);
}

static struct hail_timer *make(struct hail_engine *engine, struct beats *beats)
{
	struct hail_timer *timer;

	cr_assert_eq(hail_timer_create(&timer, engine, beat, beats), 0);
	return timer;
}

static void stop_after(struct hail_timer *timer, struct beats *beats)
{
	if (beats->count == beats->last)
		cr_assert_eq(hail_timer_stop(timer), 0);
}

/* Beats come at multiples of the period and never before. How late a single
 * one is depends on who else runs, and one that is a period late is skipped;
 * but lateness must not add up: among the last there are some on time. */
static void assert_pace(const struct beats *beats, uint64_t start,
			uint64_t period)
{
	uint64_t least = period;
	unsigned near = 0;

	for (unsigned i = 0; i < beats->last; i++) {
		uint64_t since = beats->when[i] - start;

		cr_assert_geq(since, (i + 1) * period, "beat %u is early", i);
		near += since % period < period / 2;
		if (i >= beats->last / 2 && since % period < least)
			least = since % period;
	}
	cr_assert_gt(near, beats->last / 2, "only %u are near", near);
	cr_assert_lt(least, MS, "off the beat by %llu ns",
		     (unsigned long long)least);
}

Test(timer, a_periodic_one_keeps_its_pace_while_a_socket_is_flooded)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.last = 50, .on_beat = stop_after};
	struct hail_timer *timer = make(engine, &beats);
	struct plain_flood *flood;
	struct live live = {0};
	uint64_t start;

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_unref(live.socket), 0);
	flood = plain_flood_start(live_port(&live), 100);
	live_until(engine, live.datagrams);
	start = plain_now();
	cr_assert_eq(hail_timer_start(timer, 20 * MS, 20 * MS), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	plain_flood_stop(flood);
	cr_assert_eq(beats.count, 50);
	assert_pace(&beats, start, 20 * MS);
	cr_assert_gt(live.datagrams, 1000);
	live_end(engine);
}

static void spin_until(uint64_t when)
{
	while (plain_now() < when)
		continue;
}

Test(timer, late_turns_shift_nothing_that_follows)
{
	/* So long that a busy machine doesn't take the next one's time from the
	 * turn that is to find nothing. */
	const uint64_t period = 50 * MS;
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);
	uint64_t begun = plain_now(), started, next;

	cr_assert_eq(hail_timer_start(timer, period, period), 0);
	started = plain_now();
	next = started + period;
	for (unsigned i = 1; i <= 10; i++) {
		/* From nearly a period late to hardly late at all. */
		spin_until(next + period * (10 - i) / 11);
		cr_assert_eq(live_turn(engine), 1);
		cr_assert_eq(beats.count, i);
		cr_assert_eq(live_turn(engine), 0);
		next = hail_engine_now(engine) - begun;
		next = started + (next / period + 1) * period;
	}
	live_end(engine);
}

Test(timer, a_one_shot_fires_once_and_not_early)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);
	uint64_t start = plain_now();

	cr_assert_eq(hail_timer_start(timer, 5 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 1);
	cr_assert_geq(beats.when[0], start + 5 * MS);
	live_settle(engine);
	cr_assert_eq(beats.count, 1);
	cr_assert_eq(live_stats(engine).timers, 1);
	live_end(engine);
}

Test(timer, a_delay_of_zero_fires_in_the_next_turn)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);

	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(beats.count, 0);
	cr_assert_eq(hail_engine_turn(engine, -1), 1);
	cr_assert_eq(beats.count, 1);
	live_end(engine);
}

Test(timer, the_first_beat_may_be_at_another_distance)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.last = 5, .on_beat = stop_after};
	struct hail_timer *timer = make(engine, &beats);
	uint64_t start = plain_now();

	cr_assert_eq(hail_timer_start(timer, 0, 10 * MS), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 5);
	cr_assert_geq(beats.when[4], start + 40 * MS);
	live_end(engine);
}

Test(timer, starting_a_running_one_starts_it_anew)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);
	uint64_t start;

	cr_assert_eq(hail_timer_start(timer, 1, 1), 0);
	start = plain_now();
	cr_assert_eq(hail_timer_start(timer, 10 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 1);
	cr_assert_geq(beats.when[0], start + 10 * MS);
	live_end(engine);
}

static void start_again(struct hail_timer *timer, struct beats *beats)
{
	if (beats->count < 3)
		cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
}

Test(timer, one_shots_can_be_started_again_in_their_handler)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.on_beat = start_again};
	struct hail_timer *timer = make(engine, &beats);

	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(hail_engine_turn(engine, -1), 1);
	cr_assert_eq(beats.count, 1);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 3);
	live_end(engine);
}

Test(timer, a_stopped_one_does_not_fire_and_stays_usable)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);

	cr_assert_eq(hail_timer_stop(timer), 0);
	cr_assert_eq(hail_timer_start(timer, 0, 1), 0);
	cr_assert_eq(hail_timer_stop(timer), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	live_settle(engine);
	cr_assert_eq(beats.count, 0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 1);
	live_end(engine);
}

static void destroy_itself(struct hail_timer *timer, struct beats *beats)
{
	(void)beats;
	cr_assert_eq(hail_timer_destroy(timer), 0);
}

Test(timer, a_periodic_one_can_be_destroyed_in_its_handler)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.on_beat = destroy_itself};

	for (unsigned i = 1; i <= 10; i++) {
		cr_assert_eq(hail_timer_start(make(engine, &beats), 0, 1), 0);
		cr_assert_eq(hail_engine_run(engine), 0);
		cr_assert_eq(beats.count, i);
	}
	live_end(engine);
}

static struct hail_timer *pair[2];

static void destroy_both(struct hail_timer *timer, struct beats *beats)
{
	(void)timer;
	(void)beats;
	cr_assert_eq(hail_timer_destroy(pair[0]), 0);
	cr_assert_eq(hail_timer_destroy(pair[1]), 0);
}

Test(timer, one_that_is_due_can_be_destroyed_by_another)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.on_beat = destroy_both};

	for (int i = 0; i < 2; i++)
		pair[i] = make(engine, &beats);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(hail_timer_start(pair[i], 0, 1), 0);
	cr_assert_eq(hail_engine_turn(engine, -1), 1);
	live_settle(engine);
	cr_assert_eq(beats.count, 1);
	live_end(engine);
}

Test(timer, an_unrefd_one_keeps_nothing_running)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {0};
	struct hail_timer *timer = make(engine, &beats);

	cr_assert_eq(hail_timer_unref(timer), 0);
	cr_assert_eq(hail_timer_unref(timer), 0);
	cr_assert_eq(hail_timer_start(timer, 3600000 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	cr_assert_eq(hail_timer_ref(timer), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(beats.count, 1);
	live_end(engine);
}

Test(timer, those_that_fire_at_one_time_fire_in_the_order_they_were_started)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats[16] = {0};
	struct hail_timer *timers[16];

	for (int i = 0; i < 16; i++)
		timers[i] = make(engine, &beats[i]);
	for (int i = 15; i >= 0; i--)
		cr_assert_eq(hail_timer_start(timers[i],
					      (uint64_t)(MS * (i + 1)), 0),
			     0);
	cr_assert_eq(hail_engine_run(engine), 0);
	for (int i = 1; i < 16; i++) {
		cr_assert_eq(beats[i].count, 1);
		cr_assert_geq(beats[i].when[0], beats[i - 1].when[0]);
	}
	live_end(engine);
}

Test(timer, a_delay_that_never_ends_harms_nobody)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats never = {0}, soon = {0};
	struct hail_timer *far = make(engine, &never);
	struct hail_timer *near = make(engine, &soon);

	cr_assert_eq(hail_timer_start(far, UINT64_MAX, UINT64_MAX), 0);
	cr_assert_eq(hail_timer_unref(far), 0);
	cr_assert_eq(hail_timer_start(near, MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(soon.count, 1);
	cr_assert_eq(never.count, 0);
	live_end(engine);
}

static void note_now(struct hail_timer *timer, struct beats *beats)
{
	(void)timer;
	beats->now = hail_engine_now(beats->engine);
}

Test(timer, now_is_the_time_of_the_turn)
{
	struct hail_engine *engine = live_engine(NULL);
	struct beats beats = {.engine = engine, .on_beat = note_now};
	struct hail_timer *timer = make(engine, &beats);
	uint64_t before = plain_now();

	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_geq(beats.now, before + MS);
	cr_assert_leq(beats.now, plain_now());
	cr_assert_eq(hail_engine_now(engine), beats.now);
	live_end(engine);
}
