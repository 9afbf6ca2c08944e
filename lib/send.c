/* SPDX-License-Identifier: MIT */
/*
 * send.c: the calls that send, and the way straight from the caller's memory
 * to the kernel.
 */
#include "batch.h"
#include "core.h"
#include "dispatch.h"
#include "net/sndbuf.h"
#include "net/sockopt.h"
#include "send_check.h"
#include "send_queue.h"
#include "socket.h"
#include "stamp.h"

#include <errno.h>
#include <limits.h>

/* What isn't asked of plain messages: reads the facts of the one that would be
 * the n-th of the submission, and whether its remote is in there already, which
 * ends the submission for no reason of the message's. */
static bool admit_special(struct hail_socket *socket,
			  const struct hl_batch *batch, uint32_t n, int *why)
{
	struct hl_flight *flight = &socket->engine->flight;
	const struct hail_message_facts *facts = hl_batch_facts(batch, n);
	struct hl_extras *extras = &flight->own[n];

	if (facts) {
		*why = hl_extras_read(extras, socket, &batch->messages[n],
				      facts);
		if (*why)
			return false;
	}
	if (hl_send_check_careful(socket) &&
	    !hl_distinct_add(&flight->distinct, batch->messages[n].remote))
		return false;
	if (facts) {
		hl_stamp_name(socket, extras);
		hl_flight_annotate(flight, n, extras);
	}
	return true;
}

/* How many messages from the front can be submitted at once. `why` is what
 * stopped before the first that can't: an error of that message, or -EAGAIN
 * where not even the first has room. */
static uint32_t admit(struct hail_socket *socket, const struct hl_batch *batch,
		      int *why)
{
	uint32_t limit = hl_flight_room(socket->engine);
	bool careful = hl_send_check_careful(socket);
	bool special = batch->facts || careful;
	uint32_t n = 0;

	if (batch->count < limit)
		limit = (uint32_t)batch->count;
	if (!limit || !hl_send_check_room(socket)) {
		*why = -EAGAIN;
		return 0;
	}
	if (careful)
		hl_distinct_begin(&socket->engine->flight.distinct);
	while (n < limit && socket->room > 0) {
		const struct hail_message *message = &batch->messages[n];

		*why = hl_send_check_message(socket, message);
		if (*why || (special && !admit_special(socket, batch, n, why)))
			break;
		socket->room -= (int64_t)hl_sndbuf_charge(message->size);
		n++;
	}
	return n;
}

/* The kernel took some in a row, the first of which has this token. */
static void count_sent(struct hail_socket *socket,
		       const struct hail_message *messages, uint32_t count,
		       uint32_t token)
{
	const struct hl_flight *flight = &socket->engine->flight;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += messages[i].size;
	socket->traffic.sent += count;
	socket->traffic.sent_bytes += bytes;
	for (uint32_t i = 0; flight->annotated && i < count; i++)
		if (flight->extras[token + i])
			hl_stamp_add(socket, &messages[i], messages[i].data,
				     flight->extras[token + i]);
}

static void settle_one(struct hail_socket *socket,
		       const struct hail_message *message, uint32_t token)
{
	const struct hl_flight *flight = &socket->engine->flight;
	int result = flight->results[token];
	const struct hl_extras *extras = flight->extras[token];

	if (!result) {
		count_sent(socket, message, 1, token);
	} else if (hl_send_check_backpressure(result)) {
		hl_send_queue_block(socket, result);
		hl_send_queue_rescue(socket, message, extras, 0);
	} else if (hl_send_check_retry(socket, message, result, 0)) {
		hl_send_queue_rescue(socket, message, extras, 1);
	} else {
		hl_send_queue_fail(socket, message, message->data, result);
	}
}

/* Some of what was submitted failed. The messages at the end that met
 * backpressure were not taken: returned is how many come before them. Of
 * these, one that met backpressure all the same has been overtaken already
 * and is kept in flight, as is one that an error of another remote's hit; other
 * failures are told by `error`. */
static uint32_t settle(struct hail_socket *socket,
		       const struct hail_message *messages, uint32_t count)
{
	const int32_t *results = socket->engine->flight.results;

	for (; count && hl_send_check_backpressure(results[count - 1]); count--)
		hl_send_queue_block(socket, results[count - 1]);
	for (uint32_t i = 0; i < count; i++)
		settle_one(socket, &messages[i], i);
	return count;
}

/* One submission of messages that were admitted: queued is how many there was
 * room for. Their results stay in the flight until it is ended. */
static int launch(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count,
		  uint32_t *queued)
{
	struct hail_engine *engine = socket->engine;

	*queued = hl_flight_send(engine, socket->slot, messages, count, 0);
	hl_flight_begin(&engine->flight, *queued);
	return hl_dispatch_wait(engine, HL_WAIT_SUBMIT);
}

