/* SPDX-License-Identifier: MIT */
/* books.c: sockets that open, send to each other, and close, in handlers and
 * out of them, by the will of a generator; in the end the books balance. */
#include "support/live.h"
#include "support/network.h"
#include "support/numbered.h"
#include "support/random.h"

#include <stdio.h>
#include <time.h>

TestSuite(books, .timeout = 90);

#define PLACES 48
#define SIZE_MAX_SENT 3000
#define RUN_MS 3000

/* A socket of the run, or an empty place. */
struct place {
	struct town *town;
	struct hail_socket *socket;
	struct hail_addr local;
	bool connected;
	bool closing;
	bool owed; /* a drain */
};

struct town {
	struct test_random random;
	struct hail_engine *engine;
	struct place places[PLACES];
	unsigned depth; /* how much one handler may set off */
	bool slow;      /* what is sent takes its time */

	/* The books as the callers keep them. */
	uint64_t taken, refused, refused_by_kernel, told, drains;
	uint64_t received, opened, closed;
};

static uint64_t below(struct town *town, uint64_t bound)
{
	return test_random_below(&town->random, bound);
}

static struct place *any_place(struct town *town)
{
	return &town->places[below(town, PLACES)];
}

static void act(struct town *town);

/* A handler does something in one case of four. */
static void maybe_act(struct town *town)
{
	if (town->depth || below(town, 4))
		return;
	town->depth++;
	act(town);
	town->depth--;
}

static struct place *place_of(struct hail_socket *socket)
{
	struct place *place = hail_socket_user(socket);

	cr_assert(!place->closing, "a handler after close");
	return place;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct town *town = place_of(socket)->town;
	uint32_t stream, number;

	for (size_t i = 0; i < count; i++)
		cr_assert(!batch[i].size ||
				  numbered_read(batch[i].data, batch[i].size,
						&stream, &number),
			  "a damaged datagram of %zu bytes", batch[i].size);
	town->received += count;
	maybe_act(town);
}

static void on_drain(struct hail_socket *socket)
{
	struct place *place = place_of(socket);

	cr_assert(place->owed, "a drain that nobody is owed");
	place->owed = false;
	place->town->drains++;
	maybe_act(place->town);
}

/* On a connected socket, what an earlier one met (nobody listens there any
 * more) is told by itself, or costs a later send. */
static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct place *place = place_of(socket);

	cr_assert(place->connected);
	cr_assert_eq(error->code, -ECONNREFUSED, "%d", error->code);
	place->town->told += error->kind == HAIL_ERROR_SEND;
	maybe_act(place->town);
}

static void on_close(struct hail_socket *socket)
{
	struct place *place = hail_socket_user(socket);
	struct town *town = place->town;

	cr_assert(place->closing);
	place->socket = NULL;
	town->closed++;
	maybe_act(town);
}

static void open_at(struct town *town, struct place *place)
{
	const struct place *peer = any_place(town);
	struct hail_socket_options options = HAIL_SOCKET_OPTIONS(
			.local = live_v4(0), .user = place,
			.handlers = {on_data, on_drain, on_error, on_close},
			.window = 1 + (unsigned)below(town, 64),
			.send_buffer = town->slow || below(town, 2) ? 4096 : 0,
			.datagram_max = below(town, 2) ? SIZE_MAX_SENT : 0);

	place->town = town;
	place->connected = peer->socket && !below(town, 3);
	if (place->connected)
		options.remote = peer->local;
	place->closing = place->owed = false;
	cr_assert_eq(hail_socket_open(&place->socket, town->engine, &options),
		     0);
	cr_assert_eq(hail_socket_local(place->socket, &place->local), 0);
	town->opened++;
}

static void close_at(struct place *place)
{
	cr_assert_eq(hail_socket_close(place->socket), 0);
	place->closing = true;
}

static size_t any_size(struct town *town)
{
	switch (below(town, 8)) {
	case 0:
		return 0;
	case 1:
		return NUMBERED_MIN + below(town, SIZE_MAX_SENT - NUMBERED_MIN);
	default:
		return NUMBERED_MIN + below(town, 200);
	}
}

static void send_one(struct town *town, struct place *place,
		     const struct hail_addr *remote)
{
	unsigned char payload[SIZE_MAX_SENT];
	const size_t size = any_size(town);
	int err;

	if (size)
		numbered_write(payload, size, 1, (uint32_t)town->taken);
	err = hail_send(place->socket, payload, size, remote);
	town->taken += !err;
	town->refused += err == -EAGAIN;
	place->owed |= err == -EAGAIN;
	town->refused_by_kernel += err == -ECONNREFUSED;
	cr_assert(!err || err == -EAGAIN ||
			  (err == -ECONNREFUSED && place->connected),
		  "%d", err);
}

