/* SPDX-License-Identifier: MIT */
/* flight.c: books of the submission that is under way; there is one at a
 * time. */
#include "flight.h"

#include "core.h"
#include "dispatch.h"
#include "lend.h"
#include "send_check.h"
#include "train.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

/* What there is one of for each message. */
static const struct {
	size_t offset, size;
} arrays[] = {
	{offsetof(struct hl_flight, results), sizeof(int32_t)},
	{offsetof(struct hl_flight, overtaken), sizeof(uint8_t)},
	{offsetof(struct hl_flight, pending), sizeof(struct hl_pending *)},
	{offsetof(struct hl_flight, sockets), sizeof(struct hail_socket *)},
	{offsetof(struct hl_flight, messages), sizeof(struct hail_message)},
	{offsetof(struct hl_flight, extras), sizeof(struct hl_extras *)},
	{offsetof(struct hl_flight, own), sizeof(struct hl_extras)},
	{offsetof(struct hl_flight, peers), sizeof(struct hail_socket *)},
	{offsetof(struct hl_flight, sends), sizeof(struct hl_backend_send)},
	{offsetof(struct hl_flight, pieces), sizeof(struct iovec)},
	{offsetof(struct hl_flight, loans), sizeof(uint8_t)},
};

#define ARRAYS (sizeof(arrays) / sizeof(arrays[0]))

/* Where the pointer to the array is. */
static void *place_of(struct hl_flight *flight, size_t i)
{
	return (char *)flight + arrays[i].offset;
}

int hl_flight_init(struct hl_flight *flight, const struct hl_memory *memory,
		   uint32_t capacity)
{
	struct utsname kernel;

	flight->memory = memory;
	flight->capacity = capacity;
	flight->serial = 1;
	flight->segments_max =
		hl_gso_segments_max(uname(&kernel) ? "" : kernel.release);
	/* Strangers choose their addresses; that a seed can't be had is no
	 * reason to fail. */
	if (getrandom(&flight->seed, sizeof(flight->seed), GRND_NONBLOCK) < 0)
		flight->seed = (uint64_t)(uintptr_t)flight;
	for (size_t i = 0; i < ARRAYS; i++) {
		void *array =
			hl_memory_allocate(memory, capacity, arrays[i].size);

		if (!array)
			return -ENOMEM;
		memcpy(place_of(flight, i), &array, sizeof(array));
	}
	return hl_gso_init(&flight->gso, memory, capacity);
}

void hl_flight_fini(struct hl_flight *flight)
{
	for (size_t i = 0; i < ARRAYS; i++) {
		void *array;

		memcpy(&array, place_of(flight, i), sizeof(array));
		hl_memory_release(flight->memory, array, flight->capacity,
				  arrays[i].size);
	}
	hl_gso_fini(&flight->gso);
}

uint32_t hl_flight_room(const struct hail_engine *engine)
{
	const struct hl_flight *flight = &engine->flight;
	uint32_t room = flight->capacity - flight->count;
	uint32_t records = engine->failures.available;

	records -= records < flight->count ? records : flight->count;
	return room < records ? room : records;
}

void hl_flight_annotate(struct hl_flight *flight, uint32_t index,
			const struct hl_extras *extras)
{
	flight->extras[index] = extras;
	if (flight->annotated <= index)
		flight->annotated = index + 1;
}

static struct iovec piece_of(const struct hail_message *message)
{
	return (struct iovec){
		.iov_base = (void *)(uintptr_t)message->data,
		.iov_len = message->size,
	};
}

/* Makes the next send: of one message so far, whose bytes are its first
 * piece. */
static struct hl_backend_send *add_send(struct hl_flight *flight,
					struct hail_socket *socket,
					const struct hail_message *message,
					uint32_t index, struct iovec *pieces)
{
	const struct hl_extras *extras =
		index < flight->annotated ? flight->extras[index] : NULL;
	const struct hail_socket *by = hl_train_by(socket, index);
	struct hl_backend_send *send = &flight->sends[flight->send_count++];

	*pieces = piece_of(message);
	*send = (struct hl_backend_send){
		.slot = by->slot,
		.token = index,
		.remote = by == socket ? message->remote : NULL,
		.pieces = pieces,
		.piece_count = 1,
	};
	if (extras && extras->control.size)
		send->control = &extras->control;
	return send;
}

/* Where the bytes follow those before, as in a buffer that is sent piece by
 * piece, the kernel has less to walk through. */
static void add_piece(struct hl_backend_send *send, struct iovec *last,
		      const struct hail_message *message)
{
	if ((const char *)last->iov_base + last->iov_len ==
	    (const char *)message->data) {
		last->iov_len += message->size;
		return;
	}
	last[1] = piece_of(message);
	send->piece_count++;
}

/* Adds the other messages of a train. */
static void add_segments(const struct hl_flight *flight,
			 struct hl_backend_send *send, struct iovec *pieces,
			 const struct hail_message *messages)
{
	uint32_t index = send->token;
	uint32_t first = index;

	while ((index = flight->gso.places[index].next) != HL_GSO_NONE)
		add_piece(send, &pieces[send->piece_count - 1],
			  &messages[index - first]);
}

