/* SPDX-License-Identifier: MIT */
/*
 * distinct.h: whether a remote is in a submission already.
 *
 * A socket that asks for errors sends at most one datagram to each remote in a
 * submission: one that another's ICMP message made fail can then be sent again
 * before the next to the same remote, and order holds.
 */
#ifndef HL_DISTINCT_H
#define HL_DISTINCT_H

#include "util/memory.h"

#include <hail/addr.h>
#include <stdbool.h>
#include <stdint.h>

struct hl_distinct {
	const struct hl_memory *memory;
	uint64_t *marks; /* of the round in the low half, a hash in the high */
	uint64_t seed;
	uint32_t mask;
	uint32_t round;
};

/* For submissions of up to `count`. -ENOMEM. */
int hl_distinct_init(struct hl_distinct *distinct,
		     const struct hl_memory *memory, uint32_t count);
void hl_distinct_fini(struct hl_distinct *distinct);

/* A new submission: nothing is in it. */
void hl_distinct_begin(struct hl_distinct *distinct);
/* Adds a remote; false: it is there already. Two remotes may, once in four
 * thousand million times, be taken for one: then a submission ends early. */
bool hl_distinct_add(struct hl_distinct *distinct,
		     const struct hail_addr *remote);

#endif
