/* SPDX-License-Identifier: MIT */
/* batch_wait.c: an estimate of the rate, and what waiting is worth by it. */
#include "batch_wait.h"

/* Parts of a datagram that are told apart. */
#define PART 1024
/* More make no difference, and the products stay within 64 bits. */
#define COUNT_MAX (1 << 20)

/* Of a steady rate the estimate is exact, however long the steps are; what came
 * before counts the less the longer ago it was. */
static void learn(struct hl_batch_wait *wait, uint64_t elapsed_ns)
{
	uint64_t sum = wait->expected + wait->fresh * PART;

	if (wait->fresh > COUNT_MAX || sum > (uint64_t)COUNT_MAX * PART)
		sum = (uint64_t)COUNT_MAX * PART;
	wait->fresh = 0;
	if (elapsed_ns > UINT64_MAX - wait->limit_ns)
		elapsed_ns = UINT64_MAX - wait->limit_ns;
	wait->expected = sum * wait->limit_ns / (wait->limit_ns + elapsed_ns);
}

uint64_t hl_batch_wait_choose(struct hl_batch_wait *wait, uint64_t now)
{
	uint64_t good = (uint64_t)HL_BATCH_WAIT_GOOD * PART;
	uint64_t chosen = wait->limit_ns;

	learn(wait, now - wait->since);
	wait->since = now;
	if (wait->expected < (uint64_t)HL_BATCH_WAIT_WORTH * PART ||
	    now < wait->rest_end)
		chosen = 0;
	else if (wait->expected > good)
		chosen = wait->limit_ns * good / wait->expected;
	wait->chosen_ns = chosen;
	return chosen;
}

void hl_batch_wait_judge(struct hl_batch_wait *wait, uint32_t count)
{
	if (count >= HL_BATCH_WAIT_VAIN) {
		wait->vain = 0;
		return;
	}
	if (wait->vain < HL_BATCH_WAIT_REST_MAX)
		wait->vain++;
	wait->rest_end =
		wait->since + wait->chosen_ns + (wait->chosen_ns << wait->vain);
}
