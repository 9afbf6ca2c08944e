/* SPDX-License-Identifier: MIT */
/* shard_plan.c: reads and checks the options of shards, and looks at which
 * processors there are. */
#include "shard_plan.h"

#include "net/payload.h"
#include "socket.h"
#include "util/clock.h"
#include "util/options.h"

#include <errno.h>
#include <sched.h>
#include <sys/random.h>

#define HL_SHARD_MESSAGES 16384
#define HL_SHARD_MESSAGES_MAX 1048576

/* The processors that the calling thread may use, of which the first are
 * noted. */
static int find_processors(struct hl_shard_plan *plan)
{
	unsigned long bits[HL_SHARD_PROCESSORS_MAX / (8 * sizeof(long))] = {0};
	cpu_set_t *set = (cpu_set_t *)(void *)bits;

	if (sched_getaffinity(0, sizeof(bits), set))
		return -errno;
	for (uint32_t i = 0; i < HL_SHARD_PROCESSORS_MAX; i++) {
		if (plan->processor_count < HAIL_SHARDS_MAX &&
		    CPU_ISSET_S(i, sizeof(bits), set))
			plan->processors[plan->processor_count++] = i;
	}
	return 0;
}

static int read_steering(struct hl_shard_plan *plan)
{
	struct hail_shards_options *options = &plan->options;
	uint32_t width = options->steer_width;
	uint32_t mask = options->steer_mask;
	uint32_t all;

	if (options->steering > HAIL_STEERING_BYTES)
		return -EINVAL;
	if (options->steering != HAIL_STEERING_BYTES)
		return options->steer_offset || width || mask ? -EINVAL : 0;
	if (!width)
		width = 1;
	if (width != 1 && width != 2 && width != 4)
		return -EINVAL;
	if (options->steer_offset > HL_PAYLOAD_MAX_V6 - width)
		return -EINVAL;
	all = UINT32_MAX >> (32 - 8 * width);
	if (mask & ~all)
		return -EINVAL;
	options->steer_width = width;
	options->steer_mask = mask ? mask : all;
	return 0;
}

static int read_counts(struct hl_shard_plan *plan)
{
	struct hail_shards_options *options = &plan->options;
	uint32_t messages = 1;

	if (options->count > HAIL_SHARDS_MAX ||
	    options->messages > HL_SHARD_MESSAGES_MAX ||
	    options->linger_ns > INT64_MAX)
		return -EINVAL;
	if (!options->count)
		options->count = plan->processor_count;
	if (!options->messages)
		options->messages = HL_SHARD_MESSAGES;
	while (messages < options->messages)
		messages *= 2;
	options->messages = messages;
	if (!options->linger_ns)
		options->linger_ns = HL_NS_PER_S;
	return 0;
}

/* What the engines are given besides is theirs to check. */
static int read_memory(struct hl_shard_plan *plan)
{
	struct hail_engine_options engine;
	const struct hail_allocator *allocator;
	int err =
		hl_options_read(&engine, sizeof(engine), plan->options.engine);

	if (err)
		return err;
	allocator = engine.allocator;
	if (!allocator)
		return 0;
	if (!allocator->allocate || !allocator->release)
		return -EINVAL;
	plan->memory = (struct hl_memory){
		.allocate = allocator->allocate,
		.release = allocator->release,
		.arg = allocator->arg,
	};
	return 0;
}

static int read_socket(struct hl_shard_plan *plan)
{
	int err = hl_socket_read_options(&plan->socket, plan->options.socket);

	if (err)
		return err;
	if (plan->socket.exclusive ||
	    plan->socket.remote.sa.sa_family != AF_UNSPEC)
		return -EINVAL;
	plan->socket.reuse_port = true;
	return 0;
}

static int plan_steering(struct hl_shard_plan *plan)
{
	const struct hail_shards_options *options = &plan->options;
	uint32_t pinned = plan->processor_count;

	plan->steer = (struct hl_steer){
		.kind = options->steering,
		.count = options->count,
		.offset = options->steer_offset,
		.width = options->steer_width,
		.mask = options->steer_mask,
		.processors = plan->processors,
	};
	if (pinned > options->count)
		pinned = options->count;
	if (options->pin)
		plan->steer.processor_count = pinned;
	if (getrandom(&plan->steer.seed, sizeof(plan->steer.seed), 0) < 0)
		return -errno;
	return 0;
}

int hl_shard_plan_read(struct hl_shard_plan *out,
		       const struct hail_shards_options *given)
{
	int err;

	*out = (struct hl_shard_plan){0};
	err = hl_options_read(&out->options, sizeof(out->options), given);
	if (!err)
		err = find_processors(out);
	if (!err)
		err = read_counts(out);
	if (!err)
		err = read_steering(out);
	if (!err)
		err = read_memory(out);
	if (!err)
		err = read_socket(out);
	return err ? err : plan_steering(out);
}
