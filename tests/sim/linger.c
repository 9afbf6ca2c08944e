/* SPDX-License-Identifier: MIT */
/* linger.c: a socket that closes with patience lets leave what is in flight,
 * tells what becomes of it and nothing else, and goes. */
#include "lingering.h"
#include "record.h"

/* ---- How long ---- */

Test(linger, waits_for_what_is_in_flight_and_then_close_comes)
{
	static const int64_t timeouts[] = {FOR_EVER, INT64_MIN, LONG,
					   INT64_MAX};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct world world;
		struct seen seen = {0};

		lingering_start_full(&world, &seen, NULL);
		seen_linger(&seen, timeouts[i]);
		world_settle(&world);
		cr_assert_eq(seen.closes, 0);
		cr_assert_eq(sim_attached(world.sim), 1);
		sim_credit(world.sim, seen.slot, 3);
		world_settle(&world);
		cr_assert_eq(seen.closes, 0);
		seen_unblock(&seen);
		cr_assert_eq(hail_engine_run(world.engine), 0);
		assert_sent(&world, 0, 5);
		lingering_counted(&world, 5, 0, 0);
		lingering_finish(&world, &seen);
	}
}

Test(linger, ends_at_its_deadline_and_counts_what_is_cancelled)
{
	struct world world;
	struct seen seen = {0};
	uint64_t before;

	lingering_start_full(&world, &seen, NULL);
	sim_credit(world.sim, seen.slot, 2);
	before = hail_engine_now(world.engine);
	seen_linger(&seen, SHORT);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_geq(hail_engine_now(world.engine) - before, (uint64_t)SHORT);
	assert_sent(&world, 0, 2);
	lingering_counted(&world, 2, 0, 3);
	lingering_finish(&world, &seen);
}

Test(linger, does_not_wait_for_a_deadline_when_all_has_left)
{
	struct world world;
	struct seen seen = {0};
	uint64_t before;

	lingering_start_full(&world, &seen, NULL);
	before = hail_engine_now(world.engine);
	seen_linger(&seen, LONG);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_lt(hail_engine_now(world.engine) - before,
		     (uint64_t)LONG / 2);
	lingering_counted(&world, 5, 0, 0);
	lingering_finish(&world, &seen);
}

Test(linger, may_reach_its_deadline_while_the_socket_is_closing_already)
{
	struct world world;
	struct seen first = {0}, second = {0};

	lingering_start_full(&world, &first, NULL);
	world_open(&world, &second, NULL);
	world_settle(&world);
	sim_chaos(world.sim)->delay = 50;
	seen_linger(&first, 1);
	cr_assert_eq(hail_socket_close(first.socket), 0);
	seen_close(&second);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	lingering_counted(&world, 0, 0, 5);
	cr_assert_eq(second.closes, 1);
	lingering_finish(&world, &first);
}

Test(linger, of_no_time_is_a_close)
{
	struct world world;
	struct seen seen = {0};

	lingering_start_full(&world, &seen, NULL);
	seen_linger(&seen, 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	lingering_counted(&world, 0, 0, 5);
	lingering_finish(&world, &seen);
}

Test(linger, with_nothing_in_flight_is_a_close)
{
	static const int64_t timeouts[] = {FOR_EVER, 0, LONG};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct world world;
		struct seen seen = {0};

		lingering_start(&world, &seen, NULL);
		cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
		seen_linger(&seen, timeouts[i]);
		cr_assert_eq(hail_engine_run(world.engine), 0);
		lingering_counted(&world, 5, 0, 0);
		lingering_finish(&world, &seen);
	}
}

