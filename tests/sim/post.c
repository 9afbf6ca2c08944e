/* SPDX-License-Identifier: MIT */
/* post.c: work that is posted runs on the engine's thread, in order, once. */
#include "world.h"

/* Posts carry their number and append it. */
static uintptr_t ran[64];
static unsigned ran_count;

static void append(struct hail_engine *engine, void *arg)
{
	(void)engine;
	ran[ran_count++] = (uintptr_t)arg;
}

Test(post, runs_in_order_and_from_a_turn)
{
	struct world world;

	world_start(&world, NULL);
	for (uintptr_t i = 0; i < 10; i++)
		cr_assert_eq(hail_engine_post(world.engine, append, (void *)i),
			     0);
	cr_assert_eq(ran_count, 0);
	cr_assert_eq(hail_engine_turn(world.engine, -1), 10);
	cr_assert_eq(ran_count, 10);
	for (uintptr_t i = 0; i < 10; i++)
		cr_assert_eq(ran[i], i);
	cr_assert_eq(world_turn(&world), 0);
	cr_assert_eq(world_stats(&world).posts, 10);
	world_end(&world);
}

Test(post, is_refused_where_as_many_wait_as_the_options_allow)
{
	struct world world;

	world_start(&world, &HAIL_ENGINE_OPTIONS(.posts = 4));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			cr_assert_eq(
				hail_engine_post(world.engine, append, NULL),
				0);
		cr_assert_eq(hail_engine_post(world.engine, append, NULL),
			     -EAGAIN);
		cr_assert_eq(world_turn(&world), 4);
	}
	world_end(&world);
}

Test(post, wrong_arguments_are_refused)
{
	struct world world;

	world_start(&world, NULL);
	cr_assert_eq(hail_engine_post(NULL, append, NULL), -EINVAL);
	cr_assert_eq(hail_engine_post(world.engine, NULL, NULL), -EINVAL);
	world_end(&world);
}

Test(post, that_nobody_ran_ends_with_the_engine)
{
	struct world world;

	world_start(&world, NULL);
	cr_assert_eq(hail_engine_post(world.engine, append, NULL), 0);
	world_end(&world);
	cr_assert_eq(ran_count, 0);
}

static void send_one(struct hail_engine *engine, void *arg)
{
	(void)engine;
	cr_assert_eq(seen_send(arg, 5), 0);
}

Test(post, may_send)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_engine_post(world.engine, send_one, &seen), 0);
	cr_assert_eq(hail_engine_turn(world.engine, 0), 1);
	/* It left before the turn did. */
	assert_sent(&world, 5, 1);
	world_end(&world);
}
