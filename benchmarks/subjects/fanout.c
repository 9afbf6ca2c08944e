/* SPDX-License-Identifier: MIT */
/* fanout.c: fanning out from hail's data handler, as it comes, without
 * trains, and with a peer for each destination. */
#include "support/clock.h"
#include "support/fanout.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define WAIT_NS (FANOUT_WAIT_MS * 1000000ll)

struct subject {
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct sockaddr_in addr;
	struct hail_addr *to;
	struct hail_message *messages; /* one a destination */
	size_t count;
	uint64_t got;
	int error;
};

/* hail holds the received bytes until all have left. */
static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct subject *subject = hail_socket_user(socket);

	for (size_t i = 0; i < count; i++) {
		ssize_t n;

		for (size_t k = 0; k < subject->count; k++) {
			subject->messages[k].data = batch[i].data;
			subject->messages[k].size = batch[i].size;
		}
		n = hail_send_many(socket, subject->messages, subject->count);
		if (n != (ssize_t)subject->count)
			subject->error = n < 0 ? (int)n : -EAGAIN;
	}
	subject->got += count;
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct subject *subject = hail_socket_user(socket);

	subject->error = error->code;
}

/* A turn submits what its handlers have queued before it returns, so nothing is
 * left to be done when all has been received. */
static int subject_run(void *self, uint64_t datagrams)
{
	struct subject *subject = self;
	const uint64_t began = clock_wall_ns();

	subject->got = 0;
	while (subject->got < datagrams && !subject->error) {
		int n = hail_engine_turn(subject->engine, WAIT_NS);

		if (n < 0)
			return n;
		if (n == 0 && clock_wall_ns() - began >= WAIT_NS)
			return -ETIMEDOUT;
	}
	if (subject->error)
		return subject->error;
	return subject->got == datagrams ? 0 : -EBADMSG;
}

static void subject_destroy(void *self)
{
	struct subject *subject = self;

	hail_engine_destroy(subject->engine);
	free(subject->to);
	free(subject->messages);
	free(subject);
}

static int fill_messages(struct subject *subject, const struct sinks *sinks)
{
	subject->count = sinks->count;
	subject->to = calloc(sinks->count, sizeof(*subject->to));
	subject->messages = calloc(sinks->count, sizeof(*subject->messages));
	if (!subject->to || !subject->messages)
		return -ENOMEM;
	for (size_t i = 0; i < sinks->count; i++) {
		subject->to[i].v4 = sinks->addrs[i];
		subject->messages[i].remote = &subject->to[i];
	}
	return 0;
}

static int open_socket(struct subject *subject,
		       struct hail_socket_options *options)
{
	struct hail_addr local;
	int error = hail_engine_create(&subject->engine, NULL);

	if (!error)
		error = hail_addr_parse(&options->local, "127.0.0.1", 0);
	if (!error)
		error = hail_socket_open(&subject->socket, subject->engine,
					 options);
	if (!error)
		error = hail_socket_local(subject->socket, &local);
	if (error)
		return error;
	subject->addr = local.v4;
	/* Arms reception. */
	error = hail_engine_turn(subject->engine, 0);
	return error < 0 ? error : 0;
}

static int open_peers(struct subject *subject)
{
	struct hail_peer *peer; /* ends with its socket */
	int error = 0;

	for (size_t i = 0; !error && i < subject->count; i++)
		error = hail_peer_open(&peer, subject->socket, &subject->to[i]);
	return error;
}

static int subject_init(struct subject *subject, const struct sinks *sinks,
			size_t burst, bool trains)
{
	/* A turn may bring the whole burst, and all of it is in flight. */
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data,
				    .handlers.error = on_error, .user = subject,
				    .window = (uint32_t)(burst * sinks->count),
				    .no_trains = !trains);
	int error = fill_messages(subject, sinks);

	return error ? error : open_socket(subject, &options);
}

static int create(struct fanout *out, const struct sinks *sinks, size_t burst,
		  bool trains, bool peers)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = subject_init(subject, sinks, burst, trains);
	if (!error && peers)
		error = open_peers(subject);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct fanout){
		.self = subject,
		.addr = subject->addr,
		.run = subject_run,
		.destroy = subject_destroy,
	};
	return 0;
}

int fanout_hail_create(struct fanout *out, const struct sinks *sinks,
		       size_t burst)
{
	return create(out, sinks, burst, true, false);
}

int fanout_hail_single_create(struct fanout *out, const struct sinks *sinks,
			      size_t burst)
{
	return create(out, sinks, burst, false, false);
}

int fanout_hail_peers_create(struct fanout *out, const struct sinks *sinks,
			     size_t burst)
{
	return create(out, sinks, burst, true, true);
}
