/* SPDX-License-Identifier: MIT */
/* sharded.h: shards behind one port as a contender. */
#ifndef BENCH_SHARDED_H
#define BENCH_SHARDED_H

#include "interleave.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A slice sends datagrams of `size` bytes from 64 ports, never more at a time
 * than fit, and ends when the shards have taken all. CPU time is theirs,
 * without the sender's. */
int sharded_create(struct contender *out, unsigned shards, size_t size);

#ifdef __cplusplus
}
#endif

#endif
