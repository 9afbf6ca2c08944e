/* SPDX-License-Identifier: MIT */
/* flight.c: books of the submission that is under way; there is one at a
 * time. */
#include "flight.h"

#include "core.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hl_flight_init(struct hl_flight *flight, uint32_t capacity)
{
	flight->capacity = capacity;
	flight->results = calloc(capacity, sizeof(*flight->results));
	flight->pending = calloc(capacity, sizeof(struct hl_pending *));
	flight->sockets = calloc(capacity, sizeof(struct hail_socket *));
	flight->messages = calloc(capacity, sizeof(*flight->messages));
	if (!flight->results || !flight->pending || !flight->sockets ||
	    !flight->messages)
		return -ENOMEM;
	return 0;
}

void hl_flight_fini(struct hl_flight *flight)
{
	free(flight->results);
	free(flight->pending);
	free(flight->sockets);
	free(flight->messages);
}

uint32_t hl_flight_room(const struct hail_engine *engine)
{
	const struct hl_flight *flight = &engine->flight;
	uint32_t room = flight->capacity - flight->count;
	uint32_t records = engine->failures.available;

	records -= records < flight->count ? records : flight->count;
	return room < records ? room : records;
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
		       sizeof(*flight->results) * flight->capacity);
	flight->count = 0;
	flight->failed = 0;
	flight->awaited = false;
}
