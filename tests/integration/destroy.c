/* SPDX-License-Identifier: MIT */
/* destroy.c: the end of an engine frees its ports, descriptors and memory,
 * whatever is open or under way, and calls no handler. */
#include "support/live.h"

#include <pthread.h>

static void assert_free(const struct hail_addr *local)
{
	int fd = plain_open_at(&local->sa, sizeof(local->v4), 0);

	cr_assert_geq(fd, 0, "the port is still taken");
	close(fd);
}

Test(destroy, ports_are_free_and_no_handler_is_called)
{
	struct hail_engine *engine;
	static struct live lives[50];
	struct hail_addr locals[50];
	unsigned descriptors = plain_descriptors();
	int fd = live_plain();

	engine = live_engine(NULL);
	for (int i = 0; i < 50; i++) {
		live_open(&lives[i], engine, NULL);
		locals[i] = live_local(&lives[i]);
	}
	live_settle(engine);
	for (int i = 0; i < 50; i++)
		live_plain_send(fd, "due", live_port(&lives[i]));
	cr_assert_eq(hail_socket_close(lives[0].socket), 0);
	live_end(engine);
	for (int i = 0; i < 50; i++) {
		assert_free(&locals[i]);
		cr_assert_eq(lives[i].datagrams + lives[i].closes, 0);
	}
	close(fd);
	cr_assert_eq(plain_descriptors(), descriptors);
}

Test(destroy, an_engine_that_was_never_used)
{
	unsigned descriptors = plain_descriptors();
	struct hail_engine *engine = live_engine(NULL);

	live_end(engine);
	cr_assert_eq(plain_descriptors(), descriptors);
}

Test(destroy, sockets_that_were_never_armed)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr local;
	struct live live = {0};

	live_open(&live, engine, NULL);
	local = live_local(&live);
	live_end(engine);
	assert_free(&local);
}

static void do_nothing(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
}

static void post_nothing(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
	cr_assert_fail("run after the engine's end");
}

static void retain_all(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	(void)live;
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
}

Test(destroy, timers_posts_errors_and_retained_buffers_go_with_it)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = retain_all};
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message message = {"x", 1, &everybody};
	struct hail_timer *timer;
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "kept", live_port(&live));
	live_until(engine, live.datagrams == 1);
	for (uint64_t i = 0; i < 10; i++) {
		cr_assert_eq(
			hail_timer_create(&timer, engine, do_nothing, NULL), 0);
		if (i % 2)
			hail_timer_start(timer, 1000000 * i, 1);
	}
	cr_assert_eq(hail_engine_post(engine, post_nothing, NULL), 0);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
	cr_assert_eq(hail_engine_ref(engine), 0);
	live_end(engine);
	cr_assert_eq(live.errors + live.closes, 0);
	close(fd);
}

struct handover {
	struct hail_engine *engine;
	struct hail_addr local;
	struct live live;
};

/* The kernel ends the ring of a thread that is gone in its own time. */
static void assert_soon_free(const struct hail_addr *local)
{
	uint64_t end = plain_now() + LIVE_DEADLINE_NS;
	int fd;

	do {
		cr_assert_lt(plain_now(), end, "the port is still taken");
		fd = plain_open_at(&local->sa, sizeof(local->v4), 0);
	} while (fd == -EADDRINUSE);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void *own_and_end(void *arg)
{
	struct handover *handover = arg;

	live_open(&handover->live, handover->engine, NULL);
	handover->local = live_local(&handover->live);
	live_settle(handover->engine);
	return NULL;
}

Test(destroy, by_another_thread_after_the_owner_has_ended)
{
	struct handover handover = {0};
	unsigned descriptors = plain_descriptors();
	pthread_t thread;

	handover.engine = live_engine(NULL);
	cr_assert_eq(pthread_create(&thread, NULL, own_and_end, &handover), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	live_end(handover.engine);
	assert_soon_free(&handover.local);
	cr_assert_eq(handover.live.closes, 0);
	cr_assert_eq(plain_descriptors(), descriptors);
}
