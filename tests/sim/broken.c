/* SPDX-License-Identifier: MIT */
/* broken.c: a backend that fails for good: calls say so, nothing that it didn't
 * take counts as sent, and destroying the engine leaves nothing behind. */
#include "world.h"

#include "socket.h"

#include <unistd.h>

/* There only in programs with AddressSanitizer. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void end(struct world *world)
{
	world_end(world);
	if (__lsan_do_recoverable_leak_check)
		cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
}

/* Three of its own and, by reference, what it was handed. */
static void send_some(struct seen *seen, const struct hail_datagram *batch,
		      size_t count)
{
	struct hail_addr remote = remote_at(9);

	cr_assert_eq(count, 1);
	cr_assert_eq(seen_send_many(seen, 0, 3), 3);
	cr_assert_eq(
		hail_send(seen->socket, batch[0].data, batch[0].size, &remote),
		0);
	sim_break(seen->world->sim, -EIO);
}

static void assert_nothing_sent(const struct seen *seen, uint32_t in_flight)
{
	struct hail_traffic traffic = seen_traffic(seen);

	cr_assert_eq(traffic.sent, 0, "%lu count as sent", traffic.sent);
	cr_assert_eq(traffic.sent_bytes, 0);
	cr_assert_eq(traffic.failed, 0);
	cr_assert_eq(seen_in_flight(seen), in_flight);
	cr_assert_eq(seen->errors, 0);
	cr_assert_eq(sim_sent_count(seen->world->sim), 0);
}

Test(broken, what_a_handler_sent_stays_in_flight)
{
	struct world world;
	struct seen seen = {.on_data = send_some};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	assert_nothing_sent(&seen, 4);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	cr_assert_eq(hail_engine_run(world.engine), -EIO);
	assert_nothing_sent(&seen, 4);
	end(&world);
}

/* More than one submission carries, so that a turn stops in the midst. */
Test(broken, what_needs_several_submissions_stays_in_flight)
{
	struct world world;
	struct seen seen = {.on_data = send_some};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 2));
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	assert_nothing_sent(&seen, 4);
	end(&world);
}

static void start_broken(struct world *world, struct seen *seen)
{
	world_start(world, NULL);
	world_open(world, seen, NULL);
	world_turn(world);
	sim_break(world->sim, -EIO);
}

Test(broken, a_send_outside_a_handler_is_told_and_not_taken)
{
	struct world world;
	struct seen seen = {0};

	start_broken(&world, &seen);
	cr_assert_eq(seen_send(&seen, 0), -EIO);
	assert_nothing_sent(&seen, 0);
	end(&world);
}

Test(broken, a_batch_outside_a_handler_is_told_and_not_taken)
{
	struct world world;
	struct seen seen = {0};

	start_broken(&world, &seen);
	cr_assert_eq(seen_send_many(&seen, 0, 3), -EIO);
	assert_nothing_sent(&seen, 0);
	end(&world);
}

Test(broken, what_had_waited_in_flight_still_does)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 3), 3);
	world_turn(&world);
	seen_unblock(&seen);
	sim_break(world.sim, -EIO);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	assert_nothing_sent(&seen, 3);
	end(&world);
}

Test(broken, a_socket_can_be_closed_and_the_engine_destroyed)
{
	struct world world;
	struct seen seen = {.on_data = send_some};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	seen_close(&seen);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	cr_assert_eq(world_stats(&world).traffic.sent, 0);
	end(&world);
	cr_assert_eq(seen.late, 0);
}

Test(broken, the_socket_of_a_destroyed_engine_is_hails_no_more)
{
	struct world world;
	struct seen seen = {0};
	int copy;

	start_broken(&world, &seen);
	copy = dup(seen.socket->fd);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EIO);
	end(&world);
	world_start(&world, NULL);
	cr_assert_eq(hail_socket_adopt(&seen.socket, world.engine, copy, NULL),
		     0);
	end(&world);
}
