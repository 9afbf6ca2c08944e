/* SPDX-License-Identifier: MIT */
/* flight.c: books of the submission that is under way; there is one at a
 * time. */
#include "flight.h"

#include "core.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* What there is one of for each token. */
static const struct {
	size_t offset, size;
} arrays[] = {
	{offsetof(struct hl_flight, results), sizeof(int32_t)},
	{offsetof(struct hl_flight, pending), sizeof(struct hl_pending *)},
	{offsetof(struct hl_flight, sockets), sizeof(struct hail_socket *)},
	{offsetof(struct hl_flight, messages), sizeof(struct hail_message)},
	{offsetof(struct hl_flight, extras), sizeof(struct hl_extras *)},
	{offsetof(struct hl_flight, own), sizeof(struct hl_extras)},
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
	flight->memory = memory;
	flight->capacity = capacity;
	for (size_t i = 0; i < ARRAYS; i++) {
		void *array =
			hl_memory_allocate(memory, capacity, arrays[i].size);

		if (!array)
			return -ENOMEM;
		memcpy(place_of(flight, i), &array, sizeof(array));
	}
	return hl_distinct_init(&flight->distinct, memory, capacity);
}

void hl_flight_fini(struct hl_flight *flight)
{
	for (size_t i = 0; i < ARRAYS; i++) {
		void *array;

		memcpy(&array, place_of(flight, i), sizeof(array));
		hl_memory_release(flight->memory, array, flight->capacity,
				  arrays[i].size);
	}
	hl_distinct_fini(&flight->distinct);
}

uint32_t hl_flight_room(const struct hail_engine *engine)
{
	const struct hl_flight *flight = &engine->flight;
	uint32_t room = flight->capacity - flight->count;
	uint32_t records = engine->failures.available;

	records -= records < flight->count ? records : flight->count;
	return room < records ? room : records;
}

void hl_flight_annotate(struct hl_flight *flight, uint32_t token,
			const struct hl_extras *extras)
{
	flight->extras[token] = extras;
	if (flight->annotated <= token)
		flight->annotated = token + 1;
}

/* With control messages a send is a request of another kind. */
static uint32_t send_annotated(struct hail_engine *engine, uint32_t slot,
			       const struct hail_message *messages,
			       uint32_t count, uint32_t token)
{
	struct hl_backend *backend = engine->backend;
	uint32_t n;

	for (n = 0; n < count; n++) {
		const struct hl_extras *extras =
			engine->flight.extras[token + n];
		bool queued;

		if (extras && extras->control.size)
			queued = backend->ops->send_with(
				backend, slot, &messages[n], &extras->control,
				token + n);
		else
			queued = backend->ops->send(backend, slot, &messages[n],
						    1, token + n);
		if (!queued)
			break;
	}
	return n;
}

uint32_t hl_flight_send(struct hail_engine *engine, uint32_t slot,
			const struct hail_message *messages, uint32_t count,
			uint32_t token)
{
	struct hl_backend *backend = engine->backend;

	if (engine->flight.annotated)
		return send_annotated(engine, slot, messages, count, token);
	return backend->ops->send(backend, slot, messages, count, token);
}

void hl_flight_begin(struct hl_flight *flight, uint32_t count)
{
	assert(!flight->count && count <= flight->capacity);
	flight->count = count;
}

void hl_flight_failed(struct hl_flight *flight, uint32_t token, int error)
{
	assert(token < flight->capacity);
	flight->results[token] = error;
	flight->failed++;
}

void hl_flight_end(struct hl_flight *flight)
{
	if (flight->failed)
		memset(flight->results, 0,
		       sizeof(*flight->results) * flight->count);
	if (flight->annotated)
		memset(flight->extras, 0,
		       sizeof(struct hl_extras *) * flight->annotated);
	flight->count = 0;
	flight->failed = 0;
	flight->awaited = false;
	flight->annotated = 0;
}
