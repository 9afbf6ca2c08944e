/* SPDX-License-Identifier: MIT */
/* timer.c: one-shot and periodic timers, fired from the turn. */
#include "timer.h"

#include "core.h"
#include "util/clock.h"

#include <errno.h>

void hl_timers_init(struct hl_timers *timers, const struct hl_memory *memory)
{
	hl_heap_init(&timers->heap, memory);
	hl_list_init(&timers->all);
}

static void release(struct hail_timer *timer)
{
	hl_list_unlink(&timer->link);
	hl_memory_release(&timer->engine->allocator, timer, 1, sizeof(*timer));
}

void hl_timers_fini(struct hl_timers *timers)
{
	while (!hl_list_empty(&timers->all))
		release(hl_list_entry(timers->all.next, struct hail_timer,
				      link));
	hl_heap_fini(&timers->heap);
}

uint64_t hl_timers_next(const struct hl_timers *timers)
{
	const struct hl_heap_node *first = hl_heap_first(&timers->heap);

	return first ? first->key : UINT64_MAX;
}

static bool running(const struct hail_timer *timer)
{
	return timer->node.index != HL_HEAP_NONE;
}

static uint64_t add_ns(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void insert(struct hail_timer *timer, uint64_t when)
{
	struct hail_engine *engine = timer->engine;

	hl_heap_insert(&engine->timers.heap, &timer->node, when);
	if (!timer->unrefd)
		engine->keepers++;
}

static void remove_running(struct hail_timer *timer)
{
	struct hail_engine *engine = timer->engine;

	if (!running(timer))
		return;
	hl_heap_remove(&engine->timers.heap, &timer->node);
	if (!timer->unrefd)
		engine->keepers--;
}

/* The next beat after now; what was missed altogether is skipped. */
static uint64_t next_beat(uint64_t last, uint64_t period, uint64_t now)
{
	uint64_t missed = now > last ? (now - last) / period : 0;

	return add_ns(last, add_ns(missed * period, period));
}

static void fire_due(struct hail_timer *timer, uint64_t now)
{
	uint64_t when = timer->node.key;

	remove_running(timer);
	if (timer->period_ns)
		insert(timer, next_beat(when, timer->period_ns, now));
	timer->fire(timer, timer->user);
	/* It may be gone now. */
}

uint32_t hl_timers_run(struct hail_engine *engine)
{
	struct hl_timers *timers = &engine->timers;
	/* A timer that a handler starts waits for the next turn, so that one
	 * with no delay can't keep this loop running. */
	uint64_t order = timers->heap.order;
	uint64_t now = hl_core_now(engine);
	uint32_t fired = 0;

	for (;;) {
		struct hl_heap_node *first = hl_heap_first(&timers->heap);

		if (!first || first->key > now || first->order >= order)
			break;
		fire_due(hl_list_entry(first, struct hail_timer, node), now);
		fired++;
	}
	timers->fired += fired;
	return fired;
}

int hail_timer_create(struct hail_timer **out, struct hail_engine *engine,
		      void (*fire)(struct hail_timer *timer, void *user),
		      void *user)
{
	struct hail_timer *timer;
	int err;

	if (!out || !fire)
		return -EINVAL;
	err = hl_core_claim(engine);
	if (err)
		return err;
	/* So that starting it can't fail. */
	err = hl_heap_reserve(&engine->timers.heap, engine->timers.count + 1);
	if (err)
		return err;
	timer = hl_memory_allocate(&engine->allocator, 1, sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	timer->engine = engine;
	timer->fire = fire;
	timer->user = user;
	hl_heap_node_init(&timer->node);
	hl_list_init(&timer->link);
	hl_list_append(&engine->timers.all, &timer->link);
	engine->timers.count++;
	*out = timer;
	return 0;
}

static int check(const struct hail_timer *timer)
{
	return timer ? hl_core_check(timer->engine) : -EINVAL;
}

int hail_timer_start(struct hail_timer *timer, uint64_t delay_ns,
		     uint64_t period_ns)
{
	int err = check(timer);
	uint64_t now;

	if (err)
		return err;
	/* Inside a turn time stands still; outside the last look may be long
	 * ago. */
	now = timer->engine->turning ? hl_core_now(timer->engine)
				     : hl_clock_now();
	remove_running(timer);
	timer->period_ns = period_ns;
	insert(timer, add_ns(now, delay_ns));
	hl_core_touch(timer->engine);
	return 0;
}

int hail_timer_stop(struct hail_timer *timer)
{
	int err = check(timer);

	if (!err)
		remove_running(timer);
	return err;
}

static int set_unrefd(struct hail_timer *timer, bool unrefd)
{
	int err = check(timer);

	if (err || timer->unrefd == unrefd)
		return err;
	timer->unrefd = unrefd;
	if (!running(timer))
		return 0;
	if (unrefd)
		timer->engine->keepers--;
	else
		timer->engine->keepers++;
	return 0;
}

int hail_timer_ref(struct hail_timer *timer)
{
	return set_unrefd(timer, false);
}

int hail_timer_unref(struct hail_timer *timer)
{
	return set_unrefd(timer, true);
}

int hail_timer_destroy(struct hail_timer *timer)
{
	int err;

	if (!timer)
		return 0;
	err = check(timer);
	if (err)
		return err;
	remove_running(timer);
	timer->engine->timers.count--;
	release(timer);
	return 0;
}
