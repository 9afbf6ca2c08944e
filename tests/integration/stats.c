/* SPDX-License-Identifier: MIT */
/* stats.c: the counters of sockets and engines say what has happened. */
#include "support/live.h"

static struct hail_addr peer;

static struct hail_socket_stats socket_stats(const struct live *live)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(live->socket, &stats), 0);
	return stats;
}

Test(stats, a_new_socket_has_counted_nothing)
{
	struct hail_engine *engine = live_engine(NULL);
	const struct hail_traffic none = {0};
	struct hail_socket_stats stats;
	struct live live = {0};

	live_open(&live, engine, NULL);
	live_settle(engine);
	stats = socket_stats(&live);
	cr_assert(!memcmp(&stats.traffic, &none, sizeof(none)));
	cr_assert_eq(stats.in_flight + stats.in_flight_max + stats.queued, 0);
	cr_assert_gt(stats.send_buffer, 0);
	cr_assert_gt(stats.receive_buffer, 0);
	cr_assert_eq(live_stats(engine).sockets, 1);
	live_end(engine);
}

Test(stats, datagrams_and_bytes_are_counted_both_ways)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live from = {0}, to = {0};
	struct hail_message messages[3];
	struct hail_traffic traffic;
	struct hail_addr remote;

	live_open(&from, engine, NULL);
	live_open(&to, engine, NULL);
	remote = live_local(&to);
	for (size_t i = 0; i < 3; i++)
		messages[i] = (struct hail_message){"abcdef", 2 * i, &remote};
	cr_assert_eq(hail_send_many(from.socket, messages, 3), 3);
	cr_assert_eq(hail_send(from.socket, "abcdef", 6, &remote), 0);
	live_until(engine, to.datagrams == 4);
	cr_assert_eq(live_traffic(&from).sent, 4);
	cr_assert_eq(live_traffic(&from).sent_bytes, 12);
	cr_assert_eq(live_traffic(&from).received, 0);
	cr_assert_eq(live_traffic(&to).received, 4);
	cr_assert_eq(live_traffic(&to).received_bytes, 12);
	cr_assert_eq(live_traffic(&to).sent, 0);
	cr_assert_eq(live_traffic(&to).rearm_empty, 1);
	traffic = live_stats(engine).traffic;
	cr_assert_eq(traffic.sent, 4);
	cr_assert_eq(traffic.received, 4);
	cr_assert_eq(traffic.sent_bytes + traffic.received_bytes, 24);
	live_end(engine);
}

Test(stats, the_engine_remembers_sockets_that_are_gone)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	for (unsigned i = 1; i <= 5; i++) {
		live_open(&live, engine, NULL);
		cr_assert_eq(live_send(&live, "12345", &peer), 0);
		cr_assert_eq(live_traffic(&live).sent, 1);
		cr_assert_eq(live_stats(engine).sockets, 1);
		live_close(&live);
		cr_assert_eq(live_stats(engine).traffic.sent, i);
		cr_assert_eq(live_stats(engine).traffic.sent_bytes, 5 * i);
		cr_assert_eq(live_stats(engine).sockets, 0);
	}
	close(fd);
	live_end(engine);
}

static void refuse_thrice(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;

	(void)engine;
	cr_assert_eq(live_send(live, "x", &peer), 0);
	cr_assert_eq(live_send(live, "x", &peer), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(live_send(live, "x", &peer), -EAGAIN);
	cr_assert_eq(socket_stats(live).in_flight, 2);
}

Test(stats, refusals_drains_and_what_was_in_flight_are_counted)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_engine_stats stats;
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 2));
	hail_engine_post(engine, refuse_thrice, &live);
	live_until(engine, live.drains == 1);
	live_settle(engine);
	cr_assert_eq(live.drains, 1);
	cr_assert_eq(live_traffic(&live).refused, 3);
	cr_assert_eq(live_traffic(&live).drains, 1);
	cr_assert_eq(live_traffic(&live).sent, 2);
	cr_assert_eq(socket_stats(&live).in_flight, 0);
	cr_assert_eq(socket_stats(&live).in_flight_max, 2);
	stats = live_stats(engine);
	cr_assert_eq(stats.send_blocks.in_use, 0);
	cr_assert_eq(stats.send_blocks.in_use_max, 2);
	cr_assert_eq(stats.send_blocks.exhausted, 0);
	cr_assert_eq(stats.posts, 1);
	close(fd);
	live_end(engine);
}

