/* SPDX-License-Identifier: MIT */
/* peers.c: what a peer is to who uses its socket: nothing but the remote's
 * datagrams, handed over as before. */
#include "support/live.h"

#include <stdio.h>

/* A socket, a plain one that it has a peer for, and one that it hasn't. */
struct pair {
	const struct hail_engine_options *options; /* may be NULL */
	struct hail_engine *engine;
	struct live live;
	struct hail_peer *peer;
	int known, stranger;
	struct hail_addr remote;
};

static struct hail_addr addr_of(const char *ip, int fd)
{
	return live_addr(ip, plain_port(fd));
}

static void start(struct pair *pair, const char *local, const char *ip)
{
	pair->engine = live_engine(pair->options);
	live_open(&pair->live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(local, 0)));
	pair->known = plain_open(ip, 0);
	pair->stranger = plain_open(ip, 0);
	cr_assert(pair->known >= 0 && pair->stranger >= 0);
	pair->remote = addr_of(ip, pair->known);
	cr_assert_eq(
		hail_peer_open(&pair->peer, pair->live.socket, &pair->remote),
		0);
}

static void end(struct pair *pair)
{
	close(pair->known);
	close(pair->stranger);
	live_end(pair->engine);
	cr_assert_eq(pair->live.late, 0);
}

/* How many of the kernel's sockets of one family have a port. */
static unsigned sockets_at(const char *table, uint16_t port)
{
	FILE *file = fopen(table, "r");
	unsigned count = 0, found;
	char line[512];

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*u: %*[0-9A-F]:%x", &found) == 1)
			count += found == port;
	}
	fclose(file);
	return count;
}

static unsigned count_v4(const struct pair *pair)
{
	return sockets_at("/proc/net/udp", live_port(&pair->live));
}

/* What is sent to the socket from a plain one of the address is heard, with its
 * true remote, and what is sent back comes from the socket's port. */
static void assert_talks(struct pair *pair, const char *ip, int fd)
{
	struct live *live = &pair->live;
	struct hail_addr remote = addr_of(ip, fd), seen;
	size_t before = live->datagrams;
	uint16_t from = 0;
	char got[8];

	cr_assert(plain_send(fd, "hello", 5, live_port(live)));
	live_until(live->engine, live->datagrams > before);
	live_expect_last(live, "hello");
	seen = live->last_remote;
	hail_addr_unmap(&seen);
	cr_assert(hail_addr_equal(&seen, &remote));
	cr_assert_eq(live_send(live, "back", &remote), 0);
	cr_assert_eq(plain_receive_from(fd, got, sizeof(got), &from), 4);
	cr_assert_eq(from, live_port(live));
}

static void assert_all_talk(const char *local, const char *ip)
{
	struct pair pair = {0};

	start(&pair, local, ip);
	for (int i = 0; i < 3; i++) {
		assert_talks(&pair, ip, pair.known);
		assert_talks(&pair, ip, pair.stranger);
	}
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	for (int i = 0; i < 3; i++) {
		assert_talks(&pair, ip, pair.known);
		assert_talks(&pair, ip, pair.stranger);
	}
	cr_assert_eq(live_traffic(&pair.live).received, 12);
	end(&pair);
}

Test(peers, all_remotes_are_heard_and_sent_to_as_before)
{
	assert_all_talk("127.0.0.1", "127.0.0.1");
	assert_all_talk("0.0.0.0", "127.0.0.1");
	assert_all_talk("::1", "::1");
	assert_all_talk("::", "::1");
}

Test(peers, a_dual_stack_socket_has_peers_of_both_families)
{
	assert_all_talk("::", "127.0.0.1");
	assert_all_talk("::ffff:127.0.0.1", "127.0.0.1");
}

