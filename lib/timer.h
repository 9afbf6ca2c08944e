/* SPDX-License-Identifier: MIT */
/* timer.h: the timers of an engine, sorted by when they fire. */
#ifndef HL_TIMER_H
#define HL_TIMER_H

#include "util/heap.h"
#include "util/list.h"
#include "util/memory.h"

#include <hail/timer.h>
#include <stdbool.h>

struct hail_timer {
	struct hail_engine *engine;
	struct hl_heap_node node; /* its key is when it fires next */
	struct hl_list link;      /* among all of the engine */
	void (*fire)(struct hail_timer *timer, void *user);
	void *user;
	uint64_t period_ns; /* 0: once */
	bool unrefd;
};

struct hl_timers {
	struct hl_heap heap; /* those that run */
	struct hl_list all;
	uint32_t count;
	uint64_t fired;
};

void hl_timers_init(struct hl_timers *timers, const struct hl_memory *memory);
/* Frees all timers. */
void hl_timers_fini(struct hl_timers *timers);

/* When the first one fires; UINT64_MAX: none runs. */
uint64_t hl_timers_next(const struct hl_timers *timers);
/* Fires those that are due; returns how many. */
uint32_t hl_timers_run(struct hail_engine *engine);

#endif
