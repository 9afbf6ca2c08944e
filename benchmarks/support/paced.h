/* SPDX-License-Identifier: MIT */
/* paced.h: contenders that work at a steady rate. */
#ifndef BENCH_PACED_H
#define BENCH_PACED_H

#include "interleave.h"
#include "pacer.h"
#include "receiver.h"
#include "relay.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Receiving what a pacer sends to all sockets in turn; a slice must fit the
 * receive buffers. CPU time is the receiver's thread's. */
int paced_receive(struct contender *out, receiver_create create,
		  const struct receiver_options *options,
		  const struct pace *pace);

/* Relaying what a pacer sends, stream by stream to sinks, which note when it
 * arrives: CPU time is the relay's thread's, p50 and p99 are how long a
 * datagram is under way from sender to sink. */
int paced_relay(struct contender *out, relay_create create,
		const struct relay_options *options, const struct pace *pace);

#ifdef __cplusplus
}
#endif

#endif
