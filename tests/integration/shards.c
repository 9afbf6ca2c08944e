/* SPDX-License-Identifier: MIT */
/* Shards: how they begin and end, and on which threads. */
#include "support/sharded.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

Test(shards, all_serve_one_port_each_on_its_own_thread, .timeout = 60)
{
	static struct sharded sharded;
	int fd = live_plain();

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 4,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_width = 4));
	for (uint32_t i = 0; i < 64; i++)
		sharded_send(fd, i, sharded.port);
	sharded_await(&sharded, 64);
	for (uint32_t i = 0; i < 64; i++)
		cr_assert_eq(sharded.seen[i].shard, sharded.seen[i].number % 4);
	for (uint32_t i = 1; i < 4; i++)
		cr_assert(!pthread_equal(sharded.threads[i],
					 sharded.threads[i - 1]));
	sharded_end(&sharded);
	close(fd);
}

Test(shards, one_may_be_alone, .timeout = 60)
{
	static struct sharded sharded;
	int fd = live_plain();

	for (unsigned kind = 0; kind <= HAIL_STEERING_BYTES; kind++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 1,
							     .steering = kind));
		for (uint32_t i = 0; i < 10; i++)
			sharded_send(fd, i, sharded.port);
		sharded_await(&sharded, 10);
		sharded_end(&sharded);
	}
	close(fd);
}

Test(shards, there_may_be_more_than_processors, .timeout = 60)
{
	static struct sharded sharded;
	int fd = live_plain();

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 32, .pin = true,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_width = 4));
	for (uint32_t i = 0; i < 320; i++)
		sharded_send(fd, i, sharded.port);
	sharded_await(&sharded, 320);
	for (uint32_t i = 0; i < 320; i++)
		cr_assert_eq(sharded.seen[i].shard,
			     sharded.seen[i].number % 32);
	sharded_end(&sharded);
	close(fd);
}

Test(shards, each_is_found_by_its_index_and_its_engine, .timeout = 60)
{
	static struct sharded sharded;
	struct hail_engine *other = live_engine(NULL);

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
	cr_assert_eq(hail_shards_count(sharded.shards), 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct hail_shard *shard = hail_shards_at(sharded.shards, i);

		cr_assert_eq(hail_shard_index(shard), i);
		cr_assert_eq(hail_shards_of(shard), sharded.shards);
		cr_assert_eq(hail_shard_of(hail_shard_engine(shard)), shard);
		/* Another thread's. */
		cr_assert_null(hail_shard_socket(shard));
	}
	cr_assert_null(hail_shards_at(sharded.shards, 3));
	cr_assert_null(hail_shard_of(other));
	sharded_end(&sharded);
	live_end(other);
}

Test(shards, nothing_is_asked_of_null)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct hail_addr local;

	cr_assert_eq(hail_shards_create(NULL, NULL), -EINVAL);
	hail_shards_stop(NULL);
	cr_assert_eq(hail_shards_join(NULL), -EINVAL);
	cr_assert_eq(hail_shards_destroy(NULL), 0);
	cr_assert_eq(hail_shards_count(NULL), 0);
	cr_assert_eq(hail_shards_local(NULL, &local), -EINVAL);
	cr_assert_null(hail_shards_at(NULL, 0));
	cr_assert_null(hail_shards_of(NULL));
	cr_assert_eq(hail_shards_stats(NULL, &stats), -EINVAL);
	cr_assert_null(hail_shard_of(NULL));
	cr_assert_eq(hail_shard_index(NULL), HAIL_SHARD_NONE);
	cr_assert_null(hail_shard_engine(NULL));
	cr_assert_null(hail_shard_socket(NULL));
	cr_assert_eq(hail_shard_send(NULL, NULL), -EINVAL);
}

/* Asserts that they can't be made, and that nothing is left of the trying. */
static void refused(const struct hail_shards_options *options, int error)
{
	struct hail_shards *shards = NULL;
	unsigned descriptors = plain_descriptors();

	cr_assert_eq(hail_shards_create(&shards, options), error);
	cr_assert_null(shards);
	cr_assert_eq(plain_descriptors(), descriptors);
}

Test(shards, an_option_out_of_its_range_is_refused)
{
	struct hail_shards_options sizeless = HAIL_SHARDS_OPTIONS(.count = 1);

	sizeless.size = 0;
	refused(&sizeless, -EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.count = HAIL_SHARDS_MAX + 1), -EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steering = 3), -EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steer_offset = 1), -EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steering = HAIL_STEERING_CPU,
				     .steer_width = 1),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steering = HAIL_STEERING_BYTES,
				     .steer_width = 3),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steering = HAIL_STEERING_BYTES,
				     .steer_mask = 0x100),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.steering = HAIL_STEERING_BYTES,
				     .steer_offset = 65527),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.messages = 1048577), -EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.linger_ns = UINT64_MAX), -EINVAL);
}

