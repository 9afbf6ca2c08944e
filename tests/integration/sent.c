/* SPDX-License-Identifier: MIT */
/* sent.c: messages that ask for it are told when they left: each once, in
 * order, with all that it was known by. What a link and a filter do to that is
 * tests/netns/sent.c's. */
#include "support/live.h"

#include <time.h>

#define TAG UINT64_C(0x100000000)
#define BATCH 500

TestSuite(sent, .timeout = 60);

static const struct family {
	const char *any, *to;
} families[] = {
	{"0.0.0.0", "127.0.0.1"},
	{"::", "::1"},
	{"::", "127.0.0.1"},
	{"::", "::ffff:127.0.0.1"},
};

#define for_each_family(family)                                                \
	for (const struct family *family = families;                           \
	     family < families + live_count(families); family++)

/* A socket that is told, and where it sends to. */
struct scene {
	struct hail_engine *engine;
	struct live live;
	struct hail_addr to;
	int fd;
	uint64_t since;
	struct hail_sent told[2 * BATCH];
	unsigned count;
	void (*then)(struct scene *scene);
};

static void note_sent(struct hail_socket *socket, const struct hail_sent *sent)
{
	struct scene *scene = ((struct live *)hail_socket_user(socket))->arg;

	scene->live.late += scene->live.closing;
	cr_assert_lt(scene->count, live_count(scene->told));
	scene->told[scene->count++] = *sent;
	if (scene->then)
		scene->then(scene);
}

static uint64_t now_realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void start(struct scene *scene, const struct family *family,
		  bool connected)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.local = live_addr(family->any, 0),
				    .sent = note_sent);

	*scene = (struct scene){.engine = live_engine(NULL)};
	scene->fd = plain_open(strchr(family->to, '.') ? "127.0.0.1" : "::1",
			       1 << 22);
	cr_assert_geq(scene->fd, 0);
	scene->to = live_addr(family->to, plain_port(scene->fd));
	if (connected)
		options.remote = scene->to;
	scene->live.arg = scene;
	live_open(&scene->live, scene->engine, &options);
	scene->since = now_realtime();
}

static void end(struct scene *scene)
{
	cr_assert_eq(scene->live.late, 0);
	close(scene->fd);
	live_end(scene->engine);
}

static int send_one(struct scene *scene, const void *data, size_t size,
		    const struct hail_addr *remote, uint64_t tag)
{
	return hail_send_with(
		scene->live.socket, data, size, remote,
		&HAIL_MESSAGE_FACTS(.timestamp = true, .tag = tag));
}

/* Nothing more is told: what was sent has left when the enter returns. */
static void assert_no_more(struct scene *scene, unsigned count)
{
	live_until(scene->engine, scene->count >= count);
	live_settle(scene->engine);
	cr_assert_eq(scene->count, count, "%u, not %u", scene->count, count);
}

static void assert_times(const struct scene *scene)
{
	uint64_t last = scene->since;

	for (unsigned i = 0; i < scene->count; i++) {
		cr_assert_geq(scene->told[i].time_ns, last);
		cr_assert_eq(scene->told[i].device_time_ns, 0);
		last = scene->told[i].time_ns;
	}
	cr_assert_leq(last, now_realtime());
}

static char texts[BATCH];

static void send_singly(struct scene *scene, bool connected)
{
	const struct hail_addr *remote = connected ? NULL : &scene->to;

	for (unsigned i = 0; i < 20; i++) {
		cr_assert_eq(send_one(scene, &texts[i], i + 1, remote, TAG + i),
			     0);
		cr_assert_eq(hail_send(scene->live.socket, "not", 3, remote),
			     0);
		if (i % 2)
			live_turn(scene->engine);
	}
}

static void assert_singly(struct scene *scene)
{
	assert_no_more(scene, 20);
	for (unsigned i = 0; i < 20; i++) {
		const struct hail_sent *told = &scene->told[i];

		cr_assert_eq(told->tag, TAG + i);
		cr_assert_eq(told->data, &texts[i]);
		cr_assert_eq(told->size, i + 1);
		cr_assert(hail_addr_equal(&told->remote, &scene->to));
	}
	assert_times(scene);
}

