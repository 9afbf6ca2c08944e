/* SPDX-License-Identifier: MIT */
/*
 * support/haul.h: datagrams by the million from one engine's sockets to
 * another's, of which every byte, the order and the number are checked.
 *
 * Sources send to sinks and to relays; relays send on what came, from their
 * handlers or later from buffers that they retained, to a home at the sources'
 * engine. What was taken by a send is written down for its sender and receiver,
 * and has to come in that order. Nothing more is sent to a socket than its
 * receive buffer surely holds, so whatever doesn't come was lost by somebody.
 */
#ifndef TEST_HAUL_H
#define TEST_HAUL_H

#include <stdbool.h>
#include <stdint.h>

struct haul;

struct haul_options {
	uint64_t seed;
	uint64_t datagrams; /* that sources send; relays' come on top */

	/* The sources' and relays' options. */
	bool no_trains, errors, peers;
	uint32_t path_mtu, window, send_buffer;
	/* Everybody's option. */
	uint32_t coalesce;

	uint32_t batch_max;
	uint32_t size_min, size_max;
	/* Frames of 1500 bytes that may be under way: what no queue between
	 * drops. 0: as many as loopback takes. */
	uint32_t frames_max;

	/* Of sources and home, and of all others; NULL: 127.0.0.1. */
	const char *near_ip, *far_ip;
	/* Where the two engines' sockets are, unless 0. */
	int near, far;

	/* The network may drop what sources send; relays only receive. What is
	 * missing is counted. */
	bool lossy;
	/* Called once, when half of the datagrams were sent; NULL: nothing. */
	void (*midway)(void *arg);
	void *arg;
};

struct haul_result {
	uint64_t sent, received;
	uint64_t lost;      /* of a lossy haul */
	uint64_t coalesced; /* of those received */
	uint64_t kept;      /* sent on from buffers that were retained */
	uint64_t inside;    /* batches that were sent in handlers */
	uint64_t refused, drains;
	uint64_t trains, train_sent, train_refused, retried;
	uint64_t peers;    /* that were open at the end */
	char failure[256]; /* what went wrong first, in words; or empty */
};

/* Hauls them all. True: nothing went wrong. */
bool haul_run(const struct haul_options *options, struct haul_result *result);

#endif
