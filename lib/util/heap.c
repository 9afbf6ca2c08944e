/* SPDX-License-Identifier: MIT */
/* util/heap.c: the binary heap in an array of pointers; each member knows its
 * place, so that any of them can be removed. */
#include "util/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define CAPACITY_MIN 16

void hl_heap_init(struct hl_heap *heap, const struct hl_memory *memory)
{
	*heap = (struct hl_heap){.memory = memory};
}

void hl_heap_fini(struct hl_heap *heap)
{
	hl_memory_release(heap->memory, heap->nodes, heap->capacity,
			  sizeof(struct hl_heap_node *));
	hl_heap_init(heap, heap->memory);
}

void hl_heap_node_init(struct hl_heap_node *node)
{
	*node = (struct hl_heap_node){.index = HL_HEAP_NONE};
}

/* At least doubles, so that reserving one more for each member is cheap. */
int hl_heap_reserve(struct hl_heap *heap, uint32_t capacity)
{
	struct hl_heap_node **nodes;
	uint64_t wanted = (uint64_t)heap->capacity * 2;

	if (capacity <= heap->capacity)
		return 0;
	if (wanted < CAPACITY_MIN)
		wanted = CAPACITY_MIN;
	if (wanted < capacity || wanted > HL_HEAP_NONE)
		wanted = capacity;
	nodes = hl_memory_grow(heap->memory, heap->nodes, heap->capacity,
			       wanted, sizeof(struct hl_heap_node *));
	if (!nodes)
		return -ENOMEM;
	heap->nodes = nodes;
	heap->capacity = (uint32_t)wanted;
	return 0;
}

static bool before(const struct hl_heap_node *a, const struct hl_heap_node *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return a->order < b->order;
}

static void place(struct hl_heap *heap, uint32_t index,
		  struct hl_heap_node *node)
{
	heap->nodes[index] = node;
	node->index = index;
}

/* Finds the place of `node` on the way from the hole at `index` to the top. */
static void sift_up(struct hl_heap *heap, uint32_t index,
		    struct hl_heap_node *node)
{
	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (!before(node, heap->nodes[parent]))
			break;
		place(heap, index, heap->nodes[parent]);
		index = parent;
	}
	place(heap, index, node);
}

/* The same on the way down. Indices are 64 bits wide: 2 * index + 1 of the
 * last members may not fit into 32. */
static void sift_down(struct hl_heap *heap, uint32_t index,
		      struct hl_heap_node *node)
{
	uint64_t child;

	while ((child = 2 * (uint64_t)index + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!before(heap->nodes[child], node))
			break;
		place(heap, index, heap->nodes[child]);
		index = (uint32_t)child;
	}
	place(heap, index, node);
}

void hl_heap_insert(struct hl_heap *heap, struct hl_heap_node *node,
		    uint64_t key)
{
	assert(node->index == HL_HEAP_NONE);
	assert(heap->count < heap->capacity);

	node->key = key;
	node->order = heap->order++;
	sift_up(heap, heap->count++, node);
}

void hl_heap_remove(struct hl_heap *heap, struct hl_heap_node *node)
{
	uint32_t hole = node->index;
	struct hl_heap_node *last;

	if (hole == HL_HEAP_NONE)
		return;
	assert(hole < heap->count && heap->nodes[hole] == node);

	node->index = HL_HEAP_NONE;
	last = heap->nodes[--heap->count];
	if (last == node)
		return;
	/* The last member fills the hole; it may belong above or below. */
	if (hole > 0 && before(last, heap->nodes[(hole - 1) / 2]))
		sift_up(heap, hole, last);
	else
		sift_down(heap, hole, last);
}

struct hl_heap_node *hl_heap_first(const struct hl_heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}
