/* SPDX-License-Identifier: MIT */
/* owner.c: an engine and all that belongs to it are for one thread: others, and
 * forked children, are refused, and nothing changes by it. */
#include "support/live.h"

#include <pthread.h>
#include <sys/wait.h>

/* One engine with everything that a call can be made on. */
struct world {
	struct hail_engine *engine;
	struct live live;
	struct hail_timer *timer;
	struct hail_buffer *buffer;
	int fd;
};

static void count_fire(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

static void run_nothing(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
}

static void retain_first(struct live *live, const struct hail_datagram *batch,
			 size_t count)
{
	(void)count;
	if (live->arg)
		return;
	cr_assert_eq(hail_buffer_retain(batch[0].buffer), 0);
	live->arg = batch[0].buffer;
}

static unsigned fired;

static void start(struct world *world)
{
	*world = (struct world){.live.on_data = retain_first};
	world->engine = live_engine(NULL);
	world->fd = live_plain();
	live_open(&world->live, world->engine, NULL);
	cr_assert_eq(hail_timer_create(&world->timer, world->engine, count_fire,
				       &fired),
		     0);
	live_plain_send(world->fd, "kept", live_port(&world->live));
	live_until(world->engine, world->live.arg);
	world->buffer = world->live.arg;
}

/* Everything still works as before. */
static void end(struct world *world)
{
	struct hail_addr remote = live_v4(plain_port(world->fd));

	cr_assert_eq(live_send(&world->live, "well", &remote), 0);
	live_expect(world->fd, "well");
	live_plain_send(world->fd, "and you?", live_port(&world->live));
	live_until(world->engine, world->live.datagrams == 2);
	cr_assert_eq(world->live.closes, 0);
	cr_assert_eq(hail_timer_start(world->timer, 0, 0), 0);
	live_until(world->engine, fired == 1);
	cr_assert_eq(hail_buffer_release(world->buffer), 0);
	close(world->fd);
	live_end(world->engine);
}

/* Returns the number of the first call that wasn't refused, or 0. Made where
 * no assertion can be. */
static int engine_calls(struct world *world)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct hail_socket *socket = NULL;
	struct hail_timer *timer = NULL;
	const int answers[] = {
		hail_engine_run(world->engine),
		hail_engine_turn(world->engine, 0),
		hail_engine_fd(world->engine),
		hail_engine_ref(world->engine),
		hail_engine_unref(world->engine),
		hail_engine_stats(world->engine, &stats),
		hail_engine_destroy(world->engine),
		hail_socket_open(&socket, world->engine, NULL),
		hail_socket_adopt(&socket, world->engine, 0, NULL),
		hail_timer_create(&timer, world->engine, count_fire, NULL),
		hail_timer_start(world->timer, 0, 0),
		hail_timer_stop(world->timer),
		hail_timer_ref(world->timer),
		hail_timer_unref(world->timer),
		hail_timer_destroy(world->timer),
		hail_buffer_retain(world->buffer),
		hail_buffer_release(world->buffer),
	};

	for (size_t i = 0; i < live_count(answers); i++) {
		if (answers[i] != -EPERM)
			return (int)i + 1;
	}
	return socket || timer ? 99 : 0;
}

static int socket_calls(struct world *world)
{
	struct hail_socket *socket = world->live.socket;
	const struct hail_addr remote = {
		.v4 = {.sin_family = AF_INET, .sin_port = 9},
	};
	const struct hail_message message = {"x", 1, &remote};
	const struct hail_handlers none = {0};
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct hail_addr out = {0};
	uint32_t value = 0;
	const int answers[] = {
		hail_socket_close(socket),
		hail_socket_connect(socket, &remote),
		hail_socket_disconnect(socket),
		hail_socket_local(socket, &out),
		hail_socket_remote(socket, &out),
		hail_socket_set_handlers(socket, &none),
		hail_socket_ref(socket),
		hail_socket_unref(socket),
		hail_socket_stats(socket, &stats),
		hail_socket_set(socket, HAIL_OPTION_TTL, 1),
		hail_socket_get(socket, HAIL_OPTION_TTL, &value),
		hail_socket_path_mtu(socket, &remote, &value),
		hail_send(socket, "x", 1, &remote),
		(int)hail_send_many(socket, &message, 1),
	};

	for (size_t i = 0; i < live_count(answers); i++) {
		if (answers[i] != -EPERM)
			return (int)i + 101;
	}
	return out.sa.sa_family || value ? 199 : 0;
}

static void *call_all(void *arg)
{
	struct world *world = arg;
	int first = engine_calls(world);

	return (void *)(intptr_t)(first ? first : socket_calls(world));
}

