/* SPDX-License-Identifier: MIT */
/* shard.c: making shards and ending them; what they are made of is put together
 * here from the parts in shard_*.c. */
#include "shard.h"

#include "core.h"
#include "shard_group.h"
#include "shard_message.h"
#include "shard_plan.h"
#include "shard_thread.h"
#include "socket.h"

#include <errno.h>
#include <unistd.h>

void hl_shards_fail(struct hail_shards *shards, int error)
{
	pthread_mutex_lock(&shards->lock);
	if (error < 0 && !shards->error)
		shards->error = error;
	pthread_mutex_unlock(&shards->lock);
}

struct hail_socket *hl_shard_own_socket(const struct hail_shard *shard)
{
	struct hail_socket *socket = shard->socket;

	if (!socket || socket->state != HL_SOCKET_OPEN ||
	    socket->cookie != shard->cookie)
		return NULL;
	return socket;
}

static size_t size_of(uint32_t count)
{
	return sizeof(struct hail_shards) + count * sizeof(struct hail_shard);
}

static void destroy_shard(struct hail_shard *shard)
{
	if (shard->engine)
		shard->engine->shard = NULL;
	hail_engine_destroy(shard->engine);
	if (shard->fd >= 0)
		close(shard->fd);
	hl_shard_message_fini(&shard->inbox);
}

/* Also those that are half made; all threads have ended. */
static void destroy(struct hail_shards *shards)
{
	struct hl_memory memory = shards->memory;
	uint32_t count = shards->options.count;

	for (uint32_t i = 0; i < count; i++)
		destroy_shard(&shards->shards[i]);
	pthread_cond_destroy(&shards->changed);
	pthread_mutex_destroy(&shards->lock);
	hl_memory_release(&memory, shards, 1, size_of(count));
}

static struct hail_shards *allocate(const struct hl_shard_plan *plan)
{
	uint32_t count = plan->options.count;
	struct hail_shards *shards =
		hl_memory_allocate(&plan->memory, 1, size_of(count));

	if (!shards)
		return NULL;
	shards->memory = plan->memory;
	shards->options = plan->options;
	shards->options.engine = NULL; /* the caller's, as the next */
	shards->options.socket = NULL;
	shards->socket = plan->socket;
	shards->send_buffer = plan->socket.send_buffer;
	/* Without attributes these can't fail on Linux. */
	pthread_mutex_init(&shards->lock, NULL);
	pthread_cond_init(&shards->changed, NULL);
	for (uint32_t i = 0; i < count; i++) {
		shards->shards[i].shards = shards;
		shards->shards[i].index = i;
		shards->shards[i].fd = -1;
	}
	return shards;
}

static int make(struct hail_shards *shards, const struct hl_shard_plan *plan)
{
	int err = 0;

	for (uint32_t i = 0; i < shards->options.count && !err; i++) {
		struct hail_shard *shard = &shards->shards[i];

		err = hl_shard_message_init(&shard->inbox,
					    shards->options.messages);
		if (!err)
			err = hail_engine_create(&shard->engine,
						 plan->options.engine);
		if (!err)
			shard->engine->shard = shard;
	}
	if (!err && !shards->socket.send_buffer)
		shards->socket.send_buffer =
			hl_socket_send_buffer(shards->shards[0].engine);
	return err ? err : hl_shard_group_bind(shards, &plan->steer);
}

static int start_threads(struct hail_shards *shards,
			 const struct hl_shard_plan *plan)
{
	int err = 0;

	for (uint32_t i = 0; i < shards->options.count && !err; i++) {
		uint32_t which = i % plan->processor_count;
		int processor = shards->options.pin
					? (int)plan->processors[which]
					: HL_SHARD_ANYWHERE;

		err = hl_shard_thread_start(&shards->shards[i], processor);
	}
	return err;
}

static void enter_phase(struct hail_shards *shards, enum hl_shards_phase phase)
{
	pthread_mutex_lock(&shards->lock);
	shards->phase = phase;
	pthread_cond_broadcast(&shards->changed);
	pthread_mutex_unlock(&shards->lock);
}

