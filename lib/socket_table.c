/* SPDX-License-Identifier: MIT */
/* socket_table.c: sockets by slot. */
#include "socket_table.h"

#include "socket.h"

void hl_socket_table_init(struct hl_socket_table *table,
			  const struct hl_memory *memory)
{
	*table = (struct hl_socket_table){.memory = memory};
	hl_list_init(&table->free);
}

static void release_block(const struct hl_socket_table *table,
			  struct hail_socket *block)
{
	hl_memory_release(table->memory, block, HL_SOCKET_BLOCK,
			  sizeof(*block));
}

void hl_socket_table_fini(struct hl_socket_table *table)
{
	for (uint32_t i = 0; i < table->block_count; i++)
		release_block(table, table->blocks[i]);
	hl_memory_release(table->memory, table->blocks, table->block_count,
			  sizeof(struct hail_socket *));
	hl_socket_table_init(table, table->memory);
}

uint32_t hl_socket_table_size(const struct hl_socket_table *table)
{
	return table->block_count * HL_SOCKET_BLOCK;
}

struct hail_socket *hl_socket_table_at(const struct hl_socket_table *table,
				       uint32_t slot)
{
	return &table->blocks[slot / HL_SOCKET_BLOCK][slot % HL_SOCKET_BLOCK];
}

static void init_lists(struct hail_socket *socket)
{
	hl_list_init(&socket->pending);
	hl_list_init(&socket->failures);
	hl_list_init(&socket->siblings);
	hl_list_init(&socket->life);
	hl_list_init(&socket->arming);
	hl_list_init(&socket->sending);
	hl_list_init(&socket->backoff);
	hl_list_init(&socket->ready);
	hl_list_init(&socket->noticing);
	hl_list_init(&socket->failing);
	hl_list_init(&socket->draining);
	hl_list_init(&socket->starved);
	hl_list_init(&socket->waiting);
}

/* One more block; its sockets are free. */
static bool grow(struct hl_socket_table *table)
{
	uint32_t count = table->block_count;
	struct hail_socket *block = hl_memory_allocate(
		table->memory, HL_SOCKET_BLOCK, sizeof(*block));
	struct hail_socket **blocks = NULL;

	if (block)
		blocks =
			hl_memory_grow(table->memory, table->blocks, count,
				       count + 1, sizeof(struct hail_socket *));
	if (!blocks) {
		release_block(table, block);
		return false;
	}
	blocks[count] = block;
	table->blocks = blocks;
	table->block_count = count + 1;
	for (uint32_t i = 0; i < HL_SOCKET_BLOCK; i++) {
		block[i].slot = count * HL_SOCKET_BLOCK + i;
		init_lists(&block[i]);
		hl_list_append(&table->free, &block[i].life);
	}
	return true;
}

struct hail_socket *hl_socket_table_take(struct hl_socket_table *table)
{
	struct hail_socket *socket;
	uint32_t slot;

	if (hl_list_empty(&table->free) && !grow(table))
		return NULL;
	socket = hl_list_entry(table->free.next, struct hail_socket, life);
	slot = socket->slot;
	hl_list_unlink(&socket->life);
	*socket = (struct hail_socket){.slot = slot, .fd = -1};
	init_lists(socket);
	table->used++;
	return socket;
}

void hl_socket_table_drop(struct hl_socket_table *table,
			  struct hail_socket *socket)
{
	socket->state = HL_SOCKET_FREE;
	hl_list_append(&table->free, &socket->life);
	table->used--;
}
