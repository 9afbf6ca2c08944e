/* SPDX-License-Identifier: MIT */
/* failure.c: records of errors, from where they were seen to the handler. */
#include "failure.h"

#include "core.h"
#include "socket.h"

#include <errno.h>

int hl_failures_init(struct hl_failures *failures,
		     const struct hl_memory *memory, uint32_t count)
{
	hl_list_init(&failures->free);
	failures->memory = memory;
	failures->count = count;
	failures->records =
		hl_memory_allocate(memory, count, sizeof(*failures->records));
	if (!failures->records)
		return -ENOMEM;
	failures->available = count;
	for (uint32_t i = 0; i < count; i++)
		hl_list_append(&failures->free, &failures->records[i].link);
	return 0;
}

void hl_failures_fini(struct hl_failures *failures)
{
	hl_memory_release(failures->memory, failures->records, failures->count,
			  sizeof(*failures->records));
}

void hl_failure_report(struct hail_socket *socket,
		       const struct hail_error *error)
{
	struct hail_engine *engine = socket->engine;
	struct hl_failures *failures = &engine->failures;
	struct hl_failure *failure;
	/* A record is kept for each send of the submission under way: what the
	 * network says of a remote may be lost, a datagram's outcome not. */
	uint32_t kept =
		error->kind == HAIL_ERROR_SEND ? 0 : engine->flight.count;

	if (!socket->handlers.error && socket->state == HL_SOCKET_OPEN)
		hl_log_untold(socket, error);
	/* Nobody to tell: the counters have it. */
	if (!socket->handlers.error || socket->state == HL_SOCKET_CLOSING ||
	    failures->available <= kept)
		return;
	failure = hl_list_entry(failures->free.next, struct hl_failure, link);
	hl_list_unlink(&failure->link);
	failures->available--;
	failure->error = *error;
	hl_list_append(&socket->failures, &failure->link);
	hl_list_append_once(&engine->failing, &socket->failing);
	hl_core_touch(engine);
}

static struct hail_error take_first(struct hail_socket *socket)
{
	struct hl_failures *failures = &socket->engine->failures;
	struct hl_failure *failure =
		hl_list_entry(socket->failures.next, struct hl_failure, link);

	hl_list_unlink(&failure->link);
	hl_list_append(&failures->free, &failure->link);
	failures->available++;
	return failure->error;
}

static uint32_t tell_socket(struct hail_socket *socket)
{
	uint32_t told = 0;

	/* A handler that closes the socket empties the list. */
	while (!hl_list_empty(&socket->failures)) {
		struct hail_error error = take_first(socket);

		if (socket->handlers.error)
			socket->handlers.error(socket, &error);
		told++;
	}
	hl_socket_settle(socket);
	return told;
}

uint32_t hl_failure_tell(struct hail_engine *engine)
{
	struct hl_list due;
	uint32_t told = 0;

	hl_list_init(&due);
	hl_list_splice(&due, &engine->failing);
	while (!hl_list_empty(&due)) {
		struct hail_socket *socket =
			hl_list_entry(due.next, struct hail_socket, failing);

		hl_list_unlink(&socket->failing);
		told += tell_socket(socket);
	}
	return told;
}

void hl_failure_forget(struct hail_socket *socket)
{
	while (!hl_list_empty(&socket->failures))
		take_first(socket);
	hl_list_unlink(&socket->failing);
}