/* Until each is ready, or can't be. */
static int await_ready(struct hail_shards *shards)
{
	int err;

	pthread_mutex_lock(&shards->lock);
	while (shards->ready < shards->options.count && !shards->error)
		pthread_cond_wait(&shards->changed, &shards->lock);
	err = shards->error;
	pthread_mutex_unlock(&shards->lock);
	return err;
}

/* Others may have sent to one whose thread couldn't be had. */
static void tell_leftovers(struct hail_shards *shards)
{
	for (uint32_t i = 0; i < shards->options.count; i++) {
		struct hail_shard *shard = &shards->shards[i];

		while (shard->inbox.ring && hl_shard_message_waiting(shard))
			hl_shard_message_tell(shard);
	}
}

static void join_threads(struct hail_shards *shards)
{
	for (uint32_t i = 0; i < shards->options.count; i++) {
		if (shards->shards[i].threaded)
			pthread_join(shards->shards[i].thread, NULL);
	}
}

int hail_shards_create(struct hail_shards **out,
		       const struct hail_shards_options *options)
{
	struct hl_shard_plan plan;
	struct hail_shards *shards;
	int err = out ? hl_shard_plan_read(&plan, options) : -EINVAL;

	if (err)
		return err;
	shards = allocate(&plan);
	if (!shards)
		return -ENOMEM;
	err = make(shards, &plan);
	if (!err)
		err = start_threads(shards, &plan);
	if (!err)
		err = await_ready(shards);
	if (!err)
		err = hl_shard_group_unmute(shards);
	enter_phase(shards, err ? HL_SHARDS_ABANDONED : HL_SHARDS_SERVING);
	if (err) {
		join_threads(shards);
		tell_leftovers(shards);
		destroy(shards);
		return err;
	}
	*out = shards;
	return 0;
}

void hail_shards_stop(struct hail_shards *shards)
{
	for (uint32_t i = 0; shards && i < shards->options.count; i++)
		hail_engine_stop(shards->shards[i].engine);
}

/* Whether this thread, in this process, may wait for them. */
static int check_waiting(const struct hail_shards *shards)
{
	if (hl_owner_forked(&shards->shards[0].engine->owner))
		return -EPERM;
	return hl_shard_thread_index(shards) == HAIL_SHARD_NONE ? 0 : -EBUSY;
}

int hail_shards_join(struct hail_shards *shards)
{
	int err = shards ? check_waiting(shards) : -EINVAL;

	if (err)
		return err;
	pthread_mutex_lock(&shards->lock);
	while (shards->ended < shards->options.count)
		pthread_cond_wait(&shards->changed, &shards->lock);
	err = shards->error;
	pthread_mutex_unlock(&shards->lock);
	return err;
}

int hail_shards_destroy(struct hail_shards *shards)
{
	int err = shards ? check_waiting(shards) : 0;

	if (err || !shards)
		return err;
	hail_shards_stop(shards);
	join_threads(shards);
	destroy(shards);
	return 0;
}

uint32_t hail_shards_count(const struct hail_shards *shards)
{
	return shards ? shards->options.count : 0;
}

int hail_shards_local(const struct hail_shards *shards, struct hail_addr *out)
{
	if (!shards || !out)
		return -EINVAL;
	*out = shards->local;
	return 0;
}

struct hail_shard *hail_shards_at(struct hail_shards *shards, uint32_t index)
{
	if (!shards || index >= shards->options.count)
		return NULL;
	return &shards->shards[index];
}

struct hail_shards *hail_shards_of(const struct hail_shard *shard)
{
	return shard ? shard->shards : NULL;
}

struct hail_shard *hail_shard_of(const struct hail_engine *engine)
{
	return engine ? engine->shard : NULL;
}

uint32_t hail_shard_index(const struct hail_shard *shard)
{
	return shard ? shard->index : HAIL_SHARD_NONE;
}

struct hail_engine *hail_shard_engine(const struct hail_shard *shard)
{
	return shard ? shard->engine : NULL;
}

struct hail_socket *hail_shard_socket(const struct hail_shard *shard)
{
	if (!shard || hl_core_check(shard->engine))
		return NULL;
	return hl_shard_own_socket(shard);
}
