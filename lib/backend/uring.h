/* SPDX-License-Identifier: MIT */
/* uring.h: the io_uring backend's own state, shared by its files. */
#ifndef HL_BACKEND_URING_H
#define HL_BACKEND_URING_H

#include "backend/backend.h"

#include <liburing.h>
#include <stdatomic.h>

/* What headers of liburing 2.3 lack; a macro's name is theirs, what is an enum
 * or a struct there has one of ours. */
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1U << 15)
#endif
#define HL_URING_REGISTER_NAPI 27

struct hl_uring_napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t pad[3];
	uint64_t reserved;
};

/* A request says in the high bits of its user data what it is, and in the low
 * 32 whose. The answers to those up to SEND are completions of that kind, the
 * others are the backend's own. */
enum hl_uring_kind {
	HL_URING_RECEIVE = HL_COMPLETION_RECEIVE,
	HL_URING_WRITABLE = HL_COMPLETION_WRITABLE,
	HL_URING_ERROR = HL_COMPLETION_ERROR,
	HL_URING_SEND = HL_COMPLETION_SEND,
	HL_URING_LENT, /* see uring_lend.c */
	HL_URING_WAKE,
	HL_URING_IGNORE,
};

#define HL_URING_KIND_SHIFT 32

static inline uint64_t hl_uring_tag(enum hl_uring_kind kind, uint32_t id)
{
	return (uint64_t)kind << HL_URING_KIND_SHIFT | id;
}

/* Which room receptions leave for control messages. */
enum hl_uring_spaces {
	HL_URING_NO_SPACE,
	HL_URING_SEGMENT_SPACE, /* for the size of pieces */
	HL_URING_FULL_SPACE,    /* for facts, and that */
	HL_URING_SPACES,
};

struct hl_uring_slot {
	int fd;
	uint8_t pool;
	bool fixed;       /* in the ring's file table, at the slot's number */
	bool writability; /* somebody waits for it */
	uint8_t spaces;   /* that receptions leave: enum hl_uring_spaces */
};

/* A send that is more than a plain one, by its token: the kernel reads it until
 * the enter is over. */
struct hl_uring_message {
	struct msghdr header;
	struct hl_cmsg control; /* where a segment size is among it */
};

struct hl_uring_pool {
	struct hl_backend_pool memory;
	struct io_uring_buf_ring *ring;
	size_t ring_size;
	uint16_t tail;
	bool registered;
};

struct hl_uring {
	struct hl_backend base;
	const struct hl_memory *memory;
	struct io_uring ring;
	bool ring_open;
	bool registered; /* the ring's own descriptor, with the ring */
	uint64_t spin_ns;
	uint32_t files; /* in the ring's table */
	struct hl_uring_slot *slots;
	uint32_t slot_count;
	struct hl_uring_pool pools[HL_POOL_KINDS];
	/* Of receptions: the spaces that they leave. */
	struct msghdr spaces[HL_URING_SPACES];
	struct hl_uring_message *messages;
	uint32_t message_count;

	/* Registered memory, whose numbers are those of the regions. */
	struct iovec *regions;
	uint32_t region_count;
	bool regions_refused; /* this kernel sends nothing from them */

	bool watched; /* see uring_watch.c */

	/* Tokens of sends that could not be submitted: they are told as
	 * failed. */
	uint32_t *revoked;
	uint32_t revoked_next, revoked_end;

	int wake_fd;
	bool wake_armed;
	atomic_bool waking; /* written to wake_fd and not yet seen */
};

static inline struct hl_uring *hl_uring_of(struct hl_backend *backend)
{
	return (struct hl_uring *)(void *)backend;
}

/* The setup flags that hail can't do without. */
#define HL_URING_FLAGS                                                         \
	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |             \
	 IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |                   \
	 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE)

/* A cleared entry of the submission queue; when it is full, what is in it is
 * submitted first. NULL: that failed. */
struct io_uring_sqe *hl_uring_sqe(struct hl_uring *uring);

int hl_uring_open_pool(struct hl_uring *uring, enum hl_pool_kind kind,
		       const struct hl_backend_pool *memory);
/* Registers the ring of buffers, if it isn't: the large one at once, the small
 * one with the first socket that wants it, since the kernel finds the only
 * one of a ring faster. */
int hl_uring_use_pool(struct hl_uring *uring, enum hl_pool_kind kind);
void hl_uring_close_pools(struct hl_uring *uring);
void hl_uring_provide(struct hl_backend *backend, enum hl_pool_kind kind,
		      const uint32_t *ids, uint32_t count);

int hl_uring_attach(struct hl_backend *backend, uint32_t slot, int fd,
		    enum hl_pool_kind pool, size_t control_space);
void hl_uring_detach(struct hl_backend *backend, uint32_t slot);
int hl_uring_arm(struct hl_backend *backend, uint32_t slot, unsigned what);
int hl_uring_disarm(struct hl_backend *backend, uint32_t slot, unsigned what);
int64_t hl_uring_outstanding(struct hl_backend *backend, uint32_t slot);
void hl_uring_use_slot(const struct hl_uring *uring, struct io_uring_sqe *sqe,
		       uint32_t slot);

uint32_t hl_uring_send(struct hl_backend *backend, uint32_t slot,
		       const struct hail_message *messages, uint32_t count,
		       uint32_t token);

uint32_t hl_uring_send_each(struct hl_backend *backend,
			    const struct hl_backend_send *sends,
			    uint32_t count);
/* uring_lend.c */
int hl_uring_open_regions(struct hl_uring *uring,
			  const struct hl_backend_config *config);
void hl_uring_close_regions(struct hl_uring *uring);
/* Makes a prepared SENDMSG one without a copy. */
void hl_uring_lend(struct hl_uring *uring, struct io_uring_sqe *sqe,
		   const struct hl_backend_send *send);
/* What is told of such a send. False: nothing. */
bool hl_uring_take_lent(struct hl_uring *uring, const struct io_uring_cqe *cqe,
			struct hl_completion *out);
/* The token in the user data of any send. */
uint32_t hl_uring_token(uint64_t user_data);

int hl_uring_take_error(struct hl_backend *backend, uint32_t slot,
			struct msghdr *record);

int hl_uring_wait(struct hl_backend *backend, int64_t timeout_ns,
		  uint64_t batch_ns, struct hl_completion *out,
		  uint32_t capacity);
uint32_t hl_uring_reap(struct hl_backend *backend, struct hl_completion *out,
		       uint32_t capacity);
bool hl_uring_queued(const struct hl_backend *backend);
void hl_uring_wake(struct hl_backend *backend);
void hl_uring_watch(struct hl_backend *backend);
/* Once watched: keeps the descriptor's set of sockets, and takes back what it
 * has told. */
void hl_uring_watch_slot(struct hl_uring *uring, uint32_t slot,
			 bool writability);
void hl_uring_forget_slot(struct hl_uring *uring, uint32_t slot);
void hl_uring_unwatch(struct hl_uring *uring);
int hl_uring_arm_wake(struct hl_uring *uring);
int hl_uring_submit(struct hl_uring *uring);

#endif
