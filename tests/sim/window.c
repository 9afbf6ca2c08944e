/* SPDX-License-Identifier: MIT */
/* window.c: what is in flight on a socket is bounded, and what goes past the
 * bound is refused and not lost. */
#include "world.h"

static const struct hail_socket_options *four(void)
{
	static struct hail_socket_options options;

	options = HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 1);
	return &options;
}

Test(window, a_send_past_the_window_is_refused_with_eagain)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	seen_block(&seen);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(seen_send(&seen, i), 0);
	cr_assert_eq(seen_in_flight(&seen), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	cr_assert_eq(seen_in_flight(&seen), 4);
	cr_assert_eq(seen_traffic(&seen).refused, 1);
	cr_assert_eq(sim_sent_count(world.sim), 0);
	world_end(&world);
}

Test(window, a_batch_is_taken_as_far_as_the_window_goes)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 4);
	cr_assert_eq(seen_send_many(&seen, 4, 6), -EAGAIN);
	cr_assert_eq(seen_in_flight(&seen), 4);
	world_end(&world);
}

Test(window, what_was_taken_leaves_and_what_was_refused_does_not)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 4);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 4);
	cr_assert_eq(seen_send_many(&seen, 4, 6), 6);
	assert_sent(&world, 0, 10);
	cr_assert_eq(seen_in_flight(&seen), 0);
	world_end(&world);
}

Test(window, what_the_kernel_takes_at_once_is_never_refused)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 16));
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 2, .low_water = 1));
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(seen_send(&seen, i), 0);
	cr_assert_eq(seen_send_many(&seen, 100, 2000), 2000);
	assert_sent(&world, 0, 2100);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	world_end(&world);
}

Test(window, a_batch_takes_what_fits_the_send_buffer_and_the_window)
{
	struct world world;
	struct seen seen = {0};
	ssize_t taken;
	size_t left;

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	sim_stop(world.sim, seen.slot);
	taken = seen_send_many(&seen, 0, 4000);
	left = sim_sent_count(world.sim);
	cr_assert_gt(left, 4);
	cr_assert_eq(taken, (ssize_t)left + 4);
	cr_assert_eq(sim_failures(world.sim), 0, "the budget was exceeded");
	sim_drain(world.sim, seen.slot, SIM_UNLIMITED);
	world_settle(&world);
	assert_sent(&world, 0, (uint32_t)taken);
	world_end(&world);
}

Test(window, a_send_buffer_smaller_than_told_changes_nothing)
{
	struct world world;
	struct seen seen = {0};
	ssize_t taken;

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	sim_stop(world.sim, seen.slot);
	sim_capacity(world.sim, seen.slot, 8000);
	taken = seen_send_many(&seen, 0, 100);
	cr_assert_eq(taken, (ssize_t)sim_sent_count(world.sim) + 4);
	cr_assert_gt(sim_failures(world.sim), 0);
	sim_drain(world.sim, seen.slot, SIM_UNLIMITED);
	world_settle(&world);
	assert_sent(&world, 0, (uint32_t)taken);
	world_end(&world);
}

Test(window, one_full_socket_refuses_nothing_on_another)
{
	struct world world;
	struct seen full = {0}, free = {0};

	world_start(&world, NULL);
	world_open(&world, &full, four());
	world_open(&world, &free, four());
	seen_block(&full);
	cr_assert_eq(seen_send_many(&full, 1000, 10), 4);
	cr_assert_eq(seen_send_many(&free, 0, 10), 10);
	assert_sent(&world, 0, 10);
	world_end(&world);
}

static void send_ten(struct seen *seen, const struct hail_datagram *batch,
		     size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(seen, 0, 10), 4);
	cr_assert_eq(seen_send(seen, 4), -EAGAIN);
}

Test(window, a_handler_is_held_to_the_window_and_drained_afterwards)
{
	struct world world;
	struct seen seen = {.on_data = send_ten};

	world_start(&world, NULL);
	world_open(&world, &seen, four());
	world_turn(&world);
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	assert_sent(&world, 0, 4);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

Test(window, sends_past_the_send_memory_are_refused)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.send_blocks = 4,
						 .send_blocks_large = 1));
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 5);
	cr_assert_eq(seen_send(&seen, 5), -EAGAIN);
	cr_assert_gt(world_stats(&world).send_blocks.exhausted, 0);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 5);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(world_stats(&world).send_blocks.in_use, 0);
	cr_assert_eq(world_stats(&world).send_blocks_large.in_use, 0);
	world_end(&world);
}

Test(window, large_datagrams_in_flight_arrive_whole)
{
	static unsigned char bytes[65507];
	struct hail_addr remote = remote_at(9);
	struct world world;
	struct seen seen = {0};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(hail_send(seen.socket, bytes, sizeof(bytes), &remote), 0);
	cr_assert_eq(hail_send(seen.socket, bytes, 1985, &remote), 0);
	cr_assert_eq(hail_send(seen.socket, bytes, 1984, &remote), 0);
	cr_assert_eq(hail_send(seen.socket, NULL, 0, &remote), 0);
	cr_assert_eq(hail_send(seen.socket, bytes, 65508, &remote), -EMSGSIZE);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 4);
	cr_assert_eq(sim_sent(world.sim, 0)->size, sizeof(bytes));
	cr_assert_eq(sim_sent(world.sim, 1)->size, 1985);
	cr_assert_eq(sim_sent(world.sim, 3)->size, 0);
	cr_assert(!memcmp(sim_sent(world.sim, 0)->data, bytes, sizeof(bytes)));
	world_end(&world);
}

Test(window, connecting_elsewhere_leaves_what_is_in_flight_on_its_way)
{
	struct hail_addr first, second, now;
	struct world world;
	struct seen seen = {0};

	cr_assert_eq(hail_addr_parse(&first, "127.0.0.1", 7001), 0);
	cr_assert_eq(hail_addr_parse(&second, "127.0.0.1", 7002), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = first));
	seen_block(&seen);
	cr_assert_eq(hail_send(seen.socket, "one", 3, NULL), 0);
	cr_assert_eq(hail_socket_connect(seen.socket, &second), 0);
	cr_assert_eq(hail_socket_remote(seen.socket, &now), 0);
	cr_assert(hail_addr_equal(&now, &second));
	cr_assert_eq(hail_send(seen.socket, "two", 3, NULL), 0);
	cr_assert_eq(hail_socket_disconnect(seen.socket), 0);
	cr_assert_eq(hail_socket_remote(seen.socket, &now), -ENOTCONN);
	cr_assert_eq(hail_socket_disconnect(seen.socket), -ENOTCONN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 2);
	cr_assert(hail_addr_equal(&sim_sent(world.sim, 0)->remote, &first));
	cr_assert(hail_addr_equal(&sim_sent(world.sim, 1)->remote, &second));
	world_end(&world);
}
