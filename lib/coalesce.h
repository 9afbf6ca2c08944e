/* SPDX-License-Identifier: MIT */
/*
 * coalesce.h: whether the kernel shall hand over as one piece what comes from
 * one sender in a row (UDP_GRO).
 *
 * A socket that leaves it to hail starts without, and is looked at whenever it
 * has a large batch to hand over. Where datagrams of one sender and one size
 * stand side by side in most of these, coalescing is turned on.
 *
 * It is never turned off again. What the kernel has queued as one piece by then
 * would be read as one long datagram without a control message that tells its
 * pieces apart (udp_recvmsg() looks at the option when it reads, not when the
 * piece came), and nobody can tell whether there is such a piece. Where nothing
 * comes in a row it costs nothing measurable to leave it on.
 */
#ifndef HL_COALESCE_H
#define HL_COALESCE_H

#include <hail/datagram.h>
#include <hail/socket.h>

/* Smaller batches aren't looked at: where datagrams come one by one nothing is
 * to be gained, and nothing may be spent. */
#define HL_COALESCE_BATCH 16
/* A batch with runs is worth one, one without costs two; this much turns it
 * on. */
#define HL_COALESCE_SCORE 16

struct hl_coalesce {
	bool on;      /* what comes may be pieces of many datagrams */
	bool looking; /* hail is to decide, and hasn't */
	uint8_t score;
};

void hl_coalesce_init(struct hl_coalesce *coalesce, enum hail_coalesce asked);

/* Looks at a batch that is to be handed over. True: it should be turned on now,
 * and hl_coalesce_turned() is to be told what came of it. */
bool hl_coalesce_look(struct hl_coalesce *coalesce,
		      const struct hail_datagram *batch, size_t count);

/* It was turned on, or could not be: nothing is looked at from now on. */
void hl_coalesce_turned(struct hl_coalesce *coalesce, bool on);

static inline bool hl_coalesce_due(const struct hl_coalesce *coalesce,
				   size_t count)
{
	return count >= HL_COALESCE_BATCH && coalesce->looking;
}

#endif
