/* SPDX-License-Identifier: MIT */
/* work.h: makes contenders for a measurement of senders and receivers. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "interleave.h"
#include "many.h"
#include "receiver.h"
#include "sender.h"
#include "sinks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sending `batches` times the load a slice. The sinks, which the load is
 * aimed at, are emptied afterwards, and what arrived must be what was sent. */
int work_send(struct contender *out, sender_create create,
	      const struct load *load, const struct sinks *sinks,
	      size_t batches);

/* The same from many sockets, each batch from the next one. */
int work_send_many(struct contender *out, many_create create,
		   const struct many_options *options, const struct load *load,
		   const struct sinks *sinks, size_t batches);

/* Receiving `burst` datagrams a slice, dealt to the sockets in turn, which a
 * sendmmsg() has put there before the slice. */
int work_receive(struct contender *out, receiver_create create,
		 const struct receiver_options *options, size_t burst);

/* Sending and receiving `batches` times `batch` datagrams a slice, both in
 * this thread, from one socket to one other. */
int work_deliver(struct contender *out, const char *name, sender_create send,
		 receiver_create receive,
		 const struct receiver_options *options, size_t batch,
		 size_t batches);

#ifdef __cplusplus
}
#endif

#endif
