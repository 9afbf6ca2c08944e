/* SPDX-License-Identifier: MIT */
/*
 * engine.c: making engines and turning them.
 *
 * A turn has four parts that never nest: queue what is wanted of the kernel;
 * one enter that submits it and waits; file the completions; call handlers.
 * What handlers ask for is only noted and goes with the next enter.
 */
#include "engine.h"

#include "core.h"
#include "dispatch.h"
#include "engine_options.h"
#include "lend.h"
#include "net/payload.h"
#include "notice.h"
#include "peer.h"
#include "recv.h"
#include "send_drain.h"
#include "send_queue.h"
#include "socket.h"
#include "util/clock.h"
#include "util/options.h"

#include <errno.h>

static void init_lists(struct hail_engine *engine)
{
	hl_list_init(&engine->arming);
	hl_list_init(&engine->sending);
	hl_list_init(&engine->backoff);
	hl_list_init(&engine->ready);
	hl_list_init(&engine->noticing);
	hl_list_init(&engine->failing);
	hl_list_init(&engine->draining);
	hl_list_init(&engine->starved);
	hl_list_init(&engine->leaving);
	hl_list_init(&engine->left);
	hl_list_init(&engine->closing);
	hl_list_init(&engine->closed);
	hl_lend_init(&engine->lending,
		     engine->options.zero_copy == HAIL_ZERO_COPY_OFF,
		     engine->options.register_memory);
	hl_socket_table_init(&engine->sockets, &engine->allocator);
	hl_timers_init(&engine->timers, &engine->allocator);
}

/* All that is memory only. */
static int init_memory(struct hail_engine *engine)
{
	const struct hail_engine_options *options = &engine->options;
	const struct hl_memory *allocator = &engine->allocator;
	int err;

	engine->completions = hl_memory_allocate(allocator, HL_COMPLETIONS_MAX,
						 sizeof(*engine->completions));
	engine->batch = hl_memory_allocate(allocator, options->budget,
					   sizeof(*engine->batch));
	if (!engine->completions || !engine->batch)
		return -ENOMEM;
	err = hl_owner_init(&engine->owner);
	if (!err)
		err = hl_pool_init(
			&engine->pools[HL_POOL_LARGE], engine, HL_POOL_LARGE,
			HL_PAYLOAD_MAX + HL_CMSG_SPACE, options->buffers_max);
	if (!err)
		err = hl_pool_init(&engine->pools[HL_POOL_SMALL], engine,
				   HL_POOL_SMALL, options->small_size,
				   options->small_buffers_max);
	if (!err)
		err = hl_send_memory_init(&engine->memory, options->send_blocks,
					  options->send_blocks_large);
	if (!err)
		err = hl_flight_init(&engine->flight, allocator,
				     options->entries);
	/* A few submissions may fail from first to last between two turns;
	 * more wait until these have been told. */
	if (!err)
		err = hl_failures_init(&engine->failures, allocator,
				       4 * options->entries);
	if (!err)
		err = hl_posts_init(&engine->posts, options->posts);
	return err;
}

static int init_backend(struct hail_engine *engine,
			const struct hl_backend_ops *ops, void *arg)
{
	const struct hail_engine_options *options = &engine->options;
	struct hl_backend_config config = {
		.memory = &engine->allocator,
		.entries = options->entries,
		.completions = options->completions,
		.spin_ns = options->spin_ns,
		.napi_us = options->napi_us,
	};
	struct iovec regions[HL_LEND_REGIONS];
	int err;

	for (int kind = 0; kind < HL_POOL_KINDS; kind++)
		config.pools[kind] = engine->pools[kind].memory;
	if (options->register_memory) {
		config.region_count = hl_lend_regions(engine, regions);
		config.regions = regions;
	}
	err = ops->open(&engine->backend, &config, arg);
	if (err)
		return err;
	engine->backend->owner = engine;
	if (engine->backend->files_error)
		hl_log_no_files(engine, engine->backend->files_error);
	if (options->batch_wait_ns && engine->backend->batch_error)
		hl_log_no_batch_wait(engine, engine->backend->batch_error);
	if (options->napi_us && engine->backend->napi_error)
		hl_log_no_napi(engine, engine->backend->napi_error);
	hl_pool_grow(&engine->pools[HL_POOL_LARGE], options->buffers);
	hl_pool_grow(&engine->pools[HL_POOL_SMALL], options->small_buffers);
	return hl_notify_init(&engine->notify, &engine->allocator,
			      engine->backend->fd);
}

