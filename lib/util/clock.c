/* SPDX-License-Identifier: MIT */
/* util/clock.c: the time, by the vDSO: no system call. */
#include "util/clock.h"

#include <time.h>

uint64_t hl_clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * HL_NS_PER_S + (uint64_t)ts.tv_nsec;
}
