/* SPDX-License-Identifier: MIT */
/*
 * recv.c: one multishot reception a socket, kept up for as long as the socket
 * is open, and what it brings handed over in batches.
 *
 * The kernel ends a multishot reception for reasons that a sender can bring
 * about: an empty datagram, an ICMP error, a flood. So each end but a cancel
 * is followed by arming it again.
 */
#include "recv.h"

#include "core.h"
#include "net/cmsg.h"
#include "net/gro.h"
#include "net/icmp.h"
#include "net/recvmsg.h"
#include "net/sockopt.h"
#include "socket.h"
#include "util/trace.h"

#include <errno.h>

static struct hl_pool *pool_of(const struct hail_socket *socket)
{
	return &socket->engine->pools[socket->pool];
}

static struct hail_buffer *dequeue(struct hail_socket *socket,
				   struct hl_pool *pool)
{
	struct hail_buffer *buffer = &pool->buffers[socket->queue_head];

	socket->queue_head = buffer->next;
	socket->queued--;
	return buffer;
}

/* The pool is empty. Who was served since it was armed last stands behind those
 * who were not, or a flooded socket, armed first each time, would take every
 * buffer that comes free. */
static void wait_for_buffer(struct hail_socket *socket)
{
	struct hl_pool *pool = pool_of(socket);

	socket->traffic.rearm_pool++;
	if (!hl_pool_widen(pool) && hl_list_empty(&pool->waiting))
		hl_log_no_buffer(socket);
	socket->deaf = true;
	hl_list_append_once(socket->served || socket->queued
				    ? &pool->waiting
				    : pool->waiting.next,
			    &socket->waiting);
}

static void note_error(struct hail_socket *socket, int error)
{
	struct hail_error told = {
		.code = error,
		.kind = HAIL_ERROR_REMOTE,
		.remote = socket->remote,
	};

	socket->traffic.rearm_error++;
	if (hl_icmp_may_be(error)) {
		/* The error queue has it too, and knows more. */
		if (!socket->errors)
			hl_failure_report(hl_socket_owner(socket), &told);
		return;
	}
	/* Whatever it is, it may be so again at once. */
	socket->deaf = true;
	hl_socket_back_off(socket, error);
}

/* Reception has ended: with a datagram, or with an error and without one. */
static void ended(struct hail_socket *socket,
		  const struct hl_completion *completion)
{
	socket->armed &= (uint8_t)~HL_ARM_RECEIVE;
	socket->disarming &= (uint8_t)~HL_ARM_RECEIVE;
	if (socket->state != HL_SOCKET_OPEN)
		return;
	socket->engine->rearming = true;
	hl_trace2(rearm, socket, completion->result);
	if (completion->result == -ENOBUFS)
		wait_for_buffer(socket);
	else if (completion->result < 0 && completion->result != -ECANCELED)
		note_error(socket, completion->result);
	else if (completion->result ==
		 (int)HL_RECVMSG_OVERHEAD + socket->control_space)
		socket->traffic.rearm_empty++;
	else if (completion->result >= 0)
		socket->traffic.rearm_queue++;
	hl_socket_want_armed(socket);
}

/* Files datagrams from the front, up to the first completion that isn't just
 * one more datagram for this socket; returns how many. */
static uint32_t file_run(struct hail_socket *socket, struct hl_pool *pool,
			 const struct hl_completion *completions,
			 uint32_t count)
{
	uint32_t *link = socket->queued
				 ? &pool->buffers[socket->queue_tail].next
				 : &socket->queue_head;
	uint32_t n;

	for (n = 0; n < count; n++) {
		const struct hl_completion *next = &completions[n];
		struct hail_buffer *buffer;

		if (next->id != socket->slot ||
		    next->kind != HL_COMPLETION_RECEIVE || next->result < 0 ||
		    next->buffer == HL_BUFFER_NONE)
			break;
		buffer = hl_buffer_take(pool, next->buffer,
					(uint32_t)next->result);
		*link = next->buffer;
		link = &buffer->next;
		if (!next->more) {
			n++;
			break;
		}
	}
	if (!n)
		return 0;
	socket->queue_tail = completions[n - 1].buffer;
	socket->queued += n;
	hl_pool_count_held(pool, n);
	return n;
}

static uint32_t segment_size(const struct hail_buffer *buffer,
			     const unsigned char *memory)
{
	return hl_cmsg_segment_size(
		hl_recvmsg_control(memory),
		hl_recvmsg_control_size(memory, buffer->size));
}

