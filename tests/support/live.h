/* SPDX-License-Identifier: MIT */
/*
 * support/live.h: engines on the real kernel, and sockets that write down what
 * happens to them, for tests of the public interface. Nothing sleeps: a test
 * turns the engine until something is so, up to a deadline.
 */
#ifndef TEST_LIVE_H
#define TEST_LIVE_H

#include "support/plain.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define LIVE_DEADLINE_NS ((uint64_t)(20000 * MS))
#define LIVE_ERRORS_MAX 64

/* What a socket's handlers saw; it is the socket's user pointer. `late` counts
 * handlers that ran although the socket was closed. */
struct live {
	struct hail_engine *engine;
	struct hail_socket *socket;
	unsigned batches, drains, errors, closes, late;
	size_t datagrams, bytes, batch_max;
	struct hail_error error[LIVE_ERRORS_MAX]; /* the first of them */
	unsigned char last[65535];                /* the latest datagram */
	size_t last_size;
	struct hail_addr last_remote;
	struct hail_facts last_facts;
	bool closing;
	void *arg; /* the test's own */
	/* What the test does in a handler, after it was written down. */
	void (*on_data)(struct live *live, const struct hail_datagram *batch,
			size_t count);
	void (*on_drain)(struct live *live);
	void (*on_error)(struct live *live, const struct hail_error *error);
	void (*on_close)(struct live *live);
};

extern const struct hail_handlers live_handlers;

/* Asserts that an engine can be made. Options NULL: defaults, except that the
 * pools are small. */
struct hail_engine *live_engine(const struct hail_engine_options *options);
/* Destroys it, and asserts that this works and, where a sanitizer can tell,
 * that no memory is left behind. */
void live_end(struct hail_engine *engine);

/* Opens a socket whose handlers write to `live`, which is set up but for the
 * on_... members and arg. Options NULL, or without a local address: 127.0.0.1
 * and a port of the kernel's choice. */
void live_open(struct live *live, struct hail_engine *engine,
	       const struct hail_socket_options *options);
int live_try_open(struct live *live, struct hail_engine *engine,
		  const struct hail_socket_options *options);
/* Closes it; its close handler has run when this returns. */
void live_close(struct live *live);
uint16_t live_port(const struct live *live);
struct hail_addr live_local(const struct live *live);

struct hail_addr live_v4(uint16_t port); /* 127.0.0.1 */
struct hail_addr live_v6(uint16_t port); /* ::1 */
struct hail_addr live_addr(const char *ip, uint16_t port);

/* Sends a text, as hail_send() does. */
int live_send(struct live *live, const char *text,
	      const struct hail_addr *remote);
/* A socket of plain calls on 127.0.0.1, and a text sent by it. */
int live_plain(void);
void live_plain_send(int fd, const char *text, uint16_t port);
/* Asserts that the next datagram there is this text. */
void live_expect(int fd, const char *text);
/* Asserts that the latest datagram was this text. */
void live_expect_last(const struct live *live, const char *text);

/* A socket on an engine of its own, and a plain one that it talks to, both of
 * one address. The test may set what is above the line, and of `live` what
 * live_open() lets it. */
struct live_talk {
	const char *ip; /* NULL: 127.0.0.1 */
	bool connected; /* the socket to the plain one, when it is opened */
	const struct hail_engine_options *engine_options;
	struct live live;
	/* ---- */
	struct hail_engine *engine;
	int fd;
	struct hail_addr remote; /* where the plain one is */
};

/* Options as live_open(). */
void live_talk_start(struct live_talk *talk,
		     const struct hail_socket_options *options);
void live_talk_end(struct live_talk *talk);
/* Sends a text from the plain socket, and turns until it has come. */
void live_talk_hear(struct live_talk *talk, const char *text);

/* Calls it as handlers are called, from a turn, and then turns until nothing is
 * left to do. */
void live_inside(struct live *live, void (*run)(struct live *live));

/* Small messages that differ, to one remote; NULL: none is named. */
#define LIVE_BATCH_MAX 256
struct live_batch {
	struct hail_message messages[LIVE_BATCH_MAX];
	char texts[LIVE_BATCH_MAX][4];
};
void live_batch_fill(struct live_batch *batch, const struct hail_addr *remote);
/* Asserts that these of them come to a plain socket next. */
void live_batch_expect(const struct live_batch *batch, int fd, size_t first,
		       size_t count);

/* Skips the test where this process may not have so many. */
void live_allow_descriptors(unsigned count);

struct hail_traffic live_traffic(const struct live *live);
struct hail_engine_stats live_stats(const struct hail_engine *engine);

/* One turn that doesn't wait; asserts that it works. */
int live_turn(struct hail_engine *engine);
/* Turns until nothing is left to do at once. */
void live_settle(struct hail_engine *engine);

#define live_until(engine, condition)                                          \
	do {                                                                   \
		uint64_t end_ = plain_now() + LIVE_DEADLINE_NS;                \
                                                                               \
		while (!(condition)) {                                         \
			cr_assert_lt(plain_now(), end_, "never: %s",           \
				     #condition);                              \
			cr_assert_geq(hail_engine_turn(engine, 10 * MS), 0);   \
		}                                                              \
	} while (0)

#define live_count(array) (sizeof(array) / sizeof((array)[0]))

#endif
