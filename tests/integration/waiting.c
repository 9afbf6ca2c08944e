/* SPDX-License-Identifier: MIT */
/* waiting.c: a send that succeeds has no answer from the kernel; what waits for
 * it to be over isn't kept back by a turn that waits for ever. Where that goes
 * wrong these tests hang, so they have a timeout. */
#include "support/live.h"

#include <pthread.h>

static struct hail_addr peer;

static void refuse(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;

	(void)engine;
	cr_assert_eq(live_send(live, "taken", &peer), 0);
	cr_assert_eq(live_send(live, "refused", &peer), -EAGAIN);
}

static void stop(struct live *live)
{
	hail_engine_stop(live->engine);
}

Test(waiting, a_drain_comes_without_any_other_event, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_drain = stop};
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 1));
	hail_engine_post(engine, refuse, &live);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(live.drains, 1);
	live_expect(fd, "taken");
	close(fd);
	live_end(engine);
}

static void send_one(struct hail_engine *engine, void *arg)
{
	(void)engine;
	cr_assert_eq(live_send(arg, "more", &peer), 0);
}

Test(waiting, a_drain_comes_once_and_not_for_what_is_sent_later)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 1));
	hail_engine_post(engine, refuse, &live);
	live_until(engine, live.drains == 1);
	for (int i = 0; i < 3; i++) {
		hail_engine_post(engine, send_one, &live);
		live_settle(engine);
	}
	cr_assert_eq(live.drains, 1);
	cr_assert_eq(live_traffic(&live).sent, 4);
	close(fd);
	live_end(engine);
}

static struct live greedy, poor;

static void starve(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
	cr_assert_eq(live_send(&greedy, "one", &peer), 0);
	cr_assert_eq(live_send(&greedy, "two", &peer), 0);
	cr_assert_eq(live_send(&poor, "none left", &peer), -EAGAIN);
}

Test(waiting, a_drain_comes_when_another_sockets_blocks_are_free, .timeout = 20)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers_max = 16, .send_blocks = 1,
				     .send_blocks_large = 1));
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	poor.on_drain = stop;
	live_open(&greedy, engine, NULL);
	live_open(&poor, engine, NULL);
	hail_engine_post(engine, starve, NULL);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(poor.drains, 1);
	cr_assert_eq(greedy.drains, 0);
	close(fd);
	live_end(engine);
}

static void send_and_close(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;

	(void)engine;
	cr_assert_eq(live_send(live, "goodbye", &peer), 0);
	cr_assert_eq(hail_socket_close(live->socket), 0);
}

/* Without a data handler nothing is armed whose end could be waited for. */
Test(waiting, a_socket_that_receives_nothing_is_closed, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_handlers handlers = live_handlers;
	struct live live = {0};
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	live_open(&live, engine, NULL);
	handlers.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &handlers), 0);
	hail_engine_post(engine, send_and_close, &live);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(live.closes, 1);
	live_expect(fd, "goodbye");
	close(fd);
	live_end(engine);
}

static void echo(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(live->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
	if (live->datagrams == 200)
		stop(live);
}

/* Each answer holds the one buffer that reception waits for. */
Test(waiting, reception_goes_on_when_sends_give_back_the_last_buffer,
     .timeout = 20)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 1, .buffers_max = 1));
	struct live live = {.on_data = echo};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (int i = 0; i < 200; i++)
		live_plain_send(fd, "x", live_port(&live));
	cr_assert_eq(hail_engine_run(engine), 0);
	for (int i = 0; i < 200; i++)
		live_expect(fd, "x");
	cr_assert_gt(live_stats(engine).buffers.exhausted, 0);
	close(fd);
	live_end(engine);
}