Test(sent, those_that_asked_are_told_once_with_all_that_they_were)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family, false);
		send_singly(&scene, false);
		assert_singly(&scene);
		end(&scene);
	}
}

Test(sent, on_a_connected_socket_they_are_told_with_its_remote)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family, true);
		cr_assert_eq(hail_socket_remote(scene.live.socket, &scene.to),
			     0);
		send_singly(&scene, true);
		assert_singly(&scene);
		end(&scene);
	}
}

/* Of a batch every third message asks, and the others have no facts or others.
 */
static void send_batch(struct scene *scene)
{
	const struct hail_message_facts other = HAIL_MESSAGE_FACTS(.ttl = 3);
	struct hail_message messages[BATCH];
	struct hail_message_facts asking[BATCH];
	const struct hail_message_facts *facts[BATCH];

	for (unsigned i = 0; i < BATCH; i++) {
		messages[i] = (struct hail_message){&texts[i], 1, &scene->to};
		asking[i] = HAIL_MESSAGE_FACTS(.timestamp = true, .tag = i);
		facts[i] = i % 3 == 1 ? &other : NULL;
		if (i % 3 == 0)
			facts[i] = &asking[i];
	}
	cr_assert_eq(
		hail_send_many_with(scene->live.socket, messages, facts, BATCH),
		BATCH);
}

static void assert_every_third(struct scene *scene)
{
	assert_no_more(scene, (BATCH + 2) / 3);
	for (unsigned i = 0; i < scene->count; i++) {
		cr_assert_eq(scene->told[i].tag, 3 * i);
		cr_assert_eq(scene->told[i].data, &texts[3 * i]);
	}
	assert_times(scene);
}

Test(sent, of_a_batch_those_that_asked_are_told_in_order)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family, false);
		for (int i = 0; i < 10; i++) {
			scene.count = 0;
			send_batch(&scene);
			assert_every_third(&scene);
		}
		end(&scene);
	}
}

static void send_from_post(struct hail_engine *engine, void *arg)
{
	(void)engine;
	send_batch(arg);
}

Test(sent, what_a_handler_sends_is_told_in_order)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family, false);
		for (int i = 0; i < 10; i++) {
			scene.count = 0;
			cr_assert_eq(hail_engine_post(scene.engine,
						      send_from_post, &scene),
				     0);
			assert_every_third(&scene);
		}
		end(&scene);
	}
}

/* By calls that hail refuses, and by calls that the kernel does. */
static void fail_all_ways(struct scene *scene)
{
	static unsigned char long_one[65508];
	const struct hail_addr everybody = live_addr("127.255.255.255", 9);
	const struct hail_addr six = live_v6(9), no_port = live_v4(0);
	const struct hail_message_facts strange =
		HAIL_MESSAGE_FACTS(.timestamp = true,
				   .source = live_addr("192.0.2.1", 0));
	const struct hail_message_facts nowhere =
		HAIL_MESSAGE_FACTS(.timestamp = true, .interface = 1 << 30);
	struct hail_socket *socket = scene->live.socket;

	cr_assert_eq(send_one(scene, long_one, sizeof(long_one), &scene->to, 1),
		     -EMSGSIZE);
	cr_assert_eq(send_one(scene, "x", 1, &everybody, 2), -EACCES);
	cr_assert_eq(send_one(scene, "x", 1, &six, 4), -EAFNOSUPPORT);
	cr_assert_eq(send_one(scene, "x", 1, &no_port, 5), -EINVAL);
	cr_assert_eq(send_one(scene, "x", 1, NULL, 6), -EDESTADDRREQ);
	cr_assert_eq(hail_send_with(socket, "x", 1, &scene->to, &strange),
		     -ENETUNREACH);
	cr_assert_eq(hail_send_with(socket, "x", 1, &scene->to, &nowhere),
		     -ENODEV);
}

