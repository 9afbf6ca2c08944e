/* SPDX-License-Identifier: MIT */
/* adopt_refused.c: what can't be adopted stays the caller's, and no socket of
 * the kernel is hail's twice. */
#include "support/descriptor.h"

#include <fcntl.h>
#include <pthread.h>

#define UDPLITE 136

/* Descriptors of other kinds. */
static const struct {
	const char *name;
	int family, type, protocol;
	int error;
} kinds[] = {
	{"TCP", AF_INET, SOCK_STREAM, 0, -EPROTOTYPE},
	{"TCP of IPv6", AF_INET6, SOCK_STREAM, 0, -EPROTOTYPE},
	{"raw", AF_INET, SOCK_RAW, IPPROTO_UDP, -EPROTOTYPE},
	{"ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, -EPROTOTYPE},
	{"UDP-Lite", AF_INET, SOCK_DGRAM, UDPLITE, -EPROTOTYPE},
	{"UNIX datagram", AF_UNIX, SOCK_DGRAM, 0, -EAFNOSUPPORT},
	{"UNIX stream", AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT},
	{"netlink", AF_NETLINK, SOCK_DGRAM, 0, -EAFNOSUPPORT},
};

static void expect_refused(struct hail_engine *engine, int fd, int error,
			   const char *name)
{
	struct live live = {0};
	int err = descriptor_try_adopt(&live, engine, fd, NULL);

	cr_expect_eq(err, error, "%s: %d", name, err);
	cr_expect_null(live.socket);
	cr_expect_eq(live_stats(engine).sockets, 0);
}

Test(adopt_refused, sockets_of_other_kinds)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned tried = 0;

	for (size_t i = 0; i < live_count(kinds); i++) {
		int fd = socket(kinds[i].family, kinds[i].type,
				kinds[i].protocol);

		if (fd < 0)
			continue;
		expect_refused(engine, fd, kinds[i].error, kinds[i].name);
		/* Refused because of its kind, and not as hail's already. */
		expect_refused(engine, fd, kinds[i].error, kinds[i].name);
		cr_expect_eq(close(fd), 0);
		tried++;
	}
	cr_assert_geq(tried, 5);
	live_end(engine);
}

Test(adopt_refused, what_is_no_socket)
{
	struct hail_engine *engine = live_engine(NULL);
	int ends[2], file = open("/dev/null", O_RDWR | O_CLOEXEC);
	int path = open("/", O_PATH | O_CLOEXEC);

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	expect_refused(engine, ends[0], -ENOTSOCK, "pipe");
	expect_refused(engine, file, -ENOTSOCK, "file");
	expect_refused(engine, hail_engine_fd(engine), -ENOTSOCK, "engine");
	expect_refused(engine, path, -EBADF, "path");
	close(ends[0]);
	expect_refused(engine, ends[0], -EBADF, "closed");
	expect_refused(engine, -1, -EBADF, "-1");
	expect_refused(engine, INT32_MIN, -EBADF, "negative");
	expect_refused(engine, INT32_MAX, -EBADF, "large");
	close(ends[1]);
	close(file);
	close(path);
	live_end(engine);
}

Test(adopt_refused, wrong_arguments)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket *socket = NULL;
	const struct hail_socket_options no_size = {0};
	int fd = live_plain();

	cr_assert_eq(hail_socket_adopt(NULL, engine, fd, NULL), -EINVAL);
	cr_assert_eq(hail_socket_adopt(&socket, NULL, fd, NULL), -EINVAL);
	cr_assert_eq(hail_socket_adopt(&socket, engine, fd, &no_size), -EINVAL);
	cr_assert_eq(hail_socket_adopt(
			     &socket, engine, fd,
			     &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 4)),
		     -EINVAL);
	cr_assert_null(socket);
	cr_assert_eq(hail_socket_adopt(&socket, engine, fd, NULL), 0);
	live_end(engine);
}

