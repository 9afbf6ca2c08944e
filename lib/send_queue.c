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
#include "lend.h"
#include "net/sndbuf.h"
#include "net/sockopt.h"
#include "send_check.h"
#include "send_drain.h"
#include "socket.h"
#include "stamp.h"
#include "train.h"

#include <errno.h>

/* How often what the send buffer can't hold is tried: for some milliseconds. */
#define HL_FUTILE_MAX 16

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
			  const struct hl_extras *extras, unsigned attempts,
			  bool alone)
{
	struct hl_pending *pending = append(socket, message, extras);

	if (!pending) {
		hl_log_lost(socket, message->size);
		hl_send_queue_fail(socket, message, message->data, -ENOBUFS);
		return;
	}
	pending->attempts = (uint8_t)attempts;
	pending->alone = alone;
	want_sent(socket);
}

void hl_send_queue_block(struct hail_socket *socket, struct hail_socket *by,
			 int error)
{
	by->room = 0;
	if (socket->blocked)
		return;
	socket->blocked = true;
	hl_list_unlink(&socket->sending);
	if (error == -EAGAIN) {
		by->full = true;
		hl_socket_want_armed(by);
	} else {
		hl_socket_back_off(socket, error);
	}
}

void hl_send_queue_unblock(struct hail_socket *socket)
{
	socket->blocked = false;
	socket->room = 0;
	if (socket->state != HL_SOCKET_CLOSING)
		want_sent(socket);
}

/* What is sent again because of another's error goes in a submission of its
 * own: behind dead remotes in the same one it would meet their errors again and
 * again. Those that failed together, in a train, may go together. */
static bool apart(const struct hl_flight *flight,
		  const struct hl_pending *pending, uint32_t n)
{
	const struct hl_pending *first = flight->pending[flight->count];

	if (!n || (!pending->attempts && !first->attempts))
		return false;
	return pending->attempts != first->attempts ||
	       !hail_addr_equal(pending->message.remote, first->message.remote);
}

/* Adds a pending message as the n-th of its socket. False: the submission ends
 * before it. */
static bool gather_one(struct hail_socket *socket, struct hl_pending *pending,
		       uint32_t n, bool routed)
{
	struct hl_flight *flight = &socket->engine->flight;
	uint32_t index = flight->count + n;
	struct hail_socket *by = socket;

	if (apart(flight, pending, n))
		return false;
	if (routed)
		by = hl_train_route(socket, index, &pending->message,
				    pending->extras);
	if (socket->state != HL_SOCKET_CLOSING && !hl_send_check_room(by)) {
		flight->lacking = by;
		return false;
	}
	flight->messages[index] = pending->message;
	if (!hl_train_add(socket, index, flight->messages,
			  pending->extras || pending->alone))
		return false;
	if (pending->attempts && !n)
		hl_sockopt_take_error(by->fd);
	if (pending->extras)
		hl_flight_annotate(flight, index, pending->extras);
	flight->pending[index] = pending;
	flight->sockets[index] = socket;
	by->room -= (int64_t)hl_sndbuf_charge(pending->message.size);
	return true;
}

/* Gathers a socket's pending messages into the flight: as many as there is
 * room for, both there and in its send buffer. A socket that closes offers
 * all of them, room or not. */
