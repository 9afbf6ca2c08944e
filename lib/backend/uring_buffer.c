/* SPDX-License-Identifier: MIT */
/* uring_buffer.c: rings of provided buffers, one a pool. */
#include "uring.h"

#include "util/reserve.h"

#include <errno.h>

int hl_uring_open_pool(struct hl_uring *uring, enum hl_pool_kind kind,
		       const struct hl_backend_pool *memory)
{
	struct hl_uring_pool *pool = &uring->pools[kind];

	pool->memory = *memory;
	pool->ring_size = memory->count_max * sizeof(struct io_uring_buf);
	pool->ring = hl_reserve(pool->ring_size);
	return pool->ring ? 0 : -ENOMEM;
}

int hl_uring_use_pool(struct hl_uring *uring, enum hl_pool_kind kind)
{
	struct hl_uring_pool *pool = &uring->pools[kind];
	struct io_uring_buf_reg reg = {
		.ring_addr = (uint64_t)(uintptr_t)pool->ring,
		.ring_entries = pool->memory.count_max,
		.bgid = (uint16_t)kind,
	};
	int err;

	if (pool->registered)
		return 0;
	err = io_uring_register_buf_ring(&uring->ring, &reg, 0);
	pool->registered = !err;
	return err;
}

void hl_uring_close_pools(struct hl_uring *uring)
{
	for (int kind = 0; kind < HL_POOL_KINDS; kind++)
		hl_unreserve(uring->pools[kind].ring,
			     uring->pools[kind].ring_size);
}

void hl_uring_provide(struct hl_backend *backend, enum hl_pool_kind kind,
		      const uint32_t *ids, uint32_t count)
{
	struct hl_uring_pool *pool = &hl_uring_of(backend)->pools[kind];
	uint32_t mask = pool->memory.count_max - 1;

	for (uint32_t i = 0; i < count; i++) {
		struct io_uring_buf *buf =
			&pool->ring->bufs[(pool->tail + i) & mask];

		buf->addr = (uint64_t)(uintptr_t)(pool->memory.base +
						  ids[i] * pool->memory.stride);
		buf->len = pool->memory.size;
		buf->bid = (uint16_t)ids[i];
	}
	pool->tail = (uint16_t)(pool->tail + count);
	io_uring_smp_store_release(&pool->ring->tail, pool->tail);
}