Test(peers, the_peer_hears_its_remote_and_the_socket_the_others)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct pair pair = {0};

	start(&pair, "0.0.0.0", "127.0.0.1");
	cr_assert_eq(count_v4(&pair), 2);
	cr_assert_eq(hail_socket_stats(pair.live.socket, &stats), 0);
	cr_assert_eq(stats.peers, 1);
	cr_assert_eq(live_stats(pair.engine).sockets, 1);
	/* It was heard by the one, and hasn't gone idle. */
	assert_talks(&pair, "127.0.0.1", pair.known);
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 0);
	live_plain_send(pair.stranger, "other", live_port(&pair.live));
	live_until(pair.engine, pair.live.datagrams == 2);
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 1);
	live_until(pair.engine, count_v4(&pair) == 1);
	assert_talks(&pair, "127.0.0.1", pair.known);
	end(&pair);
}

Test(peers, an_idle_peer_is_closed_and_a_busy_one_is_not)
{
	struct pair pair = {0};
	struct hail_addr other;

	start(&pair, "127.0.0.1", "127.0.0.1");
	other = addr_of("127.0.0.1", pair.stranger);
	cr_assert_eq(hail_peer_open(&(struct hail_peer *){NULL},
				    pair.live.socket, &other),
		     0);
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 0);
	assert_talks(&pair, "127.0.0.1", pair.stranger);
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 1);
	cr_assert_null(hail_peer_find(pair.live.socket, &pair.remote));
	cr_assert_not_null(hail_peer_find(pair.live.socket, &other));
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 1);
	cr_assert_eq(hail_peer_close_idle(pair.live.socket), 0);
	end(&pair);
}

Test(peers, one_is_found_by_its_remote_in_either_spelling)
{
	struct pair pair = {0};
	struct hail_addr mapped, out;
	struct hail_peer *second = NULL;

	start(&pair, "::", "127.0.0.1");
	mapped = pair.remote;
	hail_addr_map(&mapped);
	cr_assert_eq(hail_peer_find(pair.live.socket, &pair.remote), pair.peer);
	cr_assert_eq(hail_peer_find(pair.live.socket, &mapped), pair.peer);
	cr_assert_eq(hail_peer_socket(pair.peer), pair.live.socket);
	cr_assert_eq(hail_peer_remote(pair.peer, &out), 0);
	cr_assert(hail_addr_equal(&out, &mapped));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(hail_peer_open(&second, pair.live.socket,
					    i ? &mapped : &pair.remote),
			     -EEXIST);
	cr_assert_null(second);
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	cr_assert_null(hail_peer_find(pair.live.socket, &mapped));
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	cr_assert_eq(hail_peer_remote(pair.peer, &out), -EBADF);
	cr_assert_eq(hail_peer_open(&second, pair.live.socket, &mapped), 0);
	cr_assert_eq(hail_peer_find(pair.live.socket, &pair.remote), second);
	end(&pair);
}

Test(peers, what_a_remote_sent_before_and_behind_the_closing_is_heard)
{
	struct pair pair = {0};
	uint16_t port;

	start(&pair, "0.0.0.0", "127.0.0.1");
	port = live_port(&pair.live);
	live_turn(pair.engine);
	for (int i = 0; i < 5; i++)
		live_plain_send(pair.known, "before", port);
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	for (int i = 0; i < 5; i++)
		live_plain_send(pair.known, "after", port);
	live_until(pair.engine, pair.live.datagrams == 10);
	cr_assert_eq(pair.live.bytes, 5 * 11);
	live_until(pair.engine, count_v4(&pair) == 1);
	cr_assert_eq(pair.live.datagrams, 10);
	cr_assert_eq(live_traffic(&pair.live).received, 10);
	end(&pair);
}

Test(peers, without_a_data_handler_what_comes_waits_in_the_kernel)
{
	struct hail_handlers deaf = live_handlers;
	struct pair pair = {0};

	start(&pair, "127.0.0.1", "127.0.0.1");
	deaf.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(pair.live.socket, &deaf), 0);
	live_settle(pair.engine);
	for (int i = 0; i < 8; i++)
		live_plain_send(pair.known, "wait", live_port(&pair.live));
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	for (int i = 0; i < 8; i++)
		live_plain_send(pair.known, "wait", live_port(&pair.live));
	live_settle(pair.engine);
	cr_assert_eq(hail_engine_turn(pair.engine, 50 * MS), 0);
	cr_assert_eq(count_v4(&pair), 2);
	cr_assert_eq(hail_socket_set_handlers(pair.live.socket, &live_handlers),
		     0);
	live_until(pair.engine, pair.live.datagrams == 16);
	live_until(pair.engine, count_v4(&pair) == 1);
	end(&pair);
}

