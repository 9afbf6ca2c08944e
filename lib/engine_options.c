/* SPDX-License-Identifier: MIT */
/* engine_options.c: ranges, defaults, and what one option is by another. */
#include "engine_options.h"

#include "batch_wait.h"
#include "lend.h"
#include "net/payload.h"
#include "util/clock.h"
#include "util/options.h"

#include <errno.h>

struct count_option {
	size_t offset; /* of a uint32_t */
	uint32_t fallback, max;
};

#define COUNT(member, fallback, max)                                           \
	{                                                                      \
		offsetof(struct hail_engine_options, member), fallback, max    \
	}

static const struct count_option counts[] = {
	COUNT(entries, 256, 32768),
	COUNT(buffers, 64, 32768),
	COUNT(buffers_max, 1024, 32768),
	COUNT(small_buffers, 64, 32768),
	COUNT(small_buffers_max, 4096, 32768),
	COUNT(send_blocks, 4096, 1048576),
	COUNT(send_blocks_large, 256, 65536),
	COUNT(budget, 64, 4096),
	COUNT(posts, 16384, 1048576),
};

/* A core is busy for as long, each time before it sleeps. */
#define HL_NAPI_MAX_US 1000000

static uint32_t power_of_two(uint32_t count)
{
	uint32_t power = 1;

	while (power < count)
		power *= 2;
	return power;
}

static int read_count(struct hail_engine_options *options,
		      const struct count_option *option)
{
	uint32_t *value = (void *)((char *)options + option->offset);

	if (*value > option->max)
		return -EINVAL;
	if (!*value)
		*value = option->fallback;
	*value = power_of_two(*value);
	return 0;
}

/* Every buffer, every send and every loan may have its completion waiting at
 * once. */
static int read_completions(struct hail_engine_options *options)
{
	uint32_t all = options->entries + options->buffers_max +
		       options->small_buffers_max + HL_LOANS_MAX;

	if (!options->completions)
		options->completions = all < 65536 ? all : 65536;
	if (options->completions < options->entries ||
	    options->completions > 65536)
		return -EINVAL;
	options->completions = power_of_two(options->completions);
	return 0;
}

/* The pool's first size, where it wasn't asked for, gives way to its bound. */
static int read_first(uint32_t asked, uint32_t bound, uint32_t *first)
{
	if (!asked && *first > bound)
		*first = bound;
	return *first > bound ? -EINVAL : 0;
}

int hl_engine_options_read(struct hail_engine_options *out,
			   const struct hail_engine_options *given)
{
	struct hail_engine_options asked;
	int err = hl_options_read(out, sizeof(*out), given);

	if (err)
		return err;
	if (out->allocator &&
	    (!out->allocator->allocate || !out->allocator->release))
		return -EINVAL;
	if (out->zero_copy > HAIL_ZERO_COPY_OFF)
		return -EINVAL;
	asked = *out;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) && !err; i++)
		err = read_count(out, &counts[i]);
	if (!err)
		err = read_first(asked.buffers, out->buffers_max,
				 &out->buffers);
	if (!err)
		err = read_first(asked.small_buffers, out->small_buffers_max,
				 &out->small_buffers);
	if (err)
		return err;
	if (!out->small_size)
		out->small_size = 2048;
	if (out->small_size > HL_PAYLOAD_MAX ||
	    out->batch_wait_ns > HL_NS_PER_S || out->napi_us > HL_NAPI_MAX_US)
		return -EINVAL;
	return read_completions(out);
}
