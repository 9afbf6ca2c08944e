/* SPDX-License-Identifier: MIT */
/*
 * notice.c: the error queue, read when a poll says that it holds something.
 *
 * The kernel keeps an ICMP message twice: as a record in the queue, and as an
 * error that fails the next call on the socket. Reading the record takes the
 * error back, so it is done as soon as may be; what failed meanwhile is sent
 * again (send_queue.c).
 */
#include "notice.h"

#include "core.h"
#include "net/errqueue.h"
#include "socket.h"
#include "stamp.h"

#include <errno.h>

void hl_notice_complete(struct hail_socket *socket,
			const struct hl_completion *completion)
{
	if (!completion->more) {
		socket->armed &= (uint8_t)~HL_ARM_ERROR;
		socket->disarming &= (uint8_t)~HL_ARM_ERROR;
		hl_socket_want_armed(socket);
	}
	if (socket->state != HL_SOCKET_CLOSING)
		hl_list_append_once(&socket->engine->noticing,
				    &socket->noticing);
}

/* What the kernel queues besides is for a reader that asked for it. */
static bool asked_for(const struct hail_socket *socket,
		      const struct hail_error *error)
{
	return error->kind == HAIL_ERROR_TXTIME ? socket->txtime
						: socket->errors;
}

/* Returns how many handlers were called: none for an error, which comes by
 * way of the failures. */
static uint32_t tell(struct hail_socket *socket, const struct msghdr *record)
{
	struct hail_socket *owner = hl_socket_owner(socket);
	struct hl_errqueue_stamp stamp;
	struct hail_error error;
	int kind;

	if (socket->state != HL_SOCKET_OPEN)
		return 0;
	kind = hl_errqueue_parse(&error, &stamp, record->msg_name,
				 record->msg_namelen, record->msg_control,
				 record->msg_controllen);
	if (kind == HL_ERRQUEUE_STAMP)
		return hl_stamp_tell(socket, &stamp);
	if (kind != HL_ERRQUEUE_ERROR || !asked_for(socket, &error))
		return 0;
	if (hl_echo_take(socket, &error))
		return 0;
	if (error.remote.sa.sa_family == AF_UNSPEC)
		error.remote = socket->remote;
	hl_failure_report(owner, &error);
	return 0;
}

/* Takes the oldest record; false: there is none. */
static bool take_one(struct hail_socket *socket, uint32_t *told)
{
	struct hl_backend *backend = socket->engine->backend;
	_Alignas(8) unsigned char control[HL_ERRQUEUE_SPACE];
	struct hail_addr name;
	struct msghdr record = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	if (backend->ops->take_error(backend, socket->slot, &record))
		return false;
	*told += tell(socket, &record);
	return true;
}

/* As many as the budget allows; the rest waits for the next turn. */
static uint32_t read_queue(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;
	uint32_t budget = engine->options.budget;
	uint32_t told = 0;

	/* A handler may close the socket. */
	while (socket->state != HL_SOCKET_CLOSING) {
		if (!budget--) {
			hl_list_append_once(&engine->noticing,
					    &socket->noticing);
			break;
		}
		if (!take_one(socket, &told)) {
			hl_echo_forget(socket);
			break;
		}
	}
	return told;
}

uint32_t hl_notice_tell(struct hail_engine *engine)
{
	struct hl_list due;
	uint32_t told = 0;

	hl_list_init(&due);
	hl_list_splice(&due, &engine->noticing);
	while (!hl_list_empty(&due)) {
		struct hail_socket *socket =
			hl_list_entry(due.next, struct hail_socket, noticing);

		hl_list_unlink(&socket->noticing);
		told += read_queue(socket);
	}
	return told;
}

void hl_notice_forget(struct hail_socket *socket)
{
	hl_list_unlink(&socket->noticing);
	hl_echo_forget(socket);
}
