/* SPDX-License-Identifier: MIT */
/* sender.h: the ways to send a load: hail's, and what it is measured
 * against. */
#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include "load.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One unconnected socket (where it isn't told otherwise), and one way of giving
 * it a load's batch. The load must outlive it. */
struct sender {
	const char *name;
	void *self;
	int (*send)(void *self); /* the batch, once: 0 or a negative errno */
	void (*destroy)(void *self);
};

/* Each fills `out` or returns a negative errno. */
typedef int (*sender_create)(struct sender *out, const struct load *load);

int sender_sendto_create(struct sender *out, const struct load *load);
int sender_sendmmsg_create(struct sender *out, const struct load *load);
/* sendmmsg() on a socket with hail's path MTU mode. */
int sender_sendmmsg_probe_create(struct sender *out, const struct load *load);
/* liburing without a library above it, doing what hail does: one SEND with
 * address a datagram, one enter a batch; and hail's path MTU mode. */
int sender_uring_create(struct sender *out, const struct load *load);
/* libuv: a request a datagram, and the loop until all have called back; or
 * uv_udp_try_send(), which asks for no callback. -ENOTSUP: built without it. */
int sender_uv_create(struct sender *out, const struct load *load);
int sender_uv_try_create(struct sender *out, const struct load *load);

/* send() on a connected socket for each destination. */
int sender_connected_create(struct sender *out, const struct load *load);
/* Trains by hand (UDP_SEGMENT) with hail's path MTU mode: of all datagrams of a
 * batch to one destination, given to one sendmmsg(), or to bare liburing with
 * one enter. */
int sender_train_create(struct sender *out, const struct load *load);
int sender_uring_train_create(struct sender *out, const struct load *load);

int sender_hail_create(struct sender *out, const struct load *load);
/* Without trains. */
int sender_hail_single_create(struct sender *out, const struct load *load);
/* With a peer open for each destination. */
int sender_hail_peers_create(struct sender *out, const struct load *load);

#ifdef __cplusplus
}
#endif

#endif
