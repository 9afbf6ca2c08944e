/* SPDX-License-Identifier: MIT */
/* buffer.c: receive buffers between the backend, handlers and their users. */
#include "buffer.h"

#include "core.h"
#include "net/recvmsg.h"
#include "util/reserve.h"

#include <errno.h>

#define HL_CACHE_LINE 64

/* The backend has at least so many buffers, and fewer than it had only after so
 * many flushes that needed few. */
#define HL_POOL_DEPTH_MIN 4
#define HL_POOL_WINDOW 256

/* The distance of two buffers. An odd number of cache lines, so that the
 * headers of neighbours fall into different cache sets: at equal strides of
 * 64 KiB a datagram costs 12 to 30 % more. */
static size_t stride_of(size_t size)
{
	size_t lines = (size + HL_CACHE_LINE - 1) / HL_CACHE_LINE;

	return (lines | 1) * HL_CACHE_LINE;
}

int hl_pool_init(struct hl_pool *pool, struct hail_engine *engine,
		 enum hl_pool_kind kind, uint32_t payload, uint32_t count_max)
{
	uint32_t size = (uint32_t)HL_RECVMSG_OVERHEAD + payload;
	size_t stride = stride_of(size);

	pool->engine = engine;
	pool->kind = kind;
	hl_list_init(&pool->waiting);
	pool->memory.stride = stride;
	pool->memory.size = size;
	pool->memory.count_max = count_max;
	pool->memory.base = hl_reserve(stride * count_max);
	pool->buffers = hl_reserve(sizeof(*pool->buffers) * count_max);
	pool->free = hl_reserve(sizeof(*pool->free) * count_max);
	if (!pool->memory.base || !pool->buffers || !pool->free)
		return -ENOMEM;
	return 0;
}

void hl_pool_fini(struct hl_pool *pool)
{
	size_t count = pool->memory.count_max;

	hl_unreserve(pool->memory.base, pool->memory.stride * count);
	hl_unreserve(pool->buffers, sizeof(*pool->buffers) * count);
	hl_unreserve(pool->free, sizeof(*pool->free) * count);
}

uint32_t hl_pool_grow(struct hl_pool *pool, uint32_t count)
{
	uint32_t room = pool->memory.count_max - pool->total;

	if (count > room)
		count = room;
	for (uint32_t i = 0; i < count; i++) {
		struct hail_buffer *buffer = &pool->buffers[pool->total];

		buffer->pool = pool;
		buffer->id = pool->total++;
		hl_pool_give_back(pool, buffer->id);
	}
	pool->depth += count;
	return count;
}

bool hl_pool_widen(struct hl_pool *pool)
{
	pool->missing++;
	if (pool->free_count)
		return true;
	if (pool->doubled)
		return false;
	pool->doubled = true;
	pool->exhausted++;
	return hl_pool_grow(pool, pool->total) > 0;
}

/* Reception ended for want of a buffer: so many more, and twice as many at
 * least. */
static void deepen(struct hl_pool *pool)
{
	uint32_t more =
		pool->depth > pool->missing ? pool->depth : pool->missing;

	pool->missing = 0;
	pool->depth = more > pool->total - pool->depth ? pool->total
						       : pool->depth + more;
}

/* After a while what is offered is what was used at most, and a quarter more.
 */
static void narrow(struct hl_pool *pool)
{
	uint32_t enough;

	if (pool->taken > pool->taken_max)
		pool->taken_max = pool->taken;
	pool->taken = 0;
	if (++pool->flushes < HL_POOL_WINDOW)
		return;
	enough = pool->taken_max + pool->taken_max / 4 + 1;
	if (enough < HL_POOL_DEPTH_MIN)
		enough = HL_POOL_DEPTH_MIN;
	if (enough < pool->depth)
		pool->depth = enough;
	pool->taken_max = 0;
	pool->flushes = 0;
}

void hl_pool_flush(struct hl_pool *pool)
{
	struct hl_backend *backend = pool->engine->backend;
	uint32_t count;

	if (pool->missing)
		deepen(pool);
	count = pool->depth - pool->offered;
	if (count > pool->free_count)
		count = pool->free_count;
	pool->free_count -= count;
	pool->offered += count;
	backend->ops->provide(backend, pool->kind,
			      &pool->free[pool->free_count], count);
	narrow(pool);
}

void hl_pool_stats(const struct hl_pool *pool, struct hail_pool_stats *out)
{
	out->total = pool->total;
	out->in_use = pool->held;
	out->in_use_max = pool->held_max;
	out->exhausted = pool->exhausted;
}

void hl_pool_announce(struct hl_pool *pool)
{
	hl_core_touch(pool->engine);
}

struct hail_buffer *hl_buffer_find(const struct hl_pool *pool, const void *data,
				   size_t size)
{
	uintptr_t offset = (uintptr_t)data - (uintptr_t)pool->memory.base;
	struct hail_buffer *buffer;

	if (offset >= (size_t)pool->total * pool->memory.stride)
		return NULL;
	buffer = &pool->buffers[offset / pool->memory.stride];
	if (!buffer->holds ||
	    offset % pool->memory.stride + size > buffer->size)
		return NULL;
	return buffer;
}

static int check(const struct hail_buffer *buffer)
{
	if (!buffer)
		return -EINVAL;
	return hl_core_check(buffer->pool->engine);
}

int hail_buffer_retain(struct hail_buffer *buffer)
{
	int err = check(buffer);

	if (err)
		return err;
	if (!buffer->holds || buffer->retains == UINT32_MAX / 2)
		return -EINVAL;
	buffer->retains++;
	buffer->holds++;
	return 0;
}

int hail_buffer_release(struct hail_buffer *buffer)
{
	int err = check(buffer);

	if (err)
		return err;
	if (!buffer->retains)
		return -EINVAL;
	buffer->retains--;
	hl_buffer_drop(buffer);
	return 0;
}