Test(sent, failing_sends_between_do_not_shift_the_tags)
{
	struct scene scene;

	start(&scene, &families[0], false);
	for (unsigned i = 0; i < 50; i++) {
		fail_all_ways(&scene);
		cr_assert_eq(send_one(&scene, &texts[i], 1, &scene.to, TAG + i),
			     0);
	}
	assert_no_more(&scene, 50);
	for (unsigned i = 0; i < 50; i++) {
		cr_assert_eq(scene.told[i].tag, TAG + i);
		cr_assert_eq(scene.told[i].data, &texts[i]);
	}
	end(&scene);
}

/* Of the messages whose number is odd the kernel says EACCES. */
static void send_mixed(struct hail_engine *engine, void *arg)
{
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct scene *scene = arg;
	struct hail_message messages[100];
	struct hail_message_facts asking[100];
	const struct hail_message_facts *facts[100];

	(void)engine;
	for (unsigned i = 0; i < 100; i++) {
		messages[i] = (struct hail_message){
			&texts[i], 1, i % 2 ? &everybody : &scene->to};
		asking[i] = HAIL_MESSAGE_FACTS(.timestamp = true, .tag = i);
		facts[i] = &asking[i];
	}
	cr_assert_eq(
		hail_send_many_with(scene->live.socket, messages, facts, 100),
		100);
}

static void assert_mixed(struct scene *scene)
{
	assert_no_more(scene, 50);
	for (unsigned i = 0; i < 50; i++)
		cr_assert_eq(scene->told[i].tag, 2 * i);
	cr_assert_eq(scene->live.errors, 50);
	for (unsigned i = 0; i < 50; i++)
		cr_assert_eq(scene->live.error[i].data, &texts[2 * i + 1]);
}

Test(sent, failing_messages_of_a_batch_do_not_shift_the_tags)
{
	struct scene scene;

	start(&scene, &families[0], false);
	send_mixed(scene.engine, &scene);
	assert_mixed(&scene);
	end(&scene);
	start(&scene, &families[0], false);
	cr_assert_eq(hail_engine_post(scene.engine, send_mixed, &scene), 0);
	assert_mixed(&scene);
	end(&scene);
}

static void send_next(struct scene *scene)
{
	unsigned i = scene->count;

	if (i < 100)
		cr_assert_eq(send_one(scene, &texts[i], 1, &scene->to, TAG + i),
			     0);
}

Test(sent, the_handler_may_send_the_next)
{
	struct scene scene;

	start(&scene, &families[0], false);
	scene.then = send_next;
	send_next(&scene);
	assert_no_more(&scene, 100);
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(scene.told[i].tag, TAG + i);
	assert_times(&scene);
	end(&scene);
}

static void close_now(struct scene *scene)
{
	cr_assert_eq(hail_socket_close(scene->live.socket), 0);
}

Test(sent, after_a_close_in_the_handler_nothing_is_told)
{
	struct scene scene;

	start(&scene, &families[0], false);
	scene.then = close_now;
	send_batch(&scene);
	live_until(scene.engine, scene.live.closes == 1);
	assert_no_more(&scene, 1);
	end(&scene);
}

/* The kernel holds what the receive buffer has room for. */
Test(sent, what_the_kernel_could_not_hold_is_not_told_and_shifts_nothing)
{
	struct scene scene;

	start(&scene, &families[0], false);
	cr_assert_eq(hail_socket_set(scene.live.socket,
				     HAIL_OPTION_RECEIVE_BUFFER, 4096),
		     0);
	send_batch(&scene);
	live_settle(scene.engine);
	cr_assert_lt(scene.count, (BATCH + 2) / 3);
	cr_assert_gt(scene.count, 0);
	for (unsigned i = 0; i < scene.count; i++)
		cr_assert_eq(scene.told[i].tag, 3 * i);
	scene.count = 0;
	cr_assert_eq(send_one(&scene, "x", 1, &scene.to, TAG), 0);
	assert_no_more(&scene, 1);
	cr_assert_eq(scene.told[0].tag, TAG);
	end(&scene);
}
