/* SPDX-License-Identifier: MIT */
/*
 * shard_thread.c: the life of a shard's thread.
 *
 * It opens its socket and waits until all others have; then it serves. At the
 * end they go step by step together, so that no datagram comes to another
 * shard than its own and no message is lost: all stop hearing and hand over
 * what has arrived, and only when all have done so do they take no more
 * messages, and close.
 */
#include "shard_thread.h"

#include "core.h"
#include "engine.h"
#include "recv.h"
#include "shard_message.h"
#include "shard_plan.h"
#include "shard_stats.h"
#include "socket.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

/* The shard whose thread this is. */
static _Thread_local struct hail_shard *current
	__attribute__((tls_model("initial-exec")));

uint32_t hl_shard_thread_index(const struct hail_shards *shards)
{
	return current && current->shards == shards ? current->index
						    : HAIL_SHARD_NONE;
}

static void set_name(uint32_t index)
{
	char name[16];

	snprintf(name, sizeof(name), "hail-shard-%u", index);
	pthread_setname_np(pthread_self(), name);
}

static int open_socket(struct hail_shard *shard)
{
	int err = hl_socket_open_bound(&shard->socket, shard->engine, shard->fd,
				       &shard->shards->socket);

	if (err)
		return err;
	shard->fd = -1;
	shard->cookie = shard->socket->cookie;
	return hail_engine_ref(shard->engine);
}

static int set_up(struct hail_shard *shard)
{
	const struct hail_shards_options *options = &shard->shards->options;
	int err = open_socket(shard);

	if (!err && options->start)
		err = options->start(shard, options->arg);
	shard->started = err >= 0;
	return err < 0 ? err : 0;
}

/* Waits for all others; whether they serve. */
static bool meet(struct hail_shards *shards, int err)
{
	bool serving;

	hl_shards_fail(shards, err);
	pthread_mutex_lock(&shards->lock);
	shards->ready++;
	pthread_cond_broadcast(&shards->changed);
	while (shards->phase == HL_SHARDS_STARTING)
		pthread_cond_wait(&shards->changed, &shards->lock);
	serving = shards->phase == HL_SHARDS_SERVING;
	pthread_mutex_unlock(&shards->lock);
	return serving;
}

/* Whether something has arrived that can be handed over. */
static bool hears(const struct hail_shard *shard)
{
	const struct hail_socket *socket = hl_shard_own_socket(shard);
	struct pollfd poller = {.events = POLLIN};

	if (!socket || !socket->handlers.data)
		return false;
	poller.fd = socket->fd;
	return hl_recv_waiting(socket) || poll(&poller, 1, 0) > 0;
}

/* Takes nothing new, and hands over what is there. */
static int hush(struct hail_shard *shard)
{
	uint64_t end = hl_clock_now() + shard->shards->options.linger_ns;
	const struct hail_socket *socket = hl_shard_own_socket(shard);
	int err = socket ? hl_steer_mute(socket->fd) : 0;

	if (!err)
		err = hail_engine_turn(shard->engine, 0);
	while (err >= 0 && hears(shard) && hl_clock_now() < end)
		err = hail_engine_turn(shard->engine, HL_NS_PER_MS);
	return err;
}

/* Turns until all others have got here too. */
static void gather(struct hail_shard *shard, int err)
{
	struct hail_shards *shards = shard->shards;
	uint32_t all = shards->options.count;

	if (atomic_fetch_add(&shards->hushed, 1) + 1 == all)
		hail_shards_stop(shards); /* wakes them */
	while (err >= 0 && atomic_load(&shards->hushed) < all)
		err = hail_engine_turn(shard->engine, -1);
}

/* Those that are waiting come from turns, but where it can't turn any more. */
static void take_leave(struct hail_shard *shard)
{
	const struct hail_shards_options *options = &shard->shards->options;
	int err = 0;

	hl_shard_message_close(shard);
	while (err >= 0 && hl_shard_message_waiting(shard))
		err = hail_engine_turn(shard->engine, 0);
	hl_shard_message_tell(shard);
	if (shard->started && options->stop)
		options->stop(shard, options->arg);
}

/* Sockets of the engine on their way to be closed. */
static bool closing(const struct hail_engine *engine)
{
	uint32_t size = hl_socket_table_size(&engine->sockets);

	for (uint32_t slot = 0; slot < size; slot++) {
		uint8_t state =
			hl_socket_table_at(&engine->sockets, slot)->state;

		if (state == HL_SOCKET_LINGERING || state == HL_SOCKET_CLOSING)
			return true;
	}
	return false;
}

static void close_sockets(struct hail_shard *shard)
{
	struct hail_socket *socket = hl_shard_own_socket(shard);
	int64_t linger_ns = (int64_t)shard->shards->options.linger_ns;
	int err = 0;

	if (socket && hail_socket_close_linger(socket, linger_ns))
		hail_socket_close(socket);
	while (err >= 0 && closing(shard->engine))
		err = hail_engine_turn(shard->engine, -1);
	if (shard->engine->owner.claimed)
		hl_engine_wind_up(shard->engine);
}

static void tell_end(struct hail_shard *shard)
{
	struct hail_shards *shards = shard->shards;

	hl_shard_stats_end(shard);
	pthread_mutex_lock(&shards->lock);
	shards->ended++;
	pthread_cond_broadcast(&shards->changed);
	pthread_mutex_unlock(&shards->lock);
}

static void *live(void *arg)
{
	struct hail_shard *shard = arg;
	int err;

	current = shard;
	set_name(shard->index);
	if (meet(shard->shards, set_up(shard))) {
		err = hail_engine_run(shard->engine);
		hl_shards_fail(shard->shards, err);
		hail_shards_stop(shard->shards);
		gather(shard, err < 0 ? err : hush(shard));
	}
	take_leave(shard);
	close_sockets(shard);
	tell_end(shard);
	return NULL;
}

static int pin(pthread_attr_t *attributes, int processor)
{
	unsigned long bits[HL_SHARD_PROCESSORS_MAX / (8 * sizeof(long))] = {0};
	cpu_set_t *set = (cpu_set_t *)(void *)bits;

	if (processor == HL_SHARD_ANYWHERE)
		return 0;
	CPU_SET_S((size_t)processor, sizeof(bits), set);
	return -pthread_attr_setaffinity_np(attributes, sizeof(bits), set);
}

/* Signals are the program's own threads' to handle, but for those that a thread
 * brings on itself. */
static void block_signals(sigset_t *before)
{
	static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE,
				  SIGILL,  SIGTRAP, SIGSYS};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

int hl_shard_thread_start(struct hail_shard *shard, int processor)
{
	pthread_attr_t attributes;
	sigset_t before;
	int err = -pthread_attr_init(&attributes);

	if (err)
		return err;
	err = pin(&attributes, processor);
	block_signals(&before);
	if (!err)
		err = -pthread_create(&shard->thread, &attributes, live, shard);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	shard->threaded = !err;
	return err;
}
