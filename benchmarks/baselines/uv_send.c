/* SPDX-License-Identifier: MIT */
/* uv_send.c: sending with libuv, with requests and with
 * uv_udp_try_send(). */
#include "support/sender.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

struct uv_sender {
	uv_loop_t loop;
	uv_udp_t socket;
	const struct load *load;
	uv_udp_send_t *requests;
	size_t pending;
	int error;
};

static void on_sent(uv_udp_send_t *request, int status)
{
	struct uv_sender *sender = request->data;

	sender->pending--;
	if (status)
		sender->error = status;
}

static uv_buf_t piece(const struct load *load, size_t i)
{
	return uv_buf_init((char *)load_data(load, i), (unsigned)load->size);
}

static const struct sockaddr *destination(const struct load *load, size_t i)
{
	return (const struct sockaddr *)load_addr(load, i);
}

/* All of them, and then the loop until the last has called back. */
static int send_requests(void *self)
{
	struct uv_sender *sender = self;
	const struct load *load = sender->load;

	for (size_t i = 0; i < load->batch; i++) {
		uv_udp_send_t *request = &sender->requests[i];
		uv_buf_t buffer = piece(load, i);
		int error = uv_udp_send(request, &sender->socket, &buffer, 1,
					destination(load, i), on_sent);

		if (error)
			return error;
		sender->pending++;
	}
	while (sender->pending > 0)
		uv_run(&sender->loop, UV_RUN_ONCE);
	return sender->error;
}

static int send_at_once(void *self)
{
	struct uv_sender *sender = self;
	const struct load *load = sender->load;

	for (size_t i = 0; i < load->batch; i++) {
		uv_buf_t buffer = piece(load, i);
		int n = uv_udp_try_send(&sender->socket, &buffer, 1,
					destination(load, i));

		/* The loopback device never fills the send buffer. */
		if (n < 0)
			return n;
	}
	return 0;
}

static void uv_sender_destroy(void *self)
{
	struct uv_sender *sender = self;

	uv_close((uv_handle_t *)&sender->socket, NULL);
	uv_run(&sender->loop, UV_RUN_DEFAULT);
	uv_loop_close(&sender->loop);
	free(sender->requests);
	free(sender);
}

static int fill_requests(struct uv_sender *sender, const struct load *load)
{
	sender->load = load;
	sender->requests = calloc(load->batch, sizeof(*sender->requests));
	if (!sender->requests)
		return -ENOMEM;
	for (size_t i = 0; i < load->batch; i++)
		sender->requests[i].data = sender;
	return 0;
}

static int open_socket(struct uv_sender *sender)
{
	struct sockaddr_in local = {.sin_family = AF_INET};
	int error = uv_udp_init(&sender->loop, &sender->socket);

	local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (error)
		return error;
	return uv_udp_bind(&sender->socket, (const struct sockaddr *)&local, 0);
}

static int create(struct sender *out, const struct load *load, const char *name,
		  int (*send)(void *self))
{
	struct uv_sender *sender = calloc(1, sizeof(*sender));
	int error;

	if (!sender)
		return -ENOMEM;
	error = uv_loop_init(&sender->loop);
	if (error) {
		free(sender);
		return error;
	}
	error = open_socket(sender);
	if (!error)
		error = fill_requests(sender, load);
	if (error) {
		uv_sender_destroy(sender);
		return error;
	}
	*out = (struct sender){
		.name = name,
		.self = sender,
		.send = send,
		.destroy = uv_sender_destroy,
	};
	return 0;
}

int sender_uv_create(struct sender *out, const struct load *load)
{
	return create(out, load, "uv_udp_send", send_requests);
}

int sender_uv_try_create(struct sender *out, const struct load *load)
{
	return create(out, load, "uv_udp_try_send", send_at_once);
}