Test(shards, options_of_the_engines_and_sockets_are_checked)
{
	refused(&HAIL_SHARDS_OPTIONS(.engine = &HAIL_ENGINE_OPTIONS(
						     .entries = 65536)),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(
				.engine = &HAIL_ENGINE_OPTIONS(
						.backend = HAIL_BACKEND_PLAIN)),
		-ENOTSUP);
	refused(&HAIL_SHARDS_OPTIONS(.socket = &HAIL_SOCKET_OPTIONS(
						     .exclusive = true)),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.socket = &HAIL_SOCKET_OPTIONS(
						     .remote = live_v4(9))),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.socket = &HAIL_SOCKET_OPTIONS(.window = 1,
								    .low_water =
									    1)),
		-EINVAL);
	refused(&HAIL_SHARDS_OPTIONS(.socket = &HAIL_SOCKET_OPTIONS(
						     .local = live_addr(
							     "192.0.2.1", 0))),
		-EADDRNOTAVAIL);
}

Test(shards, a_port_that_somebody_has_is_refused_whole)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket_options own = HAIL_SOCKET_OPTIONS(.window = 0);
	struct live exclusive = {0}, sharing = {0};

	live_open(&exclusive, engine, &HAIL_SOCKET_OPTIONS(.exclusive = true));
	live_open(&sharing, engine, &HAIL_SOCKET_OPTIONS(.reuse_port = true));
	own.local = live_local(&exclusive);
	refused(&HAIL_SHARDS_OPTIONS(.count = 3, .socket = &own), -EADDRINUSE);
	/* Of a group that others have begun the order isn't known. */
	own.local = live_local(&sharing);
	refused(&HAIL_SHARDS_OPTIONS(.count = 3, .socket = &own), -EADDRINUSE);
	live_end(engine);
}

Test(shards, two_of_them_share_no_port, .timeout = 60)
{
	static struct sharded sharded;

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 2));
	refused(&HAIL_SHARDS_OPTIONS(.count = 2,
				     .socket = &HAIL_SOCKET_OPTIONS(
						     .local = live_v4(
							     sharded.port))),
		-EADDRINUSE);
	sharded_end(&sharded);
}

static int fail_to_start(struct sharded *sharded, struct hail_shard *shard)
{
	(void)sharded;
	return hail_shard_index(shard) == 2 ? -EPROTO : 0;
}

Test(shards, where_one_does_not_start_none_is_left, .timeout = 60)
{
	static struct sharded sharded = {.on_start = fail_to_start};
	struct hail_socket_options own =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0));
	unsigned descriptors = plain_descriptors();
	int fd = live_plain();

	own.local = live_v4(plain_port(fd));
	close(fd);
	for (unsigned i = 0; i < 20; i++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded.on_start = fail_to_start;
		cr_assert_eq(sharded_try(&sharded,
					 &HAIL_SHARDS_OPTIONS(.count = 4,
							      .socket = &own)),
			     -EPROTO);
		cr_assert_eq(sharded.starts, sharded.stops + 1);
		cr_assert_null(sharded.shards);
		cr_assert_eq(plain_descriptors(), descriptors);
	}
	/* The port is free. */
	memset(&sharded, 0, sizeof(sharded));
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 4, .socket = &own));
	sharded_end(&sharded);
}

static int close_own(struct sharded *sharded, struct hail_shard *shard)
{
	(void)sharded;
	return hail_shard_index(shard) == 1
		       ? hail_socket_close(hail_shard_socket(shard))
		       : 0;
}

Test(shards, a_start_that_closes_the_shards_socket_is_refused, .timeout = 60)
{
	static struct sharded sharded = {.on_start = close_own};
	unsigned descriptors = plain_descriptors();

	cr_assert_eq(sharded_try(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3)),
		     -EBADF);
	cr_assert_eq(sharded.stops, 3);
	cr_assert_eq(plain_descriptors(), descriptors);
}

static void count_cuts(void *arg, enum hail_log_level level, const char *text)
{
	atomic_uint *cuts = arg;

	(void)level;
	if (strstr(text, "send_buffer is "))
		atomic_fetch_add(cuts, 1);
}

/* More than the kernel can count, so that nobody has the right. */
Test(shards, a_send_buffer_that_the_kernel_cut_is_told, .timeout = 60)
{
	static struct sharded sharded;
	struct hail_engine_options own = sharded_engine;
	struct hail_socket_options socket =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0),
				    .send_buffer = UINT32_MAX);
	atomic_uint cuts = 0;

	own.log = count_cuts;
	own.log_arg = &cuts;
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3, .engine = &own,
						     .socket = &socket));
	sharded_end(&sharded);
	cr_assert_eq(atomic_load(&cuts), 3);
}

