/* SPDX-License-Identifier: MIT */
/* util/poison.h: memory that only the kernel may touch, as AddressSanitizer
 * knows it. */
#ifndef HL_UTIL_POISON_H
#define HL_UTIL_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define HL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HL_ASAN 1
#endif
#endif

#ifdef HL_ASAN
#include <sanitizer/asan_interface.h>
#endif

static inline void hl_poison(const void *memory, size_t size)
{
#ifdef HL_ASAN
	__asan_poison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

static inline void hl_unpoison(const void *memory, size_t size)
{
#ifdef HL_ASAN
	__asan_unpoison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

#endif
