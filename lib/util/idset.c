/* SPDX-License-Identifier: MIT */
/* util/idset.c: open addressing with linear probing, at most half full. */
#include "util/idset.h"

#include "util/memory.h"

#include <assert.h>
#include <errno.h>

#define CAPACITY_MIN 64

/* A set may belong to no engine, so no engine's allocator counts. */
static const struct hl_memory of_process; /* malloc() and free() */

/* Where its search begins: the upper bits of a product with the golden ratio,
 * since ids are often consecutive. */
static uint32_t home(const struct hl_idset *set, uint64_t id)
{
	uint64_t mixed = id * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32) & (set->capacity - 1);
}

/* Its slot, or the free one where it would be. */
static uint32_t find(const struct hl_idset *set, uint64_t id)
{
	uint32_t slot = home(set, id);

	while (set->slots[slot] && set->slots[slot] != id)
		slot = (slot + 1) & (set->capacity - 1);
	return slot;
}

static int grow(struct hl_idset *set)
{
	struct hl_idset old = *set;
	uint32_t capacity = old.capacity ? old.capacity * 2 : CAPACITY_MIN;
	uint64_t *slots =
		hl_memory_allocate(&of_process, capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	set->slots = slots;
	set->capacity = capacity;
	for (uint32_t i = 0; i < old.capacity; i++) {
		if (old.slots[i])
			slots[find(set, old.slots[i])] = old.slots[i];
	}
	hl_memory_release(&of_process, old.slots, old.capacity, sizeof(*slots));
	return 0;
}

bool hl_idset_has(const struct hl_idset *set, uint64_t id)
{
	return set->count && set->slots[find(set, id)] == id;
}

int hl_idset_add(struct hl_idset *set, uint64_t id)
{
	assert(id);
	if (hl_idset_has(set, id))
		return -EEXIST;
	if (set->count >= set->capacity / 2 && grow(set))
		return -ENOMEM;
	set->slots[find(set, id)] = id;
	set->count++;
	return 0;
}

/* Moves back what was put further on because the slot was taken, so that no
 * search ends at the gap. */
static void close_gap(struct hl_idset *set, uint32_t gap)
{
	uint32_t mask = set->capacity - 1;

	for (uint32_t next = (gap + 1) & mask; set->slots[next];
	     next = (next + 1) & mask) {
		uint32_t from = home(set, set->slots[next]);

		if (((next - from) & mask) < ((next - gap) & mask))
			continue;
		set->slots[gap] = set->slots[next];
		gap = next;
	}
	set->slots[gap] = 0;
}

bool hl_idset_remove(struct hl_idset *set, uint64_t id)
{
	if (!hl_idset_has(set, id))
		return false;
	close_gap(set, find(set, id));
	if (!--set->count) {
		hl_memory_release(&of_process, set->slots, set->capacity,
				  sizeof(*set->slots));
		*set = (struct hl_idset){0};
	}
	return true;
}
