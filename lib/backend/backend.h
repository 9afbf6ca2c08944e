/* SPDX-License-Identifier: MIT */
/*
 * backend.h: the contract between hail and what talks to the kernel.
 *
 * A backend keeps requests under way for sockets that it knows by a slot, and
 * answers with completions; it never calls upward and knows nothing of
 * windows, handlers or order. There are io_uring (uring*.c) and a simulated
 * one for tests; everything above is written against this header alone.
 *
 * Only the engine's thread calls a backend, but for wake().
 */
#ifndef HL_BACKEND_BACKEND_H
#define HL_BACKEND_BACKEND_H

#include "net/cmsg.h"
#include "util/memory.h"

#include <hail/datagram.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Receive buffers of one size. Buffer `id` begins at base + id * stride; the
 * backend fills it as net/recvmsg.h lays it out. */
enum hl_pool_kind { HL_POOL_LARGE, HL_POOL_SMALL, HL_POOL_KINDS };

struct hl_backend_pool {
	unsigned char *base;
	size_t stride;
	uint32_t size;      /* bytes of a buffer that may be written */
	uint32_t count_max; /* a power of two, at most 32768 */
};

struct hl_backend_config {
	const struct hl_memory *memory; /* outlives the backend */
	uint32_t entries;               /* requests in one submission */
	uint32_t completions;           /* answers that may wait */
	uint64_t spin_ns;
	uint32_t napi_us; /* 0: don't poll devices */
	struct hl_backend_pool pools[HL_POOL_KINDS];
	/* Memory that lent sends lie in mostly, to be registered. */
	const struct iovec *regions;
	uint32_t region_count;
};

/* What can be armed on a socket; one of each at a time. */
enum {
	HL_ARM_RECEIVE = 1 << 0,  /* stays armed until a completion says not */
	HL_ARM_WRITABLE = 1 << 1, /* one completion, then it has ended */
	HL_ARM_ERROR = 1 << 2,    /* as RECEIVE, for the error queue */
};

enum hl_completion_kind {
	HL_COMPLETION_RECEIVE,
	HL_COMPLETION_WRITABLE,
	HL_COMPLETION_ERROR, /* something has come to the error queue */
	/* A send that failed. One that succeeded has no completion: when wait()
	 * has returned, each send that was queued before and isn't reported is
	 * over and its memory free, unless it was lent. */
	HL_COMPLETION_SEND,
	/* A lent send's memory is free. It may come before, with or long after
	 * the wait() that ends the send. */
	HL_COMPLETION_BACK,
	/* There was no room for more completions, since the last look: nothing
	 * is lost, and there is nothing to do. */
	HL_COMPLETION_OVERFLOW,
};

#define HL_BUFFER_NONE UINT32_MAX

struct hl_completion {
	uint8_t kind; /* enum hl_completion_kind */
	bool more;    /* RECEIVE, ERROR: still armed; SEND: BACK follows */
	/* Bytes in the buffer, or a negative errno; BACK: 1 where they were
	 * copied after all, else 0. */
	int32_t result;
	uint32_t id; /* the socket's slot; SEND: the token; BACK: the loan */
	uint32_t buffer; /* RECEIVE: its id in the socket's pool, or NONE */
};

/* A send that need not be of one datagram from one place. */
struct hl_backend_send {
	uint32_t slot, token;
	const struct hail_addr *remote; /* NULL: where it is connected */
	const struct iovec *pieces;
	uint32_t piece_count;
	uint16_t
		segment; /* bytes of each datagram but the last; 0: it is one */
	const struct hl_cmsg *control; /* NULL: nothing else is said */
	/* Of a train: its memory is the backend's until a BACK completion with
	 * this number, unless the send fails without `more`. Where it can't be
	 * had so, it fails with -EOPNOTSUPP. 0: it is copied. */
	uint8_t loan;
};

/* Values of wait()'s timeout besides nanoseconds. */
#define HL_WAIT_FOREVER (-1)
#define HL_WAIT_SUBMIT (-2) /* submit only: look for no new events */

struct hl_backend_counters {
	uint64_t enters, submissions, completions, overflows;
	uint64_t spins, spin_hits, sleeps, batch_waits;
	uint64_t registered; /* lent sends from registered memory */
};

