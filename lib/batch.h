/* SPDX-License-Identifier: MIT */
/* batch.h: the messages that a sending call was given, and their facts. */
#ifndef HL_BATCH_H
#define HL_BATCH_H

#include <hail/facts.h>

struct hl_batch {
	const struct hail_message *messages;
	const struct hail_message_facts *const *facts; /* NULL: none has any */
	size_t count;
};

/* What comes after the first `taken`. */
static inline struct hl_batch hl_batch_rest(const struct hl_batch *batch,
					    size_t taken)
{
	return (struct hl_batch){
		.messages = batch->messages + taken,
		.facts = batch->facts ? batch->facts + taken : NULL,
		.count = batch->count - taken,
	};
}

static inline const struct hail_message_facts *
hl_batch_facts(const struct hl_batch *batch, size_t index)
{
	return batch->facts ? batch->facts[index] : NULL;
}

#endif
