/* SPDX-License-Identifier: MIT */
/* relay.h: the ways of passing on what arrives, stream by stream. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A socket for each stream; what it receives it sends to the stream's
 * destination. */
struct relay {
	void *self;
	struct sockaddr_in *addrs; /* of the sockets; the relay's */
	/* Passes on so many datagrams; -ETIMEDOUT where they don't come. */
	int (*run)(void *self, uint64_t datagrams);
	void (*destroy)(void *self);
};

struct relay_options {
	size_t streams;
	size_t size;
	uint64_t batch_wait_ns; /* hail's only */
};

#define RELAY_WAIT_MS 10000

/* Each fills `out` or returns a negative errno; `to` are the destinations. */
typedef int (*relay_create)(struct relay *out, const struct sockaddr_in *to,
			    const struct relay_options *options);

/* epoll, then one recvfrom() and one sendto() for each socket that is ready. */
int relay_epoll_create(struct relay *out, const struct sockaddr_in *to,
		       const struct relay_options *options);
/* The same with hail's path MTU mode. */
int relay_epoll_probe_create(struct relay *out, const struct sockaddr_in *to,
			     const struct relay_options *options);
/* Sent from the data handler. */
int relay_hail_create(struct relay *out, const struct sockaddr_in *to,
		      const struct relay_options *options);

#ifdef __cplusplus
}
#endif

#endif
