/* SPDX-License-Identifier: MIT */
/*
 * post_threads.c: posts and stops from many threads at once. A plain program,
 * so that ThreadSanitizer can run it, over the simulated kernel, which that
 * understands.
 */
#include "engine.h"
#include "support/sim.h"

#include <errno.h>
#include <hail/hail.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4
#define POSTS 2000

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* One thread's posts; written by the engine's thread only, but for `engine`. */
struct poster {
	pthread_t thread;
	struct hail_engine *engine;
	unsigned next;
	struct note {
		struct poster *poster;
		unsigned number;
	} notes[POSTS];
};

static struct poster posters[THREADS];
static unsigned total;

static void run_note(struct hail_engine *engine, void *arg)
{
	struct note *note = arg;

	/* Posts of one thread run in their order. */
	CHECK(note->number == note->poster->next);
	CHECK(engine == note->poster->engine);
	note->poster->next++;
	if (++total == THREADS * POSTS)
		hail_engine_stop(engine);
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		struct note *note = &poster->notes[i];
		int err;

		*note = (struct note){poster, i};
		while ((err = hail_engine_post(poster->engine, run_note,
					       note)) == -EAGAIN)
			sched_yield();
		CHECK(!err);
	}
	return NULL;
}

static void start_posters(struct hail_engine *engine)
{
	for (int i = 0; i < THREADS; i++) {
		posters[i].engine = engine;
		CHECK(!pthread_create(&posters[i].thread, NULL, post_all,
				      &posters[i]));
	}
}

static void test_posts(struct hail_engine *engine)
{
	CHECK(!hail_engine_ref(engine));
	start_posters(engine);
	CHECK(!hail_engine_run(engine));
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(posters[i].thread, NULL));
		CHECK(posters[i].next == POSTS);
	}
	CHECK(total == THREADS * POSTS);
	CHECK(!hail_engine_unref(engine));
	CHECK(!hail_engine_run(engine));
}

static void *stop(void *engine)
{
	hail_engine_stop(engine);
	return NULL;
}

/* Whether it comes before, while or after the run waits, it ends it. */
static void test_stops(struct hail_engine *engine)
{
	CHECK(!hail_engine_ref(engine));
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		CHECK(!pthread_create(&thread, NULL, stop, engine));
		CHECK(!hail_engine_run(engine));
		CHECK(!pthread_join(thread, NULL));
	}
	CHECK(!hail_engine_unref(engine));
}

int main(void)
{
	struct sim *sim = sim_create(1);
	struct hail_engine *engine = NULL;

	sim_expect_wakes(sim, true);
	CHECK(!hl_engine_create_with(&engine, &HAIL_ENGINE_OPTIONS(.posts = 64),
				     &sim_ops, sim));
	test_posts(engine);
	test_stops(engine);
	CHECK(!hail_engine_destroy(engine));
	CHECK(!sim_faults(sim));
	sim_destroy(sim);
	return 0;
}
