/* SPDX-License-Identifier: MIT */
/* util/heap.h: a binary heap of 64-bit keys, smallest first. */
#ifndef HL_UTIL_HEAP_H
#define HL_UTIL_HEAP_H

#include "util/memory.h"

#include <stdint.h>

#define HL_HEAP_NONE UINT32_MAX

/* A member; lives in the struct that is sorted. Members of equal key leave in
 * the order in which they came. */
struct hl_heap_node {
	uint64_t key;
	uint64_t order;
	uint32_t index; /* HL_HEAP_NONE: in no heap */
};

struct hl_heap {
	const struct hl_memory *memory;
	struct hl_heap_node **nodes;
	uint32_t count, capacity;
	uint64_t order;
};

/* `memory` stays where it is for as long as the heap is used. */
void hl_heap_init(struct hl_heap *heap, const struct hl_memory *memory);
void hl_heap_fini(struct hl_heap *heap);
void hl_heap_node_init(struct hl_heap_node *node);

/* Makes room for `capacity` members, so that insert can't fail: -ENOMEM. */
int hl_heap_reserve(struct hl_heap *heap, uint32_t capacity);
void hl_heap_insert(struct hl_heap *heap, struct hl_heap_node *node,
		    uint64_t key);
/* Does nothing for a node that is in no heap. */
void hl_heap_remove(struct hl_heap *heap, struct hl_heap_node *node);
/* NULL: empty. */
struct hl_heap_node *hl_heap_first(const struct hl_heap *heap);

#endif
