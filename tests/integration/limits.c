/* SPDX-License-Identifier: MIT */
/* limits.c: where descriptors, memory or io_uring itself are refused, the error
 * is the documented one, told in words, and nothing is left behind. */
#include "support/child.h"
#include "support/live.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* AddressSanitizer asks for this; by default it ends the program where there is
 * no memory. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void assert_child(int (*run)(void *), void *arg)
{
	int line = child_run(run, arg);

	if (line == CHILD_SKIP)
		cr_skip_test("this needs rights that the test hasn't");
	cr_assert_eq(line, 0, "the check in line %d failed", line);
}

static int set_limit(int which, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit((unsigned)which, &limit))
		return -errno;
	limit.rlim_cur = value;
	return setrlimit((unsigned)which, &limit) ? -errno : 0;
}

/* The lowest number that is free: with it as the limit none is left. */
static rlim_t lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return (rlim_t)fd;
}

/* An engine that serves. */
static int use_engine(void)
{
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;

	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_socket_open(&socket, engine, NULL) == 0);
	CHECK(hail_engine_turn(engine, 0) == 0);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

static int create_without_descriptors(void *arg)
{
	struct hail_engine *engine = NULL;
	unsigned used = plain_descriptors();
	rlim_t first = lowest_free(), limit = first;
	int err;

	(void)arg;
	/* One more at each round, so that each of them is refused once. */
	do {
		CHECK(set_limit(RLIMIT_NOFILE, limit++) == 0);
		err = hail_engine_create(&engine, NULL);
		CHECK(err == 0 || err == -EMFILE);
		CHECK(err == 0 || !engine);
		CHECK(hail_engine_destroy(engine) == 0);
		CHECK(set_limit(RLIMIT_NOFILE, first + 100) == 0);
		CHECK(plain_descriptors() == used);
	} while (err && limit < first + 50);
	CHECK(limit > first + 3);
	CHECK(err == 0);
	return use_engine();
}

Test(limits, without_descriptors_no_engine_is_made)
{
	assert_child(create_without_descriptors, NULL);
}

static int open_without_descriptors(void *arg)
{
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;
	unsigned used;
	rlim_t limit;

	(void)arg;
	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_engine_turn(engine, 0) == 0);
	used = plain_descriptors();
	limit = lowest_free();
	CHECK(set_limit(RLIMIT_NOFILE, limit) == 0);
	for (int i = 0; i < 10; i++)
		CHECK(hail_socket_open(&socket, engine, NULL) == -EMFILE);
	CHECK(!socket);
	CHECK(set_limit(RLIMIT_NOFILE, limit + 10) == 0);
	CHECK(plain_descriptors() == used);
	CHECK(hail_socket_open(&socket, engine, NULL) == 0);
	CHECK(hail_engine_turn(engine, 0) == 0);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

Test(limits, without_descriptors_no_socket_is_opened)
{
	assert_child(open_without_descriptors, NULL);
}

/* Whether the error is one of memory, and the probe says so. */
static int explain_memory(int err)
{
	struct hail_probe probe = {.size = sizeof(probe)};

	CHECK(err == -ENOMEM);
	CHECK(hail_probe(&probe) == 0);
	CHECK(probe.uring == 0 || strstr(probe.reason, "RLIMIT_MEMLOCK"));
	return 0;
}

/* Newer kernels book rings on the control group, and then there is no error;
 * an engine that is made must serve. */
static int create_without_locked_memory(void *arg)
{
	struct hail_engine *engine = NULL;
	unsigned used = plain_descriptors();
	int err;

	(void)arg;
	CHECK(set_limit(RLIMIT_MEMLOCK, 0) == 0);
	CHECK(child_drop_rights() == 0);
	err = hail_engine_create(&engine, NULL);
	CHECK(hail_engine_destroy(engine) == 0);
	CHECK(plain_descriptors() == used);
	return err ? explain_memory(err) : use_engine();
}

