/* SPDX-License-Identifier: MIT */
/* post.c: work and the wish to stop, from any thread. */
#include "post.h"

#include "core.h"
#include "util/reserve.h"

#include <errno.h>

int hl_posts_init(struct hl_posts *posts, uint32_t capacity)
{
	posts->capacity = capacity;
	posts->ring = hl_reserve(sizeof(*posts->ring) * capacity);
	if (!posts->ring)
		return -ENOMEM;
	return -pthread_mutex_init(&posts->lock, NULL);
}

void hl_posts_fini(struct hl_posts *posts)
{
	if (!posts->ring)
		return;
	pthread_mutex_destroy(&posts->lock);
	hl_unreserve(posts->ring, sizeof(*posts->ring) * posts->capacity);
}

static int push(struct hl_posts *posts, struct hl_post post)
{
	int err = -EAGAIN;

	pthread_mutex_lock(&posts->lock);
	if (posts->tail - posts->head < posts->capacity) {
		posts->ring[posts->tail++ & (posts->capacity - 1)] = post;
		atomic_fetch_add(&posts->waiting, 1);
		err = 0;
	}
	pthread_mutex_unlock(&posts->lock);
	return err;
}

static bool pop(struct hl_posts *posts, struct hl_post *out)
{
	bool some;

	pthread_mutex_lock(&posts->lock);
	some = posts->head != posts->tail;
	if (some) {
		*out = posts->ring[posts->head++ & (posts->capacity - 1)];
		atomic_fetch_sub(&posts->waiting, 1);
	}
	pthread_mutex_unlock(&posts->lock);
	return some;
}

uint32_t hl_posts_run(struct hl_posts *posts, struct hail_engine *engine)
{
	uint32_t due = atomic_load(&posts->waiting);
	struct hl_post post;
	uint32_t run = 0;

	while (run < due && pop(posts, &post)) {
		post.run(engine, post.arg);
		run++;
	}
	posts->count += run;
	return run;
}

int hail_engine_post(struct hail_engine *engine,
		     void (*run)(struct hail_engine *engine, void *arg),
		     void *arg)
{
	int err;

	if (!engine || !run)
		return -EINVAL;
	if (hl_owner_forked(&engine->owner))
		return -EPERM;
	err = push(&engine->posts, (struct hl_post){run, arg});
	if (!err)
		engine->backend->ops->wake(engine->backend);
	return err;
}

void hail_engine_stop(struct hail_engine *engine)
{
	if (!engine || hl_owner_forked(&engine->owner))
		return;
	atomic_store(&engine->posts.stop, true);
	engine->backend->ops->wake(engine->backend);
}
