/* SPDX-License-Identifier: MIT */
/* allocations.h: counts every allocation that the program makes. */
#ifndef BENCH_ALLOCATIONS_H
#define BENCH_ALLOCATIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of malloc, calloc, realloc, aligned_alloc, posix_memalign and mmap
 * since the program began. allocations.c replaces the C library's symbols, so
 * a shared library's calls are counted too. */
uint64_t allocations_count(void);

#ifdef __cplusplus
}
#endif

#endif