/* How many datagrams a buffer holds from an offset of its payload on. */
static uint32_t count_pieces(const struct hail_socket *socket,
			     const struct hail_buffer *buffer, size_t offset)
{
	const unsigned char *memory = hl_pool_memory(buffer->pool, buffer->id);
	struct hail_datagram whole;

	if (!socket->coalesce.on ||
	    hl_recvmsg_parse(&whole, memory, buffer->size,
			     socket->control_space, 0))
		return 1;
	return hl_gro_count(whole.size - offset, segment_size(buffer, memory));
}

/* Not a datagram for the handler: an end without one, or the socket is
 * closing. */
static void discard(struct hail_socket *socket, struct hl_pool *pool,
		    const struct hl_completion *completion)
{
	bool some = completion->result >= 0;
	struct hail_buffer *buffer;

	if (completion->buffer == HL_BUFFER_NONE) {
		socket->traffic.dropped += some;
		return;
	}
	buffer = hl_buffer_take(pool, completion->buffer,
				some ? (uint32_t)completion->result : 0);
	if (some)
		socket->traffic.dropped += count_pieces(socket, buffer, 0);
	hl_pool_count_held(pool, 1);
	hl_buffer_drop(buffer);
}

uint32_t hl_recv_complete(struct hail_socket *socket,
			  const struct hl_completion *completions,
			  uint32_t count)
{
	struct hl_pool *pool = pool_of(socket);
	uint32_t filed = 0;

	if (socket->state == HL_SOCKET_OPEN)
		filed = file_run(socket, pool, completions, count);
	if (filed) {
		hl_list_append_once(&socket->engine->ready, &socket->ready);
	} else {
		discard(socket, pool, completions);
		filed = 1;
	}
	if (!completions[filed - 1].more)
		ended(socket, &completions[filed - 1]);
	return filed;
}

/* Whether a connected socket hears this one: what was in the kernel's queue
 * when it was connected may come from anybody. A child's comes for its
 * parent. */
static bool heard(struct hail_socket *socket,
		  const struct hail_datagram *datagram)
{
	const struct hail_socket *owner = hl_socket_owner(socket);

	return !hl_socket_connected(owner) ||
	       hail_addr_equal(&owner->remote, &datagram->remote);
}

static void count_received(struct hail_socket *socket,
			   const struct hail_datagram *datagram)
{
	socket->traffic.received_bytes += datagram->size;
	if (datagram->flags & HAIL_DATAGRAM_TRUNCATED)
		socket->traffic.truncated++;
}

/* Reads the next datagram of the queue into the batch; false: it is not for
 * the handler, and its buffer is dropped. */
static bool take_next(struct hail_socket *socket, struct hl_pool *pool,
		      struct hail_datagram *datagram)
{
	struct hail_buffer *buffer = dequeue(socket, pool);

	datagram->buffer = buffer;
	if (hl_recvmsg_parse(datagram, hl_pool_memory(pool, buffer->id),
			     buffer->size, socket->control_space,
			     socket->datagram_max)) {
		hl_buffer_drop(buffer);
		return false;
	}
	if (!heard(socket, datagram)) {
		socket->traffic.strangers++;
		hl_buffer_drop(buffer);
		return false;
	}
	count_received(socket, datagram);
	return true;
}

/* Reads what is left of the first of the queue, which may be many datagrams, as
 * far as there is room for it. */
static uint32_t take_pieces(struct hail_socket *socket, struct hl_pool *pool,
			    struct hail_datagram *out, uint32_t room)
{
	struct hail_buffer *buffer = &pool->buffers[socket->queue_head];
	const unsigned char *memory = hl_pool_memory(pool, buffer->id);
	struct hail_datagram whole = {.buffer = buffer};
	size_t offset = socket->queue_offset;
	bool read = !hl_recvmsg_parse(&whole, memory, buffer->size,
				      socket->control_space, 0);
	uint32_t count = 0;

	if (read && heard(socket, &whole))
		count = hl_gro_split(out, room, &whole,
				     segment_size(buffer, memory),
				     socket->datagram_max, &offset);
	else if (read)
		socket->traffic.strangers +=
			count_pieces(socket, buffer, offset);
	/* Each datagram holds the buffer, and the queue while it is there. */
	for (uint32_t i = 0; i < count; i++) {
		hl_buffer_hold(buffer);
		count_received(socket, &out[i]);
	}
	if (count && out->flags & HAIL_DATAGRAM_COALESCED)
		socket->traffic.coalesced += count;
	socket->queue_offset = offset;
	if (!count || offset >= whole.size) {
		socket->queue_offset = 0;
		hl_buffer_drop(dequeue(socket, pool));
	}
	return count;
}

