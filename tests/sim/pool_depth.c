/* SPDX-License-Identifier: MIT */
/* pool_depth.c: how many of a pool's free buffers the kernel is offered: few
 * where few were needed, so that these stay in the cache, and more for a
 * burst. */
#include "world.h"

#define TOTAL 64
#define SOCKETS 4
/* Long enough to see that few are needed. */
#define CALM 1000

/* Writes down which buffers are written, and may keep them. */
struct watcher {
	struct seen seen;
	const struct hail_buffer *written[TOTAL];
	unsigned distinct;
	bool keeps;
};

static void note(struct watcher *watcher, const struct hail_buffer *buffer)
{
	unsigned i = 0;

	while (i < watcher->distinct && watcher->written[i] != buffer)
		i++;
	cr_assert_lt(i, TOTAL);
	watcher->written[i] = buffer;
	if (i == watcher->distinct)
		watcher->distinct++;
}

static void watch(struct seen *seen, const struct hail_datagram *batch,
		  size_t count)
{
	struct watcher *watcher = (struct watcher *)(void *)seen;

	for (size_t i = 0; i < count; i++) {
		note(watcher, batch[i].buffer);
		if (watcher->keeps)
			cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
	}
}

static void start(struct world *world, struct watcher *watcher, uint32_t total)
{
	*watcher = (struct watcher){.seen.on_data = watch};
	world_start(world, &HAIL_ENGINE_OPTIONS(.buffers = total,
						.buffers_max = TOTAL));
	world_open(world, &watcher->seen, NULL);
}

/* Many turns, each with so many datagrams. */
static void calm(struct watcher *watcher, uint32_t each)
{
	for (unsigned i = 0; i < CALM; i++) {
		seen_inject(&watcher->seen, 0, each);
		world_turn(watcher->seen.world);
	}
	world_settle(watcher->seen.world);
}

static uint32_t offered(const struct world *world)
{
	return sim_provided_count(world->sim, HL_POOL_LARGE);
}

static struct hail_pool_stats pool_stats(const struct world *world)
{
	return world_stats(world).buffers;
}

static void assert_offered(uint32_t each, uint32_t least, uint32_t most)
{
	struct watcher watcher;
	struct world world;

	start(&world, &watcher, TOTAL);
	world_settle(&world);
	cr_assert_eq(offered(&world), TOTAL);
	calm(&watcher, each);
	cr_assert_geq(offered(&world), least);
	cr_assert_leq(offered(&world), most);
	cr_assert_eq(watcher.seen.datagrams, CALM * each);
	cr_assert_eq(seen_traffic(&watcher.seen).rearm_pool, 0);
	world_end(&world);
}

Test(pool_depth, the_kernel_is_offered_what_was_needed_and_a_quarter_more)
{
	assert_offered(8, 8, 11);
	assert_offered(20, 20, 26);
	assert_offered(30, 30, 38);
}

Test(pool_depth, it_is_offered_a_few_also_where_one_is_enough)
{
	assert_offered(1, 2, 4);
}

Test(pool_depth, those_that_were_used_last_are_used_next)
{
	struct watcher watcher;
	struct world world;

	start(&world, &watcher, TOTAL);
	calm(&watcher, 1);
	watcher.distinct = 0;
	calm(&watcher, 1);
	cr_assert_leq(watcher.distinct, 4);
	world_end(&world);
}

Test(pool_depth, a_burst_is_received_whole_and_the_next_one_finds_enough)
{
	struct watcher watcher;
	struct world world;
	uint64_t rearmed;

	start(&world, &watcher, TOTAL);
	calm(&watcher, 1);
	seen_inject(&watcher.seen, 0, 1000);
	world_settle(&world);
	cr_assert_eq(watcher.seen.datagrams, CALM + 1000);
	cr_assert_eq(offered(&world), TOTAL);
	rearmed = seen_traffic(&watcher.seen).rearm_pool;
	cr_assert_gt(rearmed, 0);
	seen_inject(&watcher.seen, 0, TOTAL);
	world_settle(&world);
	cr_assert_eq(watcher.seen.datagrams, CALM + 1000 + TOTAL);
	cr_assert_eq(seen_traffic(&watcher.seen).rearm_pool, rearmed);
	cr_assert_eq(pool_stats(&world).total, TOTAL);
	calm(&watcher, 1);
	cr_assert_leq(offered(&world), 4);
	world_end(&world);
}

Test(pool_depth, each_socket_of_a_burst_is_served)
{
	struct watcher watchers[SOCKETS];
	struct world world;

	start(&world, &watchers[0], TOTAL);
	for (unsigned i = 1; i < SOCKETS; i++) {
		watchers[i] = (struct watcher){.seen.on_data = watch};
		world_open(&world, &watchers[i].seen, NULL);
	}
	calm(&watchers[0], 1);
	for (unsigned i = 0; i < SOCKETS; i++)
		seen_inject(&watchers[i].seen, 0, 30);
	world_settle(&world);
	cr_assert_eq(watchers[0].seen.datagrams, CALM + 30);
	for (unsigned i = 1; i < SOCKETS; i++)
		cr_assert_eq(watchers[i].seen.datagrams, 30);
	world_end(&world);
}

/* That the kernel had no buffer left says nothing of the pool. */
Test(pool_depth, a_pool_is_exhausted_and_grows_only_when_all_are_in_use)
{
	struct watcher watcher;
	struct world world;

	start(&world, &watcher, 16);
	calm(&watcher, 1);
	watcher.keeps = true;
	seen_inject(&watcher.seen, 0, 16);
	world_settle(&world);
	cr_assert_eq(pool_stats(&world).in_use, 16);
	cr_assert_eq(pool_stats(&world).exhausted, 0);
	cr_assert_eq(pool_stats(&world).total, 16);
	cr_assert_gt(seen_traffic(&watcher.seen).rearm_pool, 0);
	seen_inject(&watcher.seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(pool_stats(&world).in_use, 17);
	cr_assert_eq(pool_stats(&world).exhausted, 1);
	cr_assert_eq(pool_stats(&world).total, 32);
	world_end(&world);
}

/* Those that are kept leave fewer, and still the rest is offered. */
Test(pool_depth, retained_ones_grow_the_pool_to_its_bound)
{
	struct watcher watcher;
	struct world world;

	start(&world, &watcher, 16);
	calm(&watcher, 1);
	watcher.keeps = true;
	seen_inject(&watcher.seen, 0, 2 * TOTAL);
	world_settle(&world);
	cr_assert_eq(watcher.seen.datagrams, CALM + TOTAL);
	cr_assert_eq(pool_stats(&world).total, TOTAL);
	cr_assert_eq(pool_stats(&world).in_use, TOTAL);
	cr_assert_eq(offered(&world), 0);
	watcher.keeps = false;
	cr_assert_eq(hail_buffer_release((void *)(uintptr_t)watcher.written[0]),
		     0);
	world_settle(&world);
	cr_assert_eq(watcher.seen.datagrams, CALM + 2 * TOTAL);
	world_end(&world);
}