Test(stats, failures_are_counted_by_errno)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message messages[3];
	struct live live = {0};

	live_open(&live, engine, NULL);
	for (int i = 0; i < 3; i++)
		messages[i] = (struct hail_message){"x", 1, &everybody};
	cr_assert_eq(hail_send_many(live.socket, messages, 3), 3);
	live_settle(engine);
	cr_assert_eq(live_traffic(&live).failed, 3);
	cr_assert_eq(live_traffic(&live).sent, 0);
	for (int i = 0; i < HAIL_STATS_ERRNO_MAX; i++)
		cr_assert_eq(live_stats(engine).failed_by_errno[i],
			     i == EACCES ? 3 : 0);
	live_end(engine);
}

Test(stats, small_buffers_are_a_pool_of_their_own)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.datagram_max = 2048));
	for (int i = 0; i < 5; i++)
		live_plain_send(fd, "x", live_port(&live));
	live_until(engine, live.datagrams == 5);
	cr_assert_geq(live_stats(engine).small_buffers.in_use_max, 1);
	cr_assert_eq(live_stats(engine).small_buffers.in_use, 0);
	cr_assert_eq(live_stats(engine).buffers.in_use_max, 0);
	close(fd);
	live_end(engine);
}

static void do_nothing(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
}

Test(stats, turns_enters_and_timers_are_counted)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_engine_stats before = live_stats(engine), after;
	struct hail_timer *timer;

	cr_assert_eq(before.turns + before.enters + before.timers, 0);
	cr_assert_eq(hail_timer_create(&timer, engine, do_nothing, NULL), 0);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
		cr_assert_eq(live_turn(engine), 1);
	}
	after = live_stats(engine);
	cr_assert_eq(after.turns, 10);
	cr_assert_eq(after.enters, 10);
	cr_assert_eq(after.timers, 10);
	cr_assert_eq(after.sleeps, 0);
	cr_assert_eq(hail_engine_turn(engine, MS), 0);
	cr_assert_eq(live_stats(engine).sleeps, 1);
	live_end(engine);
}

Test(stats, submissions_and_completions_are_counted)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_message messages[100];
	struct hail_engine_stats before, after;
	struct live live = {0};
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	for (int i = 0; i < 100; i++)
		messages[i] = (struct hail_message){"x", 1, &peer};
	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.no_trains = true));
	live_settle(engine);
	before = live_stats(engine);
	cr_assert_eq(hail_send_many(live.socket, messages, 100), 100);
	after = live_stats(engine);
	cr_assert_eq(after.submissions - before.submissions, 100);
	cr_assert_eq(after.enters - before.enters, 1);
	/* Success is silent. */
	cr_assert_eq(after.completions, before.completions);
	live_plain_send(fd, "x", live_port(&live));
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(live_stats(engine).completions, before.completions + 1);
	close(fd);
	live_end(engine);
}

#define DROPS 10000

/* Nobody receives: the kernel holds what fits, and drops the rest. */
Test(stats, what_the_kernel_drops_is_counted_exactly)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_handlers none = {0};
	struct live live = {0};
	int fd = live_plain();
	size_t sent = 0;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.receive_buffer = 20000));
	cr_assert_eq(hail_socket_set_handlers(live.socket, &none), 0);
	live_settle(engine);
	while (!socket_stats(&live).kernel_drops) {
		live_plain_send(fd, "full", live_port(&live));
		sent++;
	}
	cr_assert_gt(sent, 1);
	for (unsigned i = 1; i < DROPS; i++, sent++)
		live_plain_send(fd, "full", live_port(&live));
	cr_assert_eq(socket_stats(&live).kernel_drops, DROPS);
	cr_assert_eq(hail_socket_set_handlers(live.socket, &live_handlers), 0);
	live_until(engine, live.datagrams + DROPS == sent);
	live_settle(engine);
	cr_assert_eq(live.datagrams + DROPS, sent);
	cr_assert_eq(socket_stats(&live).kernel_drops, DROPS);
	close(fd);
	live_end(engine);
}
