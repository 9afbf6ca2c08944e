/* SPDX-License-Identifier: MIT */
/* many.h: the ways of sending batches from many open sockets, each batch from
 * another one. */
#ifndef BENCH_MANY_H
#define BENCH_MANY_H

#include "load.h"
#include "sender.h"
#include "sinks.h"

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

struct many_options {
	size_t sockets;
	struct in_addr local; /* where they are bound */
};

/* Far from one socket to the next, and prime, so that all have their turn. */
#define MANY_STEP 7919

/* Each fills `out`, whose send() sends the load's batch from the next socket,
 * or returns a negative errno. All have hail's path MTU mode. */
typedef int (*many_create)(struct sender *out, const struct load *load,
			   const struct many_options *options);

int many_sendmmsg_create(struct sender *out, const struct load *load,
			 const struct many_options *options);
int many_uring_create(struct sender *out, const struct load *load,
		      const struct many_options *options);
int many_hail_create(struct sender *out, const struct load *load,
		     const struct many_options *options);

#ifdef __cplusplus
}
#endif

#endif
