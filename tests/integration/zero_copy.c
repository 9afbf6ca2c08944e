/* SPDX-License-Identifier: MIT */
/* zero_copy.c: large trains that the kernel may send from the engine's memory.
 * On the loopback it copies them all the same, and says so. */
#include "support/child.h"
#include "support/numbered.h"
#include "support/relay.h"

#include <sys/resource.h>

TestSuite(zero_copy, .timeout = 90);

#define SIZE 1400
#define COUNT 40
#define BYTES (4 * 1024 * 1024)

/* Pools that are small enough to be registered anywhere. */
#define SMALL_POOLS                                                            \
	.budget = 128, .buffers = 16, .buffers_max = 16, .small_buffers = 16,  \
	.small_buffers_max = 16, .send_blocks = 256, .send_blocks_large = 16

struct scene {
	struct hail_engine *engine;
	struct relay relay;
	int sink;
};

static void start(struct scene *scene,
		  const struct hail_engine_options *options)
{
	struct hail_addr to;

	scene->engine = live_engine(options);
	scene->sink = plain_open("127.0.0.1", BYTES);
	cr_assert_geq(scene->sink, 0);
	to = live_v4(plain_port(scene->sink));
	relay_open(&scene->relay, scene->engine, &to);
}

static void end(struct scene *scene)
{
	relay_end(&scene->relay);
	close(scene->sink);
	live_end(scene->engine);
}

/* Sends trains one after the other, and looks at each datagram. */
static void relay_some(struct scene *scene, uint32_t trains, uint16_t size,
		       uint32_t count)
{
	for (uint32_t i = 0; i < trains; i++) {
		uint32_t first = scene->relay.next;

		relay_feed(&scene->relay, size, count);
		relay_expect(scene->sink, first, count, size);
	}
	cr_assert_eq(scene->relay.refused, 0);
	cr_assert(plain_silent(scene->sink));
}

static void assert_nothing_held(const struct scene *scene)
{
	struct hail_engine_stats stats = live_stats(scene->engine);

	cr_assert_eq(stats.buffers.in_use, 0);
	cr_assert_eq(stats.send_blocks.in_use, 0);
	cr_assert_eq(stats.send_blocks_large.in_use, 0);
}

Test(zero_copy, the_first_large_train_is_tried_and_after_it_was_copied_no_other)
{
	struct scene scene;

	start(&scene, &HAIL_ENGINE_OPTIONS(SMALL_POOLS));
	relay_some(&scene, 20, SIZE, COUNT);
	live_until(scene.engine,
		   live_stats(scene.engine).zero_copy_copied == 1);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 1);
	cr_assert_eq(live_stats(scene.engine).zero_copy_registered, 0);
	cr_assert_geq(live_traffic(&scene.relay.live).trains, 20);
	cr_assert_eq(live_traffic(&scene.relay.live).train_refused, 0);
	assert_nothing_held(&scene);
	end(&scene);
}

Test(zero_copy, a_train_from_registered_memory_arrives_as_any)
{
	struct scene scene;

	start(&scene,
	      &HAIL_ENGINE_OPTIONS(SMALL_POOLS, .register_memory = true));
	relay_some(&scene, 3, SIZE, COUNT);
	live_until(scene.engine,
		   live_stats(scene.engine).zero_copy_copied == 1);
	cr_assert_geq(live_stats(scene.engine).zero_copy_registered, 1);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 1);
	assert_nothing_held(&scene);
	end(&scene);
}

Test(zero_copy, small_trains_are_not_tried)
{
	struct scene scene;

	start(&scene, &HAIL_ENGINE_OPTIONS(SMALL_POOLS));
	relay_some(&scene, 10, SIZE, 23);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 0);
	end(&scene);
}

Test(zero_copy, off_means_that_none_is_tried)
{
	struct scene scene;

	start(&scene, &HAIL_ENGINE_OPTIONS(SMALL_POOLS,
					   .zero_copy = HAIL_ZERO_COPY_OFF));
	relay_some(&scene, 3, SIZE, COUNT);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 0);
	end(&scene);
}

/* ---- From send blocks ---- */

#define LARGE 12000

/* What is sent inside a handler goes through send blocks; their memory is of
 * other bytes by the time that it is read. */
static void send_large(struct live *live)
{
	static unsigned char bytes[LARGE];
	struct relay *relay = live->arg;

	for (int i = 0; i < 4; i++) {
		numbered_write(bytes, LARGE, 0, relay->next++);
		cr_assert_eq(hail_send(live->socket, bytes, LARGE, &relay->to),
			     0);
	}
	memset(bytes, 0xee, sizeof(bytes));
}

static void relay_large(const struct hail_engine_options *options)
{
	struct scene scene;

	start(&scene, options);
	for (uint32_t i = 0; i < 5; i++) {
		live_inside(&scene.relay.live, send_large);
		relay_expect(scene.sink, 4 * i, 4, LARGE);
	}
	live_until(scene.engine,
		   live_stats(scene.engine).zero_copy_copied == 1);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 1);
	assert_nothing_held(&scene);
	end(&scene);
}

Test(zero_copy, a_train_gathered_from_send_blocks_arrives_as_any)
{
	relay_large(&HAIL_ENGINE_OPTIONS(SMALL_POOLS));
	relay_large(&HAIL_ENGINE_OPTIONS(SMALL_POOLS, .register_memory = true));
}

/* ---- Creation ---- */

Test(zero_copy, an_unknown_choice_is_refused)
{
	struct hail_engine *engine = NULL;

	cr_assert_eq(
		hail_engine_create(
			&engine,
			&HAIL_ENGINE_OPTIONS(.zero_copy =
						     HAIL_ZERO_COPY_OFF + 1)),
		-EINVAL);
	cr_assert_null(engine);
}

static int register_too_much(void *arg)
{
	struct rlimit limit = {1 << 20, 1 << 20};
	struct hail_engine *engine = NULL;

	(void)arg;
	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if (child_drop_rights())
		return CHILD_SKIP;
	CHECK(hail_engine_create(
		      &engine, &HAIL_ENGINE_OPTIONS(.register_memory = true)) ==
	      -ENOMEM);
	CHECK(engine == NULL);
	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

Test(zero_copy, registering_more_than_may_be_locked_is_refused)
{
	int line = child_run(register_too_much, NULL);

	if (line == CHILD_SKIP)
		cr_skip_test("this needs rights that the test hasn't");
	cr_assert_eq(line, 0, "the check in line %d failed", line);
}

/* Locked memory is counted by user, and others may use it up. */
Test(zero_copy, where_no_memory_may_be_locked_trains_are_sent_plainly)
{
	struct rlimit limit = {0};
	struct scene scene;

	/* Each test is a process of its own. */
	if (child_drop_rights())
		cr_skip_test("this needs rights that the test hasn't");
	start(&scene, &HAIL_ENGINE_OPTIONS(SMALL_POOLS));
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	relay_some(&scene, 5, SIZE, COUNT);
	cr_assert_eq(live_stats(scene.engine).zero_copy_sent, 0);
	cr_assert_eq(live_traffic(&scene.relay.live).sent, 5 * COUNT);
	cr_assert_eq(scene.relay.live.errors, 0);
	assert_nothing_held(&scene);
	end(&scene);
}
