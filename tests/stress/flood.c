/* SPDX-License-Identifier: MIT */
/* flood.c: threads with plain sendmmsg() pour datagrams of all sizes into hail
 * sockets, more than these can take. What is received is whole, or flagged as
 * cut, and never twice; and when the flood is over everybody hears on. */
#include "support/live.h"
#include "support/network.h"
#include "support/numbered.h"
#include "support/random.h"

#include <pthread.h>
#include <stdatomic.h>

TestSuite(flood, .timeout = 90);

#define THREADS 3
#define SOCKETS 4
#define EACH 192000 /* datagrams of a thread */
#define BATCH 32
#define CUT 512 /* datagram_max of every second socket */
#define SIZE_LARGEST 65507
#define SIZE_USUAL 1500

struct flood;

struct pump {
	struct flood *flood;
	pthread_t thread;
	uint32_t stream;
	uint64_t sent;
	unsigned char (*payloads)[SIZE_LARGEST];
};

struct flood {
	struct hail_engine *engine;
	struct live sockets[SOCKETS];
	struct hail_addr remotes[SOCKETS];
	struct pump pumps[THREADS];
	atomic_uint running;

	uint64_t received, empty, cut, damaged, doubled, wrong;
	bool seen[THREADS][EACH];
};

/* One of ten is empty, one of fifty large. */
static size_t any_size(struct test_random *random)
{
	const uint64_t kind = test_random_below(random, 50);

	if (kind < 5)
		return 0;
	if (kind == 5)
		return NUMBERED_MIN +
		       test_random_below(random, SIZE_LARGEST - NUMBERED_MIN);
	return NUMBERED_MIN + test_random_below(random, SIZE_USUAL);
}

static void fill(struct pump *pump, struct test_random *random, uint32_t first,
		 struct mmsghdr *batch, struct iovec *parts)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		struct hail_addr *remote =
			&pump->flood
				 ->remotes[test_random_below(random, SOCKETS)];
		const size_t size = any_size(random);

		if (size)
			numbered_write(pump->payloads[i], size, pump->stream,
				       first + i);
		parts[i] = (struct iovec){pump->payloads[i], size};
		batch[i].msg_hdr =
			(struct msghdr){.msg_name = remote,
					.msg_namelen = sizeof(remote->v4),
					.msg_iov = &parts[i],
					.msg_iovlen = 1};
	}
}

static void *pour(void *arg)
{
	struct pump *pump = arg;
	struct test_random random = test_random_seeded(pump->stream + 1);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct mmsghdr batch[BATCH];
	struct iovec parts[BATCH];

	for (uint32_t first = 0; first < EACH; first += BATCH) {
		int sent;

		fill(pump, &random, first, batch, parts);
		sent = sendmmsg(fd, batch, BATCH, 0);
		pump->sent += sent > 0 ? (uint64_t)sent : 0;
	}
	close(fd);
	atomic_fetch_sub(&pump->flood->running, 1);
	return NULL;
}

static void note(struct flood *flood, const struct hail_datagram *datagram,
		 size_t room)
{
	const bool cut = datagram->flags & HAIL_DATAGRAM_TRUNCATED;
	uint32_t stream, number;

	flood->received++;
	flood->cut += cut;
	flood->wrong += cut != (datagram->true_size > room) ||
			datagram->size != (cut ? room : datagram->true_size);
	if (!datagram->size) {
		flood->empty++;
	} else if (!numbered_read_cut(datagram->data, datagram->size,
				      datagram->true_size, &stream, &number) ||
		   stream >= THREADS || number >= EACH) {
		flood->damaged++;
	} else {
		flood->doubled += flood->seen[stream][number];
		flood->seen[stream][number] = true;
	}
}

static void on_data(struct live *live, const struct hail_datagram *batch,
		    size_t count)
{
	struct flood *flood = live->arg;
	const size_t room = (live - flood->sockets) % 2 ? CUT : 65535;

	for (size_t i = 0; i < count; i++)
		note(flood, &batch[i], room);
}

