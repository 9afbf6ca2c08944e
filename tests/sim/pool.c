/* SPDX-License-Identifier: MIT */
/* pool.c: the pool of receive buffers grows to its bound and no further, and
 * a socket that found it empty hears again when there are buffers. */
#include "world.h"

#define KEPT_MAX 256

/* Keeps what it receives. */
struct keeper {
	struct seen seen;
	struct hail_buffer *kept[KEPT_MAX];
	const void *data[KEPT_MAX];
	uint32_t number[KEPT_MAX];
	unsigned count;
};

static void keep(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	struct keeper *keeper = (struct keeper *)(void *)seen;

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
		keeper->kept[keeper->count] = batch[i].buffer;
		keeper->data[keeper->count] = batch[i].data;
		keeper->number[keeper->count++] = datagram_number(&batch[i]);
	}
}

static void release(struct keeper *keeper, unsigned count)
{
	while (count--) {
		uint32_t number;

		memcpy(&number, keeper->data[--keeper->count], sizeof(number));
		cr_assert_eq(number, keeper->number[keeper->count]);
		cr_assert_eq(hail_buffer_release(keeper->kept[keeper->count]),
			     0);
	}
}

static void start(struct world *world, struct keeper *keeper)
{
	keeper->seen.on_data = keep;
	world_start(world,
		    &HAIL_ENGINE_OPTIONS(.buffers = 4, .buffers_max = 16));
	world_open(world, &keeper->seen, NULL);
}

Test(pool, doubles_when_it_was_found_empty_up_to_its_bound)
{
	struct world world;
	struct keeper keeper = {0};
	struct hail_pool_stats stats;

	start(&world, &keeper);
	cr_assert_eq(world_stats(&world).buffers.total, 4);
	seen_inject(&keeper.seen, 0, 4);
	world_settle(&world);
	cr_assert_eq(keeper.count, 4);
	cr_assert_eq(world_stats(&world).buffers.total, 4);
	seen_inject(&keeper.seen, 4, 1);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).buffers.total, 8);
	seen_inject(&keeper.seen, 5, 40);
	world_settle(&world);
	stats = world_stats(&world).buffers;
	cr_assert_eq(stats.total, 16);
	cr_assert_eq(stats.in_use, 16);
	cr_assert_eq(stats.in_use_max, 16);
	cr_assert_gt(stats.exhausted, 0);
	cr_assert_eq(keeper.count, 16);
	world_end(&world);
}

Test(pool, an_empty_one_is_waited_for_without_spinning)
{
	struct world world;
	struct keeper keeper = {0};
	uint64_t submissions;

	start(&world, &keeper);
	seen_inject(&keeper.seen, 0, 20);
	world_settle(&world);
	cr_assert_eq(keeper.count, 16);
	submissions = world_stats(&world).submissions;
	for (int i = 0; i < 20; i++)
		cr_assert_eq(world_turn(&world), 0);
	cr_assert_eq(world_stats(&world).submissions, submissions);
	world_end(&world);
}

Test(pool, an_empty_one_is_served_again_after_a_release)
{
	struct world world;
	struct keeper keeper = {0};

	start(&world, &keeper);
	seen_inject(&keeper.seen, 0, 40);
	world_settle(&world);
	cr_assert_eq(keeper.count, 16);
	release(&keeper, 1);
	world_settle(&world);
	cr_assert_eq(keeper.count, 16);
	cr_assert_eq(keeper.seen.datagrams, 17);
	while (keeper.seen.datagrams < 40) {
		size_t before = keeper.seen.datagrams;

		release(&keeper, 16);
		world_settle(&world);
		cr_assert_gt(keeper.seen.datagrams, before);
	}
	release(&keeper, keeper.count);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	cr_assert_eq(world_stats(&world).buffers.total, 16);
	cr_assert_eq(sim_provided_count(world.sim, HL_POOL_LARGE), 16);
	cr_assert_gt(seen_traffic(&keeper.seen).rearm_pool, 0);
	world_end(&world);
}

Test(pool, an_empty_one_is_served_again_for_all_its_sockets)
{
	struct world world;
	struct keeper keeper = {0};
	struct seen others[3] = {{0}, {0}, {0}};

	start(&world, &keeper);
	for (int i = 0; i < 3; i++)
		world_open(&world, &others[i], NULL);
	seen_inject(&keeper.seen, 0, 16);
	world_settle(&world);
	for (int i = 0; i < 3; i++)
		seen_inject(&others[i], 0, 5);
	world_settle(&world);
	release(&keeper, 1);
	world_settle(&world);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(others[i].datagrams, 5);
	world_end(&world);
}

Test(pool, a_socket_may_be_closed_while_it_waits_for_a_buffer)
{
	struct world world;
	struct keeper keeper = {0};

	start(&world, &keeper);
	seen_inject(&keeper.seen, 0, 20);
	world_settle(&world);
	seen_close(&keeper.seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(keeper.seen.closes, 1);
	release(&keeper, 16);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	world_end(&world);
}

/* Sends back what comes, and closes after the last. */
static void echo(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	unsigned *wanted = seen->arg;

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(seen->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
	if (seen->datagrams == *wanted)
		seen_close(seen);
}

/* The buffers are held by the answers, which are freed by the very enter that
 * waits for what comes next. */
Test(pool, an_echo_in_a_run_is_not_starved_by_its_own_answers)
{
	struct world world;
	unsigned wanted = 50;
	struct seen seen = {.on_data = echo, .arg = &wanted};

	world_start(&world,
		    &HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, wanted);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, wanted);
	world_end(&world);
}

Test(pool, an_echo_in_turns_that_wait_is_not_starved_by_its_own_answers)
{
	struct world world;
	unsigned wanted = 50;
	struct seen seen = {.on_data = echo, .arg = &wanted};

	world_start(&world,
		    &HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, wanted);
	while (!seen.closed)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	assert_sent(&world, 0, wanted);
	world_end(&world);
}

Test(pool, small_buffers_are_a_pool_of_their_own)
{
	struct world world;
	struct keeper keeper = {0};
	struct seen small = {0};

	start(&world, &keeper);
	world_open(&world, &small, &HAIL_SOCKET_OPTIONS(.datagram_max = 100));
	seen_inject(&keeper.seen, 0, 40);
	seen_inject(&small, 0, 40);
	world_settle(&world);
	cr_assert_eq(keeper.count, 16);
	cr_assert_eq(small.datagrams, 40);
	world_end(&world);
}
