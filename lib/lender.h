/* SPDX-License-Identifier: MIT */
/*
 * lender.h: whether a socket's large trains are worth lending to the kernel
 * (zero copy), as found out by trying. Pure: who asks says what time it is.
 *
 * Only the way that a train takes decides whether the kernel copies it after
 * all: the loopback does, and a device that can't gather. It says so when it
 * gives the memory back, and then the loan has cost 15 to 60 % more than a
 * plain send. So one train is tried; as long as none comes back copied all are
 * lent; and after one that was copied there are none for a minute, and for
 * twice as long each time that this is so again.
 */
#ifndef HL_LENDER_H
#define HL_LENDER_H

#include <stdbool.h>
#include <stdint.h>

enum hl_lender_state {
	HL_LENDER_UNTRIED,
	HL_LENDER_TRYING, /* one is out */
	HL_LENDER_PROVEN,
	HL_LENDER_OFF, /* until `again_ns` */
};

struct hl_lender {
	uint8_t state;  /* enum hl_lender_state */
	uint32_t loans; /* that are out now */
	uint32_t times; /* in vain, in a row */
	uint64_t again_ns;
};

enum hl_lender_verdict {
	HL_LENDER_UNKNOWN, /* the send failed, for a reason of its own */
	HL_LENDER_GAIN,
	HL_LENDER_LOSS, /* copied after all, or refused */
};

/* Whether a train may be lent now. */
bool hl_lender_may(const struct hl_lender *lender, uint64_t now_ns);
/* One is. */
void hl_lender_lend(struct hl_lender *lender);
/* What became of one. */
void hl_lender_learn(struct hl_lender *lender, enum hl_lender_verdict verdict,
		     uint64_t now_ns);

#endif
