/* SPDX-License-Identifier: MIT */
/* shard_stats.c: asks every shard's thread for its engine's counters, which
 * nobody else may read, and adds them up. */
#include "shard_stats.h"

#include "core.h"
#include "shard_thread.h"
#include "stats.h"
#include "util/options.h"

#include <errno.h>

/* Answers all questions that were asked up to now. */
static void tell(struct hail_shard *shard, bool ended)
{
	struct hail_shards *shards = shard->shards;
	struct hail_engine_stats stats = {.size = sizeof(stats)};

	hail_engine_stats(shard->engine, &stats);
	pthread_mutex_lock(&shards->lock);
	shard->stats = stats;
	shard->told = shards->asked;
	shard->ended = ended;
	pthread_cond_broadcast(&shards->changed);
	pthread_mutex_unlock(&shards->lock);
}

void hl_shard_stats_end(struct hail_shard *shard)
{
	tell(shard, true);
}

static void answer(struct hail_engine *engine, void *arg)
{
	(void)engine;
	tell(arg, false);
}

/* Those that have ended have told their last. */
static int ask(struct hail_shards *shards, uint64_t *question)
{
	int err = 0;

	pthread_mutex_lock(&shards->lock);
	*question = ++shards->asked;
	for (uint32_t i = 0; i < shards->options.count && !err; i++) {
		struct hail_shard *shard = &shards->shards[i];

		if (!shard->ended)
			err = hail_engine_post(shard->engine, answer, shard);
	}
	pthread_mutex_unlock(&shards->lock);
	return err;
}

static void add_pool(struct hail_pool_stats *sum,
		     const struct hail_pool_stats *part)
{
	sum->total += part->total;
	sum->in_use += part->in_use;
	sum->in_use_max += part->in_use_max;
	sum->exhausted += part->exhausted;
}

static void raise(uint64_t *most, uint64_t other)
{
	if (*most < other)
		*most = other;
}

/* A unit test finds members that are left out. */
void hl_shard_stats_add(struct hail_engine_stats *sum,
			const struct hail_engine_stats *part)
{
	hl_stats_add(&sum->traffic, &part->traffic);
	sum->turns += part->turns;
	sum->enters += part->enters;
	sum->submissions += part->submissions;
	sum->completions += part->completions;
	sum->overflows += part->overflows;
	sum->spins += part->spins;
	sum->spin_hits += part->spin_hits;
	sum->sleeps += part->sleeps;
	sum->batch_waits += part->batch_waits;
	raise(&sum->batch_wait_ns, part->batch_wait_ns);
	raise(&sum->napi_us, part->napi_us);
	sum->posts += part->posts;
	sum->timers += part->timers;
	sum->sockets += part->sockets;
	sum->zero_copy_sent += part->zero_copy_sent;
	sum->zero_copy_copied += part->zero_copy_copied;
	sum->zero_copy_registered += part->zero_copy_registered;
	add_pool(&sum->buffers, &part->buffers);
	add_pool(&sum->small_buffers, &part->small_buffers);
	add_pool(&sum->send_blocks, &part->send_blocks);
	add_pool(&sum->send_blocks_large, &part->send_blocks_large);
	for (size_t i = 0; i < HAIL_STATS_ERRNO_MAX; i++)
		sum->failed_by_errno[i] += part->failed_by_errno[i];
}

static void gather(struct hail_shards *shards, uint64_t question,
		   struct hail_engine_stats *sum)
{
	pthread_mutex_lock(&shards->lock);
	for (uint32_t i = 0; i < shards->options.count; i++) {
		const struct hail_shard *shard = &shards->shards[i];

		while (shard->told < question && !shard->ended)
			pthread_cond_wait(&shards->changed, &shards->lock);
		hl_shard_stats_add(sum, &shard->stats);
	}
	pthread_mutex_unlock(&shards->lock);
}

int hail_shards_stats(struct hail_shards *shards, struct hail_engine_stats *out)
{
	struct hail_engine_stats sum = {0};
	struct hail_engine_stats checked = {0};
	uint64_t question;
	int err;

	if (!shards || !out)
		return -EINVAL;
	if (hl_owner_forked(&shards->shards[0].engine->owner))
		return -EPERM;
	if (hl_shard_thread_index(shards) != HAIL_SHARD_NONE)
		return -EBUSY;
	checked.size = out->size;
	err = hl_options_write(&checked, &sum, sizeof(sum));
	if (!err)
		err = ask(shards, &question);
	if (err)
		return err;
	gather(shards, question, &sum);
	return hl_options_write(out, &sum, sizeof(sum));
}
