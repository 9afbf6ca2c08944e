/* SPDX-License-Identifier: MIT */
/* many.c: sending with hail_send_many() from many sockets. */
#include "hail_load.h"
#include "support/many.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

struct subject {
	struct hail_engine *engine;
	struct hail_socket **sockets;
	size_t count;
	size_t next;
	struct hail_load load;
	int error;
};

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct subject *subject = hail_socket_user(socket);

	subject->error = error->code;
}

/* The loopback device takes at once what a send buffer has room for. */
static int subject_send(void *self)
{
	struct subject *subject = self;
	struct hail_socket *socket = subject->sockets[subject->next];
	const struct hail_load *load = &subject->load;
	ssize_t n = hail_send_many(socket, load->messages, load->batch);

	subject->next = (subject->next + MANY_STEP) % subject->count;
	if (n != (ssize_t)load->batch)
		return n < 0 ? (int)n : -EAGAIN;
	return subject->error;
}

static void subject_destroy(void *self)
{
	struct subject *subject = self;

	hail_engine_destroy(subject->engine);
	free(subject->sockets);
	hail_load_fini(&subject->load);
	free(subject);
}

static int open_sockets(struct subject *subject,
			const struct many_options *options)
{
	struct hail_socket_options opening =
		HAIL_SOCKET_OPTIONS(.handlers.error = on_error,
				    .user = subject);
	int error = hail_engine_create(&subject->engine, NULL);

	opening.local.v4.sin_family = AF_INET;
	opening.local.v4.sin_addr = options->local;
	subject->sockets = calloc(options->sockets, sizeof(*subject->sockets));
	if (!subject->sockets)
		return -ENOMEM;
	for (; !error && subject->count < options->sockets; subject->count++)
		error = hail_socket_open(&subject->sockets[subject->count],
					 subject->engine, &opening);
	return error;
}

int many_hail_create(struct sender *out, const struct load *load,
		     const struct many_options *options)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = open_sockets(subject, options);
	if (!error)
		error = hail_load_init(&subject->load, load);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct sender){
		.name = "hail",
		.self = subject,
		.send = subject_send,
		.destroy = subject_destroy,
	};
	return 0;
}
