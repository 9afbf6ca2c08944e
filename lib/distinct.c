/* SPDX-License-Identifier: MIT */
/* distinct.c: a hash set that is emptied by counting up its round. */
#include "distinct.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int hl_distinct_init(struct hl_distinct *distinct,
		     const struct hl_memory *memory, uint32_t count)
{
	uint32_t size = 2;

	/* At most half full, so that a search is short. */
	while (size < 2 * count)
		size *= 2;
	/* Strangers choose their addresses; that a seed can't be had is no
	 * reason to fail. */
	if (getrandom(&distinct->seed, sizeof(distinct->seed), GRND_NONBLOCK) <
	    0)
		distinct->seed = (uint64_t)(uintptr_t)distinct;
	distinct->memory = memory;
	distinct->mask = size - 1;
	distinct->marks =
		hl_memory_allocate(memory, size, sizeof(*distinct->marks));
	return distinct->marks ? 0 : -ENOMEM;
}

void hl_distinct_fini(struct hl_distinct *distinct)
{
	hl_memory_release(distinct->memory, distinct->marks,
			  (size_t)distinct->mask + 1, sizeof(*distinct->marks));
}

void hl_distinct_begin(struct hl_distinct *distinct)
{
	/* Marks of a round of the same number would count again. */
	if (!++distinct->round) {
		memset(distinct->marks, 0,
		       (distinct->mask + 1) * sizeof(*distinct->marks));
		distinct->round = 1;
	}
}

bool hl_distinct_add(struct hl_distinct *distinct,
		     const struct hail_addr *remote)
{
	struct hail_addr plain = *remote;
	uint64_t hash, mark;
	uint32_t at;

	/* A socket of both families may be given an IPv4 remote either way. */
	hail_addr_unmap(&plain);
	hash = hail_addr_hash(&plain, distinct->seed);
	mark = (hash & ~(uint64_t)UINT32_MAX) | distinct->round;
	at = (uint32_t)hash;

	for (;; at++) {
		uint64_t *entry = &distinct->marks[at & distinct->mask];

		if (*entry == mark)
			return false;
		if ((uint32_t)*entry != distinct->round) {
			*entry = mark;
			return true;
		}
	}
}
