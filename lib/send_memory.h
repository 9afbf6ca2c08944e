/* SPDX-License-Identifier: MIT */
/*
 * send_memory.h: where messages in flight live.
 *
 * Two pools of blocks, for most datagrams and for those of any size, reserved
 * at creation. A block holds one message whole, so that it goes out as one
 * contiguous send and freeing one never depends on another.
 */
#ifndef HL_SEND_MEMORY_H
#define HL_SEND_MEMORY_H

#include "buffer.h"
#include "extras.h"
#include "util/list.h"

#include <hail/datagram.h>
#include <hail/stats.h>

enum hl_block_kind { HL_BLOCK_SMALL, HL_BLOCK_LARGE, HL_BLOCK_KINDS };

/* A message in flight. `message` points to what follows in the block, or into
 * a receive buffer that it holds. */
struct hl_pending {
	struct hl_list link; /* in its socket's queue; oldest first */
	struct hail_message message;
	struct hail_addr remote;
	enum hl_block_kind kind;
	uint8_t attempts;  /* that failed, perhaps by another's ICMP message */
	uint8_t futile;    /* attempts that an empty send buffer refused */
	bool alone;        /* a train that it was in was refused */
	const void *given; /* the caller's pointer: identity for error */
	struct hail_buffer *buffer;     /* NULL: a copy */
	const struct hl_extras *extras; /* in the block too; NULL: none */
	_Alignas(64) unsigned char payload[];
};

struct hl_block_pool {
	unsigned char *base;
	size_t stride;
	uint32_t total;
	uint32_t fresh; /* those from here on were never used */
	struct hl_list free;
	struct hail_pool_stats stats;
};

struct hl_send_memory {
	struct hl_block_pool pools[HL_BLOCK_KINDS];
};

/* -ENOMEM. */
int hl_send_memory_init(struct hl_send_memory *memory, uint32_t small,
			uint32_t large);
void hl_send_memory_fini(struct hl_send_memory *memory);

/* Whether a message that needs `size` bytes of a block could be held now. */
bool hl_send_memory_available(const struct hl_send_memory *memory, size_t size);
/* What a message needs of a block: by reference, or with extras or none. */
size_t hl_send_memory_need(const struct hail_message *message,
			   const struct hail_buffer *buffer,
			   const struct hl_extras *extras);

/* Holds a message: `buffer`, if given, by a reference, else by a copy; and a
 * copy of the extras, if there are any. The pending message is in no list yet.
 * NULL: no block is left. */
struct hl_pending *hl_send_memory_take(struct hl_send_memory *memory,
				       const struct hail_message *message,
				       struct hail_buffer *buffer,
				       const struct hl_extras *extras);
/* Drops it, unlinks it and frees its block. */
void hl_send_memory_drop(struct hl_send_memory *memory,
			 struct hl_pending *pending);

void hl_send_memory_stats(const struct hl_send_memory *memory,
			  enum hl_block_kind kind, struct hail_pool_stats *out);

#endif
