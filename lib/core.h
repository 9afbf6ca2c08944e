/* SPDX-License-Identifier: MIT */
/*
 * core.h: the engine's state, as the nouns of one engine share it.
 *
 * Nothing scans all sockets: a socket that wants something of the turn is in
 * the list of those that want it, so that ten thousand idle ones cost nothing.
 */
#ifndef HL_CORE_H
#define HL_CORE_H

#include "backend/backend.h"
#include "batch_wait.h"
#include "buffer.h"
#include "echo.h"
#include "failure.h"
#include "flight.h"
#include "lend.h"
#include "log.h"
#include "notify.h"
#include "owner.h"
#include "post.h"
#include "send_memory.h"
#include "socket_table.h"
#include "timer.h"
#include "util/clock.h"
#include "util/list.h"
#include "util/memory.h"

#include <hail/engine.h>
#include <hail/stats.h>

/* How long a socket waits after a want of kernel memory, for which the kernel
 * sends no signal. */
#define HL_BACKOFF_NS HL_NS_PER_MS

/* Completions that are taken from the backend at once. */
#define HL_COMPLETIONS_MAX 128

struct hail_engine {
	struct hl_memory allocator;
	struct hl_backend *backend;
	struct hl_owner owner;
	struct hail_engine_options options; /* as they are in force */
	struct hl_log log;

	bool turning;  /* a turn is under way: handlers may run */
	bool entered;  /* since the last turn, when it was left */
	bool rearming; /* a reception has ended, and data may wait for it */
	uint64_t now;  /* 0: not asked for in this turn */
	uint64_t turns;
	uint64_t keepers; /* what keeps run() running, but for posts */
	uint64_t refs;    /* of these, hail_engine_ref() */

	struct hl_pool pools[HL_POOL_KINDS];
	struct hl_send_memory memory;
	struct hl_flight flight;
	struct hl_lending lending;
	struct hl_failures failures;
	struct hl_echoes echoes;
	struct hl_socket_table sockets;
	struct hl_posts posts;
	struct hl_timers timers;
	struct hl_notify notify;
	struct hail_shard *shard; /* whose engine it is, or NULL */

	/* Sockets, by what they wait for. */
	struct hl_list arming;   /* reception or writability, next enter */
	struct hl_list sending;  /* messages in flight, next enter */
	struct hl_list backoff;  /* until backoff_end */
	struct hl_list ready;    /* datagrams to be handed over */
	struct hl_list noticing; /* error queues to be read */
	struct hl_list failing;  /* errors to be told */
	struct hl_list draining; /* drain is due */
	struct hl_list starved;  /* refused for want of a send block */
	struct hl_list leaving;  /* children, until leave_end and once more */
	struct hl_list left;     /* children, until leave_end */
	struct hl_list closing;  /* until nothing is under way */
	struct hl_list closed;   /* the close handler is due */
	uint64_t backoff_end;
	uint64_t leave_end;
	uint32_t peers; /* of the sockets, those that are children */

	struct hl_batch_wait batch_wait;
	struct hl_completion *completions;
	struct hail_datagram *batch; /* what a data handler is given */

	struct hail_traffic gone; /* of sockets that are closed by now */
	uint64_t failed_by_errno[HAIL_STATS_ERRNO_MAX];
};

/* 0, or why this call may not use the engine: -EINVAL, -EPERM. The first
 * thread to call hl_core_claim() becomes the owner. */
int hl_core_check(const struct hail_engine *engine);
int hl_core_claim(struct hail_engine *engine);

/* Monotonic nanoseconds, looked at once a turn and only if somebody asks. */
uint64_t hl_core_now(struct hail_engine *engine);

/* Outside a turn, in a program whose own loop watches hail_engine_fd():
 * something was queued that only a turn carries out. */
void hl_core_touch(struct hail_engine *engine);

#endif