/* Whether the first of the queue may be many datagrams: without a control
 * message it is one. */
static bool may_be_pieces(const struct hail_socket *socket,
			  const struct hl_pool *pool)
{
	const struct hail_buffer *buffer = &pool->buffers[socket->queue_head];

	return hl_recvmsg_has_control(hl_pool_memory(pool, buffer->id),
				      buffer->size);
}

/* Fills the engine's batch from the socket's queue. What is not for the handler
 * is work too, and counts. */
static size_t gather(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;
	struct hl_pool *pool = pool_of(socket);
	const bool coalesce = socket->coalesce.on;
	uint32_t left = engine->options.budget;
	size_t count = 0;

	while (left && socket->queued) {
		struct hail_datagram *out = &engine->batch[count];
		uint32_t taken;

		if (coalesce && may_be_pieces(socket, pool))
			taken = take_pieces(socket, pool, out, left);
		else
			taken = take_next(socket, pool, out);
		count += taken;
		left -= taken ? taken : 1;
	}
	socket->traffic.received += count;
	return count;
}

/* Had it been on, what is in the batch might have come as few pieces. */
static void turn_on_coalescing(struct hail_socket *socket)
{
	int err = hl_sockopt_start_coalescing(socket->fd);

	hl_coalesce_turned(&socket->coalesce, !err);
}

static size_t deliver(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;
	struct hail_socket *owner = hl_socket_owner(socket);
	size_t count;

	/* The handler was taken away: what is here waits for the next. */
	if (!owner->handlers.data)
		return 0;
	count = gather(socket);
	if (hl_coalesce_due(&socket->coalesce, count) &&
	    hl_coalesce_look(&socket->coalesce, engine->batch, count))
		turn_on_coalescing(socket);
	socket->served |= count > 0;
	socket->peer_used |= count > 0;
	if (count)
		owner->handlers.data(owner, engine->batch, count);
	for (size_t i = 0; i < count; i++)
		hl_buffer_drop(engine->batch[i].buffer);
	/* The rest waits until the other sockets have had their turn. */
	if (socket->queued)
		hl_list_append_once(&engine->ready, &socket->ready);
	return count;
}

size_t hl_recv_deliver(struct hail_engine *engine)
{
	struct hl_list turn;
	size_t count = 0;

	hl_list_init(&turn);
	hl_list_splice(&turn, &engine->ready);
	while (!hl_list_empty(&turn)) {
		struct hail_socket *socket =
			hl_list_entry(turn.next, struct hail_socket, ready);

		hl_list_unlink(&socket->ready);
		count += deliver(socket);
	}
	return count;
}

/* A socket that still has datagrams to hand over needs no buffer yet; what it
 * leaves in the kernel is bounded there. */
static void feed(struct hl_pool *pool)
{
	struct hl_list *link = pool->waiting.next;

	while (hl_pool_available(pool) && link != &pool->waiting) {
		struct hail_socket *socket =
			hl_list_entry(link, struct hail_socket, waiting);

		link = link->next;
		if (socket->queued)
			continue;
		hl_list_unlink(&socket->waiting);
		socket->deaf = false;
		socket->served = false;
		hl_socket_want_armed(socket);
	}
}

void hl_recv_feed(struct hail_engine *engine)
{
	for (int kind = 0; kind < HL_POOL_KINDS; kind++) {
		struct hl_pool *pool = &engine->pools[kind];

		pool->doubled = false;
		if (hl_pool_short(pool))
			hl_pool_flush(pool);
		if (!hl_list_empty(&pool->waiting))
			feed(pool);
	}
}

void hl_recv_resume(struct hail_socket *socket)
{
	if (socket->queued)
		hl_list_append_once(&socket->engine->ready, &socket->ready);
}

uint32_t hl_recv_waiting(const struct hail_socket *socket)
{
	const struct hl_pool *pool = pool_of(socket);
	uint32_t count = 0, id = socket->queue_head;

	if (!socket->coalesce.on)
		return socket->queued;
	for (uint32_t i = 0; i < socket->queued; i++) {
		const struct hail_buffer *buffer = &pool->buffers[id];

		count += count_pieces(socket, buffer,
				      i ? 0 : socket->queue_offset);
		id = buffer->next;
	}
	return count;
}

void hl_recv_close(struct hail_socket *socket)
{
	socket->traffic.dropped += hl_recv_waiting(socket);
	while (socket->queued)
		hl_buffer_drop(dequeue(socket, pool_of(socket)));
	socket->queue_offset = 0;
	hl_list_unlink(&socket->ready);
	hl_list_unlink(&socket->waiting);
}
