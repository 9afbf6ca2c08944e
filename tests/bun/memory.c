/* SPDX-License-Identifier: MIT */
/* memory.c: the kernel has no memory for a datagram just now. In Bun ENOBUFS
 * and ENOMEM are thrown. No test can make a kernel say so, so it is the
 * simulated one that does. */
#include "sim/world.h"

#define WINDOW 4

static void start_poor(struct world *world, struct seen *seen, int code,
		       uint32_t taken_before)
{
	world_start(world, NULL);
	world_open(world, seen,
		   &HAIL_SOCKET_OPTIONS(.window = WINDOW, .low_water = 2));
	sim_fail_sends(world->sim, seen->slot, code, taken_before,
		       SIM_UNLIMITED);
}

/* All that was taken has left, in order, and drain has come once. */
static void end_rich(struct world *world, struct seen *seen, uint32_t taken)
{
	world_settle(world);
	cr_assert_eq(seen->drains, 0);
	sim_forgive(world->sim);
	world_settle(world);
	assert_sent(world, 0, taken);
	cr_assert_eq(seen->drains, 1);
	cr_assert_eq(seen->errors, 0);
	world_end(world);
}

static void assert_backpressure(int code)
{
	struct world world;
	struct seen seen = {0};

	start_poor(&world, &seen, code, 0);
	for (uint32_t i = 0; i < WINDOW; i++)
		cr_assert_eq(seen_send(&seen, i), 0);
	cr_assert_eq(seen_send(&seen, WINDOW), -EAGAIN);
	end_rich(&world, &seen, WINDOW);
}

Test(bun_memory, enobufs_is_backpressure)
{
	assert_backpressure(-ENOBUFS);
}

Test(bun_memory, enomem_is_backpressure)
{
	assert_backpressure(-ENOMEM);
}

Test(bun_memory, drain_fires_after_a_short_count_for_want_of_memory)
{
	struct world world;
	struct seen seen = {0};

	start_poor(&world, &seen, -ENOBUFS, 2);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 2 + WINDOW);
	end_rich(&world, &seen, 2 + WINDOW);
}
