/* SPDX-License-Identifier: MIT */
/* peers_window.c: while peers come and go, every datagram of every remote is
 * handed over once: also what arrives between a peer's bind and its connect,
 * and while it leaves. */
#include "support/live.h"
#include "support/numbered.h"

#include <linux/filter.h>
#include <pthread.h>
#include <stdatomic.h>

TestSuite(peers_window, .timeout = 100);

#define STREAMS 3
#define NUMBERS_MAX 400000
#define SIZE 32
/* So many of a stream are on their way at most: no receive buffer fills up. */
#define OUTSTANDING 40

struct stream {
	pthread_t thread;
	const struct hail_addr *to;
	struct hail_addr from;
	int fd;
	uint32_t index;
	atomic_uint sent, heard;
	atomic_bool stop;
	unsigned char seen[NUMBERS_MAX];
	unsigned doubled, strange;
};

struct flood {
	struct hail_engine *engine;
	struct live live;
	struct hail_addr to;
	struct stream *streams;
};

static void *send_on(void *arg)
{
	struct stream *stream = arg;
	unsigned char data[SIZE];

	for (uint32_t n = 0; n < NUMBERS_MAX && !atomic_load(&stream->stop);) {
		if (n - atomic_load(&stream->heard) >= OUTSTANDING) {
			sched_yield();
			continue;
		}
		numbered_write(data, SIZE, stream->index, n);
		if (sendto(stream->fd, data, SIZE, 0, &stream->to->sa,
			   stream->to->sa.sa_family == AF_INET
				   ? sizeof(stream->to->v4)
				   : sizeof(stream->to->v6)) == SIZE)
			atomic_store(&stream->sent, ++n);
	}
	return NULL;
}

static void file_one(struct flood *flood, const struct hail_datagram *datagram)
{
	struct hail_addr remote = datagram->remote;
	struct stream *stream;
	uint32_t index, number;

	cr_assert(
		numbered_read(datagram->data, datagram->size, &index, &number));
	cr_assert(index < STREAMS && number < NUMBERS_MAX);
	stream = &flood->streams[index];
	hail_addr_unmap(&remote);
	stream->strange += !hail_addr_equal(&remote, &stream->from);
	stream->doubled += stream->seen[number]++;
	atomic_fetch_add(&stream->heard, 1);
}

static void file(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		file_one(live->arg, &batch[i]);
}

static void start(struct flood *flood, struct hail_socket_options options,
		  const char *local, const char *ip)
{
	flood->engine = live_engine(NULL);
	flood->live.on_data = file;
	flood->live.arg = flood;
	options.local = live_addr(local, 0);
	live_open(&flood->live, flood->engine, &options);
	flood->to = live_addr(ip, live_port(&flood->live));
	flood->streams = calloc(STREAMS, sizeof(*flood->streams));
	cr_assert_not_null(flood->streams);
	for (uint32_t i = 0; i < STREAMS; i++) {
		struct stream *stream = &flood->streams[i];

		stream->index = i;
		stream->to = &flood->to;
		stream->fd = plain_open(ip, 0);
		cr_assert_geq(stream->fd, 0);
		stream->from = live_addr(ip, plain_port(stream->fd));
		cr_assert_eq(
			pthread_create(&stream->thread, NULL, send_on, stream),
			0);
	}
}

static void end(struct flood *flood)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	for (uint32_t i = 0; i < STREAMS; i++) {
		struct stream *stream = &flood->streams[i];

		atomic_store(&stream->stop, true);
		pthread_join(stream->thread, NULL);
		live_until(flood->engine, atomic_load(&stream->heard) >=
						  atomic_load(&stream->sent));
		close(stream->fd);
	}
	cr_assert_eq(hail_socket_stats(flood->live.socket, &stats), 0);
	cr_assert_eq(stats.kernel_drops, 0);
	live_close(&flood->live);
	for (uint32_t i = 0; i < STREAMS; i++) {
		struct stream *stream = &flood->streams[i];

		cr_assert_gt(stream->sent, 0);
		cr_assert_eq(stream->heard, stream->sent);
		cr_assert_eq(stream->doubled, 0);
		cr_assert_eq(stream->strange, 0);
	}
	free(flood->streams);
	live_end(flood->engine);
}