static void send_batch(struct town *town, struct place *place,
		       const struct hail_addr *remote)
{
	static unsigned char payloads[100][SIZE_MAX_SENT];
	struct hail_message messages[100];
	const size_t count = 1 + below(town, 100);
	ssize_t taken;

	for (size_t i = 0; i < count; i++) {
		const size_t size = any_size(town);

		if (size)
			numbered_write(payloads[i], size, 2, (uint32_t)i);
		messages[i] = (struct hail_message){payloads[i], size, remote};
	}
	taken = hail_send_many(place->socket, messages, count);
	cr_assert(taken > 0 || taken == -EAGAIN, "%zd", taken);
	place->owed |= taken < (ssize_t)count;
	town->refused += taken < (ssize_t)count;
	town->taken += taken > 0 ? (uint64_t)taken : 0;
}

static void send_from(struct town *town, struct place *place)
{
	const struct place *peer = any_place(town);
	const struct hail_addr *remote = place->connected ? NULL : &peer->local;

	/* It may be a place that was never used, or is closed: a dead port. */
	if (remote && !hail_addr_port(remote))
		return;
	if (below(town, 2))
		send_one(town, place, remote);
	else
		send_batch(town, place, remote);
}

static void act(struct town *town)
{
	struct place *place = any_place(town);

	if (place->closing && place->socket)
		return;
	if (!place->socket)
		open_at(town, place);
	else if (!below(town, town->slow ? 200 : 12))
		close_at(place);
	else
		send_from(town, place);
}

static bool all_empty(const struct town *town)
{
	for (size_t i = 0; i < PLACES; i++)
		if (town->places[i].socket)
			return false;
	return true;
}

static void close_all(struct town *town)
{
	town->depth = 1; /* from now on no handler does anything */
	for (size_t i = 0; i < PLACES; i++)
		if (town->places[i].socket && !town->places[i].closing)
			close_at(&town->places[i]);
	live_until(town->engine, all_empty(town));
}

static void check_books(const struct town *town)
{
	const struct hail_engine_stats stats = live_stats(town->engine);
	const struct hail_traffic *traffic = &stats.traffic;

	cr_assert_eq(traffic->sent + traffic->failed + traffic->cancelled,
		     town->taken);
	cr_assert_eq(traffic->refused, town->refused);
	cr_assert_eq(traffic->drains, town->drains);
	cr_assert_leq(town->drains, town->refused);
	cr_assert_leq(town->told, traffic->failed);
	cr_assert_eq(traffic->received, town->received);
	cr_assert_leq(traffic->received, traffic->sent);
	cr_assert_gt(traffic->received, 1000);
	cr_assert_eq(town->closed, town->opened);
	cr_assert_eq(stats.sockets, 0);
	cr_assert_eq(stats.buffers.in_use, 0);
	cr_assert_eq(stats.small_buffers.in_use, 0);
	cr_assert_eq(stats.send_blocks.in_use, 0);
	cr_assert_eq(stats.send_blocks_large.in_use, 0);
}

static uint64_t seed(void)
{
	const char *given = getenv("HAIL_TEST_SEED");

	return given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
}

/* Small pools, so that all of them are empty at times. Returns what the engine
 * has counted. */
static struct hail_traffic live_through(uint64_t from, bool slow)
{
	const unsigned descriptors = plain_descriptors();
	const uint64_t end = plain_now() + RUN_MS * (uint64_t)MS;
	struct town *town = calloc(1, sizeof(*town));
	struct hail_traffic traffic;

	cr_assert(town);
	fprintf(stderr, "HAIL_TEST_SEED=%llu\n", (unsigned long long)from);
	town->random = test_random_seeded(from);
	town->slow = slow;
	town->engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.entries = 64, .buffers = 8,
				     .buffers_max = 32, .small_buffers = 16,
				     .small_buffers_max = 64,
				     .small_size = 4096, .send_blocks = 256,
				     .send_blocks_large = 32));
	while (plain_now() < end) {
		for (uint64_t i = below(town, 20); i; i--)
			act(town);
		cr_assert_geq(hail_engine_turn(town->engine, 0), 0);
	}
	close_all(town);
	check_books(town);
	traffic = live_stats(town->engine).traffic;
	live_end(town->engine);
	free(town);
	cr_assert_eq(plain_descriptors(), descriptors);
	return traffic;
}

Test(books, balance_after_a_random_life_of_many_sockets)
{
	network_enter_own();
	live_through(seed(), false);
}

/* The same decisions every time. */
Test(books, balance_after_a_life_that_is_known)
{
	network_enter_own();
	live_through(1, false);
}

/* Here send buffers fill, and sockets close with sends in flight; seldom enough
 * to live until something comes. */
Test(books, balance_after_a_random_life_on_a_slow_loopback)
{
	static const char *const tools[] = {"ip", "tc", NULL};
	const char *missing = network_missing(tools);
	struct hail_traffic traffic;
	int network;

	if (missing)
		cr_skip_test("%s", missing);
	network = network_open();
	cr_assert_geq(network, 0);
	if (network_run(network, "tc qdisc add dev lo root tbf rate 100mbit "
				 "burst 128k limit 300000"))
		cr_skip_test("no tbf in this kernel");
	cr_assert_eq(network_enter(network), 0);
	traffic = live_through(seed(), true);
	cr_assert_gt(traffic.drains, 0);
	cr_assert_gt(traffic.cancelled, 0);
	close(network);
}