struct hl_backend {
	const struct hl_backend_ops *ops;
	struct hl_backend_counters counters;
	const void *owner; /* the engine: what traces name it by */
	int files_error;   /* why it has to do without a table of files; or 0 */
	int batch_error;   /* why a batch wait takes two calls; or 0 */
	int napi_error;    /* why devices aren't polled; or 0 */
	int fd; /* once watched: readable when a wait() would find something */
};

struct hl_backend_ops {
	const char *name;

	/* `arg` is for backends of tests. -errno as hail_engine_create(). */
	int (*open)(struct hl_backend **out,
		    const struct hl_backend_config *config, void *arg);
	/* Ends everything that is under way, at the latest when the thread
	 * that called start() has ended. */
	void (*close)(struct hl_backend *backend);
	/* The calling thread is the one that uses the backend from now on. */
	int (*start)(struct hl_backend *backend);

	/* `slot` stands for `fd` from now on; slots are small numbers that are
	 * used again. Receptions leave `control_space` bytes for control
	 * messages: 0, HL_CMSG_SEGMENT_SPACE or HL_CMSG_SPACE. detach() is
	 * called when nothing is armed; then `fd` may be closed and the port is
	 * free. -ENOMEM. */
	int (*attach)(struct hl_backend *backend, uint32_t slot, int fd,
		      enum hl_pool_kind pool, size_t control_space);
	void (*detach)(struct hl_backend *backend, uint32_t slot);

	/* Queues requests for the next wait(). disarm() ends what it names
	 * of what is armed: each still completes once, without `more`, also if
	 * it completed otherwise meanwhile. One of `what` at a time; -EBUSY: no
	 * room for it now, ask again in the next turn. */
	int (*arm)(struct hl_backend *backend, uint32_t slot, unsigned what);
	int (*disarm)(struct hl_backend *backend, uint32_t slot, unsigned what);

	/* Gives buffers to the pool that receptions take them from. */
	void (*provide)(struct hl_backend *backend, enum hl_pool_kind pool,
			const uint32_t *ids, uint32_t count);

	/* Queues sends in order, as many as there is room for, and returns how
	 * many; call wait() to make room. The k-th has the token `token` + k.
	 * Message memory must live until that wait() has returned. */
	uint32_t (*send)(struct hl_backend *backend, uint32_t slot,
			 const struct hail_message *messages, uint32_t count,
			 uint32_t token);

	/* The same for sends that may be more than that, also of different
	 * sockets. Their tokens ascend. The sends may be forgotten at once,
	 * what they point to must live as the messages. */
	uint32_t (*send_each)(struct hl_backend *backend,
			      const struct hl_backend_send *sends,
			      uint32_t count);

	/* Submits all that is queued, waits for at least one completion or the
	 * timeout, and writes up to `capacity` completions, oldest first.
	 * What comes within the first `batch_ns` of the wait doesn't end it
	 * before these, or the timeout, are over, unless it is `capacity`.
	 * Returns their number; a signal ends the wait like a timeout. What
	 * could not be submitted for want of memory stays queued, but for
	 * sends: these fail with -EAGAIN. A negative errno: the backend is
	 * broken. */
	int (*wait)(struct hl_backend *backend, int64_t timeout_ns,
		    uint64_t batch_ns, struct hl_completion *out,
		    uint32_t capacity);
	/* More of the completions that are here already; it waits for none. */
	uint32_t (*reap)(struct hl_backend *backend, struct hl_completion *out,
			 uint32_t capacity);

	/* Whether a wait() would submit anything, or find what the watched
	 * descriptor doesn't tell. */
	bool (*queued)(const struct hl_backend *backend);

	/* Somebody's own loop watches `fd` from now on. */
	void (*watch)(struct hl_backend *backend);
	/* Ends a wait() that is under way, or else the next, when its batch_ns
	 * are over. Any thread and signal handlers. */
	void (*wake)(struct hl_backend *backend);

	/* Bytes that the kernel holds in the socket's send buffer: it only
	 * shrinks by itself, so the answer stays an upper bound until the next
	 * send. -errno. */
	int64_t (*outstanding)(struct hl_backend *backend, uint32_t slot);

	/* Takes the oldest record of the socket's error queue into the spaces
	 * that `record` points to, as recvmsg() does; that of the payload may
	 * be none. 0; -EAGAIN: there is none; -errno. */
	int (*take_error)(struct hl_backend *backend, uint32_t slot,
			  struct msghdr *record);
};

extern const struct hl_backend_ops hl_uring_ops;

#endif
