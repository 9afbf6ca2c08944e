/* SPDX-License-Identifier: MIT */
/* probe.h: what this system lets hail use, and why not. */
#ifndef HAIL_PROBE_H
#define HAIL_PROBE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Set `size` to sizeof(struct hail_probe) before the call. */
struct hail_probe {
	size_t size;
	int uring;        /* 0: io_uring serves; else a negative errno */
	char reason[160]; /* that, in words; empty where it serves */
	/* What is optional of it: 0, or the negative errno for which hail does
	 * without; where io_uring doesn't serve, the same as above. */
	int batch_wait; /* a minimum wait; else batch_wait_ns takes two calls */
	int napi;       /* polling devices; else napi_us has no effect */
};

/* Finds out whether io_uring serves here, by creating a ring as an engine
 * with default options has it, and destroying it again: a version number
 * doesn't tell what a seccomp filter or a sysctl refuses. Where it does not,
 * hail_engine_create() fails with the same error, and `reason` says for
 * instance "io_uring is disabled by kernel.io_uring_disabled=2".
 * 0, also where io_uring doesn't serve; -EINVAL: NULL or a size of 0; -E2BIG.
 * Any thread. */
int hail_probe(struct hail_probe *probe);

#ifdef __cplusplus
}
#endif

#endif
