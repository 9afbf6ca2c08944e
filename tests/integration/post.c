/* SPDX-License-Identifier: MIT */
/* post.c: work and the wish to stop, from other threads and from signal
 * handlers; and what keeps an engine running. */
#include "support/live.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define THREADS 4
#define EACH 2500

static struct {
	struct hail_engine *engine;
	unsigned next[THREADS], wrong, run;
} posted;

/* The argument says which thread's how manieth post this is. */
static void check_order(struct hail_engine *engine, void *arg)
{
	uintptr_t number = (uintptr_t)arg;

	posted.wrong += engine != posted.engine ||
			posted.next[number / EACH]++ != number % EACH;
	if (++posted.run == THREADS * EACH)
		hail_engine_unref(engine);
}

static void *post_many(void *arg)
{
	uintptr_t first = (uintptr_t)arg * EACH;

	for (uintptr_t i = first; i < first + EACH; i++) {
		int err;

		do {
			err = hail_engine_post(posted.engine, check_order,
					       (void *)i);
		} while (err == -EAGAIN && !sched_yield());
		if (err)
			return (void *)(intptr_t)err;
	}
	return NULL;
}

static void assert_all_run(const struct hail_engine_options *options)
{
	pthread_t threads[THREADS];
	void *err;

	memset(&posted, 0, sizeof(posted));
	posted.engine = live_engine(options);
	cr_assert_eq(hail_engine_ref(posted.engine), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		cr_assert_eq(
			pthread_create(&threads[i], NULL, post_many, (void *)i),
			0);
	cr_assert_eq(hail_engine_run(posted.engine), 0);
	for (int i = 0; i < THREADS; i++) {
		cr_assert_eq(pthread_join(threads[i], &err), 0);
		cr_assert_null(err);
	}
	cr_assert_eq(posted.run, THREADS * EACH);
	cr_assert_eq(posted.wrong, 0);
	cr_assert_eq(live_stats(posted.engine).posts, THREADS * EACH);
	live_end(posted.engine);
}

Test(post, ten_thousand_from_four_threads_run_once_and_in_order, .timeout = 60)
{
	assert_all_run(NULL);
}

Test(post, they_do_so_through_a_short_queue_too, .timeout = 60)
{
	assert_all_run(&HAIL_ENGINE_OPTIONS(.posts = 4, .buffers_max = 16));
}

static void count(struct hail_engine *engine, void *arg)
{
	(void)engine;
	++*(unsigned *)arg;
}

Test(post, past_the_bound_it_is_refused_and_not_run)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.posts = 8, .buffers_max = 16));
	unsigned run = 0, refused = 0;

	for (int i = 0; i < 8; i++)
		cr_assert_eq(hail_engine_post(engine, count, &run), 0);
	cr_assert_eq(hail_engine_post(engine, count, &refused), -EAGAIN);
	cr_assert_eq(live_turn(engine), 8);
	cr_assert_eq(run, 8);
	cr_assert_eq(hail_engine_post(engine, count, &run), 0);
	cr_assert_eq(live_turn(engine), 1);
	cr_assert_eq(refused, 0);
	live_end(engine);
}

static void post_more(struct hail_engine *engine, void *arg)
{
	unsigned *left = arg;

	if (--*left)
		cr_assert_eq(hail_engine_post(engine, post_more, left), 0);
}

Test(post, one_posted_by_a_post_runs_in_the_next_turn)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned left = 5;

	cr_assert_eq(hail_engine_post(engine, post_more, &left), 0);
	for (unsigned i = 5; i > 0; i--) {
		cr_assert_eq(left, i);
		cr_assert_eq(hail_engine_turn(engine, -1), 1);
	}
	cr_assert_eq(live_turn(engine), 0);
	live_end(engine);
}

static void *stop_or_post(void *arg)
{
	if (posted.run)
		hail_engine_stop(arg);
	else
		hail_engine_post(arg, count, &posted.run);
	return NULL;
}

/* From another thread, while the engine waits or before. */
static void from_another(struct hail_engine *engine, bool stop)
{
	pthread_t thread;

	posted.run = stop;
	cr_assert_eq(pthread_create(&thread, NULL, stop_or_post, engine), 0);
	if (stop)
		cr_assert_eq(hail_engine_run(engine), 0);
	else
		cr_assert_eq(hail_engine_turn(engine, -1), 1);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

Test(post, from_another_thread_it_wakes_a_turn, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);

	for (int i = 0; i < 1000; i++)
		from_another(engine, false);
	live_end(engine);
}

Test(post, stop_from_another_thread_ends_run, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);

	cr_assert_eq(hail_engine_ref(engine), 0);
	for (int i = 0; i < 1000; i++)
		from_another(engine, true);
	live_end(engine);
}

