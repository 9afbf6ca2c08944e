/* SPDX-License-Identifier: MIT */
/* relay.c: relaying from hail's data handler. */
#include "support/clock.h"
#include "support/relay.h"
#include "support/udp.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define WAIT_NS (RELAY_WAIT_MS * 1000000ll)
#define BATCH 64 /* an engine's budget */

struct subject;

struct stream {
	struct subject *subject;
	struct hail_addr to;
};

struct subject {
	struct hail_engine *engine;
	struct stream *streams;
	struct sockaddr_in *addrs;
	uint64_t passed;
	int error;
};

/* hail holds the received bytes until they have left. */
static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	const struct stream *stream = hail_socket_user(socket);
	struct subject *subject = stream->subject;
	struct hail_message messages[BATCH];
	ssize_t n;

	for (size_t i = 0; i < count; i++)
		messages[i] = (struct hail_message){
			.data = batch[i].data,
			.size = batch[i].size,
			.remote = &stream->to,
		};
	n = hail_send_many(socket, messages, count);
	if (n != (ssize_t)count)
		subject->error = n < 0 ? (int)n : -EAGAIN;
	subject->passed += count;
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	const struct stream *stream = hail_socket_user(socket);

	stream->subject->error = error->code;
}

/* What the last handler sent leaves before its turn returns. */
static int subject_run(void *self, uint64_t datagrams)
{
	struct subject *subject = self;
	const uint64_t began = clock_wall_ns();

	subject->passed = 0;
	while (subject->passed < datagrams && !subject->error) {
		int n = hail_engine_turn(subject->engine, WAIT_NS);

		if (n < 0)
			return n;
		if (n == 0 && clock_wall_ns() - began >= WAIT_NS)
			return -ETIMEDOUT;
	}
	if (subject->error)
		return subject->error;
	return subject->passed == datagrams ? 0 : -EBADMSG;
}

static void subject_destroy(void *self)
{
	struct subject *subject = self;

	hail_engine_destroy(subject->engine);
	free(subject->streams);
	free(subject->addrs);
	free(subject);
}

static int open_stream(struct subject *subject, size_t i,
		       const struct sockaddr_in *to)
{
	struct stream *stream = &subject->streams[i];
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data,
				    .handlers.error = on_error, .user = stream,
				    .receive_buffer = UDP_RECEIVE_BUFFER);
	struct hail_socket *socket;
	struct hail_addr local;
	int error;

	stream->subject = subject;
	stream->to.v4 = *to;
	error = hail_addr_parse(&options.local, "127.0.0.1", 0);
	if (!error)
		error = hail_socket_open(&socket, subject->engine, &options);
	if (!error)
		error = hail_socket_local(socket, &local);
	if (!error)
		subject->addrs[i] = local.v4;
	return error;
}

static int subject_init(struct subject *subject, const struct sockaddr_in *to,
			const struct relay_options *options)
{
	struct hail_engine_options engine =
		HAIL_ENGINE_OPTIONS(.batch_wait_ns = options->batch_wait_ns);
	int error;

	subject->streams = calloc(options->streams, sizeof(*subject->streams));
	subject->addrs = calloc(options->streams, sizeof(*subject->addrs));
	if (!subject->streams || !subject->addrs)
		return -ENOMEM;
	error = hail_engine_create(&subject->engine, &engine);
	for (size_t i = 0; !error && i < options->streams; i++)
		error = open_stream(subject, i, &to[i]);
	/* Reception is armed by turns, of some sockets each. */
	for (size_t i = 0; error >= 0 && i < 2 + options->streams / 64; i++)
		error = hail_engine_turn(subject->engine, 0);
	return error < 0 ? error : 0;
}

int relay_hail_create(struct relay *out, const struct sockaddr_in *to,
		      const struct relay_options *options)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = subject_init(subject, to, options);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct relay){
		.self = subject,
		.addrs = subject->addrs,
		.run = subject_run,
		.destroy = subject_destroy,
	};
	return 0;
}
