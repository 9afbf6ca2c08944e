/* SPDX-License-Identifier: MIT */
/* util/reserve.h: large memory that costs nothing until it is touched. */
#ifndef HL_UTIL_RESERVE_H
#define HL_UTIL_RESERVE_H

#include <stddef.h>

/* Zeroed, page-aligned; NULL: none to be had. */
void *hl_reserve(size_t size);
/* NULL is allowed. */
void hl_unreserve(void *memory, size_t size);

#endif
