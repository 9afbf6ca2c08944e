/* SPDX-License-Identifier: MIT */
/* close.c: after closing nothing comes but the close handler, the port is free
 * then, and nothing is left behind. What handlers may do is in handlers.c, the
 * engine's own end in destroy.c. */
#include "support/live.h"

#include <malloc.h>

static int bind_plain(const struct hail_addr *local)
{
	return plain_open_at(&local->sa, sizeof(local->v4), 0);
}

static void bind_there(struct live *live)
{
	struct hail_addr *local = live->arg;
	int fd = bind_plain(local);

	cr_assert_geq(fd, 0, "the port is still taken");
	close(fd);
}

/* Closes a socket on which reception is armed, after `turns` turns. */
static void assert_port_freed(int turns)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr local;
	struct live live = {.on_close = bind_there, .arg = &local};

	live_open(&live, engine, NULL);
	for (int i = 0; i < turns; i++)
		live_turn(engine);
	local = live_local(&live);
	cr_assert_eq(bind_plain(&local), -EADDRINUSE);
	live_close(&live);
	live_end(engine);
}

Test(close, the_port_is_free_when_the_close_handler_runs)
{
	assert_port_freed(0);
	assert_port_freed(1);
	assert_port_freed(3);
}

Test(close, the_close_handler_runs_from_a_turn_and_once)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	live_turn(engine);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(live.closes, 0);
	live_until(engine, live.closes == 1);
	live_settle(engine);
	cr_assert_eq(live.closes, 1);
	cr_assert_eq(live_stats(engine).sockets, 0);
	live_end(engine);
}

Test(close, what_arrives_after_closing_is_not_handed_over)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	for (int turns = 0; turns < 3; turns++) {
		live_open(&live, engine, NULL);
		for (int i = 0; i < turns; i++)
			live_turn(engine);
		live_plain_send(fd, "before", live_port(&live));
		live_plain_send(fd, "before", live_port(&live));
		live_close(&live);
		live_settle(engine);
		cr_assert_eq(live.datagrams, 0);
		cr_assert_eq(live.late, 0);
		cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	}
	close(fd);
	live_end(engine);
}

static void close_itself(struct live *live, const struct hail_datagram *batch,
			 size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_close(live->socket), 0);
	live->closing = true;
}

Test(close, in_data_it_ends_the_delivery)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = 2, .buffers_max = 64));
	struct live live = {.on_data = close_itself};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (int i = 0; i < 20; i++)
		live_plain_send(fd, "again", live_port(&live));
	live_until(engine, live.closes == 1);
	live_settle(engine);
	cr_assert_eq(live.batches, 1);
	cr_assert_eq(live.late, 0);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

/* Closes both, whichever of them is served first. */
static void close_both(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct live *other = live->arg;

	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_close(live->socket), 0);
	cr_assert_eq(hail_socket_close(other->socket), 0);
	live->closing = true;
	other->closing = true;
}

Test(close, another_socket_that_had_datagrams_due_is_not_called_any_more)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live first = {.on_data = close_both};
	struct live second = {.on_data = close_both, .arg = &first};
	int fd = live_plain();

	first.arg = &second;
	live_open(&first, engine, NULL);
	live_open(&second, engine, NULL);
	live_plain_send(fd, "one", live_port(&first));
	live_plain_send(fd, "two", live_port(&second));
	live_until(engine, first.closes + second.closes == 2);
	cr_assert_eq(first.datagrams + second.datagrams, 1);
	cr_assert_eq(first.late + second.late, 0);
	close(fd);
	live_end(engine);
}

Test(close, a_datagram_sent_just_before_it_still_leaves)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));

	live_open(&live, engine, NULL);
	cr_assert_eq(live_send(&live, "goodbye", &remote), 0);
	live_close(&live);
	live_expect(fd, "goodbye");
	cr_assert_eq(live_stats(engine).traffic.cancelled, 0);
	close(fd);
	live_end(engine);
}

static void say_goodbye(struct live *live, const struct hail_datagram *batch,
			size_t count)
{
	(void)count;
	for (int i = 0; i < 100; i++)
		cr_assert_eq(live_send(live, "goodbye", &batch[0].remote), 0);
	cr_assert_eq(hail_socket_close(live->socket), 0);
	cr_assert_eq(live_send(live, "late", &batch[0].remote), -EBADF);
}

Test(close, datagrams_sent_just_before_it_in_a_handler_still_leave)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.entries = 16, .buffers_max = 64));
	struct live live = {.on_data = say_goodbye};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "hello", live_port(&live));
	live_until(engine, live.closes == 1);
	for (int i = 0; i < 100; i++)
		live_expect(fd, "goodbye");
	cr_assert(plain_silent(fd));
	cr_assert_eq(live_stats(engine).traffic.sent, 100);
	cr_assert_eq(live_stats(engine).traffic.cancelled, 0);
	close(fd);
	live_end(engine);
}

Test(close, a_drain_or_an_error_that_was_due_does_not_come)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message message = {"x", 1, &everybody};

	live_open(&live, engine, NULL);
	live_turn(engine);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
	live_close(&live);
	cr_assert_eq(live.errors + live.drains, 0);
	cr_assert_eq(live_stats(engine).traffic.failed, 1);
	live_end(engine);
}

static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void open_and_close(struct hail_engine *engine, int rounds)
{
	struct live live = {0};
	int fd = live_plain();

	for (int i = 0; i < rounds; i++) {
		live_open(
			&live, engine,
			i % 2 ? NULL
			      : &HAIL_SOCKET_OPTIONS(.remote = live_v4(
							     plain_port(fd))));
		live_plain_send(fd, "x", live_port(&live));
		if (i % 3)
			live_turn(engine);
		live_close(&live);
	}
	close(fd);
}

Test(close, two_hundred_opens_and_closes_leave_nothing_behind)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned descriptors;
	size_t bytes;

	open_and_close(engine, 10);
	descriptors = plain_descriptors();
	bytes = allocated();
	open_and_close(engine, 200);
	cr_assert_eq(plain_descriptors(), descriptors);
	cr_assert_eq(allocated(), bytes);
	cr_assert_eq(live_stats(engine).sockets, 0);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	live_end(engine);
}

Test(close, two_hundred_sockets_at_once_leave_nothing_behind)
{
	struct hail_engine *engine = live_engine(NULL);
	static struct live lives[200];
	unsigned descriptors;
	unsigned closes = 0;

	live_turn(engine);
	descriptors = plain_descriptors();
	for (int i = 0; i < 200; i++)
		live_open(&lives[i], engine, NULL);
	live_settle(engine);
	for (int i = 0; i < 200; i++)
		cr_assert_eq(hail_socket_close(lives[i].socket), 0);
	live_settle(engine);
	for (int i = 0; i < 200; i++)
		closes += lives[i].closes;
	cr_assert_eq(closes, 200);
	cr_assert_eq(plain_descriptors(), descriptors);
	live_end(engine);
}

Test(close, engines_leave_nothing_behind)
{
	struct live live = {0};
	unsigned descriptors;
	size_t bytes = 0;

	descriptors = plain_descriptors();
	for (int i = 0; i < 20; i++) {
		struct hail_engine *engine = live_engine(NULL);

		live_open(&live, engine, NULL);
		live_turn(engine);
		live_end(engine);
		cr_assert_eq(plain_descriptors(), descriptors);
		/* The allocator's caches count as used until they are full. */
		if (i == 9)
			bytes = allocated();
	}
	cr_assert_eq(allocated(), bytes);
}
