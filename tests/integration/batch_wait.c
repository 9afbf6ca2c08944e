/* SPDX-License-Identifier: MIT */
/* batch_wait.c: an engine with batch_wait_ns waits for batches where datagrams
 * come fast, and only there; what the kernel is asked for is looked at on its
 * way, and hidden where it must do without. */
#include "support/live.h"

#include <dlfcn.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define MIN_TIMEOUT (1u << 15) /* IORING_FEAT_MIN_TIMEOUT */
#define LONGEST UINT64_C(1000000000)
#define MANY 8000
#define STREAM_STEP_NS 20000

struct io_uring;
struct wait_arg {
	uint64_t sigmask;
	uint32_t sigmask_size;
	uint32_t minimum_us;
	uint64_t timeout;
};

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size);
int io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
			       struct io_uring_params *params);

static bool hidden;            /* the kernel's minimum wait */
static unsigned minimum_waits; /* that it was asked for */
static unsigned overlong;      /* of these, longer than the timeout */
static int64_t limit_ns;       /* the latest timeout with one */

static void look(const struct wait_arg *arg)
{
	const struct __kernel_timespec *timeout =
		(const void *)(uintptr_t)arg->timeout;

	limit_ns = timeout->tv_sec * 1000 * MS + timeout->tv_nsec;
	minimum_waits++;
	if (arg->minimum_us * INT64_C(1000) > limit_ns)
		overlong++;
}

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size)
{
	long result;

	if (arg && ((struct wait_arg *)arg)->minimum_us)
		look(arg);
	result = syscall(SYS_io_uring_enter, fd, submit, complete, flags, arg,
			 size);
	return result < 0 ? -errno : (int)result;
}

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
			       struct io_uring_params *params)
{
	int (*real)(unsigned entries, struct io_uring *ring,
		    struct io_uring_params *params);
	int err;

	*(void **)(void *)&real =
		dlsym(RTLD_NEXT, "io_uring_queue_init_params");
	err = real(entries, ring, params);
	if (hidden)
		params->features &= ~MIN_TIMEOUT;
	return err;
}

/* ---- Datagrams that come fast, one by one ---- */

struct stream {
	pthread_t thread;
	atomic_bool over;
	int fd;
	uint16_t port;
};

static void *send_on(void *arg)
{
	struct stream *stream = arg;
	uint64_t next = plain_now();

	while (!atomic_load(&stream->over)) {
		plain_send(stream->fd, "x", 1, stream->port);
		next += STREAM_STEP_NS;
		while (plain_now() < next && !atomic_load(&stream->over))
			sched_yield();
	}
	return NULL;
}

/* Turns until so many have come. */
static void receive_stream(struct live *live)
{
	struct stream stream = {.fd = live_plain(), .port = live_port(live)};

	cr_assert_eq(pthread_create(&stream.thread, NULL, send_on, &stream), 0);
	live_until(live->engine, live->datagrams >= MANY);
	atomic_store(&stream.over, true);
	pthread_join(stream.thread, NULL);
	close(stream.fd);
}

/* Makes an engine that has seen many come just now. */
static struct hail_engine *busy_engine(struct live *live)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = LONGEST,
						 .buffers_max = 256));
	int fd = live_plain();

	live_open(live, engine, NULL);
	live_turn(engine);
	cr_assert_eq(hail_engine_turn(engine, 1), 0);
	for (int i = 0; i < 200; i++)
		live_plain_send(fd, "x", live_port(live));
	live_until(engine, live->datagrams == 200);
	close(fd);
	return engine;
}

static void assert_batches(const struct live *live)
{
	struct hail_engine_stats stats = live_stats(live->engine);

	cr_assert_gt(stats.batch_waits, 0);
	cr_assert_leq(2 * stats.turns, live->datagrams,
		      "%zu datagrams came in %lu turns", live->datagrams,
		      (unsigned long)stats.turns);
}

Test(batch_wait, what_comes_fast_comes_in_batches)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = 20 * MS,
						 .buffers_max = 1024));
	struct live live = {0};

	live_open(&live, engine, NULL);
	receive_stream(&live);
	assert_batches(&live);
	cr_assert_eq(overlong, 0);
	live_end(engine);
}

static unsigned lines;

static void take_line(void *arg, enum hail_log_level level, const char *text)
{
	(void)arg;
	cr_assert_eq(level, HAIL_LOG_NOTE);
	cr_assert(strstr(text, "batch_wait_ns"), "%s", text);
	lines++;
}

