/* SPDX-License-Identifier: MIT */
/* log.c: what an operator may want to know is told in a line, a bounded number
 * in a second, and nothing is written where nobody listens. Two names of
 * liburing are replaced here by ones that can fail. */
#include "support/child.h"
#include "support/live.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LINES_MAX 64
#define TEXT_MAX 512

struct io_uring;

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size);
int io_uring_register_files_sparse(struct io_uring *ring, unsigned count);

/* What these return instead of being carried out; 0: they are. */
static int enter_result;
static int files_result;

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size)
{
	long result;

	if (enter_result)
		return enter_result;
	result = syscall(SYS_io_uring_enter, fd, submit, complete, flags, arg,
			 size);
	return result < 0 ? -errno : (int)result;
}

int io_uring_register_files_sparse(struct io_uring *ring, unsigned count)
{
	int (*real)(struct io_uring * ring, unsigned count);

	if (files_result)
		return files_result;
	*(void **)(void *)&real =
		dlsym(RTLD_NEXT, "io_uring_register_files_sparse");
	return real(ring, count);
}

static struct line {
	enum hail_log_level level;
	char text[TEXT_MAX];
} lines[LINES_MAX];
static unsigned line_count;

static void take_line(void *arg, enum hail_log_level level, const char *text)
{
	struct line *line = &lines[line_count];

	cr_assert_eq(arg, lines);
	cr_assert_lt(++line_count, LINES_MAX);
	cr_assert_lt(strlen(text), TEXT_MAX);
	cr_assert_null(strchr(text, '\n'));
	line->level = level;
	strcpy(line->text, text);
}

#define LOGGED(...)                                                            \
	(&HAIL_ENGINE_OPTIONS(.log = take_line, .log_arg = lines, __VA_ARGS__))

static void expect_line(unsigned index, enum hail_log_level level,
			const char *part)
{
	cr_assert_lt(index, line_count, "no line \"%s\"", part);
	cr_assert_eq(lines[index].level, level);
	cr_assert(strstr(lines[index].text, part), "\"%s\" lacks \"%s\"",
		  lines[index].text, part);
}

/* The line is about this socket. */
static void expect_named(unsigned index, const struct live *live)
{
	struct hail_addr local = live_local(live);
	char name[HAIL_ADDR_TEXT_MAX];

	cr_assert_gt(hail_addr_format(&local, name, sizeof(name)), 0);
	strcat(name, ": ");
	cr_assert(!strncmp(lines[index].text, name, strlen(name)),
		  "\"%s\" doesn't begin with \"%s\"", lines[index].text, name);
}

/* ---- What is told ---- */

Test(log, a_quiet_engine_says_nothing)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (int i = 0; i < 100; i++)
		live_plain_send(fd, "hello", live_port(&live));
	live_until(engine, live.datagrams == 100);
	live_close(&live);
	close(fd);
	live_end(engine);
	cr_assert_eq(line_count, 0, "it said: %s", lines[0].text);
}

static void retain(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	(void)live;
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
}

static void exhaust_buffers(const struct hail_socket_options *options,
			    const char *name)
{
	struct hail_engine *engine =
		live_engine(LOGGED(.buffers = 1, .buffers_max = 2,
				   .small_buffers = 1, .small_buffers_max = 2));
	struct live live = {.on_data = retain};
	int fd = live_plain();

	live_open(&live, engine, options);
	for (int i = 0; i < 3; i++)
		live_plain_send(fd, "keep", live_port(&live));
	live_until(engine, line_count);
	live_settle(engine);
	cr_assert_eq(live.datagrams, 2);
	expect_line(0, HAIL_LOG_WARNING, "all 2 receive buffers");
	expect_line(0, HAIL_LOG_WARNING, name);
	expect_named(0, &live);
	cr_assert_eq(line_count, 1);
	close(fd);
	live_end(engine);
}

Test(log, a_pool_that_is_exhausted_at_its_bound_is_told_once)
{
	exhaust_buffers(NULL, " buffers_max ");
}

