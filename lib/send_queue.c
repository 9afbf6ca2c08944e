/* SPDX-License-Identifier: MIT */
/*
 * send_queue.c: messages in flight: held in a socket's queue, oldest first,
 * until an enter of the engine has given them to the kernel.
 *
 * A message stays in the queue while it is submitted, so one that the kernel
 * pushes back is still in its place.
 */
#include "send_queue.h"

#include "core.h"
#include "dispatch.h"
#include "net/sndbuf.h"
#include "net/sockopt.h"
#include "send_check.h"
#include "send_drain.h"
#include "socket.h"
#include "stamp.h"

static struct hail_buffer *find_buffer(const struct hail_engine *engine,
				       const struct hail_message *message)
{
	struct hail_buffer *buffer = NULL;

	for (int kind = 0; kind < HL_POOL_KINDS && !buffer; kind++)
		buffer = hl_buffer_find(&engine->pools[kind], message->data,
					message->size);
	return buffer;
}

/* NULL: no block is left. */
static struct hl_pending *append(struct hail_socket *socket,
				 const struct hail_message *message,
				 const struct hl_extras *extras)
{
	struct hail_engine *engine = socket->engine;
	struct hl_pending *pending = hl_send_memory_take(
		&engine->memory, message, find_buffer(engine, message), extras);

	if (!pending)
		return NULL;
	hl_list_append(&socket->pending, &pending->link);
	if (++socket->in_flight > socket->in_flight_max)
		socket->in_flight_max = socket->in_flight;
	return pending;
}

/* `wanted` is written where a block is what was missing. */
static int hold_one(struct hail_socket *socket,
		    const struct hail_message *message,
		    const struct hail_message_facts *facts, size_t *wanted)
{
	int err = hl_send_check_message(socket, message);
	struct hl_extras read, *extras = NULL;

	if (!err && facts) {
		extras = &read;
		err = hl_extras_read(extras, socket, message, facts);
	}
	if (err)
		return err;
	if (socket->in_flight >= socket->window)
		return -EAGAIN;
	if (extras)
		hl_stamp_name(socket, extras);
	if (append(socket, message, extras))
		return 0;
	*wanted = hl_send_memory_need(
		message, find_buffer(socket->engine, message), extras);
	return -EAGAIN;
}

/* What is pending goes with the next enter, unless the kernel takes none. */
static void want_sent(struct hail_socket *socket)
{
	if (!socket->in_flight || socket->blocked)
		return;
	hl_list_append_once(&socket->engine->sending, &socket->sending);
	hl_core_touch(socket->engine);
}

size_t hl_send_queue_append(struct hail_socket *socket,
			    const struct hl_batch *batch, int *why)
{
	size_t wanted = SIZE_MAX;
	size_t taken = 0;

	while (taken < batch->count) {
		*why = hold_one(socket, &batch->messages[taken],
				hl_batch_facts(batch, taken), &wanted);
		if (*why)
			break;
		taken++;
	}
	want_sent(socket);
	if (*why == -EAGAIN)
		hl_send_drain_owe(socket, wanted);
	return taken;
}

void hl_send_queue_rescue(struct hail_socket *socket,
			  const struct hail_message *message,
			  const struct hl_extras *extras, unsigned attempts)
{
	struct hl_pending *pending = append(socket, message, extras);

	if (!pending) {
		hl_log_lost(socket, message->size);
		hl_send_queue_fail(socket, message, message->data, -ENOBUFS);
		return;
	}
	pending->attempts = (uint8_t)attempts;
	want_sent(socket);
}

void hl_send_queue_block(struct hail_socket *socket, int error)
{
	socket->room = 0;
	if (socket->blocked)
		return;
	socket->blocked = true;
	hl_list_unlink(&socket->sending);
	if (error == -EAGAIN)
		hl_socket_want_armed(socket);
	else
		hl_socket_back_off(socket, error);
}

void hl_send_queue_unblock(struct hail_socket *socket)
{
	socket->blocked = false;
	socket->room = 0;
	if (socket->state != HL_SOCKET_CLOSING)
		want_sent(socket);
}

/* Whether the message ends a submission of a careful socket before it. What is
 * sent again goes alone: behind dead remotes in the same submission it would
 * meet their errors again and again. */
static bool apart(struct hl_flight *flight, const struct hl_pending *pending,
		  uint32_t n)
{
	if (!hl_distinct_add(&flight->distinct, pending->message.remote))
		return true;
	return n &&
	       (pending->attempts || flight->pending[flight->count]->attempts);
}

/* Gathers a socket's pending messages into the flight: as many as there is
 * room for, both there and in its send buffer. A socket that closes offers
 * all of them, room or not. */
static uint32_t gather(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;
	struct hl_flight *flight = &engine->flight;
	uint32_t limit = hl_flight_room(engine);
	bool closing = socket->state == HL_SOCKET_CLOSING;
	bool careful = hl_send_check_careful(socket);
	struct hl_list *link = socket->pending.next;
	uint32_t n = 0;

	if (careful)
		hl_distinct_begin(&flight->distinct);
	while (n < limit && link != &socket->pending &&
	       (closing || socket->room > 0)) {
		struct hl_pending *pending =
			hl_list_entry(link, struct hl_pending, link);
		uint32_t token = flight->count + n;

		if (careful && apart(flight, pending, n))
			break;
		if (careful && pending->attempts)
			hl_sockopt_take_error(socket->fd);
		if (pending->extras)
			hl_flight_annotate(flight, token, pending->extras);
		flight->messages[token] = pending->message;
		flight->pending[token] = pending;
		flight->sockets[token] = socket;
		socket->room -=
			(int64_t)hl_sndbuf_charge(pending->message.size);
		link = link->next;
		n++;
	}
	return n;
}

