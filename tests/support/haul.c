/* SPDX-License-Identifier: MIT */
/* support/haul.c: opening everything, turning both engines until all has come,
 * and balancing the books. One thread turns both, so that a seed tells what is
 * sent. */
#include "haul_state.h"
#include "support/network.h"
#include "support/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define STALLED_NS (10000 * (uint64_t)MS)
#define NUDGE_NS (100 * (uint64_t)MS)
#define RECEIVE_BUFFER (4 << 20)

void haul_fail(struct haul *haul, const char *format, ...)
{
	va_list args;

	if (haul->result->failure[0])
		return;
	va_start(args, format);
	vsnprintf(haul->result->failure, sizeof(haul->result->failure), format,
		  args);
	va_end(args);
}

static void check(struct haul *haul, int err, const char *what)
{
	if (err < 0)
		haul_fail(haul, "%s: %s", what, hail_strerror(err));
}

static bool failed(const struct haul *haul)
{
	return haul->result->failure[0];
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct haul_node *node = hail_socket_user(socket);
	struct haul_piece pieces[4096];

	for (size_t i = 0; i < count && !failed(node->haul); i++)
		pieces[i] = haul_way_leave(node, &batch[i]);
	if (failed(node->haul))
		return;
	if (node->relays)
		haul_relay_batch(node, batch, pieces, count);
	/* Home is at the sources' engine: their sends come from a handler. */
	if (haul_index(node) == HAUL_HOME) {
		node->haul->result->inside++;
		haul_send_batch(&node->haul->nodes[0]);
	}
}

static void on_drain(struct hail_socket *socket)
{
	struct haul_node *node = hail_socket_user(socket);

	if (!node->owed)
		haul_fail(node->haul, "node %u: a drain that nobody is owed",
			  haul_index(node));
	node->owed = false;
	node->drains++;
	if (haul_index(node) < HAUL_SOURCES) {
		node->haul->result->inside++;
		haul_send_batch(node);
	}
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct haul_node *node = hail_socket_user(socket);

	if (node->haul->options.lossy && error->kind != HAIL_ERROR_SEND)
		return;
	haul_fail(node->haul, "node %u: an error of kind %u: %s, %zu bytes",
		  haul_index(node), (unsigned)error->kind,
		  hail_strerror(error->code), (size_t)error->size);
}

static void post_batch(struct hail_engine *engine, void *arg)
{
	struct haul_node *node = arg;

	(void)engine;
	node->haul->posted = false;
	node->haul->result->inside++;
	haul_send_batch(node);
}

static bool is_near(uint32_t index)
{
	return index <= HAUL_HOME;
}

static struct hail_socket_options options_of(struct haul_node *node)
{
	const struct haul_options *asked = &node->haul->options;
	bool near = is_near(haul_index(node));
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers = {on_data, on_drain, on_error,
						 NULL},
				    .user = node,
				    .receive_buffer = RECEIVE_BUFFER,
				    .window = asked->window,
				    .send_buffer = asked->send_buffer,
				    .no_trains = asked->no_trains,
				    .errors = asked->errors,
				    .path_mtu = asked->path_mtu);

	options.coalesce = asked->coalesce;
	check(node->haul,
	      hail_addr_parse(&options.local,
			      near ? asked->near_ip : asked->far_ip, 0),
	      "an address");
	return options;
}

/* Half of a receive buffer may be booked for what has been read already. */
static void open_node(struct haul *haul, uint32_t index)
{
	struct haul_node *node = &haul->nodes[index];
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct hail_socket_options options;

	node->haul = haul;
	options = options_of(node);
	check(haul,
	      hail_socket_open(&node->socket,
			       is_near(index) ? haul->near : haul->far,
			       &options),
	      "a socket");
	if (failed(haul))
		return;
	hail_socket_local(node->socket, &node->local);
	hail_socket_stats(node->socket, &stats);
	node->booked_max = stats.receive_buffer / 2;
	node->relays = !haul->options.lossy && index >= HAUL_RELAYS &&
		       index < HAUL_SINKS;
}

static void open_peer(struct haul *haul, uint32_t from, uint32_t to)
{
	struct hail_peer *peer;

	if (!failed(haul))
		check(haul,
		      hail_peer_open(&peer, haul->nodes[from].socket,
				     &haul->nodes[to].local),
		      "a peer");
}