Test(log, the_pool_of_small_buffers_is_told_by_its_own_name)
{
	exhaust_buffers(&HAIL_SOCKET_OPTIONS(.datagram_max = 100),
			" small_buffers_max ");
}

static void send_four(struct live *live, const struct hail_datagram *batch,
		      size_t count)
{
	int last = 0;

	(void)count;
	for (int i = 0; i < 4; i++)
		last = live_send(live, "answer", &batch[0].remote);
	cr_assert_eq(last, -EAGAIN);
}

Test(log, a_send_that_finds_no_block_is_told)
{
	struct hail_engine *engine =
		live_engine(LOGGED(.send_blocks = 1, .send_blocks_large = 1));
	struct live live = {.on_data = send_four};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "go", live_port(&live));
	live_until(engine, live.drains == 1);
	expect_line(0, HAIL_LOG_WARNING, "no send block for 6 bytes");
	expect_line(0, HAIL_LOG_WARNING, "send_blocks");
	expect_named(0, &live);
	cr_assert_eq(line_count, 1);
	close(fd);
	live_end(engine);
}

Test(log, a_full_window_is_no_news)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {.on_data = send_four};
	int fd = live_plain();

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 2));
	live_plain_send(fd, "go", live_port(&live));
	live_until(engine, live.drains == 1);
	cr_assert_eq(line_count, 0);
	close(fd);
	live_end(engine);
}

Test(log, a_buffer_that_the_kernel_cut_is_told)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};

	/* More than the kernel can count, so that nobody has the right. */
	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.receive_buffer = UINT32_MAX,
				       .send_buffer = UINT32_MAX));
	expect_line(0, HAIL_LOG_NOTE, "receive_buffer is ");
	expect_line(0, HAIL_LOG_NOTE, "not 4294967295 bytes");
	expect_named(0, &live);
	expect_line(1, HAIL_LOG_NOTE, "send_buffer is ");
	cr_assert_eq(line_count, 2);
	live_end(engine);
}

Test(log, a_buffer_that_was_granted_is_not)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.receive_buffer = 16384,
				       .send_buffer = 16384));
	cr_assert_eq(line_count, 0);
	live_end(engine);
}

Test(log, a_buffer_of_an_open_socket_that_the_kernel_cut_is_told)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(
		hail_socket_set(live.socket, HAIL_OPTION_RECEIVE_BUFFER, 16384),
		0);
	cr_assert_eq(
		hail_socket_set(live.socket, HAIL_OPTION_SEND_BUFFER, 16384),
		0);
	cr_assert_eq(line_count, 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_RECEIVE_BUFFER,
				     UINT32_MAX),
		     0);
	expect_line(0, HAIL_LOG_NOTE, "receive_buffer is ");
	expect_line(0, HAIL_LOG_NOTE, "not 4294967295 bytes");
	expect_named(0, &live);
	cr_assert_eq(line_count, 1);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_SEND_BUFFER,
				     UINT32_MAX),
		     0);
	expect_line(1, HAIL_LOG_NOTE, "send_buffer is ");
	cr_assert_eq(line_count, 2);
	live_end(engine);
}

Test(log, a_completion_queue_that_was_full_is_told)
{
	struct hail_engine *engine =
		live_engine(LOGGED(.entries = 1, .completions = 1));
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_settle(engine);
	for (int i = 0; i < 20; i++)
		live_plain_send(fd, "many", live_port(&live));
	live_until(engine, live.datagrams == 20);
	cr_assert_gt(live_stats(engine).overflows, 0);
	expect_line(0, HAIL_LOG_WARNING, "1 entries (completions)");
	close(fd);
	live_end(engine);
}

Test(log, a_ring_without_a_table_of_files_is_told_and_serves)
{
	struct hail_engine *engine;
	struct live live = {0};
	int fd = live_plain();

	files_result = -EMFILE;
	engine = live_engine(LOGGED(.budget = 0));
	expect_line(0, HAIL_LOG_NOTE, "no table of files");
	expect_line(0, HAIL_LOG_NOTE, hail_strerror(EMFILE));
	live_open(&live, engine, NULL);
	live_plain_send(fd, "hello", live_port(&live));
	live_until(engine, live.datagrams == 1);
	close(fd);
	live_end(engine);
}