Test(shards, a_want_of_descriptors_leaves_nothing, .timeout = 60)
{
	struct rlimit limit;
	struct hail_shards *shards = NULL;
	unsigned descriptors = plain_descriptors();
	rlim_t before;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	for (unsigned more = 1; more < 14; more++) {
		limit.rlim_cur = descriptors + more;
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		cr_assert_eq(
			hail_shards_create(
				&shards,
				&HAIL_SHARDS_OPTIONS(.count = 8,
						     .engine =
							     &sharded_engine)),
			-EMFILE);
		limit.rlim_cur = before;
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		cr_assert_eq(plain_descriptors(), descriptors);
	}
}

static void stop_at_last(struct sharded *sharded, struct hail_socket *socket,
			 const struct hail_datagram *batch, size_t count)
{
	(void)sharded;
	for (size_t i = 0; i < count; i++) {
		if (!batch[i].size)
			hail_shards_stop(hail_shards_of(
				hail_shard_of(hail_socket_engine(socket))));
	}
}

Test(shards, a_handler_may_stop_all, .timeout = 60)
{
	static struct sharded sharded = {.on_data = stop_at_last};
	int fd = live_plain();

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 4));
	cr_assert(plain_send(fd, "", 0, sharded.port));
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	cr_assert_eq(sharded.stops, 4);
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	sharded_end(&sharded);
	close(fd);
}

static void stop_engine(struct hail_engine *engine, void *arg)
{
	(void)arg;
	hail_engine_stop(engine);
}

Test(shards, stopping_the_engine_of_one_stops_all, .timeout = 60)
{
	static struct sharded sharded;
	struct hail_shard *shard;

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 4));
	shard = hail_shards_at(sharded.shards, 2);
	cr_assert_eq(
		hail_engine_post(hail_shard_engine(shard), stop_engine, NULL),
		0);
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	sharded_end(&sharded);
}

static int stop_at_once(struct sharded *sharded, struct hail_shard *shard)
{
	(void)sharded;
	hail_shards_stop(hail_shards_of(shard));
	return 0;
}

Test(shards, they_may_be_stopped_before_they_have_begun, .timeout = 60)
{
	static struct sharded sharded = {.on_start = stop_at_once};

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	sharded_end(&sharded);
}

static struct hail_shards *signalled;

static void on_signal(int number)
{
	(void)number;
	hail_shards_stop(signalled);
}

/* Its threads take no signals: it comes to the test's own. */
Test(shards, a_signal_handler_may_stop_all, .timeout = 60)
{
	static struct sharded sharded;
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
	signalled = sharded.shards;
	cr_assert_eq(kill(getpid(), SIGUSR1), 0);
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	sharded_end(&sharded);
}

/* What the calls of another's answer on a thread of shards. */
struct answers {
	int join, destroy, stats, engine;
};

static int ask(struct sharded *sharded, struct hail_shard *shard)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct answers *answers = sharded->arg;

	if (hail_shard_index(shard))
		return 0;
	answers->join = hail_shards_join(hail_shards_of(shard));
	answers->destroy = hail_shards_destroy(hail_shards_of(shard));
	answers->stats = hail_shards_stats(hail_shards_of(shard), &stats);
	answers->engine = hail_engine_destroy(hail_shard_engine(shard));
	return 0;
}

Test(shards, their_own_threads_are_not_let_wait_for_them, .timeout = 60)
{
	struct answers answers = {0};
	static struct sharded sharded = {.on_start = ask};

	sharded.arg = &answers;
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 2));
	cr_assert_eq(answers.join, -EBUSY);
	cr_assert_eq(answers.destroy, -EBUSY);
	cr_assert_eq(answers.stats, -EBUSY);
	cr_assert_eq(answers.engine, -EBUSY);
	hail_shards_stop(sharded.shards);
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	/* Nor may others destroy a part of them. */
	cr_assert_eq(hail_engine_destroy(hail_shard_engine(
			     hail_shards_at(sharded.shards, 0))),
		     -EBUSY);
	sharded_end(&sharded);
}

Test(shards, a_forked_child_is_refused, .timeout = 60)
{
	static struct sharded sharded;
	int status;
	pid_t child;

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 2));
	child = fork();
	if (!child) {
		struct hail_engine_stats stats = {.size = sizeof(stats)};
		bool well =
			hail_shards_join(sharded.shards) == -EPERM &&
			hail_shards_destroy(sharded.shards) == -EPERM &&
			hail_shards_stats(sharded.shards, &stats) == -EPERM &&
			hail_shard_send(hail_shards_at(sharded.shards, 0),
					NULL) == -EPERM;

		hail_shards_stop(sharded.shards);
		_exit(!well);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	sharded_end(&sharded);
}

