/* SPDX-License-Identifier: MIT */
/*
 * batch_wait.h: how long a turn that waits should go on for more datagrams.
 *
 * Waiting pays where several come meanwhile, and is only late where they don't:
 * so it follows the rate that is seen. It computes and looks at no clock.
 */
#ifndef HL_BATCH_WAIT_H
#define HL_BATCH_WAIT_H

#include <stdint.h>

/* Fewer expected within the limit: it isn't worth the delay. Where 1 comes the
 * timer makes it cost 1.5 times as much a datagram as no wait, where 2 come
 * 0.9, where 4 come half (6.18, loopback). */
#define HL_BATCH_WAIT_WORTH 4
/* Over so many the cost of a turn is spread thin: more would only be later. As
 * many are handed over in a turn by default. */
#define HL_BATCH_WAIT_GOOD 64

/* A wait that brings fewer was in vain: the rest after it is twice as long, and
 * doubles from one such wait to the next. Where a remote waits
 * for an answer before it sends more, none but a rest shows how fast it is. */
#define HL_BATCH_WAIT_VAIN 2
#define HL_BATCH_WAIT_REST_MAX 6 /* doublings */

struct hl_batch_wait {
	uint64_t limit_ns; /* 0: never wait */
	uint64_t since;    /* when it was last asked */
	uint64_t fresh;    /* datagrams that have come since then */
	/* How many come within the limit, in parts of a datagram: it forgets
	 * as fast as the limit passes. */
	uint64_t expected;
	uint64_t chosen_ns; /* the latest answer */
	uint64_t rest_end;  /* no wait before */
	uint32_t vain;      /* waits, one after the other; at most REST_MAX */
};

/* These came. */
static inline void hl_batch_wait_note(struct hl_batch_wait *wait,
				      uint32_t count)
{
	wait->fresh += count;
}

/* Asked once before each wait, with the monotonic time: for how long it should
 * go on for more; 0: the first ends it. */
uint64_t hl_batch_wait_choose(struct hl_batch_wait *wait, uint64_t now);

/* The wait that was chosen took place, and this came of it. */
void hl_batch_wait_judge(struct hl_batch_wait *wait, uint32_t count);

#endif
