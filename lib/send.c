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
#include "train.h"

#include <errno.h>
#include <limits.h>

/* Adds the message that would be the n-th of the submission. False: it ends
 * before it, because of what the facts say or for no reason of the message's.
 */
static bool admit_one(struct hail_socket *socket, const struct hl_batch *batch,
		      uint32_t n, bool routed, int *why)
{
	struct hl_flight *flight = &socket->engine->flight;
	const struct hail_message_facts *facts = hl_batch_facts(batch, n);
	const struct hail_message *message = &batch->messages[n];
	struct hail_socket *by = socket;

	if (facts)
		*why = hl_extras_read(&flight->own[n], socket, message, facts);
	if (*why)
		return false;
	if (routed)
		by = hl_train_route(socket, n, message, facts);
	if (!hl_send_check_room(by)) {
		flight->lacking = by;
		return false;
	}
	if (routed && !hl_train_add(socket, n, batch->messages, facts))
		return false;
	if (facts) {
		hl_stamp_name(socket, &flight->own[n]);
		hl_flight_annotate(flight, n, &flight->own[n]);
	}
	by->room -= (int64_t)hl_sndbuf_charge(message->size);
	return true;
}

/* Adds those that follow the n-th and are like it, as far as there is room;
 * returns how many. */
static uint32_t admit_alike(struct hail_socket *socket,
			    const struct hl_batch *batch, uint32_t n,
			    uint32_t limit)
{
	struct hail_socket *by = hl_train_by(socket, n);
	int64_t charge = (int64_t)hl_sndbuf_charge(batch->messages[n].size);
	int64_t room = (by->room + charge - 1) / charge;
	uint32_t most = limit - n - 1;

	if (batch->facts || room <= 0)
		return 0;
	if (most > room)
		most = (uint32_t)room;
	most = hl_train_extend(socket, n, batch->messages, most);
	by->room -= most * charge;
	return most;
}

/* How many messages from the front can be submitted at once. `why` is what
 * stopped before the first that can't: an error of that message, or -EAGAIN
 * where not even the first has room. */
static uint32_t admit(struct hail_socket *socket, const struct hl_batch *batch,
		      int *why)
{
	const struct hl_flight *flight = &socket->engine->flight;
	uint32_t limit = hl_flight_room(socket->engine);
	uint32_t n = 0;
	bool routed;

	if (batch->count < limit)
		limit = (uint32_t)batch->count;
	routed = hl_train_begin(socket, limit);
	for (; n < limit; n++) {
		*why = hl_send_check_message(socket, &batch->messages[n]);
		if (*why || !admit_one(socket, batch, n, routed, why))
			break;
		if (flight->planning)
			n += admit_alike(socket, batch, n, limit);
	}
	if (n || *why)
		return n;
	*why = -EAGAIN;
	if (limit)
		hl_send_queue_block(socket, flight->lacking, -EAGAIN);
	return 0;
}

/* The kernel took some in a row, the first of which has this index. */
static void count_sent(struct hail_socket *socket,
		       const struct hail_message *messages, uint32_t count,
		       uint32_t first)
{
	const struct hl_flight *flight = &socket->engine->flight;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += messages[i].size;
	socket->traffic.sent += count;
	socket->traffic.sent_bytes += bytes;
	for (uint32_t i = 0; flight->annotated && i < count; i++)
		if (flight->extras[first + i])
			hl_stamp_add(socket, &messages[i], messages[i].data,
				     flight->extras[first + i]);
}