/* Returns how many were taken, or what broke the backend. */
static int submit(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count)
{
	struct hail_engine *engine = socket->engine;
	uint32_t taken = 0;
	int err = launch(socket, messages, count, &taken);

	if (!err && engine->flight.failed)
		taken = settle(socket, messages, taken);
	else if (!err)
		count_sent(socket, messages, taken, 0);
	hl_flight_end(&engine->flight);
	return err ? err : (int)taken;
}

/* Holds what the kernel has no room for, as far as the window goes. */
static size_t hold(struct hail_socket *socket, const struct hl_batch *batch,
		   int *why)
{
	if (!socket->blocked && socket->room <= 0)
		hl_send_queue_block(socket, -EAGAIN);
	*why = 0;
	return hl_send_queue_append(socket, batch, why);
}

/* Straight to the kernel for as long as it takes them and nothing is in
 * flight that must leave before. */
static size_t send_now(struct hail_socket *socket, const struct hl_batch *batch,
		       int *why)
{
	struct hl_batch rest = *batch;

	while (rest.count && !socket->in_flight && !socket->blocked) {
		uint32_t n = admit(socket, &rest, why);
		int done = n ? submit(socket, rest.messages, n) : 0;

		if (done < 0) {
			*why = done;
			return batch->count - rest.count;
		}
		rest = hl_batch_rest(&rest, (size_t)done);
		if (*why == -EAGAIN)
			break;
		if (*why && (uint32_t)done == n && !socket->in_flight)
			return batch->count - rest.count;
	}
	if (rest.count)
		rest = hl_batch_rest(&rest, hold(socket, &rest, why));
	return batch->count - rest.count;
}

/* Submits a message that is alone: 0, what the kernel says of it, or what broke
 * the backend; -EINPROGRESS: there was no room to queue it. */
static int submit_one(struct hail_socket *socket,
		      const struct hail_message *message)
{
	struct hl_flight *flight = &socket->engine->flight;
	uint32_t queued = 0;
	int result = launch(socket, message, 1, &queued);

	if (!result)
		result = queued ? flight->results[0] : -EINPROGRESS;
	if (!result)
		count_sent(socket, message, 1, 0);
	hl_flight_end(flight);
	return result;
}

/* A message that is alone can be told what the kernel says of it. */
static int send_one_now(struct hail_socket *socket,
			const struct hl_batch *batch)
{
	unsigned attempts = 0;
	int why = 0;

	while (!socket->in_flight && !socket->blocked &&
	       admit(socket, batch, &why)) {
		why = submit_one(socket, batch->messages);
		if (hl_send_check_retry(socket, batch->messages, why,
					attempts)) {
			attempts++;
			hl_sockopt_take_error(socket->fd);
			continue;
		}
		if (hl_send_check_backpressure(why))
			hl_send_queue_block(socket, why);
		else if (why != -EINPROGRESS)
			return why;
		break;
	}
	if (why && why != -EINPROGRESS && !hl_send_check_backpressure(why))
		return why;
	hold(socket, batch, &why);
	return why;
}

static int send_one(struct hail_socket *socket, const struct hl_batch *batch)
{
	int err = hl_socket_check(socket);

	if (err)
		return err;
	if (!socket->engine->turning)
		return send_one_now(socket, batch);
	hl_send_queue_append(socket, batch, &err);
	return err;
}

static ssize_t send_all(struct hail_socket *socket,
			const struct hl_batch *batch)
{
	int why = hl_socket_check(socket);
	size_t taken;

	if (why || !batch->count)
		return why;
	if (!batch->messages || batch->count > SSIZE_MAX)
		return -EINVAL;
	if (socket->engine->turning)
		taken = hl_send_queue_append(socket, batch, &why);
	else
		taken = send_now(socket, batch, &why);
	return taken ? (ssize_t)taken : why;
}

int hail_send(struct hail_socket *socket, const void *data, size_t size,
	      const struct hail_addr *remote)
{
	const struct hail_message message = {data, size, remote};

	return send_one(socket, &(struct hl_batch){&message, NULL, 1});
}

int hail_send_with(struct hail_socket *socket, const void *data, size_t size,
		   const struct hail_addr *remote,
		   const struct hail_message_facts *facts)
{
	const struct hail_message message = {data, size, remote};

	return send_one(socket, &(struct hl_batch){&message, &facts, 1});
}

ssize_t hail_send_many(struct hail_socket *socket,
		       const struct hail_message *messages, size_t count)
{
	return send_all(socket, &(struct hl_batch){messages, NULL, count});
}

ssize_t hail_send_many_with(struct hail_socket *socket,
			    const struct hail_message *messages,
			    const struct hail_message_facts *const *facts,
			    size_t count)
{
	return send_all(socket, &(struct hl_batch){messages, facts, count});
}