/* To an address that needs SO_BROADCAST; the batch is taken all the same. */
static void fail_one(struct live *live)
{
	struct hail_addr remote = live_addr("255.255.255.255", 9);
	struct hail_message messages[2] = {
		{"x", 1, &remote},
		{"y", 1, &remote},
	};

	cr_assert_eq(hail_send_many(live->socket, messages, 2), 2);
}

Test(log, a_datagram_that_failed_is_told_where_no_handler_is)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct hail_handlers deaf = live_handlers;
	struct live live = {0};

	live_open(&live, engine, NULL);
	fail_one(&live);
	live_settle(engine);
	cr_assert_eq(live.errors, 2);
	cr_assert_eq(line_count, 0);
	deaf.error = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &deaf), 0);
	fail_one(&live);
	live_settle(engine);
	cr_assert_eq(live_traffic(&live).failed, 4);
	expect_line(0, HAIL_LOG_WARNING, "255.255.255.255:9");
	expect_line(0, HAIL_LOG_WARNING, hail_strerror(EACCES));
	expect_named(0, &live);
	live_end(engine);
}

Test(log, an_engine_that_broke_is_told)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};

	live_open(&live, engine, NULL);
	live_turn(engine);
	enter_result = -EPERM;
	cr_assert_eq(hail_engine_turn(engine, 0), -EPERM);
	expect_line(0, HAIL_LOG_ERROR, "broken");
	expect_line(0, HAIL_LOG_ERROR, hail_strerror(EPERM));
	live_end(engine);
}

/* ---- How much ---- */

Test(log, a_second_has_a_bounded_number_and_the_rest_is_counted)
{
	struct hail_engine *engine = live_engine(LOGGED(.budget = 0));
	struct live live = {0};
	unsigned left_out = 0;
	uint64_t first;
	char told[64];

	live_open(&live, engine, NULL);
	live_turn(engine);
	enter_result = -EPERM;
	first = plain_now();
	while (line_count < HAIL_LOG_RATE)
		hail_engine_turn(engine, 0);
	while (line_count == HAIL_LOG_RATE) {
		hail_engine_turn(engine, 0);
		left_out += line_count == HAIL_LOG_RATE;
		cr_assert_lt(plain_now() - first, LIVE_DEADLINE_NS);
	}
	cr_assert_gt(left_out, 0);
	snprintf(told, sizeof(told), "(%u lines were left out)", left_out);
	expect_line(HAIL_LOG_RATE, HAIL_LOG_ERROR, told);
	cr_assert_geq(plain_now() - first, (uint64_t)(1000 * MS));
	for (int i = 0; i < HAIL_LOG_RATE; i++)
		cr_assert(!strstr(lines[i].text, "left out"));
	live_end(engine);
}

/* ---- Nobody listens ---- */

static int break_unheard(void *arg)
{
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;
	int file = memfd_create("written", 0);
	struct stat stat;

	(void)arg;
	CHECK(dup2(file, STDOUT_FILENO) >= 0);
	CHECK(dup2(file, STDERR_FILENO) >= 0);
	CHECK(hail_engine_create(&engine,
				 &HAIL_ENGINE_OPTIONS(.log_arg = lines)) == 0);
	CHECK(hail_socket_open(
		      &socket, engine,
		      &HAIL_SOCKET_OPTIONS(.receive_buffer = UINT32_MAX)) == 0);
	CHECK(hail_engine_turn(engine, 0) == 0);
	enter_result = -EPERM;
	for (int i = 0; i < 100; i++)
		CHECK(hail_engine_turn(engine, 0) == -EPERM);
	CHECK(hail_engine_destroy(engine) == 0);
	CHECK(fflush(NULL) == 0);
	CHECK(fstat(file, &stat) == 0);
	CHECK(stat.st_size == 0);
	return 0;
}

Test(log, nothing_is_written_anywhere_where_nobody_listens)
{
	int line = child_run(break_unheard, NULL);

	cr_assert_eq(line, 0, "the check in line %d failed", line);
}
