/* SPDX-License-Identifier: MIT */
/* util/idset.h: a set of 64-bit numbers that aren't 0, whose operations take as
 * long with many of them as with few. */
#ifndef HL_UTIL_IDSET_H
#define HL_UTIL_IDSET_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed it is empty; empty it owns no memory. */
struct hl_idset {
	uint64_t *slots;   /* 0: free */
	uint32_t capacity; /* a power of two, or 0 */
	uint32_t count;
};

/* 0; -EEXIST: it is there already; -ENOMEM. */
int hl_idset_add(struct hl_idset *set, uint64_t id);
/* False: it wasn't there. */
bool hl_idset_remove(struct hl_idset *set, uint64_t id);
bool hl_idset_has(const struct hl_idset *set, uint64_t id);

#endif
