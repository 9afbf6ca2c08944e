/* SPDX-License-Identifier: MIT */
/* send_drain.c: drain, once after a refusal, when what is in flight has fallen
 * to the low-water mark. */
#include "send_drain.h"

#include "core.h"
#include "socket.h"
#include "util/trace.h"

#include <errno.h>

static bool due(const struct hail_socket *socket)
{
	return socket->owed && socket->in_flight <= socket->low_water &&
	       hl_list_empty(&socket->starved);
}

void hl_send_drain_check(struct hail_socket *socket)
{
	if (!due(socket))
		return;
	hl_list_append_once(&socket->engine->draining, &socket->draining);
	hl_core_touch(socket->engine);
}

void hl_send_drain_feed(struct hail_engine *engine)
{
	struct hl_list starved;

	hl_list_init(&starved);
	hl_list_splice(&starved, &engine->starved);
	while (!hl_list_empty(&starved)) {
		struct hail_socket *socket = hl_list_entry(
			starved.next, struct hail_socket, starved);

		hl_list_unlink(&socket->starved);
		if (hl_send_memory_available(&engine->memory, socket->wanted))
			hl_send_drain_check(socket);
		else
			hl_list_append(&engine->starved, &socket->starved);
	}
}

uint32_t hl_send_drain_tell(struct hail_engine *engine)
{
	struct hl_list draining;
	uint32_t told = 0;

	hl_send_drain_feed(engine);
	hl_list_init(&draining);
	hl_list_splice(&draining, &engine->draining);
	while (!hl_list_empty(&draining)) {
		struct hail_socket *socket = hl_list_entry(
			draining.next, struct hail_socket, draining);

		hl_list_unlink(&socket->draining);
		/* Refused again meanwhile: then it comes later. */
		if (!due(socket))
			continue;
		socket->owed = false;
		socket->traffic.drains++;
		hl_trace1(drain, socket);
		if (socket->handlers.drain)
			socket->handlers.drain(socket);
		told++;
	}
	return told;
}

void hl_send_drain_owe(struct hail_socket *socket, size_t wanted)
{
	socket->traffic.refused++;
	socket->owed = true;
	if (wanted == SIZE_MAX) {
		hl_trace2(refuse, socket, EAGAIN);
	} else {
		hl_trace2(refuse, socket, ENOBUFS);
		socket->wanted = wanted;
		if (hl_list_empty(&socket->engine->starved))
			hl_log_no_block(socket, wanted);
		hl_list_append_once(&socket->engine->starved, &socket->starved);
	}
	hl_send_drain_check(socket);
}

void hl_send_drain_forget(struct hail_socket *socket)
{
	hl_list_unlink(&socket->draining);
	hl_list_unlink(&socket->starved);
	socket->owed = false;
}
