/* SPDX-License-Identifier: MIT */
/* clock.h: the clocks of a measurement, in nanoseconds. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* User and system time of the whole process: the kernel's io_uring workers are
 * threads of the process, so work that is pushed off to them is seen too. */
static inline uint64_t clock_cpu_ns(void)
{
	return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

/* Of the calling thread alone. */
static inline uint64_t clock_thread_ns(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t clock_wall_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

#endif
