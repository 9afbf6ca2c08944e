/* SPDX-License-Identifier: MIT */
/* util/clock.h: monotonic time in nanoseconds. */
#ifndef HL_UTIL_CLOCK_H
#define HL_UTIL_CLOCK_H

#include <stdint.h>

#define HL_NS_PER_US UINT64_C(1000)
#define HL_NS_PER_MS UINT64_C(1000000)
#define HL_NS_PER_S UINT64_C(1000000000)

uint64_t hl_clock_now(void);

#endif
