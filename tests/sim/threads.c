/* SPDX-License-Identifier: MIT */
/* threads.c: an engine belongs to the thread that first uses it, and not to a
 * forked child. */
#include "world.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* An engine with something of everything. */
struct owned {
	struct world world;
	struct seen seen;
	struct hail_timer *timer;
	struct hail_buffer *buffer;
};

static void fire(struct hail_timer *timer, void *user)
{
	(void)timer;
	(void)user;
}

static void keep(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	struct owned *owned = seen->arg;

	(void)count;
	cr_assert_eq(hail_buffer_retain(batch->buffer), 0);
	owned->buffer = batch->buffer;
}

static void start(struct owned *owned)
{
	*owned = (struct owned){.seen.on_data = keep};
	owned->seen.arg = owned;
	world_start(&owned->world, NULL);
	world_open(&owned->world, &owned->seen, NULL);
	cr_assert_eq(hail_timer_create(&owned->timer, owned->world.engine, fire,
				       NULL),
		     0);
	seen_inject(&owned->seen, 0, 1);
	world_settle(&owned->world);
	cr_assert_not_null(owned->buffer);
}

static int wrong_engine_calls(struct owned *owned)
{
	struct hail_engine *engine = owned->world.engine;
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct hail_socket *socket;
	struct hail_timer *timer;

	return (hail_engine_turn(engine, 0) != -EPERM) +
	       (hail_engine_run(engine) != -EPERM) +
	       (hail_engine_ref(engine) != -EPERM) +
	       (hail_engine_unref(engine) != -EPERM) +
	       (hail_engine_stats(engine, &stats) != -EPERM) +
	       (hail_engine_destroy(engine) != -EPERM) +
	       (hail_timer_create(&timer, engine, fire, NULL) != -EPERM) +
	       (hail_timer_start(owned->timer, 0, 0) != -EPERM) +
	       (hail_timer_stop(owned->timer) != -EPERM) +
	       (hail_timer_ref(owned->timer) != -EPERM) +
	       (hail_timer_unref(owned->timer) != -EPERM) +
	       (hail_timer_destroy(owned->timer) != -EPERM) +
	       (hail_socket_open(&socket, engine, NULL) != -EPERM);
}

static int wrong_socket_calls(struct owned *owned)
{
	struct hail_socket *socket = owned->seen.socket;
	struct hail_addr addr = remote_at(9);
	struct hail_handlers handlers = {0};
	struct hail_message message = {"a", 1, &addr};
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	return (hail_send(socket, "a", 1, &addr) != -EPERM) +
	       (hail_send_many(socket, &message, 1) != -EPERM) +
	       (hail_socket_close(socket) != -EPERM) +
	       (hail_socket_connect(socket, &addr) != -EPERM) +
	       (hail_socket_disconnect(socket) != -EPERM) +
	       (hail_socket_set_handlers(socket, &handlers) != -EPERM) +
	       (hail_socket_ref(socket) != -EPERM) +
	       (hail_socket_unref(socket) != -EPERM) +
	       (hail_socket_stats(socket, &stats) != -EPERM) +
	       (hail_buffer_retain(owned->buffer) != -EPERM) +
	       (hail_buffer_release(owned->buffer) != -EPERM);
}

/* How many calls are not refused with -EPERM. */
static int wrong_calls(struct owned *owned)
{
	return wrong_engine_calls(owned) + wrong_socket_calls(owned);
}

static void *try_calls(void *arg)
{
	return (void *)(intptr_t)wrong_calls(arg);
}

static void *in_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	void *result;

	cr_assert_eq(pthread_create(&thread, NULL, run, arg), 0);
	cr_assert_eq(pthread_join(thread, &result), 0);
	return result;
}

static void finish(struct owned *owned)
{
	cr_assert_eq(seen_send(&owned->seen, 1), 0);
	seen_close(&owned->seen);
	cr_assert_eq(hail_engine_run(owned->world.engine), 0);
	cr_assert_eq(owned->seen.closes, 1);
	world_end(&owned->world);
}

Test(threads, calls_from_another_thread_are_refused_with_eperm)
{
	struct owned owned;

	start(&owned);
	cr_assert_eq((intptr_t)in_thread(try_calls, &owned), 0);
	finish(&owned);
}

Test(threads, calls_from_a_forked_child_are_refused_with_eperm)
{
	struct owned owned;
	pid_t child;
	int status = -1;

	start(&owned);
	child = fork();
	cr_assert_geq(child, 0);
	if (!child) {
		int wrong = wrong_calls(&owned) +
			    (hail_engine_post(owned.world.engine,
					      (void (*)(struct hail_engine *,
							void *))fire,
					      NULL) != -EPERM);

		hail_engine_stop(owned.world.engine);
		_exit(wrong);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
	/* The child's stop did not reach the parent. */
	cr_assert_eq(hail_engine_turn(owned.world.engine, -1), -EDEADLK);
	finish(&owned);
}

/* The whole life of an engine that another thread has made. */
static void *use(void *arg)
{
	struct world *world = arg;
	struct seen seen = {0};

	world_open(world, &seen, NULL);
	seen_inject(&seen, 0, 10);
	world_settle(world);
	cr_assert_eq(seen.datagrams, 10);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world->engine), 0);
	return NULL;
}

Test(threads, an_engine_belongs_to_the_thread_that_first_uses_it)
{
	struct world world;

	world_start(&world, NULL);
	in_thread(use, &world);
	/* That one has ended, so it may be destroyed from here. */
	world_end(&world);
}

/* Leaves a socket open and ends. */
static void *leave_open(void *arg)
{
	static struct seen seen;
	struct world *world = arg;

	world_open(world, &seen, NULL);
	seen_block(&seen);
	seen_send_many(&seen, 0, 10);
	world_settle(world);
	return NULL;
}

Test(threads, an_engine_whose_thread_has_ended_may_be_destroyed)
{
	struct world world;

	world_start(&world, NULL);
	in_thread(leave_open, &world);
	cr_assert_eq(hail_engine_turn(world.engine, 0), -EPERM);
	world_end(&world);
}

static void *turn_once(void *arg)
{
	struct world *world = arg;

	return (void *)(intptr_t)hail_engine_turn(world->engine, 0);
}

Test(threads, a_call_that_fails_for_its_arguments_claims_nothing)
{
	struct world world;

	world_start(&world, NULL);
	cr_assert_eq(hail_socket_open(NULL, world.engine, NULL), -EINVAL);
	cr_assert_eq((intptr_t)in_thread(turn_once, &world), 0);
	world_end(&world);
}
