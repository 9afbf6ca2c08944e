/* SPDX-License-Identifier: MIT */
/*
 * world.h: an engine over a simulated kernel, and sockets that write down what
 * happens to them. Each test makes a world and ends it; the end asserts that
 * neither the engine nor the library broke a promise on the way.
 */
#ifndef WORLD_H
#define WORLD_H

#include "support/sim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <hail/hail.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define SEEN_ERRORS_MAX 64

struct world {
	struct sim *sim;
	struct hail_engine *engine;
	/* Sockets may send trains. Most tests count sends, and then a send is a
	 * datagram. */
	bool trains;
};

/* What a socket's handlers saw; it is the socket's user pointer. `late` counts
 * handlers that ran although the socket was closed, or from inside a call. */
struct seen {
	struct world *world;
	struct hail_socket *socket;
	uint32_t slot;
	unsigned batches, drains, errors, closes, late;
	size_t datagrams, batch_max;
	struct hail_error error[SEEN_ERRORS_MAX]; /* the first of them */
	bool lingering, closing, closed;
	void *arg; /* the test's own */
	/* What the test does in a handler, after it was written down. */
	void (*on_data)(struct seen *seen, const struct hail_datagram *batch,
			size_t count);
	void (*on_drain)(struct seen *seen);
	void (*on_error)(struct seen *seen, const struct hail_error *error);
	void (*on_close)(struct seen *seen);
};

void world_start(struct world *world,
		 const struct hail_engine_options *options);
void world_start_seeded(struct world *world, uint64_t seed,
			const struct hail_engine_options *options);
/* Destroys the engine and asserts that the contract held. */
void world_end(struct world *world);

/* Opens a socket whose handlers write to `seen`, which is set up but for the
 * on_... members and arg. Options NULL: an IPv4 socket on 127.0.0.1. */
void world_open(struct world *world, struct seen *seen,
		const struct hail_socket_options *options);
/* The same without the assertion that it works. */
int world_try_open(struct world *world, struct seen *seen,
		   const struct hail_socket_options *options);
void seen_close(struct seen *seen);
/* hail_socket_close_linger(): data and drain count as late from now on. */
void seen_linger(struct seen *seen, int64_t timeout_ns);

/* Asserts that a turn works; returns its events. */
int world_turn(struct world *world);
/* Turns, up to a time, until nothing happens any more, also not after a short
 * wait; returns the events. */
int world_settle(struct world *world);

/* A remote of the documentation's network, told apart by its port. */
struct hail_addr remote_at(uint16_t port);

/* Makes the socket's send buffer full, or free again. */
void seen_block(struct seen *seen);
void seen_unblock(struct seen *seen);
/* Sends a small datagram that carries a number, or several. */
int seen_send(struct seen *seen, uint32_t number);
ssize_t seen_send_many(struct seen *seen, uint32_t first, uint32_t count);
/* The number that the index-th sent datagram carries. */
uint32_t sent_number(const struct world *world, size_t index);
/* Asserts that these numbers were sent, in this order and nothing else. */
void assert_sent(const struct world *world, uint32_t first, uint32_t count);

/* Datagrams with the numbers from `first` arrive at the socket. */
void seen_inject(struct seen *seen, uint32_t first, uint32_t count);
uint32_t datagram_number(const struct hail_datagram *datagram);

struct hail_traffic seen_traffic(const struct seen *seen);
struct hail_engine_stats world_stats(const struct world *world);
uint32_t seen_in_flight(const struct seen *seen);

#endif
