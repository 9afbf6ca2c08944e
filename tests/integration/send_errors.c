/* SPDX-License-Identifier: MIT */
/* send_errors.c: what the kernel says of a message is returned by a single
 * send, and told by the error handler where the message was one of a batch or
 * was sent in a handler; it costs no other message anything. */
#include "support/live.h"

#include <arpa/inet.h>

/* Nobody may send there without asking for it: SO_BROADCAST. */
static struct hail_addr broadcast(void)
{
	return live_addr("127.255.255.255", 9);
}

/* What sendto() says on a socket of 127.0.0.1. */
static int answer_of_sendto(const struct hail_addr *remote)
{
	int fd = live_plain();
	int err = sendto(fd, "x", 1, 0, &remote->sa, sizeof(remote->v4)) < 0
			  ? -errno
			  : 0;

	close(fd);
	return err;
}

Test(send_errors, a_single_send_returns_the_kernels_answer)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr everybody = broadcast(), good;
	struct hail_addr away = live_addr("192.0.2.1", 9);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	cr_assert_eq(live_send(&live, "x", &everybody), -EACCES);
	cr_assert_neq(answer_of_sendto(&away), 0);
	cr_assert_eq(live_send(&live, "x", &away), answer_of_sendto(&away));
	good = live_v4(plain_port(fd));
	cr_assert_eq(live_send(&live, "unharmed", &good), 0);
	live_expect(fd, "unharmed");
	live_settle(engine);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).failed, 0);
	cr_assert_eq(live_traffic(&live).sent, 1);
	close(fd);
	live_end(engine);
}

Test(send_errors, a_socket_that_asked_for_it_may_broadcast)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr everybody = broadcast();
	struct live live = {0};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .broadcast = true));
	cr_assert_eq(live_send(&live, "x", &everybody), 0);
	live_end(engine);
}

static struct hail_addr good, bad;
static char texts[64][4];
static struct hail_message messages[64];

/* 64 messages to `fd`, but for two that the kernel won't send. */
static void make_messages(int fd)
{
	good = live_v4(plain_port(fd));
	bad = broadcast();
	for (int i = 0; i < 64; i++) {
		texts[i][0] = (char)('0' + i / 10);
		texts[i][1] = (char)('0' + i % 10);
		messages[i] = (struct hail_message){texts[i], 2, &good};
	}
	messages[10].remote = &bad;
	messages[50].remote = &bad;
}

static void assert_error(const struct hail_error *error, int index)
{
	cr_assert_eq(error->code, -EACCES);
	cr_assert_eq(error->kind, HAIL_ERROR_SEND);
	cr_assert(hail_addr_equal(&error->remote, &bad));
	cr_assert_eq(error->data, texts[index]);
	cr_assert_eq(error->size, 2);
}

static void assert_others_came(int fd)
{
	for (int i = 0; i < 64; i++) {
		if (i != 10 && i != 50)
			live_expect(fd, texts[i]);
	}
	cr_assert(plain_silent(fd));
}

static void assert_told(struct live *live, int fd)
{
	struct hail_engine_stats stats;
	struct hail_traffic traffic = live_traffic(live);

	cr_assert_eq(live->errors, 2);
	assert_error(&live->error[0], 10);
	assert_error(&live->error[1], 50);
	assert_others_came(fd);
	cr_assert_eq(traffic.sent, 62);
	cr_assert_eq(traffic.failed, 2);
	cr_assert_eq(traffic.refused + traffic.drains, 0);
	stats = live_stats(live->engine);
	cr_assert_eq(stats.failed_by_errno[EACCES], 2);
}

Test(send_errors, in_a_batch_they_are_told_and_the_others_leave)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	make_messages(fd);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_send_many(live.socket, messages, 64), 64);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(hail_engine_turn(engine, -1), 2);
	assert_told(&live, fd);
	close(fd);
	live_end(engine);
}

static void send_all(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;

	(void)engine;
	cr_assert_eq(hail_send_many(live->socket, messages, 64), 64);
}

Test(send_errors, of_a_batch_in_a_handler_they_are_told)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	make_messages(fd);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_engine_post(engine, send_all, &live), 0);
	live_until(engine, live.errors == 2);
	assert_told(&live, fd);
	close(fd);
	live_end(engine);
}

static void send_one(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;
	struct hail_addr remote = bad;

	(void)engine;
	cr_assert_eq(hail_send(live->socket, texts[10], 2, &remote), 0);
	memset(&remote, 0, sizeof(remote));
}

Test(send_errors, of_a_single_send_in_a_handler_they_are_told)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	make_messages(fd);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_engine_post(engine, send_one, &live), 0);
	live_until(engine, live.errors == 1);
	assert_error(&live.error[0], 10);
	live_settle(engine);
	cr_assert_eq(live.errors, 1);
	close(fd);
	live_end(engine);
}

Test(send_errors, more_than_a_ring_full_of_them_are_all_told)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.entries = 8, .buffers_max = 16));
	struct live live = {0};
	size_t taken = 0;

	make_messages(live_plain());
	for (int i = 0; i < 64; i++)
		messages[i].remote = &bad;
	live_open(&live, engine, NULL);
	while (taken < 64) {
		ssize_t k = hail_send_many(live.socket, messages + taken,
					   64 - taken);

		if (k > 0)
			taken += (size_t)k;
		else
			cr_assert_eq(k, -EAGAIN);
		live_settle(engine);
	}
	live_settle(engine);
	cr_assert_eq(live.errors, 64);
	for (int i = 0; i < 64; i++)
		assert_error(&live.error[i], i);
	cr_assert_eq(live_traffic(&live).failed, 64);
	live_end(engine);
}

Test(send_errors, without_an_error_handler_they_are_counted)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_handlers none = {0};
	struct live live = {0};
	int fd = live_plain();

	make_messages(fd);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_set_handlers(live.socket, &none), 0);
	cr_assert_eq(hail_send_many(live.socket, messages, 64), 64);
	live_settle(engine);
	assert_others_came(fd);
	cr_assert_eq(live_traffic(&live).failed, 2);
	cr_assert_eq(live.errors, 0);
	close(fd);
	live_end(engine);
}
