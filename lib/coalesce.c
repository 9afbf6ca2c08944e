/* SPDX-License-Identifier: MIT */
/* coalesce.c: from samples of what a socket receives to whether it coalesces.
 * Nothing here talks to the kernel. */
#include "coalesce.h"

#include "net/payload.h"
#include "util/assert.h"

/* What may share a piece: a piece is no longer than a datagram may be, and has
 * two at least. */
static bool pair(const struct hail_datagram *two)
{
	return two[0].true_size == two[1].true_size && two[0].true_size &&
	       2 * (uint64_t)two[0].true_size <= HL_PAYLOAD_MAX_V4 &&
	       hail_addr_equal(&two[0].remote, &two[1].remote);
}

/* Neighbours at three places. One pair may straddle the end of a run, be it of
 * another sender's or of a shorter last datagram. */
static bool has_runs(const struct hail_datagram *batch, size_t count)
{
	unsigned pairs = (unsigned)pair(batch) + pair(batch + count / 2) +
			 pair(batch + count - 2);

	return pairs >= 2;
}

void hl_coalesce_init(struct hl_coalesce *coalesce, enum hail_coalesce asked)
{
	*coalesce = (struct hl_coalesce){
		.on = asked == HAIL_COALESCE_ON,
		.looking = asked == HAIL_COALESCE_AUTO,
	};
}

bool hl_coalesce_look(struct hl_coalesce *coalesce,
		      const struct hail_datagram *batch, size_t count)
{
	hl_debug_assert(hl_coalesce_due(coalesce, count));
	if (has_runs(batch, count))
		return ++coalesce->score >= HL_COALESCE_SCORE;
	coalesce->score -= coalesce->score < 2 ? coalesce->score : 2;
	return false;
}

void hl_coalesce_turned(struct hl_coalesce *coalesce, bool on)
{
	coalesce->on = on;
	coalesce->looking = false;
}
