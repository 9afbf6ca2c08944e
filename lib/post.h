/* SPDX-License-Identifier: MIT */
/* post.h: what other threads ask of an engine: run this, and stop. */
#ifndef HL_POST_H
#define HL_POST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hail_engine;

struct hl_post {
	void (*run)(struct hail_engine *engine, void *arg);
	void *arg;
};

/* A ring of posts behind a lock, which is taken once a post and once a turn
 * that has any. */
struct hl_posts {
	pthread_mutex_t lock;
	struct hl_post *ring;
	uint32_t capacity; /* a power of two */
	uint32_t head, tail;
	atomic_uint waiting; /* tail - head, to be read without the lock */
	atomic_bool stop;
	uint64_t count; /* that were run */
};

/* -ENOMEM. */
int hl_posts_init(struct hl_posts *posts, uint32_t capacity);
void hl_posts_fini(struct hl_posts *posts);

static inline bool hl_posts_waiting(const struct hl_posts *posts)
{
	return atomic_load_explicit(&posts->waiting, memory_order_acquire);
}

/* Runs those that wait now, not those that come meanwhile; returns how many. */
uint32_t hl_posts_run(struct hl_posts *posts, struct hail_engine *engine);

#endif
