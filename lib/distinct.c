/* SPDX-License-Identifier: MIT */
/* distinct.c: a hash set that is emptied by counting up its round. */
#include "distinct.h"

#include "net/addr.h"

#include <errno.h>
#include <string.h>

int hl_distinct_init(struct hl_distinct *distinct,
		     const struct hl_memory *memory, uint32_t count)
{
	uint32_t size = 2;

	/* At most half full, so that a search is short. */
	while (size < 2 * count)
		size *= 2;
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

/* A socket of both families may be given an IPv4 remote either way. */
static uint64_t hash_of(const struct hail_addr *remote)
{
	struct hail_addr plain;

	if (remote->sa.sa_family != AF_INET6 || !hl_addr_is_v4(remote))
		return hail_addr_hash(remote, 0);
	plain = (struct hail_addr){
		.v4 = {.sin_family = AF_INET, .sin_port = remote->v6.sin6_port},
	};
	memcpy(&plain.v4.sin_addr, &remote->v6.sin6_addr.s6_addr[12],
	       sizeof(plain.v4.sin_addr));
	return hail_addr_hash(&plain, 0);
}

bool hl_distinct_add(struct hl_distinct *distinct,
		     const struct hail_addr *remote)
{
	uint64_t hash = hash_of(remote);
	uint64_t mark = (hash & ~(uint64_t)UINT32_MAX) | distinct->round;
	uint32_t at = (uint32_t)hash;

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
