/* SPDX-License-Identifier: MIT */
/* arguments.c: what every public call answers to nothing at all, to sockets
 * that are closed, to other sizes and to numbers out of range. Who may call is
 * in owner.c. */
#include "support/live.h"

#include <limits.h>

static void never(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
	cr_assert_fail("a timer fired that wasn't started");
}

static void never_posted(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
	cr_assert_fail("a refused post was run");
}

Test(arguments, calls_on_no_engine_are_refused)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct hail_socket *socket = NULL;
	struct hail_timer *timer = NULL;

	cr_assert_eq(hail_engine_create(NULL, NULL), -EINVAL);
	cr_assert_eq(hail_engine_run(NULL), -EINVAL);
	cr_assert_eq(hail_engine_turn(NULL, 0), -EINVAL);
	cr_assert_eq(hail_engine_post(NULL, never_posted, NULL), -EINVAL);
	cr_assert_eq(hail_engine_fd(NULL), -EINVAL);
	cr_assert_eq(hail_engine_now(NULL), 0);
	cr_assert_eq(hail_engine_ref(NULL), -EINVAL);
	cr_assert_eq(hail_engine_unref(NULL), -EINVAL);
	cr_assert_eq(hail_engine_stats(NULL, &stats), -EINVAL);
	cr_assert_eq(hail_socket_open(&socket, NULL, NULL), -EINVAL);
	cr_assert_eq(hail_timer_create(&timer, NULL, never, NULL), -EINVAL);
	cr_assert_null(socket);
	cr_assert_null(timer);
	hail_engine_stop(NULL);
	cr_assert_eq(hail_engine_destroy(NULL), 0);
}

Test(arguments, calls_on_no_socket_are_refused)
{
	const struct hail_addr remote = live_v4(9);
	const struct hail_message message = {"x", 1, &remote};
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct hail_addr out = {0};

	cr_assert_eq(hail_socket_close(NULL), -EINVAL);
	cr_assert_eq(hail_socket_connect(NULL, &remote), -EINVAL);
	cr_assert_eq(hail_socket_disconnect(NULL), -EINVAL);
	cr_assert_eq(hail_socket_local(NULL, &out), -EINVAL);
	cr_assert_eq(hail_socket_remote(NULL, &out), -EINVAL);
	cr_assert_null(hail_socket_user(NULL));
	cr_assert_null(hail_socket_engine(NULL));
	cr_assert_eq(hail_socket_set_handlers(NULL, &live_handlers), -EINVAL);
	cr_assert_eq(hail_socket_ref(NULL), -EINVAL);
	cr_assert_eq(hail_socket_unref(NULL), -EINVAL);
	cr_assert_eq(hail_socket_stats(NULL, &stats), -EINVAL);
	cr_assert_eq(hail_send(NULL, "x", 1, &remote), -EINVAL);
	cr_assert_eq(hail_send_many(NULL, &message, 1), -EINVAL);
	cr_assert_eq(hail_send_many(NULL, NULL, 0), -EINVAL);
	cr_assert_eq(out.sa.sa_family, AF_UNSPEC);
}

Test(arguments, calls_on_no_timer_and_no_buffer_are_refused)
{
	cr_assert_eq(hail_timer_start(NULL, 1, 1), -EINVAL);
	cr_assert_eq(hail_timer_stop(NULL), -EINVAL);
	cr_assert_eq(hail_timer_ref(NULL), -EINVAL);
	cr_assert_eq(hail_timer_unref(NULL), -EINVAL);
	cr_assert_eq(hail_timer_destroy(NULL), 0);
	cr_assert_eq(hail_buffer_retain(NULL), -EINVAL);
	cr_assert_eq(hail_buffer_release(NULL), -EINVAL);
	cr_assert_eq(hail_probe(NULL), -EINVAL);
}

Test(arguments, calls_on_no_address_are_refused)
{
	struct hail_addr addr = live_v4(9);
	char text[HAIL_ADDR_TEXT_MAX];

	cr_assert_eq(hail_addr_parse(NULL, "127.0.0.1", 1), -EINVAL);
	cr_assert_eq(hail_addr_parse(&addr, NULL, 1), -EINVAL);
	cr_assert_eq(hail_addr_resolve(NULL, "127.0.0.1", 1), -EINVAL);
	cr_assert_eq(hail_addr_resolve(&addr, NULL, 1), -EINVAL);
	cr_assert_lt(hail_addr_format(NULL, text, sizeof(text)), 0);
	cr_assert_lt(hail_addr_format(&addr, NULL, 0), 0);
	cr_assert_eq(hail_addr_port(NULL), 0);
	cr_assert_not(hail_addr_equal(NULL, NULL));
	cr_assert_not(hail_addr_equal(&addr, NULL));
	cr_assert_eq(hail_addr_port(&addr), 9);
}

