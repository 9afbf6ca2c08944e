/* SPDX-License-Identifier: MIT */
/* util/memory.h: memory from wherever the user says. */
#ifndef HL_UTIL_MEMORY_H
#define HL_UTIL_MEMORY_H

#include <stddef.h>

/* Both functions are set, or neither: then it is malloc() and free(). `release`
 * is told the size that `allocate` was asked for. */
struct hl_memory {
	void *(*allocate)(size_t size, void *arg);
	void (*release)(void *pointer, size_t size, void *arg);
	void *arg;
};

/* An array of `count` times `size` bytes, cleared; NULL: none to be had, or it
 * would be larger than memory can be. */
void *hl_memory_allocate(const struct hl_memory *memory, size_t count,
			 size_t size);
/* The same in place of an array of fewer members, which is copied and released;
 * NULL: it stays as it is. `pointer` may be NULL where old_count is 0. */
void *hl_memory_grow(const struct hl_memory *memory, void *pointer,
		     size_t old_count, size_t count, size_t size);
/* Takes the count and size that it was allocated with. NULL is allowed. */
void hl_memory_release(const struct hl_memory *memory, void *pointer,
		       size_t count, size_t size);

#endif
