/* SPDX-License-Identifier: MIT */
/* sim_state.h: a sim's state, which the files of the backend share. */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include "sim.h"

#include <pthread.h>
#include <stdatomic.h>

#define SIM_SLOTS_MAX 1024
#define SIM_RULES_MAX 16
#define SIM_POOL_MAX 32768

/* An array that grows; `T *items` with a count and a capacity. */
#define VECTOR(T)                                                              \
	struct {                                                               \
		T *items;                                                      \
		size_t count, capacity;                                        \
	}
#define PUSH(vector)                                                           \
	((vector)->items =                                                     \
		 sim_grow((vector)->items, (vector)->count,                    \
			  &(vector)->capacity, sizeof(*(vector)->items)),      \
	 &(vector)->items[(vector)->count++])

/* What waits in a socket to be received. */
struct arrival {
	struct hail_addr from;
	unsigned char *data;
	size_t size;
	uint16_t segment; /* of a coalesced one; 0 */
	int error;
};

/* A request that stays armed, on its way. */
enum stage { IDLE, QUEUED, LIVE, ENDED };

struct armed {
	enum stage stage; /* ENDED: the last completion isn't handed out yet */
	bool cancelling;
	unsigned delay; /* waits until it completes or is cancelled */
};

struct slot {
	bool attached;
	int fd;
	uint32_t life;
	enum hl_pool_kind pool;
	size_t control_space;
	struct armed receive, writable, error;
	bool end_next;
	VECTOR(struct arrival) arrivals;
	size_t arrived; /* of these, taken */
	VECTOR(struct sim_record) records;
	size_t recorded; /* of these, taken */
	bool news;       /* some came that the poll hasn't told of */
	/* The way out. */
	int pending; /* error that fails the next send */
	bool stopped;
	uint32_t credit;
	size_t capacity; /* 0: as the socket has it */
	size_t booked;
	VECTOR(size_t) held; /* what each datagram in the buffer books */
	size_t moved;        /* of these, gone */
};

enum request_kind { REQUEST_ARM, REQUEST_DISARM, REQUEST_SEND };

struct request {
	enum request_kind kind;
	uint32_t slot;
	unsigned what;
	uint32_t token;
	struct hail_message message;
	const struct hl_cmsg *control; /* NULL: none */
	/* Of a train, whose bytes the message doesn't tell. */
	uint16_t segment; /* 0: it is a plain send */
	uint32_t piece_count;
	struct iovec *pieces; /* a copy */
	uint8_t loan;         /* 0: it isn't lent */
	uint64_t checksum;
};

struct answer {
	struct hl_completion completion;
	uint32_t slot;
};

struct rule {
	uint32_t slot;
	int code;
	uint32_t skip, count;
};

struct pool {
	struct hl_backend_pool memory;
	uint32_t *ring; /* ids, oldest first */
	uint32_t head, count;
	bool *provided;
};

struct sim {
	struct hl_backend backend;
	struct hl_backend_config config;
	struct pool pools[HL_POOL_KINDS];
	struct slot slots[SIM_SLOTS_MAX];
	uint32_t slot_end; /* one past the largest that was used */
	uint32_t lives;
	bool open, started, closed;
	pthread_t thread;
	atomic_bool woken;
	bool expect_wakes;
	uint64_t batch_ns; /* of the latest wait */
	int broken;        /* what each wait() fails with; 0 */
	bool overflowed;
	VECTOR(struct request) requests;
	size_t sends_queued;
	VECTOR(struct answer) answers;
	VECTOR(struct sim_sent) sent;
	VECTOR(struct request) lent; /* that aren't back */
	unsigned lent_count;         /* that were lent so far */
	bool lend_hold, lend_copied;
	int lend_code;
	unsigned trains;      /* sends that were taken */
	uint32_t segment_max; /* longer ones are refused */
	int segment_code;
	uint32_t segments_max; /* of a train */
	/* What the test wants. */
	uint64_t random;
	struct sim_chaos chaos;
	struct rule rules[SIM_RULES_MAX];
	unsigned rule_count;
	int (*judge)(void *, uint32_t, const struct hail_message *);
	void *judge_arg;
	void (*each_wait)(struct sim *, void *);
	void *each_wait_arg;
	int call_code[SIM_CALLS];
	uint32_t call_skip[SIM_CALLS];
	/* What happened. */
	unsigned faults, waits, failures;
	char fault_text[256];
};

/* ---- sim_test.c ---- */

void *sim_grow(void *items, size_t count, size_t *capacity, size_t size);
__attribute__((format(printf, 2, 3))) void sim_fault(struct sim *sim,
						     const char *format, ...);
bool sim_chance(struct sim *sim, unsigned percent);
void sim_ring_bell(const struct sim *sim);

/* ---- sim_kernel.c ---- */

uint64_t sim_checksum(const struct hail_message *message);
unsigned sim_pending_arrivals(const struct slot *s);
size_t sim_capacity_of(const struct slot *s);
/* Whether the socket has UDP_GRO on. */
bool sim_coalesces(const struct slot *s);
/* Takes the oldest `count` datagrams from the send buffer. */
void sim_move_link(struct slot *s, uint32_t count);
/* Forgets what waits in the socket, either way. */
void sim_drop_arrivals(struct slot *s);
/* One wait's worth of time for all that is delayed. */
void sim_pass_time(struct sim *sim);
/* Whether something comes nearer with each wait. */
bool sim_moving(const struct sim *sim);
/* Whether a wait() would find something at once. */
bool sim_is_due(const struct sim *sim);
/* Carries out what is queued. */
void sim_submit(struct sim *sim);
/* Lets every socket do what it can. */
void sim_look_at_all(struct sim *sim);
uint32_t sim_hand_out(struct sim *sim, struct hl_completion *out,
		      uint32_t capacity);

/* sim_train.c: what is to be sent, in pieces, and cut into segments. */
void sim_request_fill(struct sim *sim, struct request *r,
		      const struct hl_backend_send *send);
uint64_t sim_request_checksum(const struct request *r);
/* Whether it asks for segments that are refused. */
bool sim_request_too_long(const struct sim *sim, const struct request *r);
bool sim_request_too_many(const struct sim *sim, const struct request *r);
/* Whether some of it lies in a buffer that the kernel may write to. */
bool sim_request_given_back(const struct sim *sim, const struct request *r);
/* One datagram of it: `size` bytes from an offset on, copied to `out`; returns
 * where the first of them lay. */
const void *sim_request_copy(const struct request *r, size_t offset,
			     size_t size, unsigned char *out);
/* sim_lend.c: a lent send is queued; is taken; or fails: then it is told
 * whether its memory comes back by itself. */
void sim_lend_check(struct sim *sim, const struct request *r);
void sim_lend_take(struct sim *sim, const struct request *r);
bool sim_lend_fail(struct sim *sim, const struct request *r, int code);
/* What was queued is over. */
void sim_forget_requests(struct sim *sim);

#endif
