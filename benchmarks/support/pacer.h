/* SPDX-License-Identifier: MIT */
/* pacer.h: a thread that sends datagrams at a steady rate, each with the time
 * at which it left. */
#ifndef BENCH_PACER_H
#define BENCH_PACER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pacer;

/* How fast, how much in a slice, and how many at once: more than one where a
 * single core can't send them one by one. */
struct pace {
	uint64_t rate; /* datagrams a second */
	uint64_t count;
	unsigned lump; /* at most PACER_LUMP_MAX */
};

#define PACER_LUMP_MAX 16

/* A stream to each of the addresses, lump by lump in turn, from a socket of its
 * own. The first 8 of `size` bytes are CLOCK_REALTIME in nanoseconds. */
int pacer_create(struct pacer **out, const struct sockaddr_in *to, size_t count,
		 size_t size, const struct pace *pace);
void pacer_destroy(struct pacer *pacer);

/* Starts to send a slice, on the second core (pin.h); where the machine can't
 * keep the rate it lags behind. Waits until it has been sent: 0 or a negative
 * errno. */
void pacer_start(struct pacer *pacer);
int pacer_finish(struct pacer *pacer);

#ifdef __cplusplus
}
#endif

#endif
