/* SPDX-License-Identifier: MIT */
/* probe.c: whether io_uring serves here, and if not, why, in words. */
#include "uring.h"

#include "util/options.h"

#include <hail/probe.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* As an engine's defaults are, since limits of memory are about size. */
#define HL_PROBE_ENTRIES 256
#define HL_PROBE_COMPLETIONS 8192
#define HL_PROBE_BUFFERS 1024

/* The number after `key` in a file of /proc; -1: not there. */
static int read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	int number = -1;

	if (!file)
		return -1;
	while (number < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), "%d", &number) != 1)
			number = -1;
	}
	fclose(file);
	return number;
}

static bool filtered(void)
{
	return read_number("/proc/self/status", "Seccomp:") == 2;
}

static void explain_refused(char *reason, size_t size)
{
	int disabled = read_number("/proc/sys/kernel/io_uring_disabled", "");

	if (disabled == 2)
		snprintf(reason, size,
			 "io_uring is disabled by kernel.io_uring_disabled=2");
	else if (disabled == 1)
		snprintf(reason, size,
			 "io_uring is kept to the group kernel.io_uring_group "
			 "by kernel.io_uring_disabled=1");
	else if (filtered())
		snprintf(reason, size,
			 "io_uring is refused by a seccomp filter");
	else
		snprintf(reason, size,
			 "io_uring is refused by a security policy");
}

static void explain_memory(char *reason, size_t size)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(reason, size,
		 "no memory for a ring: the limit of locked memory "
		 "(RLIMIT_MEMLOCK) is %llu bytes",
		 (unsigned long long)limit.rlim_cur);
}

static void explain(int error, char *reason, size_t size)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		explain_refused(reason, size);
		break;
	case -ENOSYS:
		snprintf(reason, size, "%s",
			 filtered() ? "io_uring is refused by a seccomp filter"
				    : "this kernel lacks io_uring");
		break;
	case -EOPNOTSUPP:
		snprintf(reason, size,
			 "this kernel lacks deferred completions of io_uring "
			 "(IORING_SETUP_DEFER_TASKRUN, Linux 6.1)");
		break;
	case -ENOMEM:
		explain_memory(reason, size);
		break;
	default:
		snprintf(reason, size, "creating a ring failed: %s",
			 strerrordesc_np(-error) ? strerrordesc_np(-error)
						 : "unknown error");
	}
}

/* What an engine needs by default: the ring, its flags, and rings of buffers;
 * the rest is as old as the youngest of the flags. The buffers themselves are
 * no part of it. */
static int try_ring(struct hail_probe *found)
{
	static const struct hl_memory memory; /* malloc() and free() */
	struct hl_backend_config config = {
		.memory = &memory,
		.entries = HL_PROBE_ENTRIES,
		.completions = HL_PROBE_COMPLETIONS,
		.napi_us = 1,
	};
	struct hl_backend *backend;
	int err;

	for (int kind = 0; kind < HL_POOL_KINDS; kind++)
		config.pools[kind].count_max = HL_PROBE_BUFFERS;
	err = hl_uring_ops.open(&backend, &config, NULL);
	if (err)
		return err;
	err = backend->ops->start(backend);
	found->batch_wait = backend->batch_error;
	found->napi = backend->napi_error;
	backend->ops->close(backend);
	return err;
}

int hail_probe(struct hail_probe *probe)
{
	struct hail_probe found = {0};
	int err = hl_options_write(probe, &found, sizeof(found));

	if (err)
		return err;
	found.uring = try_ring(&found);
	if (found.uring) {
		found.batch_wait = found.napi = found.uring;
		explain(found.uring, found.reason, sizeof(found.reason));
	}
	return hl_options_write(probe, &found, sizeof(found));
}
