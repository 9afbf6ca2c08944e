/* SPDX-License-Identifier: MIT */
/* util/memory.c: the only place that allocates, but for what is mapped. */
#include "util/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *hl_memory_allocate(const struct hl_memory *memory, size_t count,
			 size_t size)
{
	void *pointer;

	if (size && count > SIZE_MAX / size)
		return NULL;
	/* Fresh pages are clear already, which calloc() knows. */
	if (!memory->allocate)
		return calloc(count, size);
	pointer = memory->allocate(count * size, memory->arg);
	if (pointer)
		memset(pointer, 0, count * size);
	return pointer;
}

/* Not realloc(), which an allocator needn't have. */
void *hl_memory_grow(const struct hl_memory *memory, void *pointer,
		     size_t old_count, size_t count, size_t size)
{
	void *grown;

	assert(old_count <= count);
	grown = hl_memory_allocate(memory, count, size);
	if (grown && pointer) {
		memcpy(grown, pointer, old_count * size);
		hl_memory_release(memory, pointer, old_count, size);
	}
	return grown;
}

void hl_memory_release(const struct hl_memory *memory, void *pointer,
		       size_t count, size_t size)
{
	if (!pointer)
		return;
	if (memory->release)
		memory->release(pointer, count * size, memory->arg);
	else
		free(pointer);
}
