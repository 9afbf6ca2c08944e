/* SPDX-License-Identifier: MIT */
/*
 * zero_copy.c: trains that leave by a device from where they are. The kernel
 * copies what a veth carries to a socket, but not what waits on the way or is
 * dropped before it arrives.
 */
#include "pair.h"
#include "support/relay.h"

TestSuite(zero_copy, .timeout = 90);

#define SIZE 1400
#define COUNT 40

struct scene {
	struct pair pair;
	struct relay relay;
	int far;
};

static void start(struct scene *scene, bool registered,
		  const char *const *tools)
{
	struct hail_addr to;

	pair_start(&scene->pair,
		   &HAIL_ENGINE_OPTIONS(.budget = 128, .buffers_max = 128,
					.small_buffers_max = 64,
					.send_blocks = 1024,
					.send_blocks_large = 16,
					.register_memory = registered),
		   tools);
	scene->far = pair_far(&scene->pair, FAR_V4, 0, &to);
	relay_open(&scene->relay, scene->pair.engine, &to);
}

static void end(struct scene *scene)
{
	relay_end(&scene->relay);
	pair_end(&scene->pair);
	close(scene->far);
}

static void feed(struct scene *scene, uint32_t trains)
{
	for (uint32_t i = 0; i < trains; i++)
		relay_feed(&scene->relay, SIZE, COUNT);
	cr_assert_eq(scene->relay.refused, 0);
}

static struct hail_engine_stats stats(const struct scene *scene)
{
	return live_stats(scene->pair.engine);
}

static void expect(struct scene *scene, uint32_t first, uint32_t trains)
{
	relay_expect(scene->far, first * COUNT, trains * COUNT, SIZE);
}

Test(zero_copy, over_a_veth_to_a_socket_one_train_is_tried)
{
	struct scene scene;

	start(&scene, false, NULL);
	for (uint32_t i = 0; i < 10; i++) {
		feed(&scene, 1);
		expect(&scene, i, 1);
	}
	live_until(scene.pair.engine, stats(&scene).zero_copy_copied == 1);
	cr_assert_eq(stats(&scene).zero_copy_sent, 1);
	cr_assert_eq(stats(&scene).buffers.in_use, 0);
	end(&scene);
}

/* A filter that drops what comes to a device does so before anybody has to
 * copy it. */
static void drop_what_comes(const struct scene *scene)
{
	pair_run(scene->pair.far, "nft 'add table netdev t;"
				  "add chain netdev t c { type filter hook "
				  "ingress device \"far\" priority 0; };"
				  "add rule netdev t c udp dport != 0 drop'");
}

static void lend_all(bool registered)
{
	static const char *const tools[] = {"nft", NULL};
	struct scene scene;

	start(&scene, registered, tools);
	drop_what_comes(&scene);
	feed(&scene, 1);
	live_until(scene.pair.engine, !stats(&scene).buffers.in_use);
	feed(&scene, 100);
	live_until(scene.pair.engine, !stats(&scene).buffers.in_use);
	cr_assert_eq(stats(&scene).zero_copy_sent, 101);
	cr_assert_eq(stats(&scene).zero_copy_copied, 0);
	cr_assert(!registered || stats(&scene).zero_copy_registered >= 101);
	cr_assert_eq(live_traffic(&scene.relay.live).sent, 101 * COUNT);
	end(&scene);
}

Test(zero_copy, where_the_first_train_is_not_copied_all_are_lent)
{
	lend_all(false);
}

Test(zero_copy, from_registered_memory_all_are_lent_too)
{
	lend_all(true);
}

Test(zero_copy, a_train_on_a_stuck_link_keeps_its_buffer_until_it_has_left)
{
	struct scene scene;

	start(&scene, false, NULL);
	pair_stick(&scene.pair);
	feed(&scene, 1);
	cr_assert_eq(stats(&scene).zero_copy_sent, 1);
	cr_assert_eq(stats(&scene).buffers.in_use, 1);
	/* Others come and go, in other buffers. */
	scene.relay.live.on_data = NULL;
	for (int i = 0; i < 200; i++)
		relay_feed(&scene.relay, SIZE, COUNT);
	cr_assert_eq(stats(&scene).buffers.in_use, 1);
	pair_unstick(&scene.pair);
	expect(&scene, 0, 1);
	live_until(scene.pair.engine, !stats(&scene).buffers.in_use);
	cr_assert_eq(stats(&scene).zero_copy_copied, 1);
	end(&scene);
}

Test(zero_copy, a_socket_closes_at_once_and_its_train_leaves_later)
{
	struct scene scene;

	start(&scene, false, NULL);
	pair_stick(&scene.pair);
	feed(&scene, 1);
	live_close(&scene.relay.live);
	cr_assert_eq(stats(&scene).buffers.in_use, 1);
	pair_unstick(&scene.pair);
	expect(&scene, 0, 1);
	live_until(scene.pair.engine, !stats(&scene).buffers.in_use);
	end(&scene);
}

/* The kernel holds the pages themselves, whatever becomes of their
 * addresses. */
static void end_the_engine_first(bool registered)
{
	struct scene scene;

	start(&scene, registered, NULL);
	pair_stick(&scene.pair);
	feed(&scene, 1);
	cr_assert_eq(stats(&scene).zero_copy_sent, 1);
	live_end(scene.pair.engine);
	scene.pair.engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.register_memory = registered));
	pair_unstick(&scene.pair);
	expect(&scene, 0, 1);
	end(&scene);
}

Test(zero_copy, an_engine_may_end_before_its_train_has_left)
{
	end_the_engine_first(false);
	end_the_engine_first(true);
}
