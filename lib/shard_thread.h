/* SPDX-License-Identifier: MIT */
/* shard_thread.h: the threads of shards. */
#ifndef HL_SHARD_THREAD_H
#define HL_SHARD_THREAD_H

#include "shard.h"

#define HL_SHARD_ANYWHERE (-1)

/* Starts the shard's thread on that processor. */
int hl_shard_thread_start(struct hail_shard *shard, int processor);

/* Which of these shards the calling thread is, or HAIL_SHARD_NONE. */
uint32_t hl_shard_thread_index(const struct hail_shards *shards);

#endif
