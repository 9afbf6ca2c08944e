/* SPDX-License-Identifier: MIT */
/* spin.c: an engine with spin_ns looks before it sleeps, and its counters tell
 * whether that pays. */
#include "support/live.h"

#define LONG UINT64_C(1000000000)

Test(spin, what_was_found_so_is_counted, .timeout = 20)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.spin_ns = LONG, .buffers_max = 16));
	struct live live = {0};
	int fd = live_plain();
	struct hail_engine_stats stats;

	live_open(&live, engine, NULL);
	live_settle(engine);
	for (unsigned i = 1; i <= 100; i++) {
		live_plain_send(fd, "x", live_port(&live));
		cr_assert_eq(hail_engine_turn(engine, -1), 1);
		stats = live_stats(engine);
		cr_assert_eq(stats.spin_hits, i);
		cr_assert_geq(stats.spins, stats.spin_hits);
	}
	cr_assert_eq(stats.sleeps, 0);
	close(fd);
	live_end(engine);
}

Test(spin, a_timeout_that_was_spun_away_is_not_slept_again)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.spin_ns = LONG, .buffers_max = 16));
	struct hail_engine_stats stats;

	cr_assert_eq(hail_engine_turn(engine, 3 * MS), 0);
	stats = live_stats(engine);
	cr_assert_gt(stats.spins, 0);
	cr_assert_eq(stats.spin_hits, 0);
	cr_assert_eq(stats.sleeps, 0);
	live_end(engine);
}

Test(spin, what_it_finds_is_not_kept_for_a_batch, .timeout = 20)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.spin_ns = LONG, .batch_wait_ns = LONG,
				     .buffers_max = 256));
	struct live live = {0};
	int fd = live_plain();
	struct hail_engine_stats stats;

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_engine_turn(engine, 1), 0);
	for (size_t i = 1; i <= 200; i++) {
		live_plain_send(fd, "x", live_port(&live));
		cr_assert_eq(hail_engine_turn(engine, -1), 1);
	}
	stats = live_stats(engine);
	cr_assert_eq(stats.batch_waits, 0);
	cr_assert_gt(stats.batch_wait_ns, 0, "it would have waited");
	close(fd);
	live_end(engine);
}

/* Asleep it waits for a batch, as it would without having spun. */
Test(spin, after_it_comes_the_wait_for_a_batch)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.spin_ns = 1, .batch_wait_ns = LONG,
				     .buffers_max = 256));
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_engine_turn(engine, 1), 0);
	for (int i = 0; i < 200; i++)
		live_plain_send(fd, "x", live_port(&live));
	live_until(engine, live.datagrams == 200);
	live_until(engine, live_stats(engine).batch_waits > 0);
	close(fd);
	live_end(engine);
}
