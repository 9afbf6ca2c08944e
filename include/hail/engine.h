/* SPDX-License-Identifier: MIT */
/* engine.h: the engine, which owns one io_uring and turns it. */
#ifndef HAIL_ENGINE_H
#define HAIL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_engine;

enum hail_backend {
	HAIL_BACKEND_AUTO = 0, /* the best that serves here */
	HAIL_BACKEND_URING,    /* io_uring or an error */
	/* Plain system calls; no io_uring call is made at all. Not part of
	 * this version: -ENOTSUP. */
	HAIL_BACKEND_PLAIN,
};

/* `allocate` returns memory for any type, not cleared, or NULL; `release` takes
 * what it returned, with its size, and never NULL. Both run on the thread that
 * creates, uses or destroys the engine. Receive buffers, send blocks and what
 * is shared with the kernel are mapped and not allocated; the list of all
 * sockets that hail has in this process is malloc()'s. */
struct hail_allocator {
	void *(*allocate)(size_t size, void *arg);
	void (*release)(void *memory, size_t size, void *arg);
	void *arg;
};

enum hail_zero_copy {
	HAIL_ZERO_COPY_AUTO = 0, /* where it is found to gain something */
	HAIL_ZERO_COPY_OFF,
};

enum hail_log_level {
	HAIL_LOG_NOTE = 1, /* works, otherwise than asked */
	HAIL_LOG_WARNING,  /* works, and something was lost or put off */
	HAIL_LOG_ERROR,    /* doesn't work any more */
};

#define HAIL_LOG_RATE 10

/* Zero is the default of each. Counts are rounded up to powers of two.
 * Memory: a receive buffer takes 65856 bytes, a small one small_size + 48
 * rounded up to an odd number of cache lines, a send block 2112, a large
 * send block 65856; all of it is reserved at creation and costs nothing until
 * it is touched for the first time. */
struct hail_engine_options {
	size_t size; /* sizeof(struct hail_engine_options) */

	uint32_t backend; /* enum hail_backend */

	/* Submission ring, 1 to 32768; 0: 256. One submission carries at most
	 * this many datagrams. */
	uint32_t entries;
	/* Completion queue, from `entries` (as rounded) to 65536; 0: as many as
	 * all buffers and entries can fill. A short one is correct but slower.
	 */
	uint32_t completions;

	/* Receive buffers for datagrams of any size, at first and at most, up
	 * to 32768; 0: 64 and 1024. The pool doubles when all of it was found
	 * in use. */
	uint32_t buffers;
	uint32_t buffers_max;
	/* Small receive buffers, for sockets with a datagram_max of at most
	 * small_size bytes, of at most 65535; 0: 64, 4096, and 2048 bytes. A
	 * socket with facts needs 208 bytes of them for what is told. */
	uint32_t small_buffers;
	uint32_t small_buffers_max;
	uint32_t small_size;

	/* Blocks that hold datagrams in flight: of up to 1984 bytes, and of
	 * any size; up to 1048576 and 65536; 0: 4096 and 256. Where they run
	 * out, sends are refused with -EAGAIN. */
	uint32_t send_blocks;
	uint32_t send_blocks_large;

	/* Datagrams that a socket is handed in one turn, up to 4096; 0: 64. */
	uint32_t budget;
	/* Posts that may wait to be run, up to 1048576; 0: 16384. */
	uint32_t posts;

	/* How long a turn that finds nothing to do looks again and again
	 * before it sleeps, in nanoseconds: takes the wake-up, which is most
	 * of a round trip's time, out of it at the price of a busy core.
	 * 0: sleep at once. */
	uint64_t spin_ns;
	/* At most how long a turn that waits goes on for more datagrams, in
	 * nanoseconds up to a second: at high rates fewer turns bring more
	 * each, which takes less CPU time, at the price of so much latency. It
	 * follows the rate: as long as some 64 datagrams take to come, and not
	 * at all while fewer than 4 would come in this time. Timers stay on
	 * time; posts, stops, drains, errors, and what is in flight and to be
	 * tried again, may come so much later. 0: the first ends each wait. */
	uint64_t batch_wait_ns;
	/* How long a turn polls the network devices of its sockets itself
	 * before it sleeps (NAPI busy polling by the ring, Linux 6.9), in
	 * microseconds up to 1000000: takes the interrupt out of a round trip
	 * at the price of a busy core. Of no effect on devices without NAPI,
	 * such as the loopback. 0: devices interrupt. */
	uint32_t napi_us;

	/* Where memory comes from; NULL: malloc() and free(). Copied. */
	const struct hail_allocator *allocator;
	/* Told, in a line of text without its end, what someone who runs the
	 * program may want to know: that a pool is exhausted, that a limit cut
	 * what an option asked for. At most HAIL_LOG_RATE lines in a second;
	 * the next line then says how many were left out. On the engine's
	 * thread, from creation on; it may not call hail. NULL: nothing is
	 * written anywhere. */
	void (*log)(void *arg, enum hail_log_level level, const char *text);
	void *log_arg;