static void settle_one(struct hail_socket *socket,
		       const struct hail_message *message, uint32_t index)
{
	struct hl_flight *flight = &socket->engine->flight;
	int result = hl_flight_result(flight, index);
	const struct hl_extras *extras = flight->extras[index];

	if (!result) {
		count_sent(socket, message, 1, index);
	} else if (hl_send_check_backpressure(result)) {
		hl_send_queue_block(socket, hl_train_by(socket, index), result);
		hl_send_queue_rescue(socket, message, extras, 0, false);
	} else if (flight->planned &&
		   hl_gso_refused(&flight->gso, index, result)) {
		hl_send_queue_rescue(socket, message, extras, 0, true);
	} else if (hl_send_check_retry(socket, index, message, result, 0)) {
		hl_send_queue_rescue(socket, message, extras, 1, false);
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
	struct hl_flight *flight = &socket->engine->flight;

	for (; count; count--) {
		int result = hl_flight_result(flight, count - 1);

		if (!hl_send_check_backpressure(result))
			break;
		hl_send_queue_block(socket, hl_train_by(socket, count - 1),
				    result);
	}
	for (uint32_t i = 0; i < count; i++)
		settle_one(socket, &messages[i], i);
	return count;
}

static void look_back(struct hail_socket *socket, uint32_t count)
{
	for (uint32_t i = count; i > 0; i--)
		hl_train_look_back(socket, i - 1);
}

/* Some failed: sends those again whose train was refused. Where an error may be
 * another remote's they wait for the queue, which makes sure of the order. */
static int repair(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count)
{
	struct hail_engine *engine = socket->engine;
	bool refused = false;
	int err;

	look_back(socket, count);
	if (!engine->flight.planned)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		refused |= hl_train_settle(socket, &messages[i], i);
	/* What met backpressure waits for the queue, and they behind it. */
	if (!refused || hl_send_check_careful(socket) ||
	    engine->flight.pushed_back)
		return 0;
	err = hl_flight_send_singly(engine, socket, messages, count);
	if (!err)
		look_back(socket, count);
	return err;
}

/* One submission of messages that were admitted. Their results stay in the
 * flight until it is ended. */
static int launch(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count)
{
	struct hail_engine *engine = socket->engine;
	int err;

	engine->flight.count = count;
	err = hl_flight_send(engine, socket, messages, count, 0);
	return err ? err : hl_dispatch_wait(engine, HL_WAIT_SUBMIT);
}

/* Returns how many were taken, or what broke the backend. */
static int submit(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count)
{
	struct hl_flight *flight = &socket->engine->flight;
	uint32_t taken = count;
	int err = launch(socket, messages, count);

	if (!err && flight->failed) {
		err = repair(socket, messages, count);
		taken = err ? 0 : settle(socket, messages, count);
	} else if (!err) {
		count_sent(socket, messages, count, 0);
		hl_train_count(socket);
	}
	hl_flight_end(flight);
	return err ? err : (int)taken;
}

/* Holds what the kernel has no room for, as far as the window goes. */
static size_t hold(struct hail_socket *socket, const struct hl_batch *batch,
		   int *why)
{
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
 * the backend. */
static int submit_one(struct hail_socket *socket,
		      const struct hail_message *message)
{
	struct hl_flight *flight = &socket->engine->flight;
	int result = launch(socket, message, 1);

	if (!result)
		result = hl_flight_result(flight, 0);
	if (!result)
		count_sent(socket, message, 1, 0);
	else if (hl_send_check_backpressure(result))
		hl_send_queue_block(socket, hl_train_by(socket, 0), result);
	hl_flight_end(flight);
	return result;
}

/* A message that is alone can be told what the kernel says of it. */
static int send_one_now(struct hail_socket *socket,
			const struct hl_batch *batch)
{
	unsigned attempts = 0;
	int why = -EAGAIN;

	while (!socket->in_flight && !socket->blocked &&
	       admit(socket, batch, &why)) {
		why = submit_one(socket, batch->messages);
		if (!hl_send_check_retry(socket, 0, batch->messages, why,
					 attempts))
			break;
		attempts++;
		hl_sockopt_take_error(hl_train_by(socket, 0)->fd);
		why = -EAGAIN;
	}
	if (!hl_send_check_backpressure(why))
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
