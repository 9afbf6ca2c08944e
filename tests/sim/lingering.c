/* SPDX-License-Identifier: MIT */
/* lingering.c: how tests of lingering begin and end. */
#include "lingering.h"

void lingering_start(struct world *world, struct seen *seen,
		     const struct hail_socket_options *options)
{
	world_start(world, NULL);
	world_open(world, seen, options);
	world_settle(world);
}

void lingering_start_full(struct world *world, struct seen *seen,
			  const struct hail_socket_options *options)
{
	lingering_start(world, seen, options);
	seen_block(seen);
	cr_assert_eq(seen_send_many(seen, 0, 5), 5);
	cr_assert_eq(seen_in_flight(seen), 5);
}

void lingering_finish(struct world *world, const struct seen *seen)
{
	cr_assert_eq(hail_engine_run(world->engine), 0);
	cr_assert_eq(seen->closes, 1);
	cr_assert_eq(seen->late, 0);
	cr_assert_eq(sim_attached(world->sim), 0);
	cr_assert_eq(world_stats(world).sockets, 0);
	cr_assert_eq(world_stats(world).send_blocks.in_use, 0);
	cr_assert_eq(world_stats(world).buffers.in_use, 0);
	world_end(world);
}

void lingering_counted(const struct world *world, uint64_t sent,
		       uint64_t failed, uint64_t cancelled)
{
	struct hail_traffic traffic = world_stats(world).traffic;

	cr_assert_eq(traffic.sent, sent);
	cr_assert_eq(traffic.failed, failed);
	cr_assert_eq(traffic.cancelled, cancelled);
}
