/* SPDX-License-Identifier: MIT */
/*
 * shard.h: what shards are made of, as shard*.c share it.
 *
 * What a thread of them writes while others read is behind the lock, atomic,
 * or in the inbox; the rest doesn't change from when the threads are started.
 */
#ifndef HL_SHARD_H
#define HL_SHARD_H

#include "util/memory.h"

#include <hail/engine.h>
#include <hail/shard.h>
#include <hail/socket.h>
#include <hail/stats.h>
#include <pthread.h>
#include <stdatomic.h>

struct hl_shard_message {
	void *message;
	uint32_t from;
};

/* A ring of messages behind a lock. While any are in it, a post of the engine
 * or a timer is under way that hands them over (`posted`). */
struct hl_shard_inbox {
	pthread_mutex_t lock;
	struct hl_shard_message *ring;
	uint32_t capacity; /* a power of two */
	uint32_t head, tail;
	bool posted;
	bool closed; /* takes no more */
};

struct hail_shard {
	struct hail_shards *shards;
	uint32_t index;
	struct hail_engine *engine;
	pthread_t thread;
	bool threaded; /* the thread was started */

	int fd;                     /* bound, and no socket's yet; or -1 */
	struct hail_socket *socket; /* perhaps another's by now, so ... */
	uint64_t cookie;            /* ... this names it (custody.h) */
	bool started;               /* `start` was called and returned 0 */

	struct hl_shard_inbox inbox;
	struct hail_timer *late; /* hands messages over; see leave() */

	/* Behind the lock of all. */
	struct hail_engine_stats stats;
	uint64_t told; /* of which question these are the answer */
	bool ended;
};

enum hl_shards_phase {
	HL_SHARDS_STARTING,
	HL_SHARDS_SERVING,
	HL_SHARDS_ABANDONED, /* one could not start, so all end */
};

struct hail_shards {
	struct hl_memory memory;
	struct hail_shards_options options; /* as they are in force */
	struct hail_socket_options socket;
	uint32_t send_buffer; /* as asked for; 0: the default */
	struct hail_addr local;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum hl_shards_phase phase;
	uint32_t ready, ended; /* threads */
	int error;             /* the first */
	uint64_t asked;        /* questions for stats */

	atomic_uint hushed; /* shards that hear nothing any more */
	struct hail_shard shards[];
};

/* The first error of all is kept. */
void hl_shards_fail(struct hail_shards *shards, int error);

/* The socket while it is open; the shard's thread, or while that waits. */
struct hail_socket *hl_shard_own_socket(const struct hail_shard *shard);

#endif
