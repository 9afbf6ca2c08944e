/* SPDX-License-Identifier: MIT */
/* lender.c: the four states between a first try and a minute's rest. */
#include "lender.h"

#include "util/clock.h"

#define SPAN_NS (60 * HL_NS_PER_S)
/* About an hour: seldom enough to cost nothing. */
#define SPAN_DOUBLINGS 6

bool hl_lender_may(const struct hl_lender *lender, uint64_t now_ns)
{
	switch (lender->state) {
	case HL_LENDER_TRYING:
		return false;
	case HL_LENDER_OFF:
		return now_ns >= lender->again_ns;
	default:
		return true;
	}
}

void hl_lender_lend(struct hl_lender *lender)
{
	if (lender->state != HL_LENDER_PROVEN)
		lender->state = HL_LENDER_TRYING;
}

static void rest(struct hl_lender *lender, uint64_t now_ns)
{
	uint32_t doublings = lender->times;

	if (doublings > SPAN_DOUBLINGS)
		doublings = SPAN_DOUBLINGS;
	lender->times++;
	lender->again_ns = now_ns + (SPAN_NS << doublings);
	lender->state = HL_LENDER_OFF;
}

void hl_lender_learn(struct hl_lender *lender, enum hl_lender_verdict verdict,
		     uint64_t now_ns)
{
	/* Of several that were out at once the first has said it. */
	if (lender->state == HL_LENDER_OFF)
		return;
	if (verdict == HL_LENDER_LOSS) {
		rest(lender, now_ns);
	} else if (verdict == HL_LENDER_GAIN) {
		lender->state = HL_LENDER_PROVEN;
		lender->times = 0;
	} else if (lender->state == HL_LENDER_TRYING) {
		lender->state = HL_LENDER_UNTRIED;
	}
}