static void pause_and_close(struct live *live,
			    const struct hail_datagram *batch, size_t count)
{
	struct hail_peer *peer = hail_peer_find(live->socket, &batch->remote);
	struct hail_handlers deaf = live_handlers;

	(void)count;
	if (!peer)
		return;
	deaf.data = NULL;
	cr_assert_eq(hail_peer_close(peer), 0);
	cr_assert_eq(hail_socket_set_handlers(live->socket, &deaf), 0);
}

Test(peers, what_was_received_by_a_closed_peer_waits_for_a_data_handler)
{
	struct pair pair = {
		.options = &HAIL_ENGINE_OPTIONS(.budget = 8),
		.live.on_data = pause_and_close,
	};

	start(&pair, "127.0.0.1", "127.0.0.1");
	for (int i = 0; i < 20; i++)
		live_plain_send(pair.known, "wait", live_port(&pair.live));
	live_until(pair.engine, pair.live.batches == 1);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(hail_engine_turn(pair.engine, 20 * MS), 0);
	cr_assert_eq(pair.live.datagrams, 8);
	cr_assert_eq(hail_socket_set_handlers(pair.live.socket, &live_handlers),
		     0);
	live_until(pair.engine, pair.live.datagrams == 20);
	live_until(pair.engine, count_v4(&pair) == 1);
	end(&pair);
}

static void close_own_peer(struct live *live, const struct hail_datagram *batch,
			   size_t count)
{
	struct hail_peer *peer = hail_peer_find(live->socket, &batch->remote);

	(void)count;
	if (peer)
		cr_assert_eq(hail_peer_close(peer), 0);
}

Test(peers, a_peer_may_be_closed_while_its_datagram_is_handed_over)
{
	struct pair pair = {.live.on_data = close_own_peer};

	start(&pair, "0.0.0.0", "127.0.0.1");
	for (unsigned i = 0; i < 20; i++) {
		for (int n = 0; n < 100; n++)
			live_plain_send(pair.known, "more",
					live_port(&pair.live));
		live_until(pair.engine, pair.live.datagrams == 100u * i + 100);
		cr_assert_null(hail_peer_find(pair.live.socket, &pair.remote));
		cr_assert_eq(hail_peer_open(&pair.peer, pair.live.socket,
					    &pair.remote),
			     0);
	}
	live_until(pair.engine, count_v4(&pair) == 2);
	end(&pair);
}

static void close_socket(struct live *live, const struct hail_datagram *batch,
			 size_t count)
{
	(void)batch;
	(void)count;
	live->closing = true;
	cr_assert_eq(hail_socket_close(live->socket), 0);
}

Test(peers, a_closed_socket_hears_nothing_more_by_its_peers)
{
	struct pair pair = {.live.on_data = close_socket};
	uint16_t port;

	start(&pair, "0.0.0.0", "127.0.0.1");
	port = live_port(&pair.live);
	live_settle(pair.engine);
	for (int i = 0; i < 3; i++) {
		live_plain_send(pair.known, "one", port);
		live_plain_send(pair.stranger, "two", port);
	}
	live_until(pair.engine, pair.live.closes == 1);
	cr_assert_eq(pair.live.batches, 1);
	cr_assert_eq(sockets_at("/proc/net/udp", port), 0);
	cr_assert_eq(live_stats(pair.engine).sockets, 0);
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	end(&pair);
}

Test(peers, lingering_and_leaving_peers_go_with_their_socket)
{
	for (int i = 0; i < 4; i++) {
		struct pair pair = {0};
		uint16_t port;

		start(&pair, "127.0.0.1", "127.0.0.1");
		port = live_port(&pair.live);
		if (i & 1)
			cr_assert_eq(hail_peer_close(pair.peer), 0);
		if (i & 2)
			live_settle(pair.engine);
		live_plain_send(pair.known, "unheard", port);
		cr_assert_eq(live_send(&pair.live, "last", &pair.remote), 0);
		cr_assert_eq(hail_socket_close_linger(pair.live.socket, -1), 0);
		pair.live.closing = true;
		live_until(pair.engine, pair.live.closes == 1);
		cr_assert_eq(sockets_at("/proc/net/udp", port), 0);
		live_expect(pair.known, "last");
		end(&pair);
	}
}

