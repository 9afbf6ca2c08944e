/* SPDX-License-Identifier: MIT */
/* receiver.h: the ways to receive a flood: hail's, and what it is measured
 * against. */
#ifndef BENCH_RECEIVER_H
#define BENCH_RECEIVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long a receiver waits for what should already be there. */
#define RECEIVER_WAIT_MS 10000

/* Some bound sockets, and one way of emptying them all. Every one of them
 * learns the sender's address and reads the payload (payload.h). */
struct receiver {
	const char *name;
	void *self;
	struct sockaddr_in *addrs; /* of the sockets; the receiver's */
	size_t count;
	size_t room; /* datagrams that surely fit each socket */
	/* Takes so many datagrams from all sockets together; -ETIMEDOUT where
	 * they don't come, -EBADMSG where they aren't of the right size. */
	int (*drain)(void *self, uint64_t datagrams);
	void (*destroy)(void *self);
};

struct receiver_options {
	size_t sockets;
	size_t size;         /* of each datagram that will come */
	size_t datagram_max; /* what hail is promised; 0: nothing */
	unsigned buffers;    /* in the bare ring's pool */
	bool coalesce;       /* UDP_GRO */
	/* How long hail may wait for more (batch_wait_ns); 0: not at all. */
	uint64_t batch_wait_ns;
	/* Where the sockets are bound; 0: 127.0.0.1. */
	struct in_addr local;
	/* hail only: how many peers of each socket send nothing, and one that
	 * does; NULL: none. */
	size_t silent_peers;
	const struct sockaddr_in *peer;
};

/* Each fills `out` or returns a negative errno. */
typedef int (*receiver_create)(struct receiver *out,
			       const struct receiver_options *options);

int receiver_recvmmsg_create(struct receiver *out,
			     const struct receiver_options *options);
int receiver_recvfrom_create(struct receiver *out,
			     const struct receiver_options *options);
/* liburing without a library above it, doing what hail does: a multishot
 * RECVMSG a socket, one ring of coloured 64 KiB buffers for all. */
int receiver_uring_create(struct receiver *out,
			  const struct receiver_options *options);
/* libuv, asked to use recvmmsg(). -ENOTSUP: built without it. */
int receiver_uv_create(struct receiver *out,
		       const struct receiver_options *options);
int receiver_hail_create(struct receiver *out,
			 const struct receiver_options *options);

/* Where the options want the sockets. */
static inline struct in_addr
receiver_local(const struct receiver_options *options)
{
	struct in_addr loopback;

	loopback.s_addr = htonl(INADDR_LOOPBACK);
	return options->local.s_addr ? options->local : loopback;
}

#ifdef __cplusplus
}
#endif

#endif
