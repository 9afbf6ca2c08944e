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
	/* Nobody asked for the default. */
	hl_log_cut(shard->socket, "send_buffer", shard->shards->send_buffer,
		   shard->socket->send_buffer);
	return hail_engine_ref(shard->engine);
}

static int set_up(struct hail_shard *shard)
{
	const struct hail_shards_options *options = &shard->shards->options;
	int err = open_socket(shard);

	if (!err)
		err = hl_shard_message_start(shard);
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
	/* An error is nothing to hear. */
	return hl_recv_waiting(socket) ||
	       (poll(&poller, 1, 0) > 0 && poller.revents & POLLIN);
}

/* Takes nothing new, also where it can't turn: others still hear, and its
 * closing would take it out of their order. */
static void mute(struct hail_shard *shard)
{
	const struct hail_socket *socket = hl_shard_own_socket(shard);

	if (socket)
		hl_shards_fail(shard->shards, hl_steer_mute(socket->fd));
}

/* Hands over what is there. */
static int hush(struct hail_shard *shard)
{
	uint64_t end = hl_clock_now() + shard->shards->options.linger_ns;
	int err = hail_engine_turn(shard->engine, 0);

	while (err >= 0 && hears(shard) && hl_clock_now() < end)
		err = hail_engine_turn(shard->engine, HL_NS_PER_MS);
	return err;
}

/* The last one wakes all: those that wait, and those that turn. */
static void arrive(struct hail_shards *shards)
{
	if (atomic_fetch_add(&shards->hushed, 1) + 1 < shards->options.count)
		return;
	pthread_mutex_lock(&shards->lock);
	pthread_cond_broadcast(&shards->changed);
	pthread_mutex_unlock(&shards->lock);
	hail_shards_stop(shards);
}

/* Turns until all others have got here too; where it can't, it only waits. */
static int gather(struct hail_shard *shard, int err)
{
	struct hail_shards *shards = shard->shards;
	uint32_t all = shards->options.count;

	arrive(shards);
	while (err >= 0 && atomic_load(&shards->hushed) < all)
		err = hail_engine_turn(shard->engine, -1);
	pthread_mutex_lock(&shards->lock);
	while (atomic_load(&shards->hushed) < all)
		pthread_cond_wait(&shards->changed, &shards->lock);
	pthread_mutex_unlock(&shards->lock);
	return err;
}

/* Until it is to stop, as all others then are, and until none hears any more.
 * 0, or why it can't turn. */
static int serve(struct hail_shard *shard)
{
	int err = hail_engine_run(shard->engine);

	hl_shards_fail(shard->shards, err);
	hail_shards_stop(shard->shards);
	mute(shard);
	if (err >= 0)
		err = hush(shard);
	return gather(shard, err);
}

/* Those that are waiting come from turns, but where it can't turn any more. */
static int take_leave(struct hail_shard *shard)
{
	const struct hail_shards_options *options = &shard->shards->options;
	int err = 0;

	hl_shard_message_close(shard);
	while (err >= 0 && hl_shard_message_waiting(shard))
		err = hail_engine_turn(shard->engine, 0);
	while (hl_shard_message_waiting(shard))
		hl_shard_message_tell(shard);
	if (shard->started && options->stop)
		options->stop(shard, options->arg);
	return err;
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

/* Turns until all are closed, or it has lasted that long. */
static int settle(struct hail_engine *engine, int64_t most_ns)
{
	uint64_t end = hl_clock_now() + (uint64_t)most_ns;
	uint64_t now = 0;
	int err = 0;

	while (err >= 0 && closing(engine) && (now = hl_clock_now()) < end)
		err = hail_engine_turn(engine, (int64_t)(end - now));
	return err;
}

/* A user's socket may linger for ever, which can't be waited for. */
static void cut_short(struct hail_engine *engine)
{
	uint32_t size = hl_socket_table_size(&engine->sockets);

	for (uint32_t slot = 0; slot < size; slot++) {
		struct hail_socket *socket =
			hl_socket_table_at(&engine->sockets, slot);

		if (socket->state == HL_SOCKET_LINGERING && !socket->parent)
			hail_socket_close(socket);
	}
}

/* What is cut short still has its close handler called. */
static int close_sockets(struct hail_shard *shard)
{
	struct hail_socket *socket = hl_shard_own_socket(shard);
	int64_t linger_ns = (int64_t)shard->shards->options.linger_ns;
	int err;

	if (socket && hail_socket_close_linger(socket, linger_ns))
		hail_socket_close(socket);
	err = settle(shard->engine, linger_ns);
	cut_short(shard->engine);
	if (err >= 0)
		err = settle(shard->engine, linger_ns);
	if (shard->engine->owner.claimed)
		hl_engine_wind_up(shard->engine);
	return err;
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
	struct hail_shards *shards = shard->shards;

	current = shard;
	set_name(shard->index);
	if (meet(shards, set_up(shard)))
		hl_shards_fail(shards, serve(shard));
	hl_shards_fail(shards, take_leave(shard));
	hl_shards_fail(shards, close_sockets(shard));
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