Test(post, stop_ends_one_run_or_turn_and_no_more, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	uint64_t start;

	cr_assert_eq(hail_engine_ref(engine), 0);
	hail_engine_stop(engine);
	hail_engine_stop(engine);
	cr_assert_eq(hail_engine_run(engine), 0);
	start = plain_now();
	cr_assert_eq(hail_engine_turn(engine, 5 * MS), 0);
	cr_assert_geq(plain_now() - start, (uint64_t)(5 * MS));
	hail_engine_stop(engine);
	cr_assert_eq(hail_engine_turn(engine, -1), 0);
	live_end(engine);
}

static void stop_in_handler(struct hail_engine *engine, void *arg)
{
	(void)arg;
	hail_engine_stop(engine);
}

Test(post, handlers_that_are_due_still_run_after_stop)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned run = 0;

	cr_assert_eq(hail_engine_ref(engine), 0);
	cr_assert_eq(hail_engine_post(engine, stop_in_handler, NULL), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(hail_engine_post(engine, count, &run), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(run, 10);
	live_end(engine);
}

static struct hail_engine *signalled;

static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(signalled);
}

static void *send_signal(void *arg)
{
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

Test(post, stop_in_a_signal_handler_ends_run, .timeout = 20)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t owner = pthread_self(), thread;

	sigaction(SIGUSR1, &action, NULL);
	signalled = live_engine(NULL);
	cr_assert_eq(hail_engine_ref(signalled), 0);
	for (int i = 0; i < 200; i++) {
		cr_assert_eq(pthread_create(&thread, NULL, send_signal, &owner),
			     0);
		cr_assert_eq(hail_engine_run(signalled), 0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
	live_end(signalled);
}

static void ignore_signal(int number)
{
	(void)number;
}

Test(post, another_signal_ends_no_run, .timeout = 20)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	struct hail_engine *engine = live_engine(NULL);
	pthread_t owner = pthread_self(), thread;
	unsigned run = 0;

	sigaction(SIGUSR1, &action, NULL);
	cr_assert_eq(pthread_create(&thread, NULL, send_signal, &owner), 0);
	while (!run) {
		int events = hail_engine_turn(engine, MS);

		cr_assert_geq(events, 0);
		hail_engine_post(engine, count, &run);
	}
	cr_assert_eq(pthread_join(thread, NULL), 0);
	live_end(engine);
}

Test(post, run_returns_when_nothing_keeps_it, .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned run = 0;
	struct live live = {0};

	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_engine_post(engine, count, &run), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(run, 1);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_unref(live.socket), 0);
	cr_assert_eq(hail_socket_unref(live.socket), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_socket_ref(live.socket), 0);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(live.closes, 1);
	live_end(engine);
}

Test(post, an_unrefd_socket_that_closes_keeps_it_until_it_is_closed,
     .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	live_settle(engine);
	cr_assert_eq(hail_socket_unref(live.socket), 0);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(live.closes, 1);
	live_end(engine);
}

Test(post, a_turn_with_a_timeout_returns_after_it)
{
	struct hail_engine *engine = live_engine(NULL);
	uint64_t start = plain_now();

	cr_assert_eq(hail_engine_turn(engine, 3 * MS), 0);
	cr_assert_geq(plain_now() - start, (uint64_t)(3 * MS));
	cr_assert_eq(hail_engine_turn(engine, 1), 0);
	cr_assert_eq(hail_engine_turn(engine, 0), 0);
	live_end(engine);
}

Test(post, a_turn_that_spins_finds_what_arrives, .timeout = 20)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.spin_ns = 2000000, .buffers_max = 16));
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (size_t i = 1; i <= 100; i++) {
		live_plain_send(fd, "x", live_port(&live));
		cr_assert_eq(hail_engine_turn(engine, -1), 1);
		cr_assert_eq(live.datagrams, i);
	}
	cr_assert_gt(live_stats(engine).spins, 0);
	from_another(engine, false);
	cr_assert_eq(hail_engine_turn(engine, 3 * MS), 0);
	/* On a busy machine all of a timeout may go by while it spins. */
	live_until(engine, live_stats(engine).sleeps > 0);
	close(fd);
	live_end(engine);
}

static void fire(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

Test(post, stop_before_a_run_that_nothing_keeps_ends_no_later_one,
     .timeout = 20)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_timer *timer;
	unsigned fired = 0;

	cr_assert_eq(hail_timer_create(&timer, engine, fire, &fired), 0);
	hail_engine_stop(engine);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_timer_start(timer, 5 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(fired, 1);
	live_end(engine);
}
