/* SPDX-License-Identifier: MIT */
/*
 * uring_wait.c: the one system call of a turn, and what it brings.
 *
 * With DEFER_TASKRUN completions appear only when the owner enters with
 * GETEVENTS; what it submits is tried before the call returns either way.
 */
#include "uring.h"

#include "util/clock.h"
#include "util/trace.h"

#include <errno.h>

/* Looks of a spinning engine for one at the clock. */
#define HL_URING_LOOKS 16

/* Without a timeout a minimum wait ends the whole wait (6.18), so for ever is a
 * year. */
#define HL_URING_FOREVER_S (365 * INT64_C(86400))

/* struct io_uring_getevents_arg, of which older headers lack the minimum. */
struct wait_arg {
	uint64_t sigmask;
	uint32_t sigmask_size;
	uint32_t minimum_us; /* Linux 6.12 */
	uint64_t timeout;
};

static uint32_t unsubmitted(const struct hl_uring *uring)
{
	const struct io_uring_sq *sq = &uring->ring.sq;

	return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

/* One call. What is in the submission queue stays there if it fails. The
 * result is that of the system call. */
static int call(struct hl_uring *uring, unsigned min_complete, unsigned flags,
		struct wait_arg *arg)
{
	struct io_uring *ring = &uring->ring;
	uint32_t count = unsubmitted(uring);
	int result;

	/* The index array is the identity since open. */
	io_uring_smp_store_release(ring->sq.ktail, ring->sq.sqe_tail);
	if (uring->registered)
		flags |= IORING_ENTER_REGISTERED_RING;
	hl_trace2(submit, uring->base.owner, count);
	result = io_uring_enter2((unsigned)ring->enter_ring_fd, count,
				 min_complete,
				 flags | (arg ? IORING_ENTER_EXT_ARG : 0),
				 (void *)arg, arg ? sizeof(*arg) : 0);
	uring->base.counters.enters++;
	if (result > 0)
		uring->base.counters.submissions += (uint32_t)result;
	return result;
}

/* The call gave no answer that matters: a timeout, a signal, or completions
 * that must be taken first. */
static bool passing(int error)
{
	return error == -ETIME || error == -EINTR || error == -EBUSY ||
	       error == -EBADR;
}

/* A short submission has left entries behind; the kernel takes them next
 * time, or says why not. */
int hl_uring_submit(struct hl_uring *uring)
{
	while (unsubmitted(uring)) {
		int result = call(uring, 0, 0, NULL);

		if (result < 0 && result != -EINTR)
			return result;
	}
	return 0;
}

static bool overflowed(const struct hl_uring *uring)
{
	return *(volatile unsigned *)uring->ring.sq.kflags &
	       IORING_SQ_CQ_OVERFLOW;
}

/* Whether an enter would bring more, as the shared flags tell. */
static bool deferred(const struct hl_uring *uring)
{
	return *(volatile unsigned *)uring->ring.sq.kflags &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* One look takes a bounded part of what waits: who watches must come back. */
bool hl_uring_queued(const struct hl_backend *backend)
{
	const struct hl_uring *uring =
		(const struct hl_uring *)(const void *)backend;

	return unsubmitted(uring) > 0 || !uring->wake_armed ||
	       (uring->watched && deferred(uring));
}

/* Whether there is something to take, now or by an enter. */
static bool pending(const struct hl_uring *uring)
{
	const struct io_uring_cq *cq = &uring->ring.cq;

	return deferred(uring) ||
	       *cq->khead != io_uring_smp_load_acquire(cq->ktail);
}

/* Looks without sleeping, for as long as the options say; mostly at shared
 * memory, since a look at the clock takes longer. Returns what is left of the
 * timeout: nothing, once there is something to take. */
static int64_t spin(struct hl_uring *uring, int64_t timeout_ns)
{
	uint64_t span = uring->spin_ns;
	uint64_t start, spent;

	if (timeout_ns >= 0 && (uint64_t)timeout_ns < span)
		span = (uint64_t)timeout_ns;
	start = hl_clock_now();
	do {
		for (int look = 0; look < HL_URING_LOOKS; look++) {
			uring->base.counters.spins++;
			if (!pending(uring))
				continue;
			uring->base.counters.spin_hits++;
			return 0;
		}
		spent = hl_clock_now() - start;
	} while (spent < span);
	if (timeout_ns < 0)
		return timeout_ns;
	return spent < (uint64_t)timeout_ns ? timeout_ns - (int64_t)spent : 0;
}

/* Submits and waits for so many completions; after the minimum wait one
 * suffices. */
static int wait_for(struct hl_uring *uring, uint32_t count, uint64_t minimum_ns,
		    int64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = HL_URING_FOREVER_S};
	struct wait_arg arg = {
		.minimum_us = (uint32_t)(minimum_ns / HL_NS_PER_US),
		.timeout = (uint64_t)(uintptr_t)&ts,
	};

	if (timeout_ns >= 0) {
		ts.tv_sec = timeout_ns / (int64_t)HL_NS_PER_S;
		ts.tv_nsec = timeout_ns % (int64_t)HL_NS_PER_S;
	}
	uring->base.counters.sleeps++;
	return call(uring, count, IORING_ENTER_GETEVENTS,
		    timeout_ns < 0 && !minimum_ns ? NULL : &arg);
}

/* The minimum wait, where the kernel has none. */
static int wait_twice(struct hl_uring *uring, uint32_t count,
		      uint64_t minimum_ns, int64_t timeout_ns)
{
	uint64_t start = hl_clock_now(), spent;
	int result = wait_for(uring, 1, 0, timeout_ns);

	spent = hl_clock_now() - start;
	if (result < 0 || spent >= minimum_ns)
		return result;
	return wait_for(uring, count, 0, (int64_t)(minimum_ns - spent));
}

/* Completions of one multishot reception count as one until they are taken,
 * so many sockets may end this early, but one does not (6.18). Neither does
 * anything else but a signal, also not the timeout. */
static int wait_batch(struct hl_uring *uring, uint32_t count, uint64_t batch_ns,
		      int64_t timeout_ns)
{
	if (timeout_ns >= 0 && (uint64_t)timeout_ns < batch_ns)
		batch_ns = (uint64_t)timeout_ns;
	if (batch_ns < HL_NS_PER_US)
		return wait_for(uring, 1, 0, timeout_ns);
	uring->base.counters.batch_waits++;
	return uring->base.batch_error
		       ? wait_twice(uring, count, batch_ns, timeout_ns)
		       : wait_for(uring, count, batch_ns, timeout_ns);
}

static int enter(struct hl_uring *uring, int64_t timeout_ns, uint64_t batch_ns,
		 uint32_t capacity)
{
	int result;

	if (timeout_ns == HL_WAIT_SUBMIT)
		return hl_uring_submit(uring);
	if (timeout_ns && uring->spin_ns) {
		int err = hl_uring_submit(uring);

		if (err)
			return err;
		timeout_ns = spin(uring, timeout_ns);
	}
	if (timeout_ns)
		result = wait_batch(uring, capacity, batch_ns, timeout_ns);
	else
		result = call(uring, 0, IORING_ENTER_GETEVENTS, NULL);
	if (result < 0 && !passing(result))
		return result;
	return hl_uring_submit(uring);
}

/* The kernel doesn't take what is queued. Requests that arm and
 * disarm stay for next time; sends must be over now, since their memory is
 * the caller's again. */
static void revoke_sends(struct hl_uring *uring)
{
	struct io_uring_sq *sq = &uring->ring.sq;
	unsigned head = io_uring_smp_load_acquire(sq->khead);

	uring->revoked_next = uring->revoked_end = 0;
	for (; head != sq->sqe_tail; head++) {
		struct io_uring_sqe *sqe = &sq->sqes[head & sq->ring_mask];

		uint64_t kind = sqe->user_data >> HL_URING_KIND_SHIFT;

		if (kind != HL_URING_SEND && kind != HL_URING_LENT)
			continue;
		uring->revoked[uring->revoked_end++] =
			hl_uring_token(sqe->user_data);
		io_uring_prep_nop(sqe);
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = hl_uring_tag(HL_URING_IGNORE, 0);
	}
}

int hl_uring_wait(struct hl_backend *backend, int64_t timeout_ns,
		  uint64_t batch_ns, struct hl_completion *out,
		  uint32_t capacity)
{
	struct hl_uring *uring = hl_uring_of(backend);
	int err;

	/* Before looking, so that what comes after it is told. */
	if (uring->watched && timeout_ns != HL_WAIT_SUBMIT)
		hl_uring_unwatch(uring);
	/* Without it a wait could not be ended. */
	if (timeout_ns != HL_WAIT_SUBMIT && hl_uring_arm_wake(uring))
		timeout_ns = 0;
	err = enter(uring, timeout_ns, batch_ns, capacity);
	if (err)
		revoke_sends(uring);
	if (err && err != -EAGAIN && err != -ENOMEM) {
		/* Nobody asks for their outcome any more. */
		uring->revoked_end = uring->revoked_next;
		return err;
	}
	return (int)hl_uring_reap(backend, out, capacity);
}

/* An answer that is the backend's own. */
static void note(struct hl_uring *uring, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data >> HL_URING_KIND_SHIFT != HL_URING_WAKE)
		return;
	/* From now on another wake() writes again; what it is for is looked
	 * at after this. */
	atomic_store(&uring->waking, false);
	uring->wake_armed = cqe->flags & IORING_CQE_F_MORE;
}

