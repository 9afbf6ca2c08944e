/* SPDX-License-Identifier: MIT */
/* shard_stats.h: counters of shards, each told by its own thread. */
#ifndef HL_SHARD_STATS_H
#define HL_SHARD_STATS_H

#include "shard.h"

/* The last counters, and the shard has ended; its thread. */
void hl_shard_stats_end(struct hail_shard *shard);

/* All but `size`: what isn't a counter (batch_wait_ns, napi_us) becomes the
 * higher one of both. */
void hl_shard_stats_add(struct hail_engine_stats *sum,
			const struct hail_engine_stats *part);

#endif
