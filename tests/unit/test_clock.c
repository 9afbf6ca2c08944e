/* SPDX-License-Identifier: MIT */
/* The clock is the monotonic one, in nanoseconds. */
#include "util/clock.h"

#include <criterion/criterion.h>
#include <time.h>

static uint64_t kernel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

Test(clock, reads_clock_monotonic_in_nanoseconds)
{
	for (int i = 0; i < 1000; i++) {
		uint64_t before = kernel_now();
		uint64_t now = hl_clock_now();

		cr_assert_leq(before, now);
		cr_assert_leq(now, kernel_now());
	}
}
