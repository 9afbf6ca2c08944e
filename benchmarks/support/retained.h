/* SPDX-License-Identifier: MIT */
/*
 * retained.h: hail sending on what it has received in one piece, as trains from
 * the buffer that it lies in, to many ports of one address: what zero copy can
 * be of use for.
 */
#ifndef BENCH_RETAINED_H
#define BENCH_RETAINED_H

#include "interleave.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct retained_options {
	const char *name;
	const char *to; /* an address where nothing needs to listen; NULL: sinks
			 * on the loopback */
	uint32_t zero_copy;
	bool registered;
};

#define RETAINED_PORTS 16

int retained_create(struct contender *out,
		    const struct retained_options *options);

/* Makes a network of this process's own with a link that gathers, and whose
 * other end drops all before anybody copies it, and tells an address that
 * is reached by it. For root; -ENOSYS: it can't be had. */
int retained_link(const char **to);

#ifdef __cplusplus
}
#endif

#endif
