/* SPDX-License-Identifier: MIT */
/* support/child.c: processes with fewer rights than the test has. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

int child_run(int (*run)(void *arg), void *arg)
{
	int *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0, line;
	pid_t child;

	if (result == MAP_FAILED)
		return -errno;
	child = fork();
	if (!child) {
		*result = run(arg);
		_exit(0);
	}
	waitpid(child, &status, 0);
	line = *result;
	munmap(result, sizeof(*result));
	return WIFSIGNALED(status) ? -WTERMSIG(status) : line;
}

int child_refuse(const int *calls, unsigned count, int error)
{
	struct sock_filter filter[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = {.filter = filter};
	unsigned n = 1;

	for (unsigned i = 0; i < count && n < 60; i++) {
		filter[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						   SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

int child_drop_rights(void)
{
	if (!geteuid() &&
	    (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		return -errno;
	return 0;
}

int child_fake_file(const char *path, const char *text)
{
	char name[] = "/tmp/hail-test-XXXXXX";
	int err = 0, fd;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	fd = mkstemp(name);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0 ||
	    mount(name, path, NULL, MS_BIND, NULL))
		err = -errno;
	close(fd);
	unlink(name);
	return err;
}
