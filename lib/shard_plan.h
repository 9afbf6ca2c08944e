/* SPDX-License-Identifier: MIT */
/* shard_plan.h: what is to be made, read from the options before anything is.
 */
#ifndef HL_SHARD_PLAN_H
#define HL_SHARD_PLAN_H

#include "net/steer.h"
#include "util/memory.h"

#include <hail/shard.h>
#include <hail/socket.h>

/* More than any kernel has. */
#define HL_SHARD_PROCESSORS_MAX 8192

struct hl_shard_plan {
	struct hail_shards_options options;
	struct hail_socket_options socket;
	struct hl_memory memory;
	struct hl_steer steer; /* its processors are these: */
	uint32_t processors[HAIL_SHARDS_MAX];
	uint32_t processor_count; /* at least 1 */
};

/* -EINVAL, -E2BIG, or as the kernel says. */
int hl_shard_plan_read(struct hl_shard_plan *out,
		       const struct hail_shards_options *given);

#endif