Test(owner, another_thread_is_refused)
{
	struct world world;
	pthread_t thread;
	void *first;

	start(&world);
	cr_assert_eq(pthread_create(&thread, NULL, call_all, &world), 0);
	cr_assert_eq(pthread_join(thread, &first), 0);
	cr_assert_null(first, "call %d wasn't refused", (int)(intptr_t)first);
	end(&world);
}

static int call_all_forked(struct world *world)
{
	int first = (int)(intptr_t)call_all(world);

	if (first)
		return first;
	hail_engine_stop(world->engine);
	return hail_engine_post(world->engine, run_nothing, NULL) == -EPERM
		       ? 0
		       : 98;
}

Test(owner, a_forked_child_is_refused)
{
	struct world world;
	int status = 0;
	pid_t child;

	start(&world);
	child = fork();
	if (!child)
		_exit(call_all_forked(&world));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "call %d wasn't refused",
		     WEXITSTATUS(status));
	end(&world);
}

static int make_its_own(void)
{
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;
	int err = hail_engine_create(&engine, NULL);

	if (!err)
		err = hail_socket_open(&socket, engine, NULL);
	if (!err)
		err = hail_engine_turn(engine, 0);
	return err ? 1 : hail_engine_destroy(engine) ? 2 : 0;
}

Test(owner, a_forked_child_can_make_an_engine_of_its_own)
{
	struct world world;
	int status = 0;
	pid_t child;

	start(&world);
	child = fork();
	if (!child)
		_exit(make_its_own());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
	end(&world);
}

static void *own(void *arg)
{
	struct hail_engine *engine = arg;
	struct hail_socket *socket;
	intptr_t err = hail_socket_open(&socket, engine, NULL);

	if (!err)
		err = hail_engine_turn(engine, 0);
	if (!err)
		err = hail_engine_destroy(engine);
	return (void *)err;
}

Test(owner, an_engine_belongs_to_the_thread_that_first_uses_it)
{
	struct hail_engine *engine = live_engine(NULL);
	pthread_t thread;
	void *err;

	cr_assert_eq(pthread_create(&thread, NULL, own, engine), 0);
	cr_assert_eq(pthread_join(thread, &err), 0);
	cr_assert_null(err);
}

static void *turn_once(void *arg)
{
	return (void *)(intptr_t)hail_engine_turn(arg, 0);
}

Test(owner, after_its_owner_has_ended_any_thread_may_destroy_it)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned descriptors = plain_descriptors();
	pthread_t thread;
	void *err;

	cr_assert_eq(pthread_create(&thread, NULL, turn_once, engine), 0);
	cr_assert_eq(pthread_join(thread, &err), 0);
	cr_assert_null(err);
	cr_assert_eq(hail_engine_turn(engine, 0), -EPERM);
	live_end(engine);
	cr_assert_lt(plain_descriptors(), descriptors);
}

/* A thread, and what a later one of the same pthread_t was answered. */
struct heir {
	struct hail_engine *engine;
	struct hail_socket *socket;
	pthread_t owner;
	bool same;
	int err;
};

static void *open_and_end(void *arg)
{
	struct heir *heir = arg;

	heir->owner = pthread_self();
	heir->err = hail_socket_open(&heir->socket, heir->engine, NULL);
	if (!heir->err)
		heir->err = hail_engine_turn(heir->engine, 0);
	return NULL;
}

/* Returns how many of the calls weren't refused, and destroys the engine. */
static void *inherit(void *arg)
{
	const struct hail_addr remote = {
		.v4 = {.sin_family = AF_INET, .sin_port = 9},
	};
	struct heir *heir = arg;
	struct hail_socket *socket = NULL;

	heir->same = pthread_equal(heir->owner, pthread_self());
	if (!heir->same)
		return NULL;
	heir->err += hail_engine_turn(heir->engine, 0) != -EPERM;
	heir->err += hail_engine_fd(heir->engine) != -EPERM;
	heir->err += hail_socket_open(&socket, heir->engine, NULL) != -EPERM;
	heir->err += hail_send(heir->socket, "x", 1, &remote) != -EPERM;
	heir->err += hail_socket_close(heir->socket) != -EPERM;
	heir->err += socket != NULL;
	if (!heir->err)
		heir->err = hail_engine_destroy(heir->engine);
	return NULL;
}

/* glibc gives the stack of a thread that has ended, and with it the pthread_t,
 * to the next one. */
Test(owner, a_later_thread_that_looks_like_its_ended_owner_is_refused)
{
	struct heir heir = {.engine = live_engine(NULL)};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, open_and_end, &heir), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(heir.err, 0);
	for (int i = 0; i < 100 && !heir.same; i++) {
		cr_assert_eq(pthread_create(&thread, NULL, inherit, &heir), 0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
	if (!heir.same)
		cr_skip_test("no thread had the ended one's pthread_t");
	cr_assert_eq(heir.err, 0, "%d", heir.err);
}
