/* SPDX-License-Identifier: MIT */
/* net/gso_limit.c: a table in which each remote has one place. */
#include "net/gso_limit.h"

#include "util/clock.h"

/* A minute or so: seldom enough to cost nothing. */
#define SPAN_DOUBLINGS 6

uint64_t hl_gso_limit_span(uint32_t times)
{
	uint32_t doublings = times - 1;

	if (doublings > SPAN_DOUBLINGS)
		doublings = SPAN_DOUBLINGS;
	return HL_NS_PER_S << doublings;
}

uint32_t hl_gso_limit_get(const struct hl_gso_limits *limits, uint64_t hash,
			  uint64_t now_ns)
{
	const struct hl_gso_limit *limit =
		&limits->entries[hash % HL_GSO_LIMITS_MAX];

	if (!limit->times || limit->hash != hash || now_ns >= limit->until_ns)
		return HL_GSO_UNLIMITED;
	return limit->segment_max;
}

void hl_gso_limit_set(struct hl_gso_limits *limits, uint64_t hash,
		      uint32_t segment_max, uint64_t now_ns)
{
	struct hl_gso_limit *limit = &limits->entries[hash % HL_GSO_LIMITS_MAX];

	if (limit->hash != hash)
		limit->times = 0;
	/* A submission may have several that are refused. */
	if (limit->times && now_ns < limit->until_ns) {
		if (segment_max < limit->segment_max)
			limit->segment_max = segment_max;
		return;
	}
	if (limit->times &&
	    now_ns - limit->until_ns >= hl_gso_limit_span(limit->times))
		limit->times = 0;
	limit->hash = hash;
	limit->times++;
	limit->segment_max = segment_max;
	limit->until_ns = now_ns + hl_gso_limit_span(limit->times);
	if (limits->until_ns < limit->until_ns)
		limits->until_ns = limit->until_ns;
}