/* Whether these sends being over is news: for a drain, the close handler, or
 * whoever was refused a block or a buffer that they hold. A send that succeeds
 * has no completion, so an enter that waits would keep it back. */
static bool awaited(const struct hail_socket *socket)
{
	const struct hail_engine *engine = socket->engine;
	bool wanted = socket->owed || socket->state != HL_SOCKET_OPEN ||
		      !hl_list_empty(&engine->starved);

	for (int kind = 0; kind < HL_POOL_KINDS && !wanted; kind++)
		wanted = !hl_list_empty(&engine->pools[kind].waiting);
	return wanted;
}

/* Adds a socket's pending messages to the submission; false: the submission is
 * full. */
static bool load_socket(struct hail_socket *socket, struct hl_list *again)
{
	struct hail_engine *engine = socket->engine;
	struct hl_flight *flight = &engine->flight;
	uint32_t count, queued;

	if (socket->state != HL_SOCKET_CLOSING && !hl_send_check_room(socket)) {
		hl_send_queue_block(socket, -EAGAIN);
		return true;
	}
	count = gather(socket);
	queued = count ? hl_flight_send(engine, socket->slot,
					&flight->messages[flight->count], count,
					flight->count)
		       : 0;
	flight->count += queued;
	flight->awaited |= queued && awaited(socket);
	if (queued < count || !hl_flight_room(engine))
		return false;
	hl_list_unlink(&socket->sending);
	/* All that its buffer surely takes: ask again when these have gone. */
	if (queued < socket->in_flight)
		hl_list_append(again, &socket->sending);
	return true;
}

static void load(struct hail_engine *engine)
{
	struct hl_list again;
	bool more = true;

	hl_list_init(&again);
	while (more && !hl_list_empty(&engine->sending)) {
		struct hail_socket *socket = hl_list_entry(
			engine->sending.next, struct hail_socket, sending);

		more = load_socket(socket, &again);
	}
	hl_list_splice(&engine->sending, &again);
}

int hl_send_queue_flush(struct hail_engine *engine)
{
	for (;;) {
		int err;

		load(engine);
		if (hl_list_empty(&engine->sending) || !engine->flight.count)
			return 0;
		err = hl_dispatch_wait(engine, HL_WAIT_SUBMIT);
		if (err) {
			hl_flight_end(&engine->flight);
			return err;
		}
		hl_send_queue_finish(engine);
	}
}

/* Whether it stays in its place, to be sent again. The last offer of a socket
 * that closes ends at a full buffer, but not by another remote's error. */
static bool stays(struct hail_socket *socket, struct hl_pending *pending,
		  int result)
{
	if (!result)
		return false;
	if (hl_send_check_backpressure(result)) {
		if (socket->state == HL_SOCKET_CLOSING)
			return false;
		hl_send_queue_block(socket, result);
		return true;
	}
	if (!hl_send_check_retry(socket, &pending->message, result,
				 pending->attempts))
		return false;
	pending->attempts++;
	want_sent(socket);
	return true;
}

static void finish_one(struct hail_socket *socket, struct hl_pending *pending,
		       int result)
{
	if (stays(socket, pending, result))
		return;
	if (!result) {
		socket->traffic.sent++;
		socket->traffic.sent_bytes += pending->message.size;
		if (pending->extras)
			hl_stamp_add(socket, &pending->message, pending->given,
				     pending->extras);
	} else if (hl_send_check_backpressure(result)) {
		socket->traffic.cancelled++;
	} else {
		hl_send_queue_fail(socket, &pending->message, pending->given,
				   result);
	}
	hl_send_memory_drop(&socket->engine->memory, pending);
	socket->in_flight--;
	hl_send_drain_check(socket);
	hl_socket_settle(socket);
}

void hl_send_queue_finish(struct hail_engine *engine)
{
	struct hl_flight *flight = &engine->flight;

	for (uint32_t i = 0; i < flight->count; i++)
		finish_one(flight->sockets[i], flight->pending[i],
			   flight->results[i]);
	hl_flight_end(&engine->flight);
}

void hl_send_queue_pin(struct hail_socket *socket)
{
	struct hl_list *link;

	for (link = socket->pending.next; link != &socket->pending;
	     link = link->next) {
		struct hl_pending *pending =
			hl_list_entry(link, struct hl_pending, link);

		if (pending->message.remote)
			continue;
		pending->remote = socket->remote;
		pending->message.remote = &pending->remote;
	}
}

void hl_send_queue_cancel(struct hail_socket *socket)
{
	while (!hl_list_empty(&socket->pending)) {
		struct hl_pending *pending = hl_list_entry(
			socket->pending.next, struct hl_pending, link);

		hl_send_memory_drop(&socket->engine->memory, pending);
		socket->in_flight--;
		socket->traffic.cancelled++;
	}
	hl_list_unlink(&socket->sending);
}

void hl_send_queue_fail(struct hail_socket *socket,
			const struct hail_message *message, const void *given,
			int error)
{
	uint64_t *by_errno = socket->engine->failed_by_errno;
	struct hail_error told = {
		.code = error,
		.kind = HAIL_ERROR_SEND,
		.remote = message->remote ? *message->remote : socket->remote,
		.data = given,
		.size = message->size,
	};

	by_errno[-error < HAIL_STATS_ERRNO_MAX ? -error : 0]++;
	socket->traffic.failed++;
	hl_failure_report(socket, &told);
}

void hl_send_queue_close(struct hail_socket *socket)
{
	socket->blocked = false;
	want_sent(socket);
}