/* Peers for remotes that never send, a few at a time. */
static void come_and_go(struct flood *flood, const char *prefix)
{
	struct hail_peer *peers[8] = {NULL};

	for (uint16_t i = 0; i < 600; i++) {
		struct hail_peer **peer = &peers[i % live_count(peers)];
		struct hail_addr remote =
			live_addr(prefix, (uint16_t)(1000 + i));

		if (*peer)
			cr_assert_eq(hail_peer_close(*peer), 0);
		cr_assert_eq(hail_peer_open(peer, flood->live.socket, &remote),
			     0);
		cr_assert_geq(hail_engine_turn(flood->engine, 0), 0);
	}
}

/* Peers for those that send all the time. */
static void take_turns(struct flood *flood)
{
	for (unsigned i = 0; i < 600; i++) {
		const struct hail_addr *remote =
			&flood->streams[i % STREAMS].from;
		struct hail_peer *peer =
			hail_peer_find(flood->live.socket, remote);

		if (peer)
			cr_assert_eq(hail_peer_close(peer), 0);
		else
			cr_assert_eq(hail_peer_open(&peer, flood->live.socket,
						    remote),
				     0);
		cr_assert_geq(hail_engine_turn(flood->engine, 0), 0);
	}
}

/* Peers for all of them, which are gone for good before the next are opened. */
static void come_and_leave(struct flood *flood)
{
	unsigned before = plain_descriptors();
	struct hail_peer *peers[STREAMS];

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < STREAMS; i++)
			cr_assert_eq(hail_peer_open(&peers[i],
						    flood->live.socket,
						    &flood->streams[i].from),
				     0);
		for (unsigned i = 0; i < 10; i++)
			cr_assert_geq(hail_engine_turn(flood->engine, MS), 0);
		for (unsigned i = 0; i < STREAMS; i++)
			cr_assert_eq(hail_peer_close(peers[i]), 0);
		live_until(flood->engine, plain_descriptors() == before);
	}
}

static void assert_none_lost(struct hail_socket_options options,
			     const char *local, const char *ip)
{
	struct flood flood = {0};

	start(&flood, options, local, ip);
	come_and_leave(&flood);
	come_and_go(&flood, ip);
	take_turns(&flood);
	end(&flood);
}

Test(peers_window, none_is_lost_or_doubled)
{
	assert_none_lost(HAIL_SOCKET_OPTIONS(.window = 0), "127.0.0.1",
			 "127.0.0.1");
	assert_none_lost(HAIL_SOCKET_OPTIONS(.window = 0), "0.0.0.0",
			 "127.0.0.1");
}

Test(peers_window, none_is_lost_or_doubled_in_ipv6)
{
	assert_none_lost(HAIL_SOCKET_OPTIONS(.window = 0), "::1", "::1");
	assert_none_lost(HAIL_SOCKET_OPTIONS(.window = 0), "::", "::1");
}

Test(peers_window, none_is_lost_or_doubled_on_a_dual_stack_socket)
{
	assert_none_lost(HAIL_SOCKET_OPTIONS(.window = 0), "::", "127.0.0.1");
}

Test(peers_window, none_is_lost_or_doubled_where_the_port_may_be_shared)
{
	assert_none_lost(HAIL_SOCKET_OPTIONS(.reuse_addr = true), "0.0.0.0",
			 "127.0.0.1");
}

Test(peers_window, none_is_lost_or_doubled_with_coalescing_and_facts)
{
	assert_none_lost(
		HAIL_SOCKET_OPTIONS(.coalesce = true, .facts = HAIL_FACT_LOCAL),
		"0.0.0.0", "127.0.0.1");
}
