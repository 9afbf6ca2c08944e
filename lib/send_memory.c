/* SPDX-License-Identifier: MIT */
/* send_memory.c: blocks for messages in flight, the latest freed first, since
 * that one is still in the cache. */
#include "send_memory.h"

#include "util/reserve.h"

#include <errno.h>
#include <string.h>

/* Payloads of a block. With the header both make a stride of an odd number of
 * cache lines (33 and 1029), so that headers spread over all cache sets. */
static const size_t payload_max[HL_BLOCK_KINDS] = {
	[HL_BLOCK_SMALL] = 1984,
	[HL_BLOCK_LARGE] = 65728,
};

static int pool_init(struct hl_block_pool *pool, enum hl_block_kind kind,
		     uint32_t total)
{
	hl_list_init(&pool->free);
	pool->stride = sizeof(struct hl_pending) + payload_max[kind];
	pool->total = total;
	pool->stats.total = total;
	pool->base = hl_reserve(pool->stride * total);
	return pool->base ? 0 : -ENOMEM;
}

int hl_send_memory_init(struct hl_send_memory *memory, uint32_t small,
			uint32_t large)
{
	int err = pool_init(&memory->pools[HL_BLOCK_SMALL], HL_BLOCK_SMALL,
			    small);

	if (err)
		return err;
	return pool_init(&memory->pools[HL_BLOCK_LARGE], HL_BLOCK_LARGE, large);
}

void hl_send_memory_fini(struct hl_send_memory *memory)
{
	for (int kind = 0; kind < HL_BLOCK_KINDS; kind++) {
		struct hl_block_pool *pool = &memory->pools[kind];

		hl_unreserve(pool->base, pool->stride * pool->total);
	}
}

static bool pool_available(const struct hl_block_pool *pool)
{
	return pool->fresh < pool->total || !hl_list_empty(&pool->free);
}

bool hl_send_memory_available(const struct hl_send_memory *memory, size_t size)
{
	return (size <= payload_max[HL_BLOCK_SMALL] &&
		pool_available(&memory->pools[HL_BLOCK_SMALL])) ||
	       pool_available(&memory->pools[HL_BLOCK_LARGE]);
}

static struct hl_pending *pool_take(struct hl_block_pool *pool)
{
	struct hl_list *link = pool->free.next;

	if (!pool_available(pool)) {
		pool->stats.exhausted++;
		return NULL;
	}
	if (++pool->stats.in_use > pool->stats.in_use_max)
		pool->stats.in_use_max = pool->stats.in_use;
	if (link == &pool->free)
		return (void *)(pool->base + pool->stride * pool->fresh++);
	hl_list_unlink(link);
	return hl_list_entry(link, struct hl_pending, link);
}

static struct hl_pending *take_block(struct hl_send_memory *memory, size_t size)
{
	struct hl_pending *pending = NULL;
	enum hl_block_kind kind = HL_BLOCK_SMALL;

	if (size <= payload_max[HL_BLOCK_SMALL])
		pending = pool_take(&memory->pools[kind]);
	if (!pending) {
		kind = HL_BLOCK_LARGE;
		pending = pool_take(&memory->pools[kind]);
	}
	if (pending)
		pending->kind = kind;
	return pending;
}

size_t hl_send_memory_need(const struct hail_message *message,
			   const struct hail_buffer *buffer,
			   const struct hl_extras *extras)
{
	/* By reference only the header of a block is used. */
	return (buffer ? 0 : message->size) + (extras ? sizeof(*extras) : 0);
}

struct hl_pending *hl_send_memory_take(struct hl_send_memory *memory,
				       const struct hail_message *message,
				       struct hail_buffer *buffer,
				       const struct hl_extras *extras)
{
	struct hl_pending *pending = take_block(
		memory, hl_send_memory_need(message, buffer, extras));
	unsigned char *payload;

	if (!pending)
		return NULL;
	hl_list_init(&pending->link);
	pending->message = *message;
	pending->given = message->data;
	pending->buffer = buffer;
	pending->attempts = 0;
	pending->futile = 0;
	pending->alone = false;
	pending->extras = NULL;
	payload = pending->payload;
	if (extras) {
		pending->extras = memcpy(payload, extras, sizeof(*extras));
		payload += sizeof(*extras);
	}
	if (buffer) {
		hl_buffer_hold(buffer);
	} else if (message->size) {
		memcpy(payload, message->data, message->size);
		pending->message.data = payload;
	}
	if (message->remote) {
		pending->remote = *message->remote;
		pending->message.remote = &pending->remote;
	}
	return pending;
}

void hl_send_memory_drop(struct hl_send_memory *memory,
			 struct hl_pending *pending)
{
	struct hl_block_pool *pool = &memory->pools[pending->kind];

	if (pending->buffer)
		hl_buffer_drop(pending->buffer);
	hl_list_unlink(&pending->link);
	hl_list_append(pool->free.next, &pending->link);
	pool->stats.in_use--;
}

void hl_send_memory_stats(const struct hl_send_memory *memory,
			  enum hl_block_kind kind, struct hail_pool_stats *out)
{
	*out = memory->pools[kind].stats;
}