static void open_sockets(struct flood *flood)
{
	for (size_t i = 0; i < SOCKETS; i++) {
		struct live *live = &flood->sockets[i];

		live->arg = flood;
		live->on_data = on_data;
		live_open(
			live, flood->engine,
			&HAIL_SOCKET_OPTIONS(.local = live_v4(0),
					     .datagram_max = i % 2 ? CUT : 0));
		flood->remotes[i] = live_local(live);
	}
}

static void start_pumps(struct flood *flood)
{
	atomic_store(&flood->running, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		struct pump *pump = &flood->pumps[i];

		pump->flood = flood;
		pump->stream = i;
		pump->payloads = calloc(BATCH, sizeof(*pump->payloads));
		cr_assert(pump->payloads);
		cr_assert_eq(pthread_create(&pump->thread, NULL, pour, pump),
			     0);
	}
}

static uint64_t end_pumps(struct flood *flood)
{
	uint64_t sent = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		cr_assert_eq(pthread_join(flood->pumps[i].thread, NULL), 0);
		free(flood->pumps[i].payloads);
		sent += flood->pumps[i].sent;
	}
	return sent;
}

/* Each hears what is sent to it now, both a large one and an empty one. */
static void check_hearing(struct flood *flood)
{
	static unsigned char payload[SIZE_LARGEST];
	int fd = live_plain();

	for (uint32_t i = 0; i < SOCKETS; i++) {
		const size_t before = flood->sockets[i].datagrams;
		const uint16_t port = hail_addr_port(&flood->remotes[i]);

		numbered_write(payload, sizeof(payload), 0, i);
		cr_assert(plain_send(fd, payload, sizeof(payload), port));
		cr_assert(plain_send(fd, "", 0, port));
		live_until(flood->engine,
			   flood->sockets[i].datagrams == before + 2);
	}
	close(fd);
}

static void check_flood(const struct flood *flood, uint64_t sent)
{
	const struct hail_engine_stats stats = live_stats(flood->engine);

	cr_assert_eq(flood->damaged, 0);
	cr_assert_eq(flood->doubled, 0);
	cr_assert_eq(flood->wrong, 0, "a length or a flag");
	cr_assert_gt(flood->empty, 0);
	cr_assert_gt(flood->cut, 0);
	cr_assert_gt(flood->received, 1000);
	cr_assert_leq(flood->received, sent);
	cr_assert_eq(stats.traffic.received, flood->received);
	cr_assert_eq(stats.traffic.truncated, flood->cut);
	cr_assert_eq(stats.buffers.in_use + stats.small_buffers.in_use, 0);
	cr_assert_gt(stats.traffic.rearm_empty, 0);
}

static void assert_survived(const struct hail_engine_options *options)
{
	struct flood *flood = calloc(1, sizeof(*flood));
	uint64_t sent;

	cr_assert(flood);
	network_enter_own();
	flood->engine = live_engine(options);
	open_sockets(flood);
	start_pumps(flood);
	live_until(flood->engine, !atomic_load(&flood->running));
	sent = end_pumps(flood);
	live_settle(flood->engine);
	check_flood(flood, sent);
	memset(flood->seen, 0, sizeof(flood->seen));
	check_hearing(flood);
	cr_assert_eq(flood->doubled, 0);
	live_end(flood->engine);
	free(flood);
}

Test(flood, of_all_sizes_from_several_threads_arrives_whole_or_flagged)
{
	assert_survived(NULL);
}

Test(flood, is_survived_with_few_buffers_and_a_short_completion_queue)
{
	assert_survived(&HAIL_ENGINE_OPTIONS(.entries = 8, .completions = 8,
					     .buffers = 1, .buffers_max = 4,
					     .small_buffers = 1,
					     .small_buffers_max = 4,
					     .budget = 2));
}
