/* SPDX-License-Identifier: MIT */
/* napi.c: an engine that is to poll devices works where there are none to be
 * polled, as on the loopback, and where the kernel can't, and tells which. */
#include "support/live.h"

#include <sys/syscall.h>

#define REGISTER_NAPI 27 /* IORING_REGISTER_NAPI */

int io_uring_register(unsigned fd, unsigned opcode, const void *arg,
		      unsigned count);

/* What the request for it returns instead of being carried out; 0: it is. */
static int refusal;
static unsigned requests;

int io_uring_register(unsigned fd, unsigned opcode, const void *arg,
		      unsigned count)
{
	long result;

	if (opcode == REGISTER_NAPI) {
		requests++;
		if (refusal)
			return refusal;
	}
	result = syscall(SYS_io_uring_register, fd, opcode, arg, count);
	return result < 0 ? -errno : (int)result;
}

static unsigned lines;

static void take_line(void *arg, enum hail_log_level level, const char *text)
{
	(void)arg;
	cr_assert_eq(level, HAIL_LOG_NOTE);
	cr_assert(strstr(text, "napi_us"), "%s", text);
	lines++;
}

static struct hail_engine *polling_engine(void)
{
	return live_engine(&HAIL_ENGINE_OPTIONS(.napi_us = 50,
						.buffers_max = 64,
						.log = take_line));
}

static void assert_serves(struct hail_engine *engine)
{
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (size_t i = 1; i <= 50; i++) {
		live_plain_send(fd, "x", live_port(&live));
		live_until(engine, live.datagrams == i);
	}
	cr_assert_eq(live.errors, 0);
	close(fd);
}

Test(napi, an_engine_that_polls_serves_the_loopback)
{
	struct hail_probe probe = {.size = sizeof(probe)};
	struct hail_engine *engine = polling_engine();

	assert_serves(engine);
	cr_assert_eq(hail_probe(&probe), 0);
	cr_assert_eq(live_stats(engine).napi_us, probe.napi ? 0 : 50);
	cr_assert_eq(lines, probe.napi ? 1 : 0);
	live_end(engine);
}

static void assert_does_without(int error, int told)
{
	struct hail_probe probe = {.size = sizeof(probe)};
	struct hail_engine *engine;

	refusal = error;
	engine = polling_engine();
	assert_serves(engine);
	cr_assert_eq(live_stats(engine).napi_us, 0);
	cr_assert_eq(lines, 1);
	cr_assert_eq(hail_probe(&probe), 0);
	cr_assert_eq(probe.uring, 0);
	cr_assert_eq(probe.napi, told);
	live_end(engine);
}

Test(napi, where_the_kernel_is_too_old_the_engine_does_without)
{
	assert_does_without(-EINVAL, -EOPNOTSUPP);
}

Test(napi, where_it_is_refused_the_engine_does_without)
{
	assert_does_without(-EPERM, -EPERM);
}

Test(napi, without_the_option_the_kernel_is_not_asked)
{
	struct hail_engine *engine = live_engine(NULL);

	assert_serves(engine);
	cr_assert_eq(requests, 0);
	cr_assert_eq(live_stats(engine).napi_us, 0);
	live_end(engine);
}