Test(peers, an_engine_may_end_with_peers_open_and_leaving)
{
	unsigned before = plain_descriptors();

	for (int i = 0; i < 4; i++) {
		struct pair pair = {0};
		struct hail_addr other;

		start(&pair, "0.0.0.0", "127.0.0.1");
		other = addr_of("127.0.0.1", pair.stranger);
		if (i & 1)
			live_settle(pair.engine);
		cr_assert_eq(hail_peer_close(pair.peer), 0);
		cr_assert_eq(
			hail_peer_open(&pair.peer, pair.live.socket, &other),
			0);
		if (i & 2)
			cr_assert_eq(hail_engine_turn(pair.engine, 30 * MS), 0);
		end(&pair);
	}
	cr_assert_eq(plain_descriptors(), before);
}

Test(peers, they_dont_keep_the_engine_running)
{
	struct pair pair = {0};

	start(&pair, "0.0.0.0", "127.0.0.1");
	cr_assert_eq(hail_socket_unref(pair.live.socket), 0);
	cr_assert_eq(hail_engine_run(pair.engine), 0);
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	cr_assert_eq(hail_engine_run(pair.engine), 0);
	end(&pair);
}

Test(peers, a_bad_call_is_refused_and_changes_nothing)
{
	static const struct {
		const char *ip;
		uint16_t port;
		int error;
	} cases[] = {
		{"127.0.0.1", 0, -EINVAL},       {"0.0.0.0", 7, -EINVAL},
		{"224.0.0.1", 7, -EINVAL},       {"::1", 7, -EAFNOSUPPORT},
		{"255.255.255.255", 7, -EACCES},
	};
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr remote = live_v4(7);
	struct hail_peer *peer = NULL;
	struct live live = {0};
	unsigned before;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)));
	before = plain_descriptors();
	for (size_t i = 0; i < live_count(cases); i++) {
		struct hail_addr bad = live_addr(cases[i].ip, cases[i].port);

		cr_expect_eq(hail_peer_open(&peer, live.socket, &bad),
			     cases[i].error, "%s", cases[i].ip);
	}
	cr_expect_eq(hail_peer_open(NULL, live.socket, &remote), -EINVAL);
	cr_expect_eq(hail_peer_open(&peer, NULL, &remote), -EINVAL);
	cr_expect_eq(hail_peer_open(&peer, live.socket, NULL), -EINVAL);
	cr_expect_eq(hail_peer_close(NULL), -EINVAL);
	cr_expect_eq(hail_peer_close_idle(NULL), -EINVAL);
	cr_expect_eq(hail_peer_remote(NULL, &remote), -EINVAL);
	cr_expect_null(hail_peer_find(NULL, &remote));
	cr_expect_null(hail_peer_find(live.socket, NULL));
	cr_expect_null(hail_peer_socket(NULL));
	cr_expect_null(peer);
	cr_expect_eq(plain_descriptors(), before);
	live_end(engine);
}

Test(peers, connecting_and_peers_exclude_each_other)
{
	struct pair pair = {0};

	start(&pair, "0.0.0.0", "127.0.0.1");
	cr_assert_eq(hail_socket_connect(pair.live.socket, &pair.remote),
		     -EBUSY);
	cr_assert_eq(hail_socket_disconnect(pair.live.socket), -ENOTCONN);
	cr_assert_eq(hail_peer_close(pair.peer), 0);
	cr_assert_eq(hail_socket_connect(pair.live.socket, &pair.remote), 0);
	cr_assert_eq(hail_peer_open(&pair.peer, pair.live.socket, &pair.remote),
		     -EISCONN);
	cr_assert_eq(hail_socket_disconnect(pair.live.socket), 0);
	cr_assert_eq(hail_peer_open(&pair.peer, pair.live.socket, &pair.remote),
		     0);
	end(&pair);
}
