/* SPDX-License-Identifier: MIT */
/* crowd.h: what a datagram costs a socket that has many peers, as a
 * contender. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "interleave.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct crowd_options {
	const char *name;
	size_t size;
	size_t peers;  /* of which all are silent but the sender */
	bool stranger; /* the sender is none of them */
};

/* A slice sends bursts to one socket of hail's and receives them. Both are
 * timed: on the loopback the kernel looks for the socket while it sends. */
int crowd_receive(struct contender *out, const struct crowd_options *options);

#ifdef __cplusplus
}
#endif

#endif