/* Every second way has one, at its sender or its receiver or both. */
static void open_peers(struct haul *haul, bool near)
{
	for (uint32_t to = HAUL_RELAYS; to < HAUL_NODES; to++) {
		if (near && to % 2)
			open_peer(haul, to / 2 % HAUL_SOURCES, to);
		if (!near && to % 3)
			open_peer(haul, to, to % HAUL_SOURCES);
	}
	for (uint32_t relay = HAUL_RELAYS; !near && relay < HAUL_SINKS; relay++)
		open_peer(haul, relay, HAUL_HOME);
}

static void in_network(struct haul *haul, int network)
{
	if (network)
		check(haul, network_enter(network), "a network");
}

static void open_all(struct haul *haul)
{
	const struct haul_options *options = &haul->options;
	static const uint32_t entries[] = {0, 8, 64}, budgets[] = {0, 0, 5};
	struct hail_engine_options own =
		HAIL_ENGINE_OPTIONS(.entries = entries[haul_below(haul, 3)],
				    .budget = budgets[haul_below(haul, 3)]);

	check(haul, hail_engine_create(&haul->near, &own), "an engine");
	check(haul, hail_engine_create(&haul->far, NULL), "an engine");
	for (uint32_t i = 0; i < HAUL_NODES && !failed(haul); i++) {
		in_network(haul, is_near(i) ? options->near : options->far);
		open_node(haul, i);
	}
	for (int near = 0; near < 2 && options->peers && !failed(haul);
	     near++) {
		in_network(haul, near ? options->near : options->far);
		open_peers(haul, near);
	}
	in_network(haul, options->near);
}

static void send_some(struct haul *haul)
{
	struct haul_node *source = &haul->nodes[haul_below(haul, HAUL_SOURCES)];

	if (haul_below(haul, 2)) {
		haul_send_batch(source);
	} else if (!haul->posted) {
		haul->posted = true;
		check(haul, hail_engine_post(haul->near, post_batch, source),
		      "a post");
	}
	for (uint32_t i = HAUL_RELAYS; i < HAUL_SINKS; i++)
		haul_relay_kept(&haul->nodes[i]);
	if (!haul->turned && haul->options.midway &&
	    haul->result->sent >= haul->options.datagrams / 2) {
		haul->turned = true;
		haul->options.midway(haul->options.arg);
	}
}

/* Not each time, so that more is under way than one batch. */
static void turn_both(struct haul *haul, bool wait)
{
	const int64_t timeout = wait ? MS : 0;

	if (wait || haul_below(haul, 2))
		check(haul, hail_engine_turn(haul->far, timeout), "a turn");
	if (wait || haul_below(haul, 2))
		check(haul, hail_engine_turn(haul->near, timeout), "a turn");
}

static bool all_left(const struct haul *haul)
{
	bool left =
		!haul->posted && haul->result->sent >= haul->options.datagrams;

	for (uint32_t i = 0; i < HAUL_NODES && left; i++) {
		const struct haul_node *node = &haul->nodes[i];

		left = !node->owed && node->kept_head == node->kept_tail;
	}
	return left;
}

static uint64_t progress(const struct haul *haul)
{
	uint64_t sum = haul->result->sent;

	for (uint32_t i = 0; i < HAUL_NODES; i++)
		sum += haul->nodes[i].received + haul->nodes[i].sent +
		       haul->nodes[i].drains;
	return sum;
}

static void fail_stalled(struct haul *haul)
{
	uint64_t drops = 0, failed = 0;

	for (uint32_t i = 0; i < HAUL_NODES; i++) {
		struct hail_socket_stats stats = {.size = sizeof(stats)};

		hail_socket_stats(haul->nodes[i].socket, &stats);
		drops += stats.kernel_drops;
		failed += stats.traffic.failed;
	}
	haul_fail(haul,
		  "stalled with %llu under way; the kernel dropped %llu at "
		  "receivers, and %llu sends failed",
		  (unsigned long long)haul->under_way,
		  (unsigned long long)drops, (unsigned long long)failed);
}

