/* SPDX-License-Identifier: MIT */
/* fanout.h: the ways of sending each received datagram on to many. */
#ifndef BENCH_FANOUT_H
#define BENCH_FANOUT_H

#include "interleave.h"
#include "sinks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One socket; what it receives it sends to every sink. */
struct fanout {
	void *self;
	struct sockaddr_in addr;
	/* Takes so many datagrams and has sent all copies of them when it
	 * returns; -ETIMEDOUT where they don't come. */
	int (*run)(void *self, uint64_t datagrams);
	void (*destroy)(void *self);
};

#define FANOUT_WAIT_MS 10000

/* Each fills `out` or returns a negative errno. `burst`: the most that a run
 * is given. */
typedef int (*fanout_create)(struct fanout *out, const struct sinks *sinks,
			     size_t burst);

/* What recvmmsg() got, one sendmmsg() for each datagram. */
int fanout_sendmmsg_create(struct fanout *out, const struct sinks *sinks,
			   size_t burst);
/* The same with hail's path MTU mode. */
int fanout_sendmmsg_probe_create(struct fanout *out, const struct sinks *sinks,
				 size_t burst);
/* From the data handler, from the received buffers: with all defaults, without
 * trains, with a peer for each sink. */
int fanout_hail_create(struct fanout *out, const struct sinks *sinks,
		       size_t burst);
int fanout_hail_single_create(struct fanout *out, const struct sinks *sinks,
			      size_t burst);
int fanout_hail_peers_create(struct fanout *out, const struct sinks *sinks,
			     size_t burst);

/* Each slice a burst of datagrams of `size` bytes waits, and is fanned out;
 * what arrives at the sinks must be all of it. The cost is that of a datagram
 * sent. */
int work_fanout(struct contender *out, fanout_create create,
		const struct sinks *sinks, size_t size, size_t burst);

#ifdef __cplusplus
}
#endif

#endif
