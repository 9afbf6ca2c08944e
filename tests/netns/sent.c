/* SPDX-License-Identifier: MIT */
/* sent.c: times of leaving on a link: a filter, an MTU and a full send buffer
 * between don't make the handler mistake one message for another. */
#include "pair.h"

#include <time.h>

TestSuite(sent, .timeout = 90);

#define BATCH 100
#define TOLD_MAX 1000

static const char *const tools[] = {"nft", NULL};

struct scene {
	struct pair pair;
	struct live live;
	struct hail_addr good, bad; /* a filter refuses what goes to the bad */
	int fd;
	struct hail_sent told[TOLD_MAX];
	unsigned count;
	char texts[TOLD_MAX]; /* message i is the text at i, with the tag i */
	unsigned next;        /* the next message */
};

static void note_sent(struct hail_socket *socket, const struct hail_sent *sent)
{
	struct scene *scene = ((struct live *)hail_socket_user(socket))->arg;

	cr_assert_lt(scene->count, TOLD_MAX);
	scene->told[scene->count++] = *sent;
}

static void open_socket(struct scene *scene, bool v6, uint32_t send_buffer)
{
	memset(&scene->live, 0, sizeof(scene->live));
	scene->count = scene->next = 0;
	scene->live.arg = scene;
	live_open(&scene->live, scene->pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(v6 ? "::" : "0.0.0.0",
							  0),
				       .send_buffer = send_buffer,
				       .sent = note_sent));
	scene->fd =
		pair_far(&scene->pair, v6 ? FAR_V6 : FAR_V4, 0, &scene->good);
	scene->bad = live_addr(v6 ? FAR_V6 : FAR_V4, 9);
}

static void close_socket(struct scene *scene)
{
	live_close(&scene->live);
	close(scene->fd);
}

static void start(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	pair_start(&scene->pair, NULL, tools);
	pair_run(scene->pair.near, "nft 'table inet t { chain c { type filter "
				   "hook output priority 0; "
				   "udp dport 9 drop; }; }'");
}

static int send_next(struct scene *scene, const struct hail_addr *to)
{
	unsigned i = scene->next++;

	cr_assert_lt(i, TOLD_MAX);
	return hail_send_with(scene->live.socket, &scene->texts[i], 1, to,
			      &HAIL_MESSAGE_FACTS(.timestamp = true, .tag = i));
}

/* Those of the messages that left, whose numbers go up by `step`, are told in
 * order. */
static void assert_told(struct scene *scene, unsigned count, unsigned first,
			unsigned step)
{
	live_until(scene->pair.engine, scene->count >= count);
	live_settle(scene->pair.engine);
	cr_assert_eq(scene->count, count, "%u", scene->count);
	for (unsigned i = 0; i < count; i++) {
		const struct hail_sent *told = &scene->told[i];
		unsigned number = first + i * step;

		cr_assert_eq(told->tag, number, "%u, not %u",
			     (unsigned)told->tag, number);
		cr_assert_eq(told->data, &scene->texts[number]);
		cr_assert(hail_addr_equal(&told->remote, &scene->good));
	}
}

Test(sent, a_filters_refusals_do_not_shift_the_tags)
{
	struct scene scene;

	start(&scene);
	for (int v6 = 0; v6 < 2; v6++) {
		open_socket(&scene, v6, 0);
		for (unsigned i = 0; i < BATCH; i++) {
			cr_assert_eq(send_next(&scene, &scene.bad), -EPERM);
			cr_assert_eq(send_next(&scene, &scene.good), 0);
		}
		assert_told(&scene, BATCH, 1, 2);
		close_socket(&scene);
	}
	pair_end(&scene.pair);
}

/* Odd ones leave. */
static void send_batch(struct hail_engine *engine, void *arg)
{
	struct scene *scene = arg;
	struct hail_message messages[BATCH];
	struct hail_message_facts asking[BATCH];
	const struct hail_message_facts *facts[BATCH];

	(void)engine;
	for (unsigned i = 0; i < BATCH; i++, scene->next++) {
		messages[i] = (struct hail_message){
			&scene->texts[scene->next], 1,
			scene->next % 2 ? &scene->good : &scene->bad};
		asking[i] = HAIL_MESSAGE_FACTS(.timestamp = true,
					       .tag = scene->next);
		facts[i] = &asking[i];
	}
	cr_assert_eq(
		hail_send_many_with(scene->live.socket, messages, facts, BATCH),
		BATCH);
}

Test(sent, a_filters_refusals_in_batches_do_not_shift_the_tags)
{
	struct scene scene;

	start(&scene);
	for (int v6 = 0; v6 < 2; v6++) {
		open_socket(&scene, v6, 0);
		send_batch(NULL, &scene);
		assert_told(&scene, BATCH / 2, 1, 2);
		cr_assert_eq(
			hail_engine_post(scene.pair.engine, send_batch, &scene),
			0);
		assert_told(&scene, BATCH, 1, 2);
		cr_assert_eq(scene.live.errors, BATCH);
		close_socket(&scene);
	}
	pair_end(&scene.pair);
}

Test(sent, messages_beyond_the_mtu_do_not_shift_the_tags)
{
	static const unsigned char bytes[1501];
	struct scene scene;

	start(&scene);
	for (int v6 = 0; v6 < 2; v6++) {
		open_socket(&scene, v6, 0);
		for (unsigned i = 0; i < BATCH; i++) {
			cr_assert_eq(
				hail_send_with(
					scene.live.socket, bytes, sizeof(bytes),
					&scene.good,
					&HAIL_MESSAGE_FACTS(.timestamp = true)),
				-EMSGSIZE);
			cr_assert_eq(send_next(&scene, &scene.good), 0);
		}
		assert_told(&scene, BATCH, 0, 1);
		close_socket(&scene);
	}
	pair_end(&scene.pair);
}

static uint64_t now_realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* More than the send buffer holds: some wait in the kernel, some in hail. */
Test(sent, what_waits_for_the_link_is_told_when_it_has_left)
{
	struct scene scene;
	uint64_t since;

	start(&scene);
	open_socket(&scene, false, 8192);
	pair_stick(&scene.pair);
	for (unsigned i = 0; i < 2 * BATCH; i++)
		cr_assert_eq(send_next(&scene, &scene.good), 0);
	live_settle(scene.pair.engine);
	cr_assert_eq(scene.count, 0);
	since = now_realtime();
	pair_unstick(&scene.pair);
	assert_told(&scene, 2 * BATCH, 0, 1);
	cr_assert_geq(scene.told[0].time_ns, since);
	cr_assert_leq(scene.told[2 * BATCH - 1].time_ns, now_realtime());
	close_socket(&scene);
	pair_end(&scene.pair);
}

/* What waited in the kernel never leaves, and is never told. */
Test(sent, what_the_link_dropped_is_not_told_and_shifts_nothing)
{
	struct scene scene;
	unsigned lost;

	start(&scene);
	open_socket(&scene, false, 0);
	pair_stick(&scene.pair);
	for (lost = 0; lost < 50; lost++)
		cr_assert_eq(send_next(&scene, &scene.good), 0);
	pair_give_up(&scene.pair);
	pair_unstick(&scene.pair);
	for (unsigned i = 0; i < 50; i++)
		cr_assert_eq(send_next(&scene, &scene.good), 0);
	assert_told(&scene, 50, lost, 1);
	close_socket(&scene);
	pair_end(&scene.pair);
}
