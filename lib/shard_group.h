/* SPDX-License-Identifier: MIT */
/* shard_group.h: the descriptors of shards, which share one port. */
#ifndef HL_SHARD_GROUP_H
#define HL_SHARD_GROUP_H

#include "net/steer.h"
#include "shard.h"

/* Makes and binds one for each shard, in their order; none hears anything yet.
 * After an error those that were made are there. */
int hl_shard_group_bind(struct hail_shards *shards,
			const struct hl_steer *steer);

/* From now on all hear. -EBADF: a socket is closed already; none hears. */
int hl_shard_group_unmute(struct hail_shards *shards);

#endif