Test(linger, is_cut_short_by_a_close)
{
	struct world world;
	struct seen seen = {0};

	lingering_start_full(&world, &seen, NULL);
	seen_linger(&seen, FOR_EVER);
	world_settle(&world);
	seen_close(&seen);
	cr_assert_eq(hail_socket_close(seen.socket), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	lingering_counted(&world, 0, 0, 5);
	lingering_finish(&world, &seen);
}

/* While the close waits for its cancel, the deadline passes. */
Test(linger, ends_once_although_the_deadline_passes_in_the_close)
{
	struct world world;
	struct seen seen = {0};

	lingering_start_full(&world, &seen, NULL);
	sim_chaos(world.sim)->delay = 100;
	seen_linger(&seen, SHORT);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	lingering_counted(&world, 5, 0, 0);
	lingering_finish(&world, &seen);
}

/* ---- What is refused ---- */

Test(linger, every_other_call_is_refused_with_ebadf_at_once)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr addr = remote_at(9);
	struct hail_handlers handlers = {0};
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	lingering_start_full(&world, &seen, NULL);
	seen_linger(&seen, FOR_EVER);
	cr_assert_eq(seen_send(&seen, 0), -EBADF);
	cr_assert_eq(seen_send_many(&seen, 0, 3), -EBADF);
	cr_assert_eq(hail_send_with(seen.socket, "", 0, &addr, NULL), -EBADF);
	cr_assert_eq(hail_socket_local(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_remote(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_connect(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_disconnect(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &handlers), -EBADF);
	cr_assert_eq(hail_socket_ref(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_unref(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_stats(seen.socket, &stats), -EBADF);
	cr_assert_eq(hail_socket_close_linger(seen.socket, 0), -EBADF);
	cr_assert_eq(hail_socket_close_linger(seen.socket, FOR_EVER), -EBADF);
	cr_assert_eq(hail_socket_user(seen.socket), &seen);
	cr_assert_eq(hail_socket_engine(seen.socket), world.engine);
	world_settle(&world);
	cr_assert_eq(seen.closes, 0);
	seen_unblock(&seen);
	lingering_finish(&world, &seen);
}

Test(linger, of_no_socket_or_a_closed_one_is_refused)
{
	struct world world;
	struct seen seen = {0};

	lingering_start(&world, &seen, NULL);
	cr_assert_eq(hail_socket_close_linger(NULL, FOR_EVER), -EINVAL);
	seen_close(&seen);
	cr_assert_eq(hail_socket_close_linger(seen.socket, FOR_EVER), -EBADF);
	lingering_finish(&world, &seen);
}

/* ---- What is told ---- */

Test(linger, tells_errors_of_what_was_in_flight)
{
	struct world world;
	struct seen seen = {0};

	lingering_start_full(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 1, 2);
	seen_linger(&seen, FOR_EVER);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.errors, 2);
	cr_assert_eq(seen.error[0].kind, HAIL_ERROR_SEND);
	cr_assert_eq(seen.error[0].code, -EPERM);
	lingering_counted(&world, 3, 2, 0);
	lingering_finish(&world, &seen);
}

/* They were taken, failed in the call that sent them, and are due in the next
 * turn. */
Test(linger, tells_errors_that_nobody_was_told_of_yet)
{
	struct world world;
	struct seen seen = {0};

	lingering_start(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 1, 2);
	cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
	cr_assert_eq(seen_in_flight(&seen), 0);
	seen_linger(&seen, FOR_EVER);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.errors, 2);
	lingering_finish(&world, &seen);
}

Test(linger, calls_neither_data_nor_drain)
{
	struct world world;
	struct seen seen = {0};

	lingering_start_full(&world, &seen,
			     &HAIL_SOCKET_OPTIONS(.window = 5, .low_water = 3));
	cr_assert_eq(seen_send(&seen, 5), -EAGAIN);
	seen_inject(&seen, 0, 10);
	seen_linger(&seen, FOR_EVER);
	seen_inject(&seen, 10, 10);
	world_settle(&world);
	cr_assert_eq(sim_armed(world.sim, seen.slot), HL_ARM_WRITABLE);
	seen_inject(&seen, 20, 10);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.datagrams, 0);
	cr_assert_eq(seen.drains, 0);
	lingering_counted(&world, 5, 0, 0);
	lingering_finish(&world, &seen);
}

static void close_on_error(struct seen *seen, const struct hail_error *error)
{
	(void)error;
	if (!seen->closing)
		seen_close(seen);
}

Test(linger, may_be_cut_short_by_the_error_handler)
{
	struct world world;
	struct seen seen = {.on_error = close_on_error};

	lingering_start_full(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 0, 2);
	sim_credit(world.sim, seen.slot, 1);
	seen_linger(&seen, FOR_EVER);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.errors, 1);
	lingering_counted(&world, 1, 2, 2);
	lingering_finish(&world, &seen);
}

/* An unread queue would make the socket look writable for ever. */
Test(linger, empties_the_error_queue_and_tells_nothing_of_it)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr dead = remote_at(10);
	struct sim_record record = record_refused(&dead);

	lingering_start_full(&world, &seen,
			     &HAIL_SOCKET_OPTIONS(.errors = true));
	sim_inject_record(world.sim, seen.slot, &record, -ECONNREFUSED);
	seen_linger(&seen, FOR_EVER);
	world_settle(&world);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	for (int i = 0; i < 200; i++)
		sim_inject_record(world.sim, seen.slot, &record, -ECONNREFUSED);
	world_settle(&world);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	cr_assert_eq(seen.errors, 0);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	lingering_counted(&world, 5, 0, 0);
	lingering_finish(&world, &seen);
}

Test(linger, loses_nothing_to_another_remotes_error)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr dead = remote_at(10);
	struct sim_record record = record_refused(&dead);

	lingering_start_full(&world, &seen,
			     &HAIL_SOCKET_OPTIONS(.errors = true));
	seen_linger(&seen, FOR_EVER);
	seen_unblock(&seen);
	sim_inject_record(world.sim, seen.slot, &record, -ECONNREFUSED);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, 5);
	lingering_counted(&world, 5, 0, 0);
	lingering_finish(&world, &seen);
}

/* ---- Where it is called ---- */

static void send_and_linger(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(seen, 0, 300), 300);
	seen_linger(seen, FOR_EVER);
}

Test(linger, in_the_data_handler_sends_what_the_handler_has_sent)
{
	struct world world;
	struct seen seen = {.on_data = send_and_linger};

	lingering_start(&world, &seen, NULL);
	seen_inject(&seen, 0, 200);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.batches, 1);
	assert_sent(&world, 0, 300);
	lingering_finish(&world, &seen);
}

Test(linger, in_the_data_handler_drops_what_was_received_and_not_handed_over)
{
	struct world world;
	struct seen seen = {.on_data = send_and_linger};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.budget = 4));
	world_open(&world, &seen, NULL);
	world_settle(&world);
	seen_block(&seen);
	seen_inject(&seen, 0, 30);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 4);
	cr_assert_eq(seen.closes, 0);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	cr_assert_eq(world_stats(&world).traffic.dropped, 26);
	seen_unblock(&seen);
	lingering_finish(&world, &seen);
}

static void linger_on_drain(struct seen *seen)
{
	cr_assert_eq(seen_send_many(seen, 5, 2), 2);
	seen_linger(seen, FOR_EVER);
}

Test(linger, in_the_drain_handler)
{
	struct world world;
	struct seen seen = {.on_drain = linger_on_drain};

	lingering_start_full(&world, &seen,
			     &HAIL_SOCKET_OPTIONS(.window = 5, .low_water = 2));
	cr_assert_eq(seen_send(&seen, 5), -EAGAIN);
	sim_credit(world.sim, seen.slot, 3);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen.closes, 0);
	seen_unblock(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, 7);
	lingering_finish(&world, &seen);
}
