/* SPDX-License-Identifier: MIT */
/* pingpong.h: one datagram to and fro between two threads: hail's way, and
 * what it is measured against. */
#ifndef BENCH_PINGPONG_H
#define BENCH_PINGPONG_H

#include "interleave.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Round trips in a slice: about 4 ms where each end sleeps. */
#define PINGPONG_TRIPS 200
/* When a slice is given up. On overloaded machines a wake-up through io_uring
 * was seen to take 1.6 s (and, without hail, 0.7 s). */
#define PINGPONG_DEADLINE_S 20
/* Long enough never to sleep within a slice, short enough to be asleep when
 * the next contender's slice has hardly begun. */
#define PINGPONG_SPIN_NS 100000

/* Where the server's thread runs, as seen from the client's: the scheduler's
 * choice would otherwise be what is measured. On one core a wake-up is cheap;
 * on two it is an interrupt to a core that may be asleep, but only there can
 * either end spin. */
enum pingpong_place { PINGPONG_TOGETHER, PINGPONG_APART };

struct pingpong_options {
	const char *name;
	size_t size;
	uint64_t spin_ns; /* 0: sleep at once */
	enum pingpong_place place;
};

typedef int (*pingpong_create)(struct contender *out,
			       const struct pingpong_options *options);

/* Both ends with epoll, recvfrom() and sendto(). */
int pingpong_epoll_create(struct contender *out,
			  const struct pingpong_options *options);
/* Both ends with liburing and no library above it. */
int pingpong_uring_create(struct contender *out,
			  const struct pingpong_options *options);
/* Both ends with hail; each answer is sent from the data handler. */
int pingpong_hail_create(struct contender *out,
			 const struct pingpong_options *options);

/* Fills the slice from the trips; sorts them. */
void pingpong_sum_up(double *trips_ns, size_t count, struct slice *slice);

/* Binds the calling thread, a server, which alarms are not for; the client is
 * on the first core (pin.h). */
void pingpong_pin_server(enum pingpong_place place);
/* No end waits with a timeout, since arming one for each wait is a cost that
 * the answer doesn't need. Instead an alarm interrupts the client when a slice
 * takes far too long; `stop`, which may be NULL, is called by the signal
 * handler. */
void pingpong_deadline_set(void (*stop)(void *arg), void *arg);
/* Takes the alarm back; whether it came is told until the next one is set. */
void pingpong_deadline_clear(void);
bool pingpong_deadline_over(void);

#ifdef __cplusplus
}
#endif

#endif