	/* enum hail_zero_copy: whether the kernel sends large trains (32 KiB
	 * and more, 16 with register_memory) from send blocks and receive
	 * buffers without copying them. A block or buffer is then in use until
	 * the kernel gives it back, at most 64 trains at once. Each socket
	 * tries one: where the kernel says that it copied all the same, as for
	 * this machine's own addresses, the socket tries again after a minute,
	 * and after twice as long each further time. */
	uint32_t zero_copy;
	/* Registers all send blocks and receive buffers with the kernel at
	 * creation, which makes sends without a copy cheaper (Linux 6.15). All
	 * of it is touched and locked then, about 100 MiB by default, and
	 * counts against RLIMIT_MEMLOCK: -ENOMEM where that is too low. */
	bool register_memory;
};

/* The compound literal of the options with `size` filled in. */
#define HAIL_ENGINE_OPTIONS(...)                                               \
	((struct hail_engine_options){                                         \
		.size = sizeof(struct hail_engine_options), __VA_ARGS__})

/* Makes an engine. It belongs to the thread that first uses it, which may be
 * another one: opens a socket, makes a timer, turns or runs it.
 *   -EINVAL   NULL; size 0; an option out of its range, or an allocator that
 *             lacks one of its functions
 *   -E2BIG    an option past the library's own size is set
 *   -ENOMEM   no memory, or the limit of locked memory (RLIMIT_MEMLOCK)
 *   -EMFILE, -ENFILE   no descriptor is left
 *   -ENOTSUP  the backend asked for isn't part of this library
 *   -EPERM, -ENOSYS, -EOPNOTSUPP   io_uring is refused, or lacks something
 *             that hail needs: hail_probe() says what, in words */
int hail_engine_create(struct hail_engine **out,
		       const struct hail_engine_options *options);

/* Turns until hail_engine_stop(), or until nothing is left that keeps it
 * alive: open sockets and running timers (unless unref'd), posts that wait to
 * run, sockets that are closing, and hail_engine_ref(). 0; -EINVAL: NULL;
 * -EBUSY: called from a handler; -EPERM: not the engine's thread, or a forked
 * child; or what made the backend fail for good: then destroy the engine. The
 * first use of an engine may also return what enabling the ring does. */
int hail_engine_run(struct hail_engine *engine);

/* One turn: submits what is queued, waits at most `timeout_ns` (< 0: for ever,
 * 0: not at all) for something to happen, and calls the handlers. Returns the
 * number of events: datagrams, errors, drains and closes that were handed
 * over, timers fired and posts run; 0 after a timeout, a stop or a signal.
 * Errors as hail_engine_run(). */
int hail_engine_turn(struct hail_engine *engine, int64_t timeout_ns);

/* Ends hail_engine_run(), or a turn that waits, or, if neither is under way,
 * the next of them: handlers that are due are still called. Any thread, and
 * signal handlers. NULL does nothing. */
void hail_engine_stop(struct hail_engine *engine);

/* Has `run` called with `arg` from a turn on the engine's thread. Posts of one
 * thread run in their order. -EAGAIN: as many wait as the options allow;
 * -EINVAL: NULL; -EPERM: a forked child. Any thread, but no signal handler. */
int hail_engine_post(struct hail_engine *engine,
		     void (*run)(struct hail_engine *engine, void *arg),
		     void *arg);

/* A descriptor that is readable when a turn is due, also because of a timer:
 * for poll, epoll, libuv or GLib, which then calls hail_engine_turn(engine, 0).
 * Told anew after each turn that leaves something to do, so that edge-triggered
 * loops (EPOLLET), too, make one turn each time. It is the engine's: don't read
 * or close it. -EINVAL: NULL; -EPERM: not the engine's thread, or a forked
 * child. */
int hail_engine_fd(const struct hail_engine *engine);

/* CLOCK_MONOTONIC in nanoseconds, looked at once a turn, when it is first asked
 * for: the same for all handlers of a turn. 0 for NULL. The engine's
 * thread. */
uint64_t hail_engine_now(const struct hail_engine *engine);

/* Keeps hail_engine_run() running, whatever else there is: for engines that
 * wait for posts. Counted. -EINVAL: NULL, or more unref than ref; -EPERM. */
int hail_engine_ref(struct hail_engine *engine);
int hail_engine_unref(struct hail_engine *engine);

/* Closes what is open without calling any handler, cancels what is in flight,
 * and frees the engine, its sockets, timers and retained buffers. NULL is
 * allowed. The engine's thread, or any thread when that one has ended; then a
 * port may stay taken for a moment longer.
 * -EBUSY: called from a handler, or a shard's (shard.h); -EPERM: another
 * thread, or a forked child. */
int hail_engine_destroy(struct hail_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
