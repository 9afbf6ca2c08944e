/* SPDX-License-Identifier: MIT */
/* dispatch.c: from completions to sockets; no handler runs here. */
#include "dispatch.h"

#include "core.h"
#include "recv.h"
#include "socket.h"

/* Files the first of the completions, and those after it that go the same
 * way; returns how many. */
static uint32_t dispatch(struct hail_engine *engine,
			 const struct hl_completion *completions,
			 uint32_t count)
{
	struct hail_socket *socket;

	if (completions->kind == HL_COMPLETION_SEND) {
		hl_flight_failed(&engine->flight, completions->id,
				 completions->result);
		return 1;
	}
	socket = hl_socket_table_at(&engine->sockets, completions->id);
	if (completions->kind == HL_COMPLETION_RECEIVE)
		return hl_recv_complete(socket, completions, count);
	hl_socket_writable(socket, completions->result);
	return 1;
}

int hl_dispatch_wait(struct hail_engine *engine, int64_t timeout_ns)
{
	struct hl_backend *backend = engine->backend;
	struct hl_completion *completions = engine->completions;
	int count = backend->ops->wait(backend, timeout_ns, completions,
				       HL_COMPLETIONS_MAX);

	if (count < 0)
		return count;
	for (;;) {
		for (uint32_t i = 0; i < (uint32_t)count;)
			i += dispatch(engine, &completions[i],
				      (uint32_t)count - i);
		if (count < HL_COMPLETIONS_MAX)
			return 0;
		count = (int)backend->ops->reap(backend, completions,
						HL_COMPLETIONS_MAX);
	}
}
