/* SPDX-License-Identifier: MIT */
/* util/reserve.c: memory by mmap, without a claim on swap. */
#include "util/reserve.h"

#include "util/poison.h"

#include <sys/mman.h>

void *hl_reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void hl_unreserve(void *memory, size_t size)
{
	if (!memory)
		return;
	/* The addresses may serve somebody else next. */
	hl_unpoison(memory, size);
	munmap(memory, size);
}