Test(arguments, null_beside_an_engine_is_refused)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_timer *timer = NULL;
	struct hail_engine_stats before, after;

	cr_assert_eq(hail_engine_turn(engine, 0), 0);
	before = live_stats(engine);
	cr_assert_eq(hail_socket_open(NULL, engine, NULL), -EINVAL);
	cr_assert_eq(hail_timer_create(NULL, engine, never, NULL), -EINVAL);
	cr_assert_eq(hail_timer_create(&timer, engine, NULL, NULL), -EINVAL);
	cr_assert_eq(hail_engine_post(engine, NULL, NULL), -EINVAL);
	cr_assert_eq(hail_engine_stats(engine, NULL), -EINVAL);
	cr_assert_eq(hail_engine_unref(engine), -EINVAL);
	cr_assert_null(timer);
	after = live_stats(engine);
	cr_assert(!memcmp(&before, &after, sizeof(after)));
	live_end(engine);
}

Test(arguments, null_beside_a_socket_is_refused_and_changes_nothing)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_traffic traffic;

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_local(live.socket, NULL), -EINVAL);
	cr_assert_eq(hail_socket_remote(live.socket, NULL), -EINVAL);
	cr_assert_eq(hail_socket_connect(live.socket, NULL), -EINVAL);
	cr_assert_eq(hail_socket_set_handlers(live.socket, NULL), -EINVAL);
	cr_assert_eq(hail_socket_stats(live.socket, NULL), -EINVAL);
	cr_assert_eq(hail_send_many(live.socket, NULL, 1), -EINVAL);
	cr_assert_eq(hail_send_many(live.socket, NULL, 0), 0);
	cr_assert_eq(hail_send(live.socket, "x", 1, NULL), -EDESTADDRREQ);
	live_plain_send(fd, "still heard", live_port(&live));
	live_until(engine, live.datagrams == 1);
	traffic = live_traffic(&live);
	cr_assert_eq(traffic.sent + traffic.failed + traffic.refused, 0);
	close(fd);
	live_end(engine);
}

static void assert_closed(struct hail_socket *socket)
{
	const struct hail_addr remote = live_v4(9);
	const struct hail_message message = {"x", 1, &remote};
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct hail_addr out = {0};

	cr_assert_eq(hail_socket_connect(socket, &remote), -EBADF);
	cr_assert_eq(hail_socket_disconnect(socket), -EBADF);
	cr_assert_eq(hail_socket_local(socket, &out), -EBADF);
	cr_assert_eq(hail_socket_remote(socket, &out), -EBADF);
	cr_assert_eq(hail_socket_set_handlers(socket, &live_handlers), -EBADF);
	cr_assert_eq(hail_socket_ref(socket), -EBADF);
	cr_assert_eq(hail_socket_unref(socket), -EBADF);
	cr_assert_eq(hail_socket_stats(socket, &stats), -EBADF);
	cr_assert_eq(hail_send(socket, "x", 1, &remote), -EBADF);
	cr_assert_eq(hail_send_many(socket, &message, 1), -EBADF);
	cr_assert_eq(hail_socket_close(socket), 0);
	cr_assert_eq(out.sa.sa_family, AF_UNSPEC);
	cr_assert_eq(stats.send_buffer, 0);
}

static void closed_in_close(struct live *live)
{
	assert_closed(live->socket);
	cr_assert_eq(hail_socket_user(live->socket), live);
	cr_assert_eq(hail_socket_engine(live->socket), live->engine);
}

Test(arguments, calls_on_a_closed_socket_are_refused_until_it_is_gone)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_close = closed_in_close};

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	assert_closed(live.socket);
	cr_assert_eq(hail_socket_user(live.socket), &live);
	cr_assert_eq(hail_socket_engine(live.socket), engine);
	live_until(engine, live.closes == 1);
	live_settle(engine);
	cr_assert_eq(live.closes, 1);
	live_end(engine);
}

