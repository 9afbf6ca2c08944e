/* SPDX-License-Identifier: MIT */
/* flight.h: the messages of one submission, the sends that carry them, and what
 * became of each. */
#ifndef HL_FLIGHT_H
#define HL_FLIGHT_H

#include "backend/backend.h"
#include "extras.h"
#include "net/gso.h"
#include "net/gso_limit.h"
#include "util/memory.h"

#include <hail/datagram.h>
#include <stdbool.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;
struct hl_pending;

/* The arrays are by message. A send has the number of its first message, which
 * is its token with the backend. */
struct hl_flight {
	const struct hl_memory *memory;
	uint32_t capacity; /* the ring's entries */
	uint32_t count;
	uint32_t failed;
	uint32_t first;     /* of the messages of the socket at hand */
	uint32_t serial;    /* counts submissions */
	bool pushed_back;   /* some of those by backpressure */
	bool awaited;       /* somebody waits for them to be over */
	bool planning;      /* what is added now is planned by gso */
	bool planned;       /* so were some: results are by send */
	bool lendable;      /* what is added now is the engine's memory */
	bool lent;          /* some of it is: see lend.h */
	bool unlent;        /* and such a send failed */
	uint32_t annotated; /* up to this index some have extras; 0: none has */
	uint32_t round;     /* counts up with each socket's messages */
	struct hail_socket *lacking; /* whose send buffer ended it */

	int32_t *results;   /* 0, or what the kernel said; by send */
	uint8_t *overtaken; /* it failed, and what came behind it left */
	/* Whose they are; used for what comes from pending queues. */
	struct hl_pending **pending;
	struct hail_socket **sockets;
	struct hail_message *messages; /* gathered for the backend */
	/* What goes with each, or NULL; and memory for those that come straight
	 * from the caller. */
	const struct hl_extras **extras;
	struct hl_extras *own;
	struct hail_socket **peers; /* that they leave by; NULL: the socket */
	struct hl_backend_send *sends; /* made of them, and their bytes */
	struct iovec *pieces;
	uint8_t *loans; /* by send: what lend.c knows it by; 0: it isn't lent */
	uint32_t send_count;

	struct hl_gso gso;
	struct hl_gso_limits limits;
	uint32_t segments_max; /* that the kernel takes */
	uint64_t now;          /* where a limit may be in force, else 0 */
	uint64_t seed;         /* of the hashes of remotes */
	uint64_t hash;         /* of the remote looked at last */
	const struct hail_addr *hashed;
};

/* -ENOMEM. */
int hl_flight_init(struct hl_flight *flight, const struct hl_memory *memory,
		   uint32_t capacity);
void hl_flight_fini(struct hl_flight *flight);

/* How many more messages may be submitted at once, so that each could fail and
 * be told. */
uint32_t hl_flight_room(const struct hail_engine *engine);
/* Notes what goes with a message. */
void hl_flight_annotate(struct hl_flight *flight, uint32_t index,
			const struct hl_extras *extras);

/* Queues messages of one socket with the backend, as they were planned; the
 * first of them has this index. Where there isn't room for all, those before
 * are submitted. -errno: the backend is broken. */
int hl_flight_send(struct hail_engine *engine, struct hail_socket *socket,
		   const struct hail_message *messages, uint32_t count,
		   uint32_t first);
/* Some of these messages were refused as trains: sends each by itself, at once.
 * `results` are by message from then on. */
int hl_flight_send_singly(struct hail_engine *engine,
			  struct hail_socket *socket,
			  const struct hail_message *messages, uint32_t count);

void hl_flight_failed(struct hl_flight *flight, uint32_t token, int error);

/* What became of a message. */
static inline int hl_flight_result(const struct hl_flight *flight,
				   uint32_t index)
{
	return flight->results[flight->planned ? flight->gso.places[index].head
					       : index];
}

/* Everything in it is settled. */
void hl_flight_end(struct hl_flight *flight);

#endif
