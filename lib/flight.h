/* SPDX-License-Identifier: MIT */
/* flight.h: the sends of one submission, and what became of each. */
#ifndef HL_FLIGHT_H
#define HL_FLIGHT_H

#include "distinct.h"
#include "extras.h"
#include "util/memory.h"

#include <hail/datagram.h>
#include <stdbool.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;
struct hl_pending;

/* Indexed by the token that the backend has for a send. */
struct hl_flight {
	const struct hl_memory *memory;
	uint32_t capacity; /* the ring's entries */
	uint32_t count;
	uint32_t failed;
	bool awaited;       /* somebody waits for them to be over */
	uint32_t annotated; /* up to this token some have extras; 0: none has */
	int32_t *results;   /* 0, or what the kernel said */
	/* Whose they are; used for what comes from pending queues. */
	struct hl_pending **pending;
	struct hail_socket **sockets;
	struct hail_message *messages; /* gathered for the backend */
	/* What goes with each, or NULL; and memory for those that come straight
	 * from the caller. */
	const struct hl_extras **extras;
	struct hl_extras *own;
	struct hl_distinct distinct;
};

/* -ENOMEM. */
int hl_flight_init(struct hl_flight *flight, const struct hl_memory *memory,
		   uint32_t capacity);
void hl_flight_fini(struct hl_flight *flight);

/* How many more sends may be submitted at once, so that each could fail and be
 * told. */
uint32_t hl_flight_room(const struct hail_engine *engine);
/* Notes what goes with the send of this token. */
void hl_flight_annotate(struct hl_flight *flight, uint32_t token,
			const struct hl_extras *extras);
/* Queues sends with the backend, from this token on; returns how many. */
uint32_t hl_flight_send(struct hail_engine *engine, uint32_t slot,
			const struct hail_message *messages, uint32_t count,
			uint32_t token);
/* All that is submitted now is one caller's own. */
void hl_flight_begin(struct hl_flight *flight, uint32_t count);
void hl_flight_failed(struct hl_flight *flight, uint32_t token, int error);
/* Everything in it is settled. */
void hl_flight_end(struct hl_flight *flight);

#endif
