/* SPDX-License-Identifier: MIT */
/* convoy.h: numbered messages of any sizes to several remotes, and whether what
 * left is just these, once each, and in order for each remote. */
#ifndef CONVOY_H
#define CONVOY_H

#include "world.h"

#define CONVOY_MAX 2048
#define CONVOY_SIZE_MAX 4000
#define CONVOY_PORT 20 /* the first remote's */
#define CONVOY_REMOTES 8

struct convoy {
	struct world world;
	struct seen seen;
	uint32_t count; /* messages that were taken */
	struct {
		uint8_t remote;
		uint16_t size;
		bool told; /* as failed */
	} items[CONVOY_MAX];
};

/* A world whose sockets send trains, with one open. Options may be NULL. */
void convoy_start(struct convoy *convoy, uint64_t seed,
		  const struct hail_engine_options *engine,
		  const struct hail_socket_options *socket);
/* Asserts that all left, or was told as failed, and ends the world. */
void convoy_end(struct convoy *convoy);

/* A message to one of the remotes, of a size of at least four bytes. */
struct convoy_message {
	uint8_t remote;
	uint16_t size;
};

/* hail_send_many(); the caller's memory is overwritten at once. */
ssize_t convoy_offer(struct convoy *convoy,
		     const struct convoy_message *messages, uint32_t count);
/* Asserts that all are taken. */
void convoy_send(struct convoy *convoy, const struct convoy_message *messages,
		 uint32_t count);
/* The same `count` times to remote 0. */
void convoy_send_equal(struct convoy *convoy, uint32_t count, uint16_t size);

/* Asserts that all that was taken left or was told, once and in order. */
void convoy_assert_order(const struct convoy *convoy);
/* How many sends the kernel took from the index-th datagram on; how many
 * datagrams the send has that the index-th is in. */
uint32_t convoy_sends(const struct convoy *convoy, size_t first);
uint32_t convoy_length(const struct convoy *convoy, size_t index);

#endif
