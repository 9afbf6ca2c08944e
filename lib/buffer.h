/* SPDX-License-Identifier: MIT */
/*
 * buffer.h: pools of receive buffers.
 *
 * A pool's memory is reserved whole at creation, so a buffer is found by its
 * address, and is touched only as the pool grows. A buffer is either with the
 * backend, or free, or held: by a datagram that waits or is being handed over,
 * by the user's retains, by messages in flight that are sent from it.
 *
 * The backend takes buffers in the order in which it got them, so if it had all
 * of them each would be cold by the time that it is written again. It gets no
 * more than are used between two turns, and those that were used last:
 * receiving pieces of 64 KiB then costs a quarter less.
 */
#ifndef HL_BUFFER_H
#define HL_BUFFER_H

#include "backend/backend.h"
#include "util/assert.h"
#include "util/list.h"
#include "util/poison.h"

#include <hail/buffer.h>
#include <hail/stats.h>

struct hail_engine;
struct hl_pool;

struct hail_buffer {
	struct hl_pool *pool;
	uint32_t id;
	uint32_t next;    /* in a socket's queue; HL_BUFFER_NONE ends it */
	uint32_t size;    /* bytes that the backend has written */
	uint32_t holds;   /* 0: with the backend */
	uint32_t retains; /* of these holds, the user's */
};

struct hl_pool {
	struct hail_engine *engine;
	enum hl_pool_kind kind;
	struct hl_backend_pool memory;
	struct hail_buffer *buffers; /* memory.count_max of them */
	uint32_t total;              /* that exist by now */
	uint32_t held;
	uint32_t held_max;
	uint32_t exhausted;
	uint32_t *free; /* the one that was used last is the last */
	uint32_t free_count;
	uint32_t offered; /* to the backend, and not yet written by it */
	uint32_t depth;   /* so many shall be, after a flush */
	uint32_t missing; /* receptions that found none since then */
	bool doubled;     /* in this turn, or could not be */
	/* Written since the last flush; the most that were, and in how many
	 * flushes. */
	uint32_t taken, taken_max, flushes;
	/* Sockets whose reception ended for want of a buffer, while the pool
	 * could not grow. */
	struct hl_list waiting;
};

/* Reserves memory; makes no buffer yet. -ENOMEM. */
int hl_pool_init(struct hl_pool *pool, struct hail_engine *engine,
		 enum hl_pool_kind kind, uint32_t payload, uint32_t count_max);
void hl_pool_fini(struct hl_pool *pool);

/* Adds buffers, `count` or up to the bound, and returns how many. The backend
 * shall have them. */
uint32_t hl_pool_grow(struct hl_pool *pool, uint32_t count);
/* A reception found none: the backend shall have more from now on, for which
 * the pool doubles if none is free, once a turn. False: all that may be are in
 * use. */
bool hl_pool_widen(struct hl_pool *pool);
/* Gives the backend what it is short of. */
void hl_pool_flush(struct hl_pool *pool);
void hl_pool_stats(const struct hl_pool *pool, struct hail_pool_stats *out);

static inline unsigned char *hl_pool_memory(const struct hl_pool *pool,
					    uint32_t id)
{
	return pool->memory.base + (size_t)id * pool->memory.stride;
}

static inline bool hl_pool_short(const struct hl_pool *pool)
{
	return pool->free_count && pool->offered < pool->depth;
}

/* Whether a buffer is with the backend, or will be after the next flush. */
static inline bool hl_pool_available(const struct hl_pool *pool)
{
	return pool->held < pool->total;
}

/* The backend has written `size` bytes to the buffer: it is held now, and is to
 * be counted by hl_pool_count_held(). */
static inline struct hail_buffer *hl_buffer_take(struct hl_pool *pool,
						 uint32_t id, uint32_t size)
{
	struct hail_buffer *buffer = &pool->buffers[id];

	hl_debug_assert(id < pool->total && !buffer->holds);
	if (size > pool->memory.size)
		size = pool->memory.size;
	hl_unpoison(hl_pool_memory(pool, id), size);
	buffer->size = size;
	buffer->holds = 1;
	return buffer;
}

static inline void hl_pool_count_held(struct hl_pool *pool, uint32_t count)
{
	pool->held += count;
	pool->offered -= count;
	pool->taken += count;
	if (pool->held > pool->held_max)
		pool->held_max = pool->held;
}

/* A buffer that nobody holds is free. The kernel writes without
 * AddressSanitizer's knowledge, so what it owns is poisoned: then a read that
 * comes too early or goes too far is caught. */
static inline void hl_pool_give_back(struct hl_pool *pool, uint32_t id)
{
	hl_poison(hl_pool_memory(pool, id), pool->memory.stride);
	pool->free[pool->free_count++] = id;
}

/* Sockets wait for a buffer, and one is free. */
void hl_pool_announce(struct hl_pool *pool);

static inline void hl_buffer_hold(struct hail_buffer *buffer)
{
	hl_debug_assert(buffer->holds);
	buffer->holds++;
}

static inline void hl_buffer_drop(struct hail_buffer *buffer)
{
	struct hl_pool *pool = buffer->pool;

	hl_debug_assert(buffer->holds > buffer->retains);
	if (--buffer->holds)
		return;
	pool->held--;
	hl_pool_give_back(pool, buffer->id);
	if (!hl_list_empty(&pool->waiting))
		hl_pool_announce(pool);
}

/* The held buffer of this pool that the bytes lie in, or NULL. */
struct hail_buffer *hl_buffer_find(const struct hl_pool *pool, const void *data,
				   size_t size);

#endif
