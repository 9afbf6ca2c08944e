/* SPDX-License-Identifier: MIT */
/* machine.h: where and when a measurement was made. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#ifdef __cplusplus
extern "C" {
#endif

struct machine {
	char cpu[128];
	long cores;
	char kernel[256];
	char mitigations[1024]; /* what the kernel says of each, or "none" */
	char date[32];          /* UTC */
	double load;            /* average of the last minute */
};

/* Never fails: what can't be found out is "unknown" or 0. */
void machine_read(struct machine *machine);

#ifdef __cplusplus
}
#endif

#endif
