/* SPDX-License-Identifier: MIT */
/* What hail has is had once, whoever asks, until it is given up. */
#include "custody.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(custody, a_socket_is_taken_once_by_whatever_descriptor)
{
	int fd = open_socket(), copy = dup(fd);
	uint64_t cookie = 0, other = 0;

	cr_assert_eq(hl_custody_take(fd, &cookie), 0);
	cr_assert_neq(cookie, 0);
	cr_assert_eq(hl_custody_take(fd, &other), -EBUSY);
	cr_assert_eq(hl_custody_take(copy, &other), -EBUSY);
	cr_assert_eq(other, 0);
	hl_custody_drop(cookie);
	cr_assert_eq(hl_custody_take(copy, &other), 0);
	cr_assert_eq(other, cookie);
	hl_custody_drop(other);
}

Test(custody, what_is_no_socket_is_not_taken)
{
	uint64_t cookie = 77;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(hl_custody_take(ends[0], &cookie), -ENOTSOCK);
	cr_assert_eq(hl_custody_take(-1, &cookie), -EBADF);
	cr_assert_eq(cookie, 77);
}

#define THREADS 4
#define TIMES 20000
#define SOCKETS 40

static void *take_and_drop(void *arg)
{
	const int *fds = arg;
	uint64_t cookies[SOCKETS];

	for (unsigned i = 0; i < TIMES; i++) {
		unsigned count = 1 + i % SOCKETS;

		for (unsigned j = 0; j < count; j++) {
			if (hl_custody_take(fds[j], &cookies[j]))
				return (void *)fds;
		}
		for (unsigned j = 0; j < count; j++)
			hl_custody_drop(cookies[j]);
	}
	return NULL;
}

/* The set grows and is given back meanwhile. */
Test(custody, threads_take_their_own)
{
	static int fds[THREADS][SOCKETS];
	pthread_t threads[THREADS];
	void *failed;

	for (unsigned i = 0; i < THREADS; i++) {
		for (unsigned j = 0; j < SOCKETS; j++)
			fds[i][j] = open_socket();
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_and_drop, fds[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		cr_assert_null(failed);
	}
}

static volatile int ended;

static void *take_until_told(void *arg)
{
	uint64_t cookie;

	while (!ended) {
		if (hl_custody_take(*(int *)arg, &cookie))
			return arg;
		hl_custody_drop(cookie);
	}
	return NULL;
}

#define CHILDREN 200

/* Whatever its parent's threads were doing. */
Test(custody, a_forked_child_can_take, .timeout = 60)
{
	int fd = open_socket(), own = open_socket();
	pthread_t thread;
	void *failed;
	int status;

	pthread_create(&thread, NULL, take_until_told, &fd);
	for (unsigned i = 0; i < CHILDREN; i++) {
		pid_t child = fork();
		uint64_t cookie;

		if (!child) {
			alarm(10);
			_exit(hl_custody_take(own, &cookie) ? 1 : 0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0, "child %u: %d", i, status);
	}
	ended = 1;
	pthread_join(thread, &failed);
	cr_assert_null(failed);
}