/* Also for one that is half made. */
static void destroy(struct hail_engine *engine)
{
	struct hl_memory allocator = engine->allocator;

	hl_notify_fini(&engine->notify);
	if (engine->backend)
		engine->backend->ops->close(engine->backend);
	hl_socket_close_descriptors(engine);
	hl_timers_fini(&engine->timers);
	hl_posts_fini(&engine->posts);
	hl_socket_table_fini(&engine->sockets);
	hl_failures_fini(&engine->failures);
	hl_flight_fini(&engine->flight);
	hl_send_memory_fini(&engine->memory);
	for (int kind = 0; kind < HL_POOL_KINDS; kind++)
		hl_pool_fini(&engine->pools[kind]);
	hl_owner_fini(&engine->owner);
	hl_memory_release(&allocator, engine->batch, engine->options.budget,
			  sizeof(*engine->batch));
	hl_memory_release(&allocator, engine->completions, HL_COMPLETIONS_MAX,
			  sizeof(*engine->completions));
	hl_memory_release(&allocator, engine, 1, sizeof(*engine));
}

/* With all that it is given by value; none of its parts. */
static struct hail_engine *
allocate_engine(const struct hail_engine_options *options)
{
	const struct hail_allocator *given = options->allocator;
	struct hl_memory memory = {0};
	struct hail_engine *engine;

	if (given)
		memory = (struct hl_memory){
			.allocate = given->allocate,
			.release = given->release,
			.arg = given->arg,
		};
	engine = hl_memory_allocate(&memory, 1, sizeof(*engine));
	if (!engine)
		return NULL;
	engine->allocator = memory;
	engine->options = *options;
	engine->batch_wait.limit_ns = options->batch_wait_ns;
	engine->options.allocator = NULL; /* the caller's, and copied */
	engine->log.write = options->log;
	engine->log.arg = options->log_arg;
	return engine;
}

int hl_engine_create_with(struct hail_engine **out,
			  const struct hail_engine_options *given,
			  const struct hl_backend_ops *ops, void *arg)
{
	struct hail_engine_options options;
	struct hail_engine *engine;
	int err;

	if (!out)
		return -EINVAL;
	err = hl_engine_options_read(&options, given);
	if (err)
		return err;
	engine = allocate_engine(&options);
	if (!engine)
		return -ENOMEM;
	init_lists(engine);
	err = init_memory(engine);
	if (!err)
		err = init_backend(engine, ops, arg);
	if (err) {
		destroy(engine);
		return err;
	}
	*out = engine;
	return 0;
}

int hail_engine_create(struct hail_engine **out,
		       const struct hail_engine_options *options)
{
	struct hail_engine_options read;
	int err = hl_options_read(&read, sizeof(read), options);

	if (err)
		return err;
	switch (read.backend) {
	case HAIL_BACKEND_AUTO:
	case HAIL_BACKEND_URING:
		return hl_engine_create_with(out, options, &hl_uring_ops, NULL);
	case HAIL_BACKEND_PLAIN:
		return -ENOTSUP;
	default:
		return -EINVAL;
	}
}

/* Most lists are empty in most turns: what serves them isn't even called, since
 * a turn for a single datagram is mostly such small things. */
static bool some(const struct hl_list *list)
{
	return !hl_list_empty(list);
}

/* Something waits for a turn that needs no completion. */
static bool busy(const struct hail_engine *engine)
{
	return engine->flight.awaited || some(&engine->ready) ||
	       some(&engine->noticing) || some(&engine->failing) ||
	       some(&engine->draining) || some(&engine->sending) ||
	       some(&engine->closed) || some(&engine->arming) ||
	       hl_posts_waiting(&engine->posts) ||
	       atomic_load(&engine->posts.stop);
}

