/* SPDX-License-Identifier: MIT */
/*
 * shard.h: several engines on as many threads behind one port.
 *
 * Each shard is an engine on a thread of its own, with a socket. All sockets
 * are bound to one address, and the kernel chooses for each datagram the shard
 * that gets it: always the same one for the same flow, processor or bytes. So
 * what belongs together stays on one thread and needs no lock.
 */
#ifndef HAIL_SHARD_H
#define HAIL_SHARD_H

#include <hail/addr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_engine;
struct hail_engine_options;
struct hail_engine_stats;
struct hail_shard;
struct hail_shards;
struct hail_socket;
struct hail_socket_options;

#define HAIL_SHARDS_MAX 1024
/* In place of a shard's index: none. */
#define HAIL_SHARD_NONE UINT32_MAX

/* Which shard a datagram goes to. Sockets that are bound to the same port
 * later change nothing about it. */
enum hail_steering {
	/* By its source, address and port: a flow stays on one shard, many
	 * flows spread evenly. Mixed with a random number, so that nobody
	 * outside can choose the shard. */
	HAIL_STEERING_HASH = 0,
	/* By the processor that it arrived on: its number modulo the shards;
	 * with `pin` to the shard on that processor, if there is one. */
	HAIL_STEERING_CPU,
	/* By bytes of its own: steer_width bytes at steer_offset are a number,
	 * the first byte the highest; of that the bits of steer_mask, moved
	 * down to the lowest that is set; modulo the shards. What is too short
	 * to have these bytes goes to shard 0. */
	HAIL_STEERING_BYTES,
};

/* Zero is the default of each. */
struct hail_shards_options {
	size_t size; /* sizeof(struct hail_shards_options) */

	/* How many, up to HAIL_SHARDS_MAX; 0: as many as there are processors
	 * that the calling thread may use. */
	uint32_t count;
	/* Ties each thread to one of these processors, in their order, and from
	 * the first again where there are more shards. */
	bool pin;

	uint32_t steering; /* enum hail_steering */
	/* Of HAIL_STEERING_BYTES only. Width 1, 2 or 4; 0: 1. Mask 0: all
	 * bits. */
	uint32_t steer_offset;
	uint32_t steer_width;
	uint32_t steer_mask;

	/* Messages that may wait for one shard, up to 1048576; 0: 16384. */
	uint32_t messages;
	/* The longest that stopping waits for what has arrived to be handed
	 * over, and then for what is in flight to leave, of other sockets that
	 * linger too, whatever their own time is: then they are closed, and
	 * given as long again. 0: a second. */
	uint64_t linger_ns;

	/* Of every shard's engine, and of its socket; NULL: all defaults. The
	 * allocator and the log are called from all threads. The socket can't
	 * be connected or exclusive, and can have no peers (peer.h); reuse_port
	 * is set in any case. Copied. */
	const struct hail_engine_options *engine;
	const struct hail_socket_options *socket;

	/* These run on the shard's thread, and each may be NULL.
	 *
	 * Before its first turn, when all sockets are bound and no datagram can
	 * have come: may open further sockets and timers. 0, or a negative
	 * errno, with which hail_shards_create() then fails. */
	int (*start)(struct hail_shard *shard, void *arg);
	/* After the last datagram and message; the socket is still open, and
	 * what is sent now leaves. Stop timers and close other sockets of this
	 * engine here; posts may still run. Once for each start that returned
	 * 0. */
	void (*stop)(struct hail_shard *shard, void *arg);
	/* A message of hail_shard_send(), from a turn; `from` is the index of
	 * the shard that sent it, or HAIL_SHARD_NONE. What was taken comes to
	 * it in any case, so also where `start` failed or was never called, and
	 * where turns are no longer possible: then outside a turn, and if the
	 * shard's thread couldn't be had, on the one that makes the shards. It
	 * must then only free the message. */
	void (*message)(struct hail_shard *shard, uint32_t from, void *message,
			void *arg);
	void *arg;
};

