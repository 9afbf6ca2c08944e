/* SPDX-License-Identifier: MIT */
/*
 * send.c: the calls that send, and the way straight from the caller's memory
 * to the kernel.
 */
#include "core.h"
#include "dispatch.h"
#include "net/sndbuf.h"
#include "send_check.h"
#include "send_queue.h"
#include "socket.h"

#include <errno.h>
#include <limits.h>

/* How many messages from the front can be submitted at once. `why` is what
 * stopped before the first that can't: an error of that message, or -EAGAIN
 * where not even the first has room. */
static uint32_t admit(struct hail_socket *socket,
		      const struct hail_message *messages, size_t count,
		      int *why)
{
	uint32_t limit = hl_flight_room(socket->engine);
	uint32_t n = 0;

	if (count < limit)
		limit = (uint32_t)count;
	if (!limit || !hl_send_check_room(socket)) {
		*why = -EAGAIN;
		return 0;
	}
	while (n < limit && socket->room > 0) {
		*why = hl_send_check_message(socket, &messages[n]);
		if (*why)
			break;
		socket->room -= (int64_t)hl_sndbuf_charge(messages[n].size);
		n++;
	}
	return n;
}

static void count_sent(struct hail_socket *socket,
		       const struct hail_message *messages, uint32_t count)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += messages[i].size;
	socket->traffic.sent += count;
	socket->traffic.sent_bytes += bytes;
}

/* Some of what was submitted failed. The messages at the end that met
 * backpressure were not taken: returned is how many come before them. Of
 * these, one that met backpressure all the same has been overtaken already
 * and is kept in flight; other failures are told by `error`. */
static uint32_t settle(struct hail_socket *socket,
		       const struct hail_message *messages, uint32_t count)
{
	const int32_t *results = socket->engine->flight.results;

	for (; count && hl_send_check_backpressure(results[count - 1]); count--)
		hl_send_queue_block(socket, results[count - 1]);
	for (uint32_t i = 0; i < count; i++) {
		if (!results[i]) {
			count_sent(socket, &messages[i], 1);
		} else if (hl_send_check_backpressure(results[i])) {
			hl_send_queue_block(socket, results[i]);
			hl_send_queue_rescue(socket, &messages[i]);
		} else {
			hl_send_queue_fail(socket, &messages[i],
					   messages[i].data, results[i]);
		}
	}
	return count;
}

/* One submission of messages that were admitted: queued is how many there was
 * room for. Their results stay in the flight until it is ended. */
static int launch(struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count,
		  uint32_t *queued)
{
	struct hail_engine *engine = socket->engine;
	struct hl_backend *backend = engine->backend;

	*queued = backend->ops->send(backend, socket->slot, messages, count, 0);
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
		count_sent(socket, messages, taken);
	hl_flight_end(&engine->flight);
	return err ? err : (int)taken;
}

/* Holds what the kernel has no room for, as far as the window goes. */
static size_t hold(struct hail_socket *socket,
		   const struct hail_message *messages, size_t count, int *why)
{
	if (!socket->blocked && socket->room <= 0)
		hl_send_queue_block(socket, -EAGAIN);
	*why = 0;
	return hl_send_queue_append(socket, messages, count, why);
}

/* Straight to the kernel for as long as it takes them and nothing is in
 * flight that must leave before. */
static size_t send_now(struct hail_socket *socket,
		       const struct hail_message *messages, size_t count,
		       int *why)
{
	size_t taken = 0;

	while (taken < count && !socket->in_flight && !socket->blocked) {
		uint32_t n =
			admit(socket, &messages[taken], count - taken, why);
		int done = n ? submit(socket, &messages[taken], n) : 0;

		if (done < 0) {
			*why = done;
			return taken;
		}
		taken += (size_t)done;
		if (*why == -EAGAIN)
			break;
		if (*why && (uint32_t)done == n && !socket->in_flight)
			return taken;
	}
	if (taken == count)
		return taken;
	return taken + hold(socket, &messages[taken], count - taken, why);
}

/* A message that is alone can be told what the kernel says of it. */
static int send_one_now(struct hail_socket *socket,
			const struct hail_message *message)
{
	struct hail_engine *engine = socket->engine;
	uint32_t queued = 0;
	int why = 0;
	int result;

	if (!socket->in_flight && !socket->blocked &&
	    admit(socket, message, 1, &why)) {
		why = launch(socket, message, 1, &queued);
		result = engine->flight.results[0];
		hl_flight_end(&engine->flight);
		if (why)
			return why;
		if (queued && !result)
			count_sent(socket, message, 1);
		if (queued && !hl_send_check_backpressure(result))
			return result;
		if (queued)
			hl_send_queue_block(socket, result);
	} else if (why && why != -EAGAIN) {
		return why;
	}
	hold(socket, message, 1, &why);
	return why;
}

int hail_send(struct hail_socket *socket, const void *data, size_t size,
	      const struct hail_addr *remote)
{
	const struct hail_message message = {data, size, remote};
	int err = hl_socket_check(socket);

	if (err)
		return err;
	if (!socket->engine->turning)
		return send_one_now(socket, &message);
	hl_send_queue_append(socket, &message, 1, &err);
	return err;
}

ssize_t hail_send_many(struct hail_socket *socket,
		       const struct hail_message *messages, size_t count)
{
	int why = hl_socket_check(socket);
	size_t taken;

	if (why || !count)
		return why;
	if (!messages || count > SSIZE_MAX)
		return -EINVAL;
	if (socket->engine->turning)
		taken = hl_send_queue_append(socket, messages, count, &why);
	else
		taken = send_now(socket, messages, count, &why);
	return taken ? (ssize_t)taken : why;
}