Test(arguments, sizes_and_counts_out_of_range_are_refused)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr remote = live_v4(9);
	struct hail_message message = {"x", 1, &remote};
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_send(live.socket, "x", SIZE_MAX, &remote), -EMSGSIZE);
	cr_assert_eq(hail_send(live.socket, "x", 1u << 31, &remote), -EMSGSIZE);
	cr_assert_eq(hail_send(live.socket, NULL, 1, &remote), -EINVAL);
	cr_assert_eq(
		hail_send_many(live.socket, &message, (size_t)SSIZE_MAX + 1),
		-EINVAL);
	message.size = SIZE_MAX;
	cr_assert_eq(hail_send_many(live.socket, &message, 1), -EMSGSIZE);
	cr_assert_eq(live_traffic(&live).sent, 0);
	live_end(engine);
}

Test(arguments, stats_structs_of_other_sizes)
{
	struct hail_engine *engine = live_engine(NULL);
	struct {
		struct hail_engine_stats known;
		uint64_t beyond;
	} stats = {.known.size = sizeof(stats)};

	cr_assert_eq(hail_engine_stats(engine, &stats.known), -E2BIG);
	stats.known.size = 0;
	cr_assert_eq(hail_engine_stats(engine, &stats.known), -EINVAL);
	/* An older one: no byte past its size is written. */
	memset(&stats, 0xaa, sizeof(stats));
	stats.known.size = offsetof(struct hail_engine_stats, turns);
	cr_assert_eq(hail_engine_stats(engine, &stats.known), 0);
	cr_assert_eq(stats.known.traffic.sent, 0);
	cr_assert_eq(stats.known.turns, UINT64_C(0xaaaaaaaaaaaaaaaa));
	live_end(engine);
}

Test(arguments, socket_stats_structs_of_other_sizes)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct {
		struct hail_socket_stats known;
		uint64_t beyond;
	} stats = {.known.size = sizeof(stats)};

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_stats(live.socket, &stats.known), -E2BIG);
	stats.known.size = 0;
	cr_assert_eq(hail_socket_stats(live.socket, &stats.known), -EINVAL);
	memset(&stats, 0xaa, sizeof(stats));
	stats.known.size = offsetof(struct hail_socket_stats, in_flight);
	cr_assert_eq(hail_socket_stats(live.socket, &stats.known), 0);
	cr_assert_eq(stats.known.traffic.received, 0);
	cr_assert_eq(stats.known.in_flight, 0xaaaaaaaa);
	live_end(engine);
}

Test(arguments, probe_structs_of_other_sizes)
{
	struct {
		struct hail_probe known;
		uint64_t beyond;
	} probe = {.known.size = sizeof(probe)};

	cr_assert_eq(hail_probe(&probe.known), -E2BIG);
	probe.known.size = 0;
	cr_assert_eq(hail_probe(&probe.known), -EINVAL);
	probe.known.size = offsetof(struct hail_probe, reason);
	probe.known.uring = 7;
	probe.known.reason[0] = 'x';
	cr_assert_eq(hail_probe(&probe.known), 0);
	cr_assert_eq(probe.known.uring, 0);
	cr_assert_eq(probe.known.reason[0], 'x');
}

static void retain_and_release(struct live *live,
			       const struct hail_datagram *batch, size_t count)
{
	struct hail_buffer *buffer = batch[0].buffer;

	(void)count;
	cr_assert_eq(hail_buffer_release(buffer), -EINVAL);
	cr_assert_eq(hail_buffer_retain(buffer), 0);
	cr_assert_eq(hail_buffer_retain(buffer), 0);
	cr_assert_eq(hail_buffer_release(buffer), 0);
	cr_assert_eq(hail_buffer_release(buffer), 0);
	cr_assert_eq(hail_buffer_release(buffer), -EINVAL);
	live->arg = buffer;
}

Test(arguments, a_buffer_that_is_not_held_is_refused)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = retain_and_release};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "once", live_port(&live));
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(hail_buffer_retain(live.arg), -EINVAL);
	cr_assert_eq(hail_buffer_release(live.arg), -EINVAL);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(arguments, an_engine_can_be_unrefd_as_often_as_it_was_refd)
{
	struct hail_engine *engine = live_engine(NULL);

	cr_assert_eq(hail_engine_ref(engine), 0);
	cr_assert_eq(hail_engine_ref(engine), 0);
	cr_assert_eq(hail_engine_unref(engine), 0);
	cr_assert_eq(hail_engine_unref(engine), 0);
	cr_assert_eq(hail_engine_unref(engine), -EINVAL);
	cr_assert_eq(hail_engine_run(engine), 0);
	live_end(engine);
}
