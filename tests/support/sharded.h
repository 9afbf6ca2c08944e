/* SPDX-License-Identifier: MIT */
/*
 * support/sharded.h: shards that write down what comes to which of them, for
 * tests of the public interface. What their threads write is behind a lock, and
 * the test's own thread waits for it up to a deadline and asserts.
 */
#ifndef TEST_SHARDED_H
#define TEST_SHARDED_H

#include "support/live.h"

#include <pthread.h>

#define SHARDED_SEEN_MAX 8192

/* A datagram, or a message. */
struct sharded_seen {
	uint32_t shard;
	uint32_t from;   /* of a message */
	uint32_t number; /* of a message, or that a datagram begins with */
	uint16_t port;   /* of a datagram's sender */
};

struct sharded {
	struct hail_shards *shards;
	uint16_t port;
	void *arg; /* the test's own */
	/* What the test does in a data handler, after it was written down. */
	void (*on_data)(struct sharded *sharded, struct hail_socket *socket,
			const struct hail_datagram *batch, size_t count);
	int (*on_start)(struct sharded *sharded, struct hail_shard *shard);
	void (*on_stop)(struct sharded *sharded, struct hail_shard *shard);
	void (*on_message)(struct sharded *sharded, struct hail_shard *shard,
			   uint32_t number);
	/* ---- behind the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t threads[HAIL_SHARDS_MAX];
	unsigned starts, stops, closes;
	unsigned astray;  /* handlers on another thread than their shard's */
	unsigned outside; /* messages from outside a turn */
	size_t seen_count, message_count;
	struct sharded_seen seen[SHARDED_SEEN_MAX];
	struct sharded_seen messages[SHARDED_SEEN_MAX];
};

/* Makes shards that write to `sharded`, whose members above the line the test
 * may have set. Options NULL, or without a socket: bound to 127.0.0.1. */
int sharded_try(struct sharded *sharded,
		const struct hail_shards_options *options);
/* Asserts that it works. */
void sharded_start(struct sharded *sharded,
		   const struct hail_shards_options *options);
/* Destroys them, and asserts that it works, that each handler ran where it
 * should, and that each start has its stop. */
void sharded_end(struct sharded *sharded);

/* Waits until so many datagrams or messages are written down. */
void sharded_await(struct sharded *sharded, size_t datagrams);
void sharded_await_messages(struct sharded *sharded, size_t messages);

/* Sends a datagram that begins with the number, by a plain socket to the port
 * of its own address. */
void sharded_send(int fd, uint32_t number, uint16_t port);

/* Options of engines small enough that many can be made. */
extern const struct hail_engine_options sharded_engine;

#endif
