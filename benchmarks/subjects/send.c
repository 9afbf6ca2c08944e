/* SPDX-License-Identifier: MIT */
/* send.c: sending with hail_send_many(): as it comes, without trains,
 * and with a peer for each destination. */
#include "hail_load.h"
#include "support/sender.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define SUBJECT_WAIT_NS 10000000000

struct subject {
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct hail_load load;
	int error;
};

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct subject *subject = hail_socket_user(socket);

	subject->error = error->code;
}

static int subject_send(void *self)
{
	struct subject *subject = self;
	const struct hail_message *message = subject->load.messages;
	size_t left = subject->load.batch;

	while (left > 0) {
		ssize_t n = hail_send_many(subject->socket, message, left);

		if (n > 0) {
			message += n;
			left -= (size_t)n;
			continue;
		}
		if (n != -EAGAIN)
			return (int)n;
		n = hail_engine_turn(subject->engine, SUBJECT_WAIT_NS);
		if (n <= 0)
			return n < 0 ? (int)n : -ETIMEDOUT;
	}
	return subject->error;
}

static void subject_destroy(void *self)
{
	struct subject *subject = self;

	hail_engine_destroy(subject->engine);
	hail_load_fini(&subject->load);
	free(subject);
}

static int open_socket(struct subject *subject, bool trains)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.error = on_error, .user = subject,
				    .no_trains = !trains);
	int error;

	error = hail_engine_create(&subject->engine, NULL);
	if (error)
		return error;
	error = hail_addr_parse(&options.local, "127.0.0.1", 0);
	if (error)
		return error;
	return hail_socket_open(&subject->socket, subject->engine, &options);
}

/* The first messages name each destination once. */
static int open_peers(struct subject *subject, const struct load *load)
{
	struct hail_peer *peer; /* ends with its socket */
	int error = 0;

	for (size_t i = 0; !error && i < load->addr_count && i < load->batch;
	     i++)
		error = hail_peer_open(&peer, subject->socket,
				       &subject->load.addrs[i]);
	return error;
}

static int create(struct sender *out, const struct load *load, const char *name,
		  bool trains, bool peers)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = hail_load_init(&subject->load, load);
	if (!error)
		error = open_socket(subject, trains);
	if (!error && peers)
		error = open_peers(subject, load);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct sender){
		.name = name,
		.self = subject,
		.send = subject_send,
		.destroy = subject_destroy,
	};
	return 0;
}

int sender_hail_create(struct sender *out, const struct load *load)
{
	return create(out, load, "hail_send_many", true, false);
}

int sender_hail_single_create(struct sender *out, const struct load *load)
{
	return create(out, load, "hail, trains off", false, false);
}

int sender_hail_peers_create(struct sender *out, const struct load *load)
{
	return create(out, load, "hail, peers", true, true);
}