/* The compound literal of the options with `size` filled in. */
#define HAIL_SHARDS_OPTIONS(...)                                               \
	((struct hail_shards_options){                                         \
		.size = sizeof(struct hail_shards_options), __VA_ARGS__})

/* Makes shards and starts their threads, with all signals blocked but those
 * that a thread brings on itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
 * SIGSYS). All of it or nothing: after an error no thread runs, and the port is
 * free. Datagrams that come while it is at work are dropped; those that come
 * after it has returned 0 go where they are steered.
 *   -EADDRINUSE  somebody has the port, also if they would share it
 *   -EINVAL      NULL; size 0; an option out of its range; a socket that is
 *                connected or exclusive; a processor to pin to that the
 *                thread may no longer use; more processors than the 8192
 *                that hail can tell
 *   -EAGAIN      no thread can be had
 *   -EBADF       `start` has closed the shard's socket
 * and as hail_engine_create(), hail_socket_open() and `start`. */
int hail_shards_create(struct hail_shards **out,
		       const struct hail_shards_options *options);

/* Ends all shards: they receive nothing new, hand over what has arrived and the
 * messages that were taken, run `stop`, send what is in flight, close their
 * sockets, and then their threads end. hail_engine_stop() for a shard's engine
 * does the same. Returns at once. Any thread, handlers, and signal handlers.
 * NULL does nothing. */
void hail_shards_stop(struct hail_shards *shards);

/* Waits until all threads have ended. 0, or the error that ended them: of a
 * turn that failed, whereupon all shards stop, or of stopping. -EINVAL: NULL;
 * -EBUSY: a thread of these shards; -EPERM: a forked child. */
int hail_shards_join(struct hail_shards *shards);

/* Stops, waits and frees. NULL is allowed. -EBUSY: a thread of these shards;
 * -EPERM: a forked child. */
int hail_shards_destroy(struct hail_shards *shards);

/* These are for any thread, as long as the shards aren't destroyed. */

uint32_t hail_shards_count(const struct hail_shards *shards);
/* The address that all are bound to, with the true port. -EINVAL: NULL. */
int hail_shards_local(const struct hail_shards *shards, struct hail_addr *out);
/* NULL: there is none of that index. */
struct hail_shard *hail_shards_at(struct hail_shards *shards, uint32_t index);
struct hail_shards *hail_shards_of(const struct hail_shard *shard);

/* The sum of all engines' counters; those of each are of one moment. Of
 * batch_wait_ns and napi_us, which count nothing, the highest. Waits until
 * every shard has told its own. -EBUSY: a thread of these shards;
 * -EAGAIN: as many posts wait as the options of the engines allow; -EINVAL,
 * -E2BIG: as hail_engine_stats(); -EPERM: a forked child. */
int hail_shards_stats(struct hail_shards *shards,
		      struct hail_engine_stats *out);

/* The shard that an engine is: in handlers of sockets and timers. NULL: it is
 * none. */
struct hail_shard *hail_shard_of(const struct hail_engine *engine);
/* From 0 on. HAIL_SHARD_NONE for NULL. */
uint32_t hail_shard_index(const struct hail_shard *shard);
/* Its engine, for this shard's thread: other threads may only post to it. It
 * is hail's to run and to destroy (-EBUSY). NULL for NULL. */
struct hail_engine *hail_shard_engine(const struct hail_shard *shard);
/* Its socket; NULL: it is closed. The shard's thread. Don't close it alone:
 * the kernel would give another shard what was this one's. */
struct hail_socket *hail_shard_socket(const struct hail_shard *shard);

/* Has the shard's `message` handler called with `message`, which is for the two
 * of you to free. Messages of one thread arrive in their order, and what was
 * taken arrives. Any thread, but no signal handler.
 *   -EAGAIN     as many wait as the options allow
 *   -ESHUTDOWN  it takes no more, since it stops
 *   -EINVAL     NULL as `shard`; there is no `message` handler
 *   -EPERM      a forked child */
int hail_shard_send(struct hail_shard *shard, void *message);

#ifdef __cplusplus
}
#endif

#endif
