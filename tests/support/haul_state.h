/* SPDX-License-Identifier: MIT */
/* support/haul_state.h: what the parts of a haul share. */
#ifndef TEST_HAUL_STATE_H
#define TEST_HAUL_STATE_H

#include "support/haul.h"
#include "support/random.h"

#include <hail/hail.h>

enum {
	HAUL_SOURCES = 2,
	HAUL_HOME = HAUL_SOURCES,
	HAUL_RELAYS = HAUL_HOME + 1, /* the first of two */
	HAUL_SINKS = HAUL_RELAYS + 2,
	HAUL_NODES = HAUL_SINKS + 4,
};
#define HAUL_BATCH_MAX 1024
#define HAUL_ARENA_SIZE (4u << 20)
#define HAUL_PATTERN_SIZE (2u << 20)
#define HAUL_SIZE_LARGEST 65527
/* As many frames as loopback's queue holds. */
#define HAUL_FRAMES_LOOPBACK 1200
/* More than may be under way, a power of two. */
#define HAUL_ROW_SIZE 4096u
/* A relay that has retained so many is sent no more. */
#define HAUL_KEPT_MAX 256

/* A datagram: a place of the pattern, so that each has bytes of its own. */
struct haul_piece {
	uint32_t at, size;
};

/* First in, first out. */
struct haul_row {
	struct haul_piece pieces[HAUL_ROW_SIZE];
	uint32_t head, tail;
};

struct haul_node {
	struct haul *haul;
	struct hail_socket *socket;
	struct hail_addr local;
	bool owed; /* a drain */
	bool relays;
	uint64_t sent, received, drains, refused;
	uint64_t booked, booked_max; /* bytes in its receive buffer */
	uint32_t last_size;          /* of what was sent to it */
	/* What a relay has retained. */
	struct hail_datagram kept[HAUL_ROW_SIZE];
	struct haul_piece kept_pieces[HAUL_ROW_SIZE];
	uint32_t kept_head, kept_tail;
	/* What is on its way to it, by sender. */
	struct haul_row *rows[HAUL_NODES];
};

struct haul {
	struct haul_options options;
	struct haul_result *result;
	struct test_random random;
	struct hail_engine *near, *far;
	struct haul_node nodes[HAUL_NODES];
	uint32_t frames; /* under way */
	uint64_t under_way;
	bool posted, turned; /* midway was called */
	unsigned char *pattern, *arena;
	/* The batch that is being sent. */
	struct hail_message messages[HAUL_BATCH_MAX];
	struct haul_piece pieces[HAUL_BATCH_MAX];
	uint32_t to[HAUL_BATCH_MAX];
};

/* Writes down what went wrong, unless something has before. */
void haul_fail(struct haul *haul, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline uint32_t haul_below(struct haul *haul, uint32_t bound)
{
	return (uint32_t)test_random_below(&haul->random, bound);
}
static inline uint32_t haul_index(const struct haul_node *node)
{
	return (uint32_t)(node - node->haul->nodes);
}

/* haul_way.c: what is under way. */

/* Whether a datagram may be sent to a node: `booked` and `frames` are of others
 * that shall be sent before. */
bool haul_way_open(const struct haul_node *node, uint32_t size, uint64_t booked,
		   uint32_t frames);
uint64_t haul_way_charge(uint32_t size);
uint32_t haul_way_frames(uint32_t size);
/* It was taken. */
void haul_way_enter(struct haul_node *from, struct haul_node *to,
		    struct haul_piece piece);
/* It has come; returns what it is. */
struct haul_piece haul_way_leave(struct haul_node *to,
				 const struct hail_datagram *datagram);

/* haul_send.c: sources. */

/* Sends a batch, as far as may be. */
void haul_send_batch(struct haul_node *source);
/* Sends a small one to everybody, whatever is under way. */
void haul_send_last(struct haul *haul);
/* The answer of a send of so many messages: how many were taken. */
size_t haul_send_answer(struct haul_node *node, ssize_t answer, size_t count);

/* haul_relay.c: sending on. */
void haul_relay_batch(struct haul_node *relay,
		      const struct hail_datagram *batch,
		      const struct haul_piece *pieces, size_t count);
/* Sends what was retained, as far as may be. */
void haul_relay_kept(struct haul_node *relay);

#endif