/* Makes the sends that carry the messages. */
static void build(struct hl_flight *flight, struct hail_socket *socket,
		  const struct hail_message *messages, uint32_t count,
		  uint32_t first)
{
	const struct hl_gso_place *place = &flight->gso.places[first];
	struct iovec *pieces = &flight->pieces[first];

	flight->send_count = 0;
	for (uint32_t i = 0; i < count; i++, place++) {
		struct hl_backend_send *send;

		if (flight->planned && place->head != first + i)
			continue;
		send = add_send(flight, socket, &messages[i], first + i,
				pieces);
		if (flight->planned) {
			send->segment = place->segment;
			add_segments(flight, send, pieces, &messages[i]);
		}
		pieces += send->piece_count;
	}
}

/* Submits what is queued, so that there is room again. What met backpressure
 * may not be overtaken by what comes after: then that stays here. */
static int make_room(struct hail_engine *engine, bool *stop)
{
	int err = hl_dispatch_wait(engine, HL_WAIT_SUBMIT);

	*stop = engine->flight.pushed_back || engine->flight.unlent;
	return err;
}

static int queue_sends(struct hail_engine *engine)
{
	struct hl_flight *flight = &engine->flight;
	struct hl_backend *backend = engine->backend;
	const struct hl_backend_send *sends = flight->sends;
	uint32_t count = flight->send_count;
	bool stop = false;
	int err = 0;

	while (!err && !stop) {
		uint32_t from = (uint32_t)(sends - flight->sends);
		uint32_t queued = backend->ops->send_each(
			backend, sends, hl_lend_run(engine, from, count));

		sends += queued;
		count -= queued;
		if (!count)
			return 0;
		err = make_room(engine, &stop);
	}
	for (uint32_t i = 0; i < count; i++) {
		hl_flight_failed(flight, sends[i].token, -EAGAIN);
		hl_lend_never(engine, sends[i].token);
	}
	return err;
}

static int queue_plain(struct hail_engine *engine, uint32_t slot,
		       const struct hail_message *messages, uint32_t count,
		       uint32_t token)
{
	struct hl_backend *backend = engine->backend;
	bool stop = false;
	int err = 0;

	while (!err && !stop) {
		uint32_t queued = backend->ops->send(backend, slot, messages,
						     count, token);

		messages += queued;
		token += queued;
		count -= queued;
		if (!count)
			return 0;
		err = make_room(engine, &stop);
	}
	for (uint32_t i = 0; i < count; i++)
		hl_flight_failed(&engine->flight, token + i, -EAGAIN);
	return err;
}

int hl_flight_send(struct hail_engine *engine, struct hail_socket *socket,
		   const struct hail_message *messages, uint32_t count,
		   uint32_t first)
{
	struct hl_flight *flight = &engine->flight;

	flight->first = first;
	flight->pushed_back = false;
	flight->unlent = false;
	if (!socket->peers && flight->annotated <= first &&
	    !(flight->planned && flight->gso.trains))
		return queue_plain(engine, socket->slot, messages, count,
				   first);
	build(flight, socket, messages, count, first);
	hl_lend_plan(socket);
	return queue_sends(engine);
}

int hl_flight_send_singly(struct hail_engine *engine,
			  struct hail_socket *socket,
			  const struct hail_message *messages, uint32_t count)
{
	struct hl_flight *flight = &engine->flight;
	int err;

	for (uint32_t i = 0; i < count; i++)
		flight->results[i] = hl_flight_result(flight, i);
	flight->planned = false;
	flight->send_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!hl_gso_refused(&flight->gso, i, flight->results[i]))
			continue;
		flight->results[i] = 0;
		add_send(flight, socket, &messages[i], i, &flight->pieces[i]);
	}
	err = queue_sends(engine);
	return err ? err : hl_dispatch_wait(engine, HL_WAIT_SUBMIT);
}

void hl_flight_failed(struct hl_flight *flight, uint32_t token, int error)
{
	assert(token < flight->capacity);
	flight->results[token] = error;
	flight->failed++;
	/* What other sockets met before stops nothing. */
	if (token < flight->first)
		return;
	flight->pushed_back |= hl_send_check_backpressure(error);
	flight->unlent |= flight->lent && flight->loans[token];
}

void hl_flight_end(struct hl_flight *flight)
{
	if (flight->failed) {
		memset(flight->results, 0,
		       sizeof(*flight->results) * flight->count);
		memset(flight->overtaken, 0, flight->count);
	}
	if (flight->annotated)
		memset(flight->extras, 0,
		       sizeof(struct hl_extras *) * flight->annotated);
	if (flight->lent)
		memset(flight->loans, 0, flight->count);
	flight->serial++;
	flight->first = 0;
	flight->count = 0;
	flight->failed = 0;
	flight->pushed_back = false;
	flight->awaited = false;
	flight->planned = false;
	flight->lendable = false;
	flight->lent = false;
	flight->unlent = false;
	flight->annotated = 0;
}