static bool alive(const struct hail_engine *engine)
{
	return engine->keepers || hl_posts_waiting(&engine->posts);
}

/* When the next turn is due without a completion; UINT64_MAX: never. */
static uint64_t next_due(const struct hail_engine *engine)
{
	uint64_t due = hl_timers_next(&engine->timers);

	if (busy(engine))
		return 0;
	if (some(&engine->backoff) && engine->backoff_end < due)
		due = engine->backoff_end;
	if ((some(&engine->leaving) || some(&engine->left)) &&
	    engine->leave_end < due)
		due = engine->leave_end;
	return due;
}

/* How long the enter may wait. */
static int64_t patience(const struct hail_engine *engine, int64_t timeout_ns)
{
	uint64_t due = next_due(engine);
	uint64_t now, left;

	if (timeout_ns < 0)
		timeout_ns = HL_WAIT_FOREVER;
	if (due == UINT64_MAX || timeout_ns == 0)
		return timeout_ns;
	now = hl_clock_now();
	left = due > now ? due - now : 0;
	if (left > INT64_MAX)
		left = INT64_MAX;
	return timeout_ns < 0 || (int64_t)left < timeout_ns ? (int64_t)left
							    : timeout_ns;
}

/* What has come free goes to those who wait for it. */
static void feed(struct hail_engine *engine)
{
	if (some(&engine->starved))
		hl_send_drain_feed(engine);
	hl_recv_feed(engine);
}

/* Queues all that is wanted of the kernel. Arming comes last: a socket may be
 * found blocked, or a reception ended, while sends are queued, and the enter
 * may wait for ever. */
static int prepare(struct hail_engine *engine)
{
	int err = some(&engine->sending) ? hl_send_queue_flush(engine) : 0;

	feed(engine);
	if (!err && some(&engine->arming))
		err = hl_socket_arm_all(engine);
	if (some(&engine->closing))
		hl_socket_finish_closing(engine);
	return err;
}

static int enter(struct hail_engine *engine, int64_t timeout_ns)
{
	int err = hl_dispatch_wait(engine, timeout_ns);

	/* Of a broken backend nothing is known: messages stay in flight. */
	if (err) {
		hl_flight_end(&engine->flight);
		return err;
	}
	hl_send_queue_finish(engine);
	if (some(&engine->closing))
		hl_socket_finish_closing(engine);
	return 0;
}

static size_t call_handlers(struct hail_engine *engine)
{
	size_t events = 0;

	engine->now = 0;
	if (some(&engine->backoff))
		hl_socket_end_backoff(engine);
	if (some(&engine->leaving) || some(&engine->left))
		hl_peer_tend(engine);
	if (some(&engine->ready))
		events += hl_recv_deliver(engine);
	if (some(&engine->noticing))
		events += hl_notice_tell(engine);
	if (some(&engine->failing))
		events += hl_failure_tell(engine);
	if (some(&engine->draining) || some(&engine->starved))
		events += hl_send_drain_tell(engine);
	if (hl_timers_next(&engine->timers) != UINT64_MAX)
		events += hl_timers_run(engine);
	if (hl_posts_waiting(&engine->posts))
		events += hl_posts_run(&engine->posts, engine);
	if (some(&engine->closed))
		events += hl_socket_tell_closed(engine);
	return events;
}

/* Whether an enter is due: something is queued, or the books of what was
 * submitted are still open. Room for the last of it may have been made by
 * submitting the rest, and the kernel took no more. */
static bool loaded(const struct hail_engine *engine)
{
	return engine->flight.count ||
	       engine->backend->ops->queued(engine->backend);
}

/* Whether leaving the last turn has brought what this one is to hand over, so
 * that under load a turn is one enter here too. */
static bool ahead(const struct hail_engine *engine)
{
	return engine->entered && busy(engine) && !loaded(engine);
}