Test(batch_wait, without_the_kernels_minimum_wait_it_is_the_same)
{
	struct hail_probe probe = {.size = sizeof(probe)};
	struct live live = {0};
	struct hail_engine *engine;

	hidden = true;
	engine = live_engine(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = 20 * MS,
						  .buffers_max = 1024,
						  .log = take_line));
	live_open(&live, engine, NULL);
	receive_stream(&live);
	assert_batches(&live);
	cr_assert_eq(minimum_waits, 0);
	cr_assert_eq(lines, 1);
	cr_assert_eq(hail_probe(&probe), 0);
	cr_assert_eq(probe.uring, 0);
	cr_assert_eq(probe.batch_wait, -EOPNOTSUPP);
	live_end(engine);
}

Test(batch_wait, without_the_option_there_is_none)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	receive_stream(&live);
	cr_assert_eq(live_stats(engine).batch_waits, 0);
	cr_assert_eq(live_stats(engine).batch_wait_ns, 0);
	cr_assert_eq(minimum_waits, 0);
	live_end(engine);
}

static void send_one(struct hail_timer *timer, void *user)
{
	struct live *live = user;
	struct hail_addr self = live_local(live);

	(void)timer;
	cr_assert_eq(live_send(live, "x", &self), 0);
}

Test(batch_wait, what_comes_slowly_is_not_waited_for)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = MS));
	struct hail_timer *timer;
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_timer_create(&timer, engine, send_one, &live), 0);
	cr_assert_eq(hail_timer_start(timer, 20 * MS, 20 * MS), 0);
	live_until(engine, live.datagrams >= 10);
	cr_assert_eq(live_stats(engine).batch_waits, 0);
	live_end(engine);
}

static void echo(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	if (live->datagrams >= 300)
		hail_engine_stop(live->engine);
	for (size_t i = 0; i < count && live->datagrams < 300; i++)
		cr_assert_eq(hail_send(live->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
}

/* Fast as they come, none comes before the last is answered. */
Test(batch_wait, a_remote_that_waits_for_answers_is_seldom_waited_for,
     .timeout = 60)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = 50 * MS,
						 .buffers_max = 64));
	struct live live = {.on_data = echo};
	struct hail_addr self;

	live_open(&live, engine, NULL);
	self = live_local(&live);
	cr_assert_eq(live_send(&live, "x", &self), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_gt(live_stats(engine).batch_waits, 0);
	cr_assert_leq(live_stats(engine).batch_waits, 10);
	live_end(engine);
}

static void count(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

Test(batch_wait, is_never_asked_for_beyond_the_time_of_a_timer)
{
	struct live live = {0};
	struct hail_engine *engine = busy_engine(&live);
	struct hail_timer *timer;
	unsigned fired = 0;

	cr_assert_eq(hail_timer_create(&timer, engine, count, &fired), 0);
	cr_assert_eq(hail_timer_start(timer, 5 * MS, 0), 0);
	while (!fired)
		cr_assert_geq(hail_engine_turn(engine, -1), 0);
	cr_assert_eq(overlong, 0);
	cr_assert_eq(minimum_waits, live_stats(engine).batch_waits);
	live_end(engine);
}

static void note(struct hail_engine *engine, void *arg)
{
	(void)engine;
	*(bool *)arg = true;
}

struct poster {
	struct hail_engine *engine;
	bool ran;
};

static void *post(void *arg)
{
	struct poster *poster = arg;

	cr_assert_eq(hail_engine_post(poster->engine, note, &poster->ran), 0);
	return NULL;
}

Test(batch_wait, what_is_posted_meanwhile_is_run, .timeout = 20)
{
	struct live live = {0};
	struct poster poster = {.engine = busy_engine(&live)};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, post, &poster), 0);
	while (!poster.ran)
		cr_assert_geq(hail_engine_turn(poster.engine, -1), 0);
	pthread_join(thread, NULL);
	live_end(poster.engine);
}

/* Without any timeout the kernel ends it when the minimum is over. */
Test(batch_wait, that_has_no_end_is_asked_for_with_one_far_away)
{
	struct live live = {0};
	struct hail_engine *engine = busy_engine(&live);
	int fd = live_plain();

	live_plain_send(fd, "x", live_port(&live));
	cr_assert_eq(hail_engine_turn(engine, -1), 1);
	cr_assert_gt(minimum_waits, 0);
	cr_assert_gt(limit_ns, INT64_C(3600000) * MS);
	close(fd);
	live_end(engine);
}