static uint32_t gather(struct hail_socket *socket)
{
	struct hl_flight *flight = &socket->engine->flight;
	uint32_t limit = hl_flight_room(socket->engine);
	struct hl_list *link = socket->pending.next;
	uint32_t n = 0;
	bool routed;

	if (socket->in_flight < limit)
		limit = socket->in_flight;
	routed = hl_train_begin(socket, limit);
	/* Other sockets' messages in the flight may be. */
	flight->planned = true;
	for (; n < limit; n++, link = link->next)
		if (!gather_one(socket,
				hl_list_entry(link, struct hl_pending, link), n,
				routed))
			break;
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

/* Adds a socket's pending messages to the submission. 1: there is room for the
 * next socket's; 0: the submission is full; -errno: the backend is broken. */
static int load_socket(struct hail_socket *socket, struct hl_list *again)
{
	struct hail_engine *engine = socket->engine;
	struct hl_flight *flight = &engine->flight;
	uint32_t first = flight->count;
	uint32_t count;
	int err = 0;

	hl_list_unlink(&socket->sending);
	/* It became writable while room was made: what it has in the submission
	 * comes first. */
	if (socket->submitted) {
		hl_list_append(again, &socket->sending);
		return 1;
	}
	flight->lacking = NULL;
	flight->lendable = true;
	count = gather(socket);
	if (!count && flight->lacking) {
		hl_send_queue_block(socket, flight->lacking, -EAGAIN);
		return 1;
	}
	flight->count += count;
	socket->submitted = count > 0;
	flight->awaited |= count && awaited(socket);
	if (count)
		err = hl_flight_send(engine, socket, &flight->messages[first],
				     count, first);
	if (err)
		return err;
	/* All that its buffer surely takes: ask again when these have gone. */
	if (count < socket->in_flight)
		hl_list_append_once(again, &socket->sending);
	return hl_flight_room(engine) > 0;
}

/* Fills a submission. -errno: the backend is broken. */
static int load(struct hail_engine *engine)
{
	struct hl_list again;
	int more = 1;

	hl_list_init(&again);
	while (more > 0 && !hl_list_empty(&engine->sending)) {
		struct hail_socket *socket = hl_list_entry(
			engine->sending.next, struct hail_socket, sending);

		more = load_socket(socket, &again);
	}
	hl_list_splice(&engine->sending, &again);
	return more < 0 ? more : 0;
}

int hl_send_queue_flush(struct hail_engine *engine)
{
	for (;;) {
		int err = load(engine);

		if (!err &&
		    (hl_list_empty(&engine->sending) || !engine->flight.count))
			return 0;
		if (!err)
			err = hl_dispatch_wait(engine, HL_WAIT_SUBMIT);
		if (err) {
			hl_flight_end(&engine->flight);
			return err;
		}
		hl_send_queue_finish(engine);
	}
}

/* Whether it is to be given up: see hl_send_check_futile(). */
static bool is_vain(struct hl_pending *pending, const struct hail_socket *by,
		    int result)
{
	if (!hl_send_check_futile(by, pending->message.size, result))
		return false;
	return ++pending->futile == HL_FUTILE_MAX;
}

/* Whether it stays in its place, to be sent again. The last offer of a socket
 * that closes ends at a full buffer, but not by another remote's error. */
static bool stays(struct hail_socket *socket, struct hl_pending *pending,
		  uint32_t index, int result)
{
	struct hl_flight *flight = &socket->engine->flight;
	struct hail_socket *by = hl_train_by(socket, index);

	if (!result)
		return false;
	if (hl_lend_refused(socket->engine, index, result)) {
		want_sent(socket);
		return true;
	}
	if (hl_send_check_backpressure(result)) {
		if (socket->state == HL_SOCKET_CLOSING ||
		    is_vain(pending, by, result))
			return false;
		hl_send_queue_block(socket, by, result);
		return true;
	}
	if (hl_gso_refused(&flight->gso, index, result)) {
		pending->alone = true;
		want_sent(socket);
		return true;
	}
	if (!hl_send_check_retry(socket, index, &pending->message, result,
				 pending->attempts))
		return false;
	pending->attempts++;
	want_sent(socket);
	return true;
}

static void finish_one(struct hail_socket *socket, struct hl_pending *pending,
		       uint32_t index)
{
	int result = hl_flight_result(&socket->engine->flight, index);

	socket->submitted = false;
	hl_train_settle(socket, &pending->message, index);
	if (stays(socket, pending, index, result))
		return;
	if (!result) {
		socket->traffic.sent++;
		socket->traffic.sent_bytes += pending->message.size;
		if (pending->extras)
			hl_stamp_add(socket, &pending->message, pending->given,
				     pending->extras);
	} else if (hl_send_check_backpressure(result) &&
		   socket->state == HL_SOCKET_CLOSING) {
		socket->traffic.cancelled++;
	} else {
		hl_send_queue_fail(socket, &pending->message, pending->given,
				   result);
	}
	if (result || !hl_lend_keep(socket->engine, index, pending))
		hl_send_memory_drop(&socket->engine->memory, pending);
	socket->in_flight--;
	hl_send_drain_check(socket);
	hl_socket_settle(socket);
}

void hl_send_queue_finish(struct hail_engine *engine)
{
	struct hl_flight *flight = &engine->flight;

	for (uint32_t i = flight->failed ? flight->count : 0; i > 0; i--)
		hl_train_look_back(flight->sockets[i - 1], i - 1);
	for (uint32_t i = 0; i < flight->count; i++)
		finish_one(flight->sockets[i], flight->pending[i], i);
	hl_lend_settle(engine);
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
