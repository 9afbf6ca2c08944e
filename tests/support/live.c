/* SPDX-License-Identifier: MIT */
/* support/live.c: sockets that write down what happens to them. */
#include "support/live.h"

#include <stdio.h>
#include <sys/resource.h>

/* There only in programs with AddressSanitizer. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static struct live *live_of(struct hail_socket *socket)
{
	struct live *live = hail_socket_user(socket);

	live->late += live->closing;
	return live;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct live *live = live_of(socket);
	const struct hail_datagram *last = &batch[count - 1];

	live->batches++;
	live->datagrams += count;
	if (count > live->batch_max)
		live->batch_max = count;
	for (size_t i = 0; i < count; i++)
		live->bytes += batch[i].size;
	memcpy(live->last, last->data, last->size);
	live->last_size = last->size;
	live->last_remote = last->remote;
	live->last_facts.size = sizeof(live->last_facts);
	cr_assert_eq(hail_datagram_facts(last, &live->last_facts), 0);
	if (live->on_data)
		live->on_data(live, batch, count);
}

static void on_drain(struct hail_socket *socket)
{
	struct live *live = live_of(socket);

	live->drains++;
	if (live->on_drain)
		live->on_drain(live);
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct live *live = live_of(socket);

	if (live->errors < LIVE_ERRORS_MAX)
		live->error[live->errors] = *error;
	live->errors++;
	if (live->on_error)
		live->on_error(live, error);
}

static void on_close(struct hail_socket *socket)
{
	struct live *live = hail_socket_user(socket);

	live->closes++;
	live->closing = true;
	if (live->on_close)
		live->on_close(live);
}

const struct hail_handlers live_handlers = {
	.data = on_data,
	.drain = on_drain,
	.error = on_error,
	.close = on_close,
};

struct hail_engine *live_engine(const struct hail_engine_options *options)
{
	struct hail_engine *engine = NULL;
	int err = hail_engine_create(
		&engine,
		options ? options
			: &HAIL_ENGINE_OPTIONS(.buffers_max = 256,
					       .small_buffers_max = 256,
					       .send_blocks = 1024,
					       .send_blocks_large = 64));

	cr_assert_eq(err, 0, "no engine: %s", hail_strerror(err));
	return engine;
}

void live_end(struct hail_engine *engine)
{
	cr_assert_eq(hail_engine_destroy(engine), 0);
	if (__lsan_do_recoverable_leak_check)
		cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
}

int live_try_open(struct live *live, struct hail_engine *engine,
		  const struct hail_socket_options *options)
{
	struct hail_socket_options own = HAIL_SOCKET_OPTIONS(.window = 0);

	if (options)
		own = *options;
	if (!own.local.sa.sa_family && !own.remote.sa.sa_family)
		own.local = live_v4(0);
	own.handlers = live_handlers;
	own.user = live;
	live->engine = engine;
	live->closing = false;
	return hail_socket_open(&live->socket, engine, &own);
}

void live_open(struct live *live, struct hail_engine *engine,
	       const struct hail_socket_options *options)
{
	int err = live_try_open(live, engine, options);

	cr_assert_eq(err, 0, "no socket: %s", hail_strerror(err));
}

void live_close(struct live *live)
{
	unsigned closes = live->closes;

	cr_assert_eq(hail_socket_close(live->socket), 0);
	live_until(live->engine, live->closes > closes);
}

struct hail_addr live_local(const struct live *live)
{
	struct hail_addr local;

	cr_assert_eq(hail_socket_local(live->socket, &local), 0);
	return local;
}

uint16_t live_port(const struct live *live)
{
	struct hail_addr local = live_local(live);

	return hail_addr_port(&local);
}

struct hail_addr live_addr(const char *ip, uint16_t port)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, ip, port), 0);
	return addr;
}

struct hail_addr live_v4(uint16_t port)
{
	return live_addr("127.0.0.1", port);
}

struct hail_addr live_v6(uint16_t port)
{
	return live_addr("::1", port);
}

int live_send(struct live *live, const char *text,
	      const struct hail_addr *remote)
{
	return hail_send(live->socket, text, strlen(text), remote);
}

int live_plain(void)
{
	int fd = plain_open("127.0.0.1", 0);

	cr_assert_geq(fd, 0);
	return fd;
}

void live_plain_send(int fd, const char *text, uint16_t port)
{
	cr_assert(plain_send(fd, text, strlen(text), port));
}

void live_expect(int fd, const char *text)
{
	char got[256] = "";
	ssize_t size = plain_receive(fd, got, sizeof(got) - 1);

	cr_assert_geq(size, 0, "no datagram \"%s\"", text);
	cr_assert_str_eq(got, text);
	cr_assert_eq((size_t)size, strlen(text));
}

void live_expect_last(const struct live *live, const char *text)
{
	cr_assert_eq(live->last_size, strlen(text));
	cr_assert(!memcmp(live->last, text, strlen(text)));
}

void live_talk_start(struct live_talk *talk,
		     const struct hail_socket_options *options)
{
	const char *ip = talk->ip ? talk->ip : "127.0.0.1";
	struct hail_socket_options own = HAIL_SOCKET_OPTIONS(.window = 0);

	if (options)
		own = *options;
	talk->fd = plain_open(ip, 0);
	cr_assert_geq(talk->fd, 0, "%s: %s", ip, strerror(-talk->fd));
	talk->remote = live_addr(ip, plain_port(talk->fd));
	if (talk->connected)
		own.remote = talk->remote;
	else if (!own.local.sa.sa_family)
		own.local = live_addr(ip, 0);
	talk->engine = live_engine(talk->engine_options);
	live_open(&talk->live, talk->engine, &own);
}

void live_talk_end(struct live_talk *talk)
{
	close(talk->fd);
	live_end(talk->engine);
}

void live_talk_hear(struct live_talk *talk, const char *text)
{
	size_t datagrams = talk->live.datagrams;

	live_plain_send(talk->fd, text, live_port(&talk->live));
	live_until(talk->engine, talk->live.datagrams > datagrams);
	live_expect_last(&talk->live, text);
}

struct deed {
	struct live *live;
	void (*run)(struct live *live);
	bool done;
};

static void do_deed(struct hail_engine *engine, void *arg)
{
	struct deed *deed = arg;

	(void)engine;
	deed->run(deed->live);
	deed->done = true;
}

void live_inside(struct live *live, void (*run)(struct live *live))
{
	struct deed deed = {.live = live, .run = run};

	cr_assert_eq(hail_engine_post(live->engine, do_deed, &deed), 0);
	live_until(live->engine, deed.done);
	live_settle(live->engine);
}

void live_batch_fill(struct live_batch *batch, const struct hail_addr *remote)
{
	for (unsigned i = 0; i < LIVE_BATCH_MAX; i++) {
		snprintf(batch->texts[i], sizeof(batch->texts[i]), "%03u",
			 i % 1000);
		batch->messages[i] =
			(struct hail_message){batch->texts[i], 3, remote};
	}
}

void live_batch_expect(const struct live_batch *batch, int fd, size_t first,
		       size_t count)
{
	for (size_t i = first; i < first + count; i++)
		live_expect(fd, batch->texts[i]);
}

void live_allow_descriptors(unsigned count)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur >= count)
		return;
	if (limit.rlim_max < count)
		cr_skip_test("no more than %llu descriptors are allowed",
			     (unsigned long long)limit.rlim_max);
	limit.rlim_cur = count;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

struct hail_traffic live_traffic(const struct live *live)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(live->socket, &stats), 0);
	return stats.traffic;
}

struct hail_engine_stats live_stats(const struct hail_engine *engine)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_engine_stats(engine, &stats), 0);
	return stats;
}

int live_turn(struct hail_engine *engine)
{
	int events = hail_engine_turn(engine, 0);

	cr_assert_geq(events, 0);
	return events;
}

void live_settle(struct hail_engine *engine)
{
	unsigned idle = 0;

	/* What was queued by one turn shows in one of the next two. */
	while (idle < 3)
		idle = live_turn(engine) ? 0 : idle + 1;
}