/* One turn; what handlers queue is left for the next. */
static int turn(struct hail_engine *engine, int64_t timeout_ns)
{
	size_t events = 0;
	int err;

	engine->turning = true;
	engine->turns++;
	err = prepare(engine);
	if (!err && !ahead(engine))
		err = enter(engine, patience(engine, timeout_ns));
	engine->entered = false;
	if (!err)
		events = call_handlers(engine);
	engine->turning = false;
	if (err)
		return err;
	return events > INT32_MAX ? INT32_MAX : (int)events;
}

/* Before control leaves hail: what handlers have queued is submitted, so that
 * nothing that was taken waits for a turn that may come late. The same enter
 * looks for new completions. */
static int leave(struct hail_engine *engine)
{
	int err = prepare(engine);

	if (!err && loaded(engine)) {
		err = enter(engine, 0);
		engine->entered = true;
		feed(engine);
	}
	hl_notify_due(&engine->notify, loaded(engine) ? 0 : next_due(engine));
	return err;
}

static int check_turn(struct hail_engine *engine)
{
	int err = hl_core_claim(engine);

	if (err)
		return err;
	return engine->turning ? -EBUSY : 0;
}

static bool take_stop(struct hail_engine *engine)
{
	/* Seldom set, and an exchange costs more than a look. */
	return atomic_load(&engine->posts.stop) &&
	       atomic_exchange(&engine->posts.stop, false);
}

int hail_engine_turn(struct hail_engine *engine, int64_t timeout_ns)
{
	int err = check_turn(engine);
	int events;

	if (err)
		return err;
	events = turn(engine, take_stop(engine) ? 0 : timeout_ns);
	take_stop(engine);
	if (events < 0)
		return events;
	err = leave(engine);
	return err ? err : events;
}

int hail_engine_run(struct hail_engine *engine)
{
	int err = check_turn(engine);
	bool stop;

	if (err)
		return err;
	stop = take_stop(engine);
	while (alive(engine) && err >= 0) {
		err = turn(engine, stop ? 0 : HL_WAIT_FOREVER);
		if (take_stop(engine) || stop)
			break;
	}
	return err < 0 ? err : leave(engine);
}

int hail_engine_fd(const struct hail_engine *engine)
{
	int err = hl_core_check(engine);

	if (err)
		return err;
	if (!hl_notify_used(&engine->notify))
		engine->backend->ops->watch(engine->backend);
	return hl_notify_fd(&engine->notify);
}

uint64_t hail_engine_now(const struct hail_engine *engine)
{
	/* Looking at the clock is no change that a caller could see. */
	return engine ? hl_core_now((struct hail_engine *)engine) : 0;
}

int hail_engine_ref(struct hail_engine *engine)
{
	int err = hl_core_check(engine);

	if (err)
		return err;
	engine->refs++;
	engine->keepers++;
	return 0;
}

int hail_engine_unref(struct hail_engine *engine)
{
	int err = hl_core_check(engine);

	if (err)
		return err;
	if (!engine->refs)
		return -EINVAL;
	engine->refs--;
	engine->keepers--;
	return 0;
}

/* A backend that fails now ends it by itself when it is closed. */
void hl_engine_wind_up(struct hail_engine *engine)
{
	int err = 0;

	hl_socket_abandon_all(engine);
	while (!err && some(&engine->closing)) {
		err = prepare(engine);
		if (!err && some(&engine->closing))
			err = enter(engine, HL_WAIT_FOREVER);
	}
}

int hail_engine_destroy(struct hail_engine *engine)
{
	if (!engine)
		return 0;
	if (hl_owner_forked(&engine->owner))
		return -EPERM;
	if (engine->shard)
		return -EBUSY;
	if (hl_owner_check(&engine->owner) == 0) {
		if (engine->turning)
			return -EBUSY;
		if (engine->owner.claimed)
			hl_engine_wind_up(engine);
	} else if (!hl_owner_ended(&engine->owner)) {
		return -EPERM;
	}
	destroy(engine);
	return 0;
}
