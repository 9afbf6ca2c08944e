/* SPDX-License-Identifier: MIT */
/* subject_send.c: sending with hail_send_many(). */
#include "sender.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define SUBJECT_WAIT_NS 10000000000

struct subject {
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct hail_message *messages;
	struct hail_addr *addrs;
	size_t batch;
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
	const struct hail_message *message = subject->messages;
	size_t left = subject->batch;

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
	free(subject->messages);
	free(subject->addrs);
	free(subject);
}

static int fill_messages(struct subject *subject, const struct load *load)
{
	subject->batch = load->batch;
	subject->messages = calloc(load->batch, sizeof(*subject->messages));
	subject->addrs = calloc(load->batch, sizeof(*subject->addrs));
	if (!subject->messages || !subject->addrs)
		return -ENOMEM;
	for (size_t i = 0; i < load->batch; i++) {
		subject->addrs[i].v4 = *load_addr(load, i);
		subject->messages[i] = (struct hail_message){
			.data = load_data(load, i),
			.size = load->size,
			.remote = &subject->addrs[i],
		};
	}
	return 0;
}

static int open_socket(struct subject *subject)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.error = on_error,
				    .user = subject);
	int error;

	error = hail_engine_create(&subject->engine, NULL);
	if (error)
		return error;
	error = hail_addr_parse(&options.local, "127.0.0.1", 0);
	if (error)
		return error;
	return hail_socket_open(&subject->socket, subject->engine, &options);
}

int sender_hail_create(struct sender *out, const struct load *load)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = fill_messages(subject, load);
	if (!error)
		error = open_socket(subject);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct sender){
		.name = "hail_send_many",
		.self = subject,
		.send = subject_send,
		.destroy = subject_destroy,
	};
	return 0;
}