Test(limits, without_locked_memory_an_engine_serves_or_is_refused)
{
	assert_child(create_without_locked_memory, NULL);
}

/* Bytes of address space that this process has; sanitizers have terabytes. */
static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file)
		return 0;
	if (fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int create_without_memory(void *arg)
{
	struct hail_engine *engine = NULL;
	unsigned used = plain_descriptors();
	rlim_t limit = 0;
	int err;

	(void)arg;
	CHECK(address_space());
	do {
		limit += 4 << 20;
		CHECK(set_limit(RLIMIT_AS, address_space() + limit) == 0);
		err = hail_engine_create(&engine, NULL);
		CHECK(set_limit(RLIMIT_AS, RLIM_INFINITY) == 0);
		CHECK(err == 0 || err == -ENOMEM);
		CHECK(err == 0 || !engine);
		CHECK(hail_engine_destroy(engine) == 0);
		CHECK(plain_descriptors() == used);
	} while (err && limit < (rlim_t)1 << 32);
	CHECK(limit > 4 << 20);
	return use_engine();
}

Test(limits, without_memory_no_engine_is_made)
{
	assert_child(create_without_memory, NULL);
}

struct refusal {
	int calls[3];
	unsigned count;
	int error;    /* what the kernel says */
	int expected; /* and hail */
	const char *words;
};

static int create_refused(void *arg)
{
	const struct refusal *refusal = arg;
	struct hail_probe probe = {.size = sizeof(probe)};
	struct hail_engine *engine = NULL;
	unsigned used = plain_descriptors();

	CHECK(child_refuse(refusal->calls, refusal->count, refusal->error) ==
	      0);
	for (int i = 0; i < 10; i++) {
		CHECK(hail_engine_create(&engine, NULL) == refusal->expected);
		CHECK(!engine);
		CHECK(hail_engine_create(
			      &engine,
			      &HAIL_ENGINE_OPTIONS(
					      .backend = HAIL_BACKEND_URING)) ==
		      refusal->expected);
	}
	CHECK(plain_descriptors() == used);
	CHECK(hail_probe(&probe) == 0);
	CHECK(probe.uring == refusal->expected);
	CHECK(strstr(probe.reason, refusal->words));
	CHECK(plain_descriptors() == used);
	return 0;
}

#define SETUP {SYS_io_uring_setup}, 1
#define REGISTER {SYS_io_uring_register}, 1

Test(limits, a_ring_that_is_refused_is_told_in_words)
{
	static const struct refusal refusals[] = {
		{SETUP, EPERM, -EPERM, "seccomp filter"},
		{SETUP, ENOSYS, -ENOSYS, "seccomp filter"},
		{SETUP, EACCES, -EACCES, "seccomp filter"},
		{SETUP, ENOMEM, -ENOMEM, "RLIMIT_MEMLOCK"},
		{SETUP, EMFILE, -EMFILE, "Too many open files"},
		{SETUP, ENFILE, -ENFILE, "Too many open files in system"},
		/* As kernels do that don't know a flag. */
		{SETUP, EINVAL, -EOPNOTSUPP, "this kernel lacks"},
		{REGISTER, EPERM, -EPERM, "seccomp filter"},
	};

	for (size_t i = 0; i < live_count(refusals); i++)
		assert_child(create_refused, (void *)(uintptr_t)&refusals[i]);
}

static int probe_disabled(void *arg)
{
	static const struct refusal setup = {SETUP, EPERM, 0, NULL};
	struct hail_probe probe = {.size = sizeof(probe)};
	const char *value = arg;

	if (child_fake_file("/proc/sys/kernel/io_uring_disabled", value))
		return CHILD_SKIP;
	CHECK(child_refuse(setup.calls, setup.count, setup.error) == 0);
	CHECK(hail_probe(&probe) == 0);
	CHECK(probe.uring == -EPERM);
	CHECK(strstr(probe.reason, "kernel.io_uring_disabled="));
	CHECK(strchr(probe.reason, value[0]));
	return 0;
}

/* The sysctl is the whole machine's, so its file is faked and a filter says
 * what the kernel would. */
Test(limits, a_ring_that_the_sysctl_refuses_is_told_in_words)
{
	assert_child(probe_disabled, (void *)(uintptr_t) "2\n");
	assert_child(probe_disabled, (void *)(uintptr_t) "1\n");
}

static int turn_refused(void *arg)
{
	static const int enter[] = {SYS_io_uring_enter};
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;
	struct hail_addr remote;
	unsigned used;

	(void)arg;
	CHECK(hail_addr_parse(&remote, "127.0.0.1", 9) == 0);
	used = plain_descriptors();
	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_socket_open(&socket, engine, NULL) == 0);
	CHECK(hail_engine_turn(engine, 0) == 0);
	CHECK(child_refuse(enter, 1, EPERM) == 0);
	CHECK(hail_engine_turn(engine, 0) == -EPERM);
	CHECK(hail_engine_turn(engine, -1) == -EPERM);
	CHECK(hail_engine_run(engine) == -EPERM);
	CHECK(hail_send(socket, "x", 1, &remote) == -EPERM);
	CHECK(hail_engine_destroy(engine) == 0);
	CHECK(plain_descriptors() == used);
	return 0;
}

