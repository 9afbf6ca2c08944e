/* SPDX-License-Identifier: MIT */
/* sim_lend.c: memory that was lent to the simulated kernel, which reads it
 * again when it gives it back. */
#include "sim_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void answer_back(struct sim *sim, uint32_t slot, uint8_t loan)
{
	struct answer *entry = PUSH(&sim->answers);

	*entry = (struct answer){
		.slot = slot,
		.completion = {.kind = HL_COMPLETION_BACK,
			       .result = sim->lend_copied,
			       .id = loan,
			       .buffer = HL_BUFFER_NONE},
	};
}

static void give_back(struct sim *sim, size_t at)
{
	struct request *lent = &sim->lent.items[at];

	if (sim_request_checksum(lent) != lent->checksum)
		sim_fault(sim, "loan %u changed while it was out", lent->loan);
	if (sim_request_given_back(sim, lent))
		sim_fault(sim, "a buffer of loan %u was given back too",
			  lent->loan);
	answer_back(sim, lent->slot, lent->loan);
	free(lent->pieces);
	sim->lent.count--;
	memmove(lent, lent + 1, (sim->lent.count - at) * sizeof(*lent));
}

void sim_lend_check(struct sim *sim, const struct request *r)
{
	for (size_t i = 0; i < sim->lent.count; i++)
		if (sim->lent.items[i].loan == r->loan)
			sim_fault(sim, "loan %u is out already", r->loan);
}

void sim_lend_take(struct sim *sim, const struct request *r)
{
	size_t bytes = sizeof(*r->pieces) * r->piece_count;
	struct request *lent = PUSH(&sim->lent);

	*lent = *r;
	/* The address was needed for the send alone. */
	lent->message.remote = NULL;
	lent->pieces = malloc(bytes);
	if (!lent->pieces)
		abort();
	memcpy(lent->pieces, r->pieces, bytes);
	lent->checksum = sim_request_checksum(lent);
	sim->lent_count++;
	if (!sim->lend_hold)
		give_back(sim, sim->lent.count - 1);
}

bool sim_lend_fail(struct sim *sim, const struct request *r, int code)
{
	if (!r->loan || code == -EOPNOTSUPP)
		return false;
	answer_back(sim, r->slot, r->loan);
	return true;
}

void sim_lend(struct sim *sim, bool hold, bool copied)
{
	sim->lend_hold = hold;
	sim->lend_copied = copied;
}

void sim_give_back(struct sim *sim, uint32_t count)
{
	while (count-- && sim->lent.count)
		give_back(sim, sim_random(sim, (uint32_t)sim->lent.count));
	sim_ring_bell(sim);
}

unsigned sim_lent(const struct sim *sim)
{
	return (unsigned)sim->lent.count;
}

unsigned sim_lent_count(const struct sim *sim)
{
	return sim->lent_count;
}

void sim_refuse_loans(struct sim *sim, int code)
{
	sim->lend_code = code;
}