/* Addresses that a descriptor can't have, or has. */
Test(adopt_refused, addresses_that_cannot_be_had)
{
	struct hail_engine *engine = live_engine(NULL);
	const struct hail_addr remote = live_v4(9);
	const struct hail_addr unix_addr = {.sa.sa_family = AF_UNIX};
	struct {
		enum descriptor_kind kind;
		bool bound, connected;
		struct hail_socket_options options;
		int error;
	} cases[] = {
		{DESCRIPTOR_V4, true, false,
		 HAIL_SOCKET_OPTIONS(.local = live_v4(0)), -EINVAL},
		{DESCRIPTOR_V4, true, true,
		 HAIL_SOCKET_OPTIONS(.remote = live_v4(10)), -EISCONN},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.local = live_v6(0)), -EAFNOSUPPORT},
		{DESCRIPTOR_DUAL, false, false,
		 HAIL_SOCKET_OPTIONS(.local = live_v4(0)), -EAFNOSUPPORT},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.local = unix_addr), -EAFNOSUPPORT},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.remote = unix_addr), -EAFNOSUPPORT},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.remote = live_v6(9)), -EAFNOSUPPORT},
		{DESCRIPTOR_V6_ONLY, false, false,
		 HAIL_SOCKET_OPTIONS(.remote = live_v4(9)), -EAFNOSUPPORT},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.remote = live_v4(0)), -EINVAL},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.ipv6_only = true), -EINVAL},
		{DESCRIPTOR_V4, true, false,
		 HAIL_SOCKET_OPTIONS(.ipv6_only = true), -EINVAL},
		{DESCRIPTOR_DUAL, true, false,
		 HAIL_SOCKET_OPTIONS(.ipv6_only = true), -EINVAL},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.local = live_addr("192.0.2.1", 0)),
		 -EADDRNOTAVAIL},
		{DESCRIPTOR_V4, false, false,
		 HAIL_SOCKET_OPTIONS(.remote = live_addr("127.255.255.255", 9)),
		 -EACCES},
	};

	for (size_t i = 0; i < live_count(cases); i++) {
		int fd = cases[i].bound && cases[i].kind == DESCRIPTOR_V4
				 ? live_plain()
				 : descriptor_open(cases[i].kind);
		struct hail_addr any = {.sa.sa_family = AF_INET6};
		struct live live = {0};
		int err;

		if (cases[i].bound && cases[i].kind != DESCRIPTOR_V4)
			cr_assert_eq(bind(fd, &any.sa, sizeof(any.v6)), 0);
		if (cases[i].connected)
			cr_assert_eq(connect(fd, &remote.sa, sizeof(remote.v4)),
				     0);
		err = descriptor_try_adopt(&live, engine, fd,
					   &cases[i].options);
		cr_expect_eq(err, cases[i].error, "case %zu: %d", i, err);
		cr_expect_null(live.socket);
		cr_expect_eq(close(fd), 0);
	}
	cr_assert_eq(live_stats(engine).sockets, 0);
	live_end(engine);
}

Test(adopt_refused, what_was_refused_is_the_callers_to_use_and_to_offer_again)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain(), other = live_plain();

	for (int i = 0; i < 100; i++)
		cr_assert_eq(descriptor_try_adopt(
				     &live, engine, fd,
				     &HAIL_SOCKET_OPTIONS(.device = 1000000)),
			     -ENODEV);
	live_plain_send(fd, "from", plain_port(other));
	live_expect(other, "from");
	live_plain_send(other, "to", plain_port(fd));
	live_expect(fd, "to");
	cr_assert_eq(descriptor_try_adopt(&live, engine, fd, NULL), 0);
	live_plain_send(other, "to hail", plain_port(fd));
	live_until(engine, live.datagrams == 1);
	close(other);
	live_end(engine);
}

/* A bound port is in no way changed by a failure to connect. */
Test(adopt_refused, sharing_is_not_left_on)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = descriptor_open(DESCRIPTOR_V4);

	cr_assert_eq(
		descriptor_try_adopt(
			&live, engine, fd,
			&HAIL_SOCKET_OPTIONS(.remote = live_addr(
						     "127.255.255.255", 9))),
		-EACCES);
	cr_assert_eq(descriptor_get(fd, SOL_SOCKET, SO_REUSEADDR), 0);
	close(fd);
	live_end(engine);
}

Test(adopt_refused, what_was_refused_is_left_to_programs_that_are_executed)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert_eq(
		descriptor_try_adopt(&live, engine, fd,
				     &HAIL_SOCKET_OPTIONS(.device = 1u << 30)),
		-ENODEV);
	cr_assert_eq(fcntl(fd, F_GETFD), 0);
	close(fd);
	live_end(engine);
}

Test(adopt_refused, a_socket_that_is_hails_already)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_engine *another = live_engine(NULL);
	struct live live = {0}, twice = {0};
	int fd = live_plain(), copy = dup(fd);

	cr_assert_eq(descriptor_try_adopt(&live, engine, fd, NULL), 0);
	cr_assert_eq(descriptor_try_adopt(&twice, engine, fd, NULL), -EBUSY);
	cr_assert_eq(descriptor_try_adopt(&twice, engine, copy, NULL), -EBUSY);
	cr_assert_eq(descriptor_try_adopt(&twice, another, copy, NULL), -EBUSY);
	cr_assert_null(twice.socket);
	cr_assert_eq(live_stats(engine).sockets, 1);
	live_end(another);
	close(copy);
	live_end(engine);
}

