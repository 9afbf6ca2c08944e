/* SPDX-License-Identifier: MIT */
/* rearm.c: nothing that comes from outside makes a socket deaf: reception that
 * ended is armed again, and the reason is counted. */
#include "world.h"

static void start(struct world *world, struct seen *seen)
{
	world_start(world, NULL);
	world_open(world, seen, NULL);
	world_turn(world);
	cr_assert_eq(sim_armed(world->sim, seen->slot), HL_ARM_RECEIVE);
}

/* Still hears, and was armed again for exactly these reasons. */
static void finish(struct world *world, struct seen *seen, uint64_t empty,
		   uint64_t queue, uint64_t error)
{
	size_t before;
	struct hail_traffic traffic;

	world_settle(world);
	before = seen->datagrams;
	seen_inject(seen, 0, 1);
	world_settle(world);
	cr_assert_eq(seen->datagrams, before + 1);
	traffic = seen_traffic(seen);
	cr_assert_eq(traffic.rearm_empty, empty);
	cr_assert_eq(traffic.rearm_queue, queue);
	cr_assert_eq(traffic.rearm_error, error);
	cr_assert_eq(traffic.rearm_pool, 0);
	world_end(world);
}

Test(rearm, after_an_empty_datagram)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr from = remote_at(9);

	start(&world, &seen);
	for (int i = 0; i < 3; i++)
		sim_inject(world.sim, seen.slot, &from, NULL, 0);
	seen_inject(&seen, 0, 2);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 5);
	finish(&world, &seen, 3, 0, 0);
}

Test(rearm, after_the_completion_queue_was_full)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_end_reception(world.sim, seen.slot);
	seen_inject(&seen, 0, 5);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 5);
	finish(&world, &seen, 0, 1, 0);
}

Test(rearm, after_an_icmp_error)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
	seen_inject(&seen, 0, 5);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 5);
	cr_assert_eq(seen.errors, 1);
	finish(&world, &seen, 0, 0, 1);
}

Test(rearm, after_an_error_that_nobody_knows)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_inject_error(world.sim, seen.slot, -EXFULL);
	seen_inject(&seen, 0, 5);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 5);
	finish(&world, &seen, 0, 0, 1);
}

Test(rearm, after_the_kernel_was_out_of_memory)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	for (int i = 0; i < 5; i++)
		sim_inject_error(world.sim, seen.slot, -ENOMEM);
	world_settle(&world);
	cr_assert_eq(seen.errors, 0);
	cr_assert_lt(world_stats(&world).enters, 1000, "it spins");
	finish(&world, &seen, 0, 0, 5);
}

Test(rearm, after_an_interrupted_request)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_inject_error(world.sim, seen.slot, -EINTR);
	finish(&world, &seen, 0, 0, 1);
}

Test(rearm, after_arming_failed)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr from = remote_at(9);
	int err;

	start(&world, &seen);
	sim_fail_call(world.sim, SIM_CALL_ARM, -ENOMEM, 0);
	sim_inject(world.sim, seen.slot, &from, NULL, 0);
	for (int i = 0; i < 10; i++) {
		err = hail_engine_turn(world.engine, (int64_t)MS);
		cr_assert(err >= 0 || err == -ENOMEM);
	}
	finish(&world, &seen, 1, 0, 0);
}

Test(rearm, a_flood_of_everything_ends_nothing)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr from = remote_at(9);
	uint32_t sent = 0;

	world_start(&world,
		    &HAIL_ENGINE_OPTIONS(.buffers = 2, .entries = 2,
					 .buffers_max = 4, .completions = 2));
	world_open(&world, &seen, NULL);
	for (int i = 0; i < 300; i++) {
		switch (sim_random(world.sim, 4)) {
		case 0:
			sim_inject(world.sim, seen.slot, &from, NULL, 0);
			sent++;
			break;
		case 1:
			sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
			break;
		case 2:
			sim_end_reception(world.sim, seen.slot);
			break;
		default:
			seen_inject(&seen, 0, 10);
			sent += 10;
		}
	}
	world_settle(&world);
	cr_assert_eq(seen.datagrams, sent);
	cr_assert_eq(sim_armed(world.sim, seen.slot), HL_ARM_RECEIVE);
	cr_assert_gt(seen_traffic(&seen).rearm_pool, 0);
	world_end(&world);
}
