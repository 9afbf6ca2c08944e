/* SPDX-License-Identifier: MIT */
/*
 * net/gso_limit.h: remotes to which trains were refused, for a while.
 *
 * A path may be too narrow for a segment, or end at a device that can't cut.
 * Both change, so what was refused is tried again: after a second at first,
 * and after twice as long each time it is soon refused once more.
 */
#ifndef HL_NET_GSO_LIMIT_H
#define HL_NET_GSO_LIMIT_H

#include <stdint.h>

/* So many are remembered in an engine; of two that share a place the latter
 * stays, and the former is tried again at once. A power of two. */
#define HL_GSO_LIMITS_MAX 64

#define HL_GSO_UNLIMITED UINT32_MAX

struct hl_gso_limit {
	uint64_t hash;
	uint64_t until_ns;
	uint32_t segment_max; /* the longest that is worth trying; 0: none */
	uint32_t times;       /* refused in a row */
};

struct hl_gso_limits {
	uint64_t until_ns; /* then none counts any more; 0: none does */
	struct hl_gso_limit entries[HL_GSO_LIMITS_MAX];
};

/* How long the n-th refusal (from 1) in a row counts. */
uint64_t hl_gso_limit_span(uint32_t times);

/* The longest segment for a remote now; HL_GSO_UNLIMITED. */
uint32_t hl_gso_limit_get(const struct hl_gso_limits *limits, uint64_t hash,
			  uint64_t now_ns);
/* A train of longer segments than this was refused just now. While an earlier
 * refusal counts the shorter segment stays, for no longer than that. */
void hl_gso_limit_set(struct hl_gso_limits *limits, uint64_t hash,
		      uint32_t segment_max, uint64_t now_ns);

#endif
