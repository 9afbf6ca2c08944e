/* SPDX-License-Identifier: MIT */
/* shard_message.h: the messages that wait for a shard. */
#ifndef HL_SHARD_MESSAGE_H
#define HL_SHARD_MESSAGE_H

#include "shard.h"

/* -ENOMEM. */
int hl_shard_message_init(struct hl_shard_inbox *inbox, uint32_t capacity);
void hl_shard_message_fini(struct hl_shard_inbox *inbox);

/* Before the first turn; the shard's thread. -ENOMEM. */
int hl_shard_message_start(struct hail_shard *shard);

/* It takes no more messages; those that it has are handed over yet. */
void hl_shard_message_close(struct hail_shard *shard);
bool hl_shard_message_waiting(struct hail_shard *shard);
/* Hands over those that are there, as many as may be in a turn; the shard's
 * thread, or when that has never been. */
void hl_shard_message_tell(struct hail_shard *shard);

#endif