Test(limits, a_ring_that_breaks_later_is_told_and_can_be_destroyed)
{
	assert_child(turn_refused, NULL);
}

static int probe_here(void *arg)
{
	struct hail_probe probe = {.size = sizeof(probe)};
	unsigned used = plain_descriptors();

	(void)arg;
	CHECK(hail_probe(&probe) == 0);
	CHECK(probe.uring == 0);
	CHECK(probe.reason[0] == 0);
	CHECK(plain_descriptors() == used);
	return use_engine();
}

Test(limits, where_it_serves_the_probe_says_so_and_leaves_nothing_behind)
{
	assert_child(probe_here, NULL);
}

/* An ordinary user needs no right for any of it. */
static int serve_unprivileged(void *arg)
{
	(void)arg;
	CHECK(child_drop_rights() == 0);
	return use_engine();
}

Test(limits, an_ordinary_user_is_served)
{
	assert_child(serve_unprivileged, NULL);
}

/* In fragments it takes more of the send buffer than a ring of so few entries
 * would ask for; the kernel then refuses it however often it is tried. */
Test(limits, the_longest_datagram_leaves_in_fragments_from_the_smallest_ring)
{
	static const unsigned char payload[65527];
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.entries = 1));
	struct live live = {0};
	struct hail_addr local;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_v6(0),
				       .path_mtu = HAIL_PATH_MTU_WANT));
	local = live_local(&live);
	cr_assert_eq(hail_send(live.socket, payload, sizeof(payload), &local),
		     0);
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(live.last_size, sizeof(payload));
	live_end(engine);
}

/* Nobody knows that before it was tried. */
Test(limits, what_a_small_send_buffer_never_holds_is_an_error_and_blocks_nobody)
{
	static const unsigned char payload[65527];
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_addr local;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_v6(0), .send_buffer = 8192,
				       .path_mtu = HAIL_PATH_MTU_WANT));
	local = live_local(&live);
	cr_assert_eq(hail_send(live.socket, payload, sizeof(payload), &local),
		     0);
	cr_assert_eq(live_send(&live, "behind it", &local), 0);
	live_until(engine, live.datagrams == 1 && live.errors == 1);
	live_expect_last(&live, "behind it");
	cr_assert_eq(live.error[0].kind, HAIL_ERROR_SEND);
	cr_assert_eq(live.error[0].code, -ENOBUFS);
	cr_assert_eq(live.error[0].size, sizeof(payload));
	cr_assert_eq(live_traffic(&live).failed, 1);
	live_end(engine);
}
