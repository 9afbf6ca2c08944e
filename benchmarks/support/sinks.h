/* SPDX-License-Identifier: MIT */
/*
 * sinks.h: a bound socket at every destination.
 *
 * Sending to nobody makes the kernel write ICMP messages and doubles the cost;
 * sending to a full receive buffer makes it drop, which is cheaper than
 * delivering. So there are sinks, and they are emptied between the slices:
 * every contender meets the same state.
 */
#ifndef BENCH_SINKS_H
#define BENCH_SINKS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sinks {
	int *fds;
	struct sockaddr_in *addrs;
	size_t count;
};

/* Opens `count` sinks. A negative errno leaves nothing behind. */
int sinks_open(struct sinks *sinks, size_t count);
/* The same of sinks that take what comes in a row in one piece (UDP_GRO). */
int sinks_open_coalescing(struct sinks *sinks, size_t count);
void sinks_close(struct sinks *sinks);

/* How many datagrams of `size` bytes surely fit into each of them. */
size_t sinks_room(const struct sinks *sinks, size_t size);

/* So many batches of `batch` datagrams, dealt to the sinks in turn, fit into
 * them, but no more than make up `wanted` datagrams (or one batch); 0: not even
 * one fits. */
size_t sinks_batches(const struct sinks *sinks, size_t size, size_t batch,
		     size_t wanted);

/* Empties them all and returns how many datagrams there were. */
uint64_t sinks_drain(const struct sinks *sinks);

#ifdef __cplusplus
}
#endif

#endif