static void answer(struct sharded *sharded, struct hail_socket *socket,
		   const struct hail_datagram *batch, size_t count)
{
	(void)sharded;
	for (size_t i = 0; i < count; i++)
		hail_send(socket, batch[i].data, batch[i].size,
			  &batch[i].remote);
}

/* Nothing but what the filter let in before is left in the kernel. */
Test(shards, what_has_arrived_is_handed_over_and_answered_before_the_end,
     .timeout = 60)
{
	static struct sharded sharded = {.on_data = answer};
	int fd = live_plain();
	char got[16];

	for (unsigned round = 0; round < 20; round++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded.on_data = answer;
		sharded_start(
			&sharded,
			&HAIL_SHARDS_OPTIONS(.count = 3,
					     .steering = HAIL_STEERING_BYTES,
					     .steer_width = 4));
		for (uint32_t i = 0; i < 100; i++)
			sharded_send(fd, i, sharded.port);
		hail_shards_stop(sharded.shards);
		cr_assert_eq(hail_shards_join(sharded.shards), 0);
		cr_assert_eq(sharded.seen_count, 100);
		for (uint32_t i = 0; i < 100; i++)
			cr_assert_eq(plain_receive(fd, got, sizeof(got)), 4);
		sharded_end(&sharded);
	}
	close(fd);
}

static void say_goodbye(struct sharded *sharded, struct hail_shard *shard)
{
	struct hail_addr remote = live_v4(*(uint16_t *)sharded->arg);

	hail_send(hail_shard_socket(shard), "goodbye", 7, &remote);
}

Test(shards, what_is_sent_at_the_end_leaves, .timeout = 60)
{
	static struct sharded sharded = {.on_stop = say_goodbye};
	int fd = live_plain();
	uint16_t port = plain_port(fd);

	sharded.arg = &port;
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
	sharded_end(&sharded);
	for (unsigned i = 0; i < 3; i++)
		live_expect(fd, "goodbye");
	close(fd);
}

/* Sockets and timers of each shard's own. */
static int open_more(struct sharded *sharded, struct hail_shard *shard)
{
	struct hail_socket **more = sharded->arg;

	return hail_socket_open(&more[hail_shard_index(shard)],
				hail_shard_engine(shard), NULL);
}

static void close_more(struct sharded *sharded, struct hail_shard *shard)
{
	struct hail_socket **more = sharded->arg;

	/* The last one's is left to hail. */
	if (hail_shard_index(shard) < 2)
		hail_socket_close(more[hail_shard_index(shard)]);
}

Test(shards, each_may_have_more_sockets, .timeout = 60)
{
	static struct sharded sharded = {.on_start = open_more,
					 .on_stop = close_more};
	struct hail_socket *more[3];
	unsigned descriptors = plain_descriptors();

	sharded.arg = more;
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
	sharded_end(&sharded);
	cr_assert_eq(plain_descriptors(), descriptors);
}

Test(shards, the_counters_of_all_are_added_up, .timeout = 60)
{
	static struct sharded sharded;
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	int fd = live_plain();

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 4,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_width = 4));
	for (uint32_t i = 0; i < 400; i++)
		sharded_send(fd, i, sharded.port);
	sharded_await(&sharded, 400);
	cr_assert_eq(hail_shards_stats(sharded.shards, &stats), 0);
	cr_assert_eq(stats.traffic.received, 400);
	cr_assert_eq(stats.traffic.received_bytes, 1600);
	cr_assert_eq(stats.sockets, 4);
	hail_shards_stop(sharded.shards);
	cr_assert_eq(hail_shards_join(sharded.shards), 0);
	cr_assert_eq(hail_shards_stats(sharded.shards, &stats), 0);
	cr_assert_eq(stats.traffic.received, 400);
	cr_assert_eq(stats.sockets, 0);
	stats.size = 0;
	cr_assert_eq(hail_shards_stats(sharded.shards, &stats), -EINVAL);
	stats.size = sizeof(stats) + 8;
	cr_assert_eq(hail_shards_stats(sharded.shards, &stats), -E2BIG);
	sharded_end(&sharded);
	close(fd);
}

Test(shards, two_hundred_in_a_row_leave_nothing_behind, .timeout = 60)
{
	static struct sharded sharded;
	unsigned descriptors = plain_descriptors();
	int fd = live_plain();

	for (uint32_t i = 0; i < 200; i++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = 3));
		sharded_send(fd, i, sharded.port);
		if (i % 2)
			sharded_await(&sharded, 1);
		sharded_end(&sharded);
	}
	close(fd);
	cr_assert_eq(plain_descriptors(), descriptors);
	live_end(live_engine(NULL)); /* looks for leaks */
}