/* Where the network drops, those after them tell that they are missing. */
static void haul_all(struct haul *haul)
{
	uint64_t before = 0, since = plain_now(), nudged = since;

	while (!failed(haul) && !(all_left(haul) && !haul->under_way)) {
		uint64_t now = plain_now(), done = progress(haul);
		bool idle = done == before;

		since = idle ? since : now;
		before = done;
		if (now - since > STALLED_NS)
			fail_stalled(haul);
		if (haul->options.lossy && now - since > NUDGE_NS &&
		    now - nudged > NUDGE_NS) {
			haul_send_last(haul);
			nudged = now;
		}
		send_some(haul);
		turn_both(haul, idle);
	}
}

static void expect(struct haul *haul, uint32_t index, const char *what,
		   uint64_t is, uint64_t shall)
{
	if (is != shall)
		haul_fail(haul, "node %u: %s is %llu and not %llu", index, what,
			  (unsigned long long)is, (unsigned long long)shall);
}

static void balance_node(struct haul *haul, uint32_t i)
{
	const struct haul_node *node = &haul->nodes[i];
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	const struct hail_traffic *traffic = &stats.traffic;

	check(haul, hail_socket_stats(node->socket, &stats), "stats");
	expect(haul, i, "sent", traffic->sent, node->sent);
	expect(haul, i, "received", traffic->received, node->received);
	expect(haul, i, "refused", traffic->refused, node->refused);
	expect(haul, i, "drains", traffic->drains, node->drains);
	expect(haul, i, "failed", traffic->failed, 0);
	expect(haul, i, "cancelled", traffic->cancelled, 0);
	expect(haul, i, "truncated", traffic->truncated, 0);
	expect(haul, i, "dropped", traffic->dropped, 0);
	expect(haul, i, "strangers", traffic->strangers, 0);
	expect(haul, i, "kernel_drops", stats.kernel_drops, 0);
	expect(haul, i, "in_flight", stats.in_flight, 0);
	if (haul->options.no_trains)
		expect(haul, i, "trains", traffic->trains, 0);
	haul->result->refused += traffic->refused;
	haul->result->drains += traffic->drains;
	haul->result->retried += traffic->retried;
	haul->result->trains += traffic->trains;
	haul->result->train_sent += traffic->train_sent;
	haul->result->train_refused += traffic->train_refused;
	haul->result->peers += stats.peers;
	haul->result->received += node->received;
}

static void balance_engine(struct haul *haul, const struct hail_engine *engine)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};

	check(haul, hail_engine_stats(engine, &stats), "stats");
	expect(haul, 0, "buffers in use",
	       stats.buffers.in_use + stats.small_buffers.in_use, 0);
	expect(haul, 0, "send blocks in use",
	       stats.send_blocks.in_use + stats.send_blocks_large.in_use, 0);
}

static void balance(struct haul *haul)
{
	for (uint32_t i = 0; i < HAUL_NODES && haul->nodes[i].socket; i++)
		balance_node(haul, i);
	balance_engine(haul, haul->near);
	balance_engine(haul, haul->far);
}

static void close_all(struct haul *haul)
{
	hail_engine_destroy(haul->near);
	hail_engine_destroy(haul->far);
	for (uint32_t to = 0; to < HAUL_NODES; to++)
		for (uint32_t from = 0; from < HAUL_NODES; from++)
			free(haul->nodes[to].rows[from]);
	free(haul->pattern);
	free(haul->arena);
	free(haul);
}

static void complete(struct haul_options *options)
{
	if (!options->near_ip)
		options->near_ip = "127.0.0.1";
	if (!options->far_ip)
		options->far_ip = "127.0.0.1";
	if (!options->frames_max)
		options->frames_max = HAUL_FRAMES_LOOPBACK;
	if (!options->batch_max || options->batch_max > HAUL_BATCH_MAX)
		options->batch_max = HAUL_BATCH_MAX;
}

bool haul_run(const struct haul_options *options, struct haul_result *result)
{
	struct haul *haul = calloc(1, sizeof(*haul));

	*result = (struct haul_result){0};
	if (!haul)
		return false;
	haul->options = *options;
	haul->result = result;
	complete(&haul->options);
	haul->random = test_random_seeded(options->seed);
	haul->pattern = malloc(HAUL_PATTERN_SIZE);
	haul->arena = malloc(HAUL_ARENA_SIZE);
	if (haul->pattern && haul->arena) {
		test_random_fill(&haul->random, haul->pattern,
				 HAUL_PATTERN_SIZE);
		open_all(haul);
		haul_all(haul);
		balance(haul);
	} else {
		haul_fail(haul, "no memory");
	}
	close_all(haul);
	return !result->failure[0];
}
