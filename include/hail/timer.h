/* SPDX-License-Identifier: MIT */
/* timer.h: one-shot and periodic timers of an engine. */
#ifndef HAIL_TIMER_H
#define HAIL_TIMER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_engine;
struct hail_timer;

/* Makes a timer that isn't running. `fire` is called from a turn, with `user`,
 * and may do anything to the timer, destroying it included.
 * -EINVAL: a NULL argument; -ENOMEM; -EPERM: not the engine's thread. */
int hail_timer_create(struct hail_timer **out, struct hail_engine *engine,
		      void (*fire)(struct hail_timer *timer, void *user),
		      void *user);

/* Runs the timer: first in `delay_ns` from now, then every
 * `period_ns`; a period of 0 fires once. A running timer starts anew. Fires
 * no earlier than asked, and a periodic one keeps its pace: a late turn
 * doesn't shift what follows, and periods that a late turn missed altogether
 * are fired once. -EINVAL: NULL; -EPERM: not the engine's thread. */
int hail_timer_start(struct hail_timer *timer, uint64_t delay_ns,
		     uint64_t period_ns);

/* Stops it; a stopped timer stays usable. 0 also if it wasn't running.
 * -EINVAL: NULL; -EPERM: not the engine's thread; so for the next two. */
int hail_timer_stop(struct hail_timer *timer);

/* Whether a running timer keeps hail_engine_run() running. It does at first. */
int hail_timer_ref(struct hail_timer *timer);
int hail_timer_unref(struct hail_timer *timer);

/* Stops and frees it. NULL is allowed. -EPERM: not the engine's thread. */
int hail_timer_destroy(struct hail_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
