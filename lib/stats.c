/* SPDX-License-Identifier: MIT */
/* stats.c: snapshots of what was counted where it happened. */
#include "stats.h"

#include "core.h"
#include "peer.h"
#include "recv.h"
#include "socket.h"
#include "util/options.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

void hl_stats_add(struct hail_traffic *sum, const struct hail_traffic *part)
{
	/* A struct of nothing but 64-bit counters. */
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)part;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static void sum_traffic(const struct hail_engine *engine,
			struct hail_traffic *sum)
{
	uint32_t size = hl_socket_table_size(&engine->sockets);

	*sum = engine->gone;
	for (uint32_t slot = 0; slot < size; slot++) {
		const struct hail_socket *socket =
			hl_socket_table_at(&engine->sockets, slot);

		if (socket->state != HL_SOCKET_FREE)
			hl_stats_add(sum, &socket->traffic);
	}
}

static void fill_backend(const struct hail_engine *engine,
			 struct hail_engine_stats *stats)
{
	const struct hl_backend_counters *counters = &engine->backend->counters;

	stats->enters = counters->enters;
	stats->submissions = counters->submissions;
	stats->completions = counters->completions;
	stats->overflows = counters->overflows;
	stats->spins = counters->spins;
	stats->spin_hits = counters->spin_hits;
	stats->sleeps = counters->sleeps;
	stats->batch_waits = counters->batch_waits;
	stats->batch_wait_ns = engine->batch_wait.chosen_ns;
	stats->napi_us =
		engine->backend->napi_error ? 0 : engine->options.napi_us;
	stats->zero_copy_registered = counters->registered;
}

static void fill_pools(const struct hail_engine *engine,
		       struct hail_engine_stats *stats)
{
	hl_pool_stats(&engine->pools[HL_POOL_LARGE], &stats->buffers);
	hl_pool_stats(&engine->pools[HL_POOL_SMALL], &stats->small_buffers);
	hl_send_memory_stats(&engine->memory, HL_BLOCK_SMALL,
			     &stats->send_blocks);
	hl_send_memory_stats(&engine->memory, HL_BLOCK_LARGE,
			     &stats->send_blocks_large);
}

int hail_engine_stats(const struct hail_engine *engine,
		      struct hail_engine_stats *out)
{
	struct hail_engine_stats stats = {0};
	int err = hl_core_check(engine);

	if (err)
		return err;
	sum_traffic(engine, &stats.traffic);
	fill_backend(engine, &stats);
	fill_pools(engine, &stats);
	stats.turns = engine->turns;
	stats.zero_copy_sent = engine->lending.sent;
	stats.zero_copy_copied = engine->lending.copied;
	stats.posts = engine->posts.count;
	stats.timers = engine->timers.fired;
	stats.sockets = engine->sockets.used - engine->peers;
	memcpy(stats.failed_by_errno, engine->failed_by_errno,
	       sizeof(stats.failed_by_errno));
	return hl_options_write(out, &stats, sizeof(stats));
}

/* The kernel counts in 32 bits, which may wrap between two calls, though not
 * twice. */
int hl_stats_count_drops(struct hail_socket *socket)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, info, &size))
		return -errno;
	socket->kernel_drops += (uint32_t)(info[SK_MEMINFO_DROPS] -
					   (uint32_t)socket->kernel_drops);
	return 0;
}

/* What came by peers counts as the socket's. */
static int add_peers(const struct hail_socket *socket,
		     struct hail_socket_stats *stats)
{
	struct hail_socket *child = NULL;
	int err = 0;

	while (!err && (child = hl_peer_next(socket, child))) {
		err = hl_stats_count_drops(child);
		hl_stats_add(&stats->traffic, &child->traffic);
		stats->queued += hl_recv_waiting(child);
		stats->kernel_drops += child->kernel_drops;
	}
	return err;
}

int hail_socket_stats(const struct hail_socket *socket,
		      struct hail_socket_stats *out)
{
	struct hail_socket_stats stats = {0};
	int err = hl_socket_check(socket);

	/* Looking changes nothing that anybody could see. */
	if (!err)
		err = hl_stats_count_drops(
			(struct hail_socket *)(uintptr_t)socket);
	if (err)
		return err;
	stats.traffic = socket->traffic;
	stats.in_flight = socket->in_flight;
	stats.in_flight_max = socket->in_flight_max;
	stats.queued = hl_recv_waiting(socket);
	stats.peers = hl_peer_count(socket);
	stats.send_buffer = socket->send_buffer;
	stats.receive_buffer = socket->receive_buffer;
	stats.coalescing = socket->coalesce.on;
	stats.kernel_drops = socket->kernel_drops + socket->peer_drops;
	err = add_peers(socket, &stats);
	if (err)
		return err;
	return hl_options_write(out, &stats, sizeof(stats));
}
