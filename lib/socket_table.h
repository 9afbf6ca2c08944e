/* SPDX-License-Identifier: MIT */
/*
 * socket_table.h: the sockets of an engine by their slot.
 *
 * Blocks of sockets that stay where they are until the engine is destroyed: a
 * slot is found without a search, and the handle of a socket that has closed
 * still says so until its slot is used again, which the longest unused slot
 * is first.
 */
#ifndef HL_SOCKET_TABLE_H
#define HL_SOCKET_TABLE_H

#include "util/list.h"
#include "util/memory.h"

#include <stdint.h>

#define HL_SOCKET_BLOCK 64

struct hail_socket;

struct hl_socket_table {
	const struct hl_memory *memory;
	struct hail_socket **blocks;
	uint32_t block_count;
	uint32_t used;
	struct hl_list free;
};

void hl_socket_table_init(struct hl_socket_table *table,
			  const struct hl_memory *memory);
void hl_socket_table_fini(struct hl_socket_table *table);

/* A socket of which only the slot and the engine-wide lists are set up; NULL:
 * no memory. */
struct hail_socket *hl_socket_table_take(struct hl_socket_table *table);
void hl_socket_table_drop(struct hl_socket_table *table,
			  struct hail_socket *socket);
/* All slots there are, used or not: 0 to size - 1. */
uint32_t hl_socket_table_size(const struct hl_socket_table *table);
struct hail_socket *hl_socket_table_at(const struct hl_socket_table *table,
				       uint32_t slot);

#endif
