/* SPDX-License-Identifier: MIT */
/* shard_message.c: messages to shards: into a ring by any thread, out of it by
 * a post on the shard's own, one for as many as there are. */
#include "shard_message.h"

#include "core.h"
#include "shard_thread.h"
#include "util/reserve.h"

#include <errno.h>
#include <hail/timer.h>

/* Taken out of the ring under one lock. */
#define HL_SHARD_MESSAGES_AT_ONCE 64

int hl_shard_message_init(struct hl_shard_inbox *inbox, uint32_t capacity)
{
	int err = -pthread_mutex_init(&inbox->lock, NULL);

	if (err)
		return err;
	inbox->ring = hl_reserve(sizeof(*inbox->ring) * capacity);
	inbox->capacity = capacity;
	if (inbox->ring)
		return 0;
	pthread_mutex_destroy(&inbox->lock);
	return -ENOMEM;
}

void hl_shard_message_fini(struct hl_shard_inbox *inbox)
{
	if (!inbox->ring)
		return;
	hl_unreserve(inbox->ring, sizeof(*inbox->ring) * inbox->capacity);
	pthread_mutex_destroy(&inbox->lock);
	inbox->ring = NULL;
}

void hl_shard_message_close(struct hail_shard *shard)
{
	pthread_mutex_lock(&shard->inbox.lock);
	shard->inbox.closed = true;
	pthread_mutex_unlock(&shard->inbox.lock);
}

static uint32_t count(struct hl_shard_inbox *inbox)
{
	uint32_t waiting;

	pthread_mutex_lock(&inbox->lock);
	waiting = inbox->tail - inbox->head;
	pthread_mutex_unlock(&inbox->lock);
	return waiting;
}

bool hl_shard_message_waiting(struct hail_shard *shard)
{
	return count(&shard->inbox);
}

static uint32_t take(struct hl_shard_inbox *inbox, struct hl_shard_message *out,
		     uint32_t most)
{
	uint32_t taken = 0;

	pthread_mutex_lock(&inbox->lock);
	while (taken < most && inbox->head != inbox->tail)
		out[taken++] =
			inbox->ring[inbox->head++ & (inbox->capacity - 1)];
	pthread_mutex_unlock(&inbox->lock);
	return taken;
}

/* Not those that come meanwhile, and no more than a socket's datagrams in a
 * turn. */
void hl_shard_message_tell(struct hail_shard *shard)
{
	const struct hail_shards_options *options = &shard->shards->options;
	struct hl_shard_message some[HL_SHARD_MESSAGES_AT_ONCE];
	uint32_t left = count(&shard->inbox);

	if (left > shard->engine->options.budget)
		left = shard->engine->options.budget;
	while (left) {
		uint32_t most = left < HL_SHARD_MESSAGES_AT_ONCE
					? left
					: HL_SHARD_MESSAGES_AT_ONCE;
		uint32_t taken = take(&shard->inbox, some, most);

		for (uint32_t i = 0; i < taken; i++)
			options->message(shard, some[i].from, some[i].message,
					 options->arg);
		left -= taken;
	}
}

static void run(struct hail_engine *engine, void *arg);
static void run_late(struct hail_timer *timer, void *arg);

int hl_shard_message_start(struct hail_shard *shard)
{
	return hail_timer_create(&shard->late, shard->engine, run_late, shard);
}

/* Under the inbox's lock. */
static int post(struct hail_shard *shard)
{
	int err = hail_engine_post(shard->engine, run, shard);

	shard->inbox.posted = !err;
	return err;
}

/* What is left is for the next turn: by a post, or where others have left no
 * room for one, by the timer, which always can be started. */
static void leave(struct hail_shard *shard)
{
	struct hl_shard_inbox *inbox = &shard->inbox;

	pthread_mutex_lock(&inbox->lock);
	inbox->posted = false;
	if (inbox->head != inbox->tail && post(shard))
		inbox->posted = !hail_timer_start(shard->late, 0, 0);
	pthread_mutex_unlock(&inbox->lock);
}

static void run(struct hail_engine *engine, void *arg)
{
	(void)engine;
	hl_shard_message_tell(arg);
	leave(arg);
}

static void run_late(struct hail_timer *timer, void *arg)
{
	(void)timer;
	hl_shard_message_tell(arg);
	leave(arg);
}

static int push(struct hail_shard *shard, struct hl_shard_message message)
{
	struct hl_shard_inbox *inbox = &shard->inbox;
	int err = 0;

	if (inbox->closed)
		return -ESHUTDOWN;
	if (inbox->tail - inbox->head == inbox->capacity)
		return -EAGAIN;
	if (!inbox->posted)
		err = post(shard);
	if (!err)
		inbox->ring[inbox->tail++ & (inbox->capacity - 1)] = message;
	return err;
}

int hail_shard_send(struct hail_shard *shard, void *message)
{
	struct hl_shard_message full = {.message = message};
	int err;

	if (!shard || !shard->shards->options.message)
		return -EINVAL;
	if (hl_owner_forked(&shard->engine->owner))
		return -EPERM;
	full.from = hl_shard_thread_index(shard->shards);
	pthread_mutex_lock(&shard->inbox.lock);
	err = push(shard, full);
	pthread_mutex_unlock(&shard->inbox.lock);
	return err;
}