static uint32_t take(struct hl_uring *uring, struct hl_completion *out,
		     uint32_t capacity)
{
	struct io_uring_cq *cq = &uring->ring.cq;
	const struct io_uring_cqe *cqes = cq->cqes;
	unsigned mask = cq->ring_mask;
	unsigned first = *cq->khead, head = first;
	unsigned tail = io_uring_smp_load_acquire(cq->ktail);
	uint32_t count = 0;

	for (; count < capacity && head != tail; head++) {
		const struct io_uring_cqe *cqe = &cqes[head & mask];
		uint64_t kind = cqe->user_data >> HL_URING_KIND_SHIFT;

		if (kind == HL_URING_LENT) {
			count += hl_uring_take_lent(uring, cqe, &out[count]);
			continue;
		}
		if (kind > HL_URING_SEND) {
			note(uring, cqe);
			continue;
		}
		if (kind == HL_URING_WRITABLE)
			hl_uring_watch_slot(uring, (uint32_t)cqe->user_data,
					    false);
		out[count].kind = (uint8_t)kind;
		out[count].more = cqe->flags & IORING_CQE_F_MORE;
		out[count].result = cqe->res;
		out[count].id = (uint32_t)cqe->user_data;
		out[count].buffer =
			cqe->flags & IORING_CQE_F_BUFFER
				? cqe->flags >> IORING_CQE_BUFFER_SHIFT
				: HL_BUFFER_NONE;
		count++;
	}
	uring->base.counters.completions += head - first;
	io_uring_smp_store_release(cq->khead, head);
	return count;
}

uint32_t hl_uring_reap(struct hl_backend *backend, struct hl_completion *out,
		       uint32_t capacity)
{
	struct hl_uring *uring = hl_uring_of(backend);
	uint32_t count = take(uring, out, capacity);

	while (uring->revoked_next < uring->revoked_end && count < capacity)
		out[count++] = (struct hl_completion){
			.kind = HL_COMPLETION_SEND,
			.result = -EAGAIN,
			.id = uring->revoked[uring->revoked_next++],
		};
	/* What found the queue full waits in the kernel and comes with the
	 * next look. */
	while (count < capacity && overflowed(uring)) {
		uring->base.counters.overflows++;
		out[count++] = (struct hl_completion){
			.kind = HL_COMPLETION_OVERFLOW,
		};
		if (call(uring, 0, IORING_ENTER_GETEVENTS, NULL) < 0)
			break;
		count += take(uring, out + count, capacity - count);
	}
	return count;
}
