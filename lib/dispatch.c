/* SPDX-License-Identifier: MIT */
/* dispatch.c: from completions to sockets; no handler runs here. */
#include "dispatch.h"

#include "core.h"
#include "lend.h"
#include "notice.h"
#include "recv.h"
#include "socket.h"
#include "util/clock.h"
#include "util/trace.h"

/* One that isn't about a datagram that came. */
static void dispatch_other(struct hail_engine *engine,
			   const struct hl_completion *completion)
{
	uint32_t id = completion->id;

	switch (completion->kind) {
	case HL_COMPLETION_SEND:
		hl_flight_failed(&engine->flight, id, completion->result);
		if (!completion->more)
			hl_lend_never(engine, id);
		break;
	case HL_COMPLETION_BACK:
		hl_lend_back(engine, id, completion->result);
		break;
	case HL_COMPLETION_WRITABLE:
		hl_socket_writable(hl_socket_table_at(&engine->sockets, id),
				   completion->result);
		break;
	case HL_COMPLETION_ERROR:
		hl_notice_complete(hl_socket_table_at(&engine->sockets, id),
				   completion);
		break;
	case HL_COMPLETION_OVERFLOW:
		hl_log_overflow(engine);
		break;
	}
}

/* Files the first of the completions, and those after it that go the same
 * way; returns how many. */
static uint32_t dispatch(struct hail_engine *engine,
			 const struct hl_completion *completions,
			 uint32_t count)
{
	if (completions->kind == HL_COMPLETION_RECEIVE)
		return hl_recv_complete(
			hl_socket_table_at(&engine->sockets, completions->id),
			completions, count);
	dispatch_other(engine, completions);
	return 1;
}

/* How long a wait should go on for more. Only engines with the option look at
 * the clock for it. */
static uint64_t batch_time(struct hail_engine *engine, int64_t timeout_ns)
{
	bool rearming = engine->rearming;
	uint64_t chosen;

	if (timeout_ns == HL_WAIT_SUBMIT)
		return 0;
	engine->rearming = false;
	if (!engine->batch_wait.limit_ns || timeout_ns == 0)
		return 0;
	chosen = hl_batch_wait_choose(&engine->batch_wait, hl_clock_now());
	/* A socket that is armed anew may be ended at once by the next empty
	 * datagram, and be deaf as long as the wait goes on. Who closes waits
	 * for an answer. */
	return rearming || !hl_list_empty(&engine->closing) ? 0 : chosen;
}

static int wait(struct hail_engine *engine, int64_t timeout_ns)
{
	struct hl_backend *backend = engine->backend;
	uint64_t batch_ns = batch_time(engine, timeout_ns);
	uint64_t batch_waits = backend->counters.batch_waits;
	int count = backend->ops->wait(backend, timeout_ns, batch_ns,
				       engine->completions, HL_COMPLETIONS_MAX);

	/* It doesn't take place where spinning finds something before, and says
	 * nothing where a timer cut it short. */
	if (count >= 0 && backend->counters.batch_waits != batch_waits &&
	    (timeout_ns < 0 || (uint64_t)timeout_ns >= batch_ns))
		hl_batch_wait_judge(&engine->batch_wait, (uint32_t)count);
	return count;
}

int hl_dispatch_wait(struct hail_engine *engine, int64_t timeout_ns)
{
	struct hl_backend *backend = engine->backend;
	struct hl_completion *completions = engine->completions;
	int count = wait(engine, timeout_ns);

	if (count < 0) {
		hl_log_broken(engine, count);
		return count;
	}
	for (;;) {
		hl_trace2(complete, engine, count);
		hl_batch_wait_note(&engine->batch_wait, (uint32_t)count);
		for (uint32_t i = 0; i < (uint32_t)count;)
			i += dispatch(engine, &completions[i],
				      (uint32_t)count - i);
		if (count < HL_COMPLETIONS_MAX)
			return 0;
		count = (int)backend->ops->reap(backend, completions,
						HL_COMPLETIONS_MAX);
	}
}
