/* SPDX-License-Identifier: MIT */
/* util/assert.h: what must hold inside the library. Arguments that come from
 * outside are checked with errors instead. */
#ifndef HL_UTIL_ASSERT_H
#define HL_UTIL_ASSERT_H

#include <assert.h>

/* For what is done for each datagram: checked in debug and sanitizer builds
 * only. */
#ifdef HL_DEBUG
#define hl_debug_assert(condition) assert(condition)
#else
#define hl_debug_assert(condition) ((void)sizeof(condition))
#endif

#endif