Test(adopt_refused, a_socket_that_hail_made)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0}, twice = {0};
	int copy;

	live_open(&live, engine, NULL);
	copy = dup(descriptor_of(&live));
	cr_assert_eq(descriptor_try_adopt(&twice, engine, copy, NULL), -EBUSY);
	cr_assert_null(twice.socket);
	/* When it isn't hail's any more it can be. */
	live_close(&live);
	cr_assert_eq(descriptor_try_adopt(&twice, engine, copy, NULL), 0);
	live_end(engine);
}

Test(adopt_refused, until_it_is_closed)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0}, next = {0};
	int fd = live_plain(), copy = dup(fd), last = dup(fd);

	cr_assert_eq(descriptor_try_adopt(&live, engine, fd, NULL), 0);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(descriptor_try_adopt(&next, engine, copy, NULL), -EBUSY);
	live_until(engine, live.closes == 1);
	cr_assert_eq(descriptor_try_adopt(&next, engine, copy, NULL), 0);
	/* The engine's end closes too, also what receives. */
	live_settle(engine);
	live_end(engine);
	engine = live_engine(NULL);
	cr_assert_eq(descriptor_try_adopt(&next, engine, last, NULL), 0);
	live_end(engine);
}

#define THREADS 8
#define ROUNDS 50

struct race {
	pthread_barrier_t barrier;
	int fds[THREADS][ROUNDS]; /* of a round, all for the same socket */
	unsigned char won[THREADS][ROUNDS];
	int unexpected;
};

struct racer {
	struct race *race;
	unsigned number;
};

static void *run_race(void *arg)
{
	const struct racer *racer = arg;
	struct race *race = racer->race;
	struct hail_engine *engine = NULL;
	struct hail_socket *socket;

	if (hail_engine_create(&engine,
			       &HAIL_ENGINE_OPTIONS(.entries = 64,
						    .buffers_max = 16,
						    .small_buffers_max = 16)))
		race->unexpected = 1;
	pthread_barrier_wait(&race->barrier);
	for (unsigned i = 0; i < ROUNDS && engine; i++) {
		int fd = race->fds[racer->number][i];
		int err = hail_socket_adopt(&socket, engine, fd, NULL);

		if (err && err != -EBUSY)
			race->unexpected = err;
		race->won[racer->number][i] = !err;
	}
	pthread_barrier_wait(&race->barrier);
	hail_engine_destroy(engine);
	return NULL;
}

/* Engines on threads of their own, all for the same sockets. */
Test(adopt_refused, to_all_threads_but_one)
{
	static struct race race;
	struct racer racers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		race.fds[0][i] = live_plain();
		for (unsigned j = 1; j < THREADS; j++)
			race.fds[j][i] = dup(race.fds[0][i]);
	}
	pthread_barrier_init(&race.barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){&race, i};
		cr_assert_eq(
			pthread_create(&threads[i], NULL, run_race, &racers[i]),
			0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(race.unexpected, 0, "%d", race.unexpected);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned winners = 0;

		for (unsigned j = 0; j < THREADS; j++) {
			winners += race.won[j][i];
			if (!race.won[j][i])
				close(race.fds[j][i]);
		}
		cr_assert_eq(winners, 1, "round %u: %u", i, winners);
	}
}

#define OPEN_AT_ONCE 20
#define TIMES 100

static unsigned closed_by_all;

static void count_closed(struct hail_socket *socket)
{
	(void)socket;
	__atomic_add_fetch(&closed_by_all, 1, __ATOMIC_RELAXED);
}

static void *come_and_go(void *arg)
{
	struct hail_engine *engine = NULL;
	struct hail_socket *sockets[OPEN_AT_ONCE];
	int err = hail_engine_create(
		&engine, &HAIL_ENGINE_OPTIONS(.entries = 64, .buffers_max = 16,
					      .small_buffers_max = 16));

	(void)arg;
	for (unsigned i = 0; i < TIMES && !err; i++) {
		for (unsigned j = 0; j < OPEN_AT_ONCE && !err; j++)
			err = hail_socket_open(
				&sockets[j], engine,
				&HAIL_SOCKET_OPTIONS(.handlers.close =
							     count_closed));
		for (unsigned j = 0; j < OPEN_AT_ONCE && !err; j++)
			err = hail_socket_close(sockets[j]);
		if (!err)
			err = hail_engine_run(engine);
	}
	hail_engine_destroy(engine);
	return (void *)(intptr_t)err;
}

/* What hail has is known to all of them. */
Test(adopt_refused, nothing_while_sockets_come_and_go_on_many_threads)
{
	pthread_t threads[THREADS];
	void *err;

	for (unsigned i = 0; i < THREADS; i++)
		cr_assert_eq(
			pthread_create(&threads[i], NULL, come_and_go, NULL),
			0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &err);
		cr_assert_null(err, "%s", hail_strerror((int)(intptr_t)err));
	}
	cr_assert_eq(closed_by_all, THREADS * TIMES * OPEN_AT_ONCE);
}
