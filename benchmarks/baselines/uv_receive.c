/* SPDX-License-Identifier: MIT */
/* uv_receive.c: receiving with libuv, which is asked to use
 * recvmmsg(). */
#include "support/payload.h"
#include "support/receiver.h"
#include "support/udp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* libuv cuts the buffer into pieces of 64 KiB, one a datagram, and takes at
 * most 20 at once. */
#define PIECES 20
#define PIECE 65536u

struct uv_receiver {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_udp_t *sockets;
	size_t count;
	struct sockaddr_in *addrs;
	char *buffer;
	size_t size;
	size_t room;
	uint64_t got;
	uint64_t sum;
	bool wrong;
	bool late;
};

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct uv_receiver *receiver = handle->data;

	(void)suggested;
	*out = uv_buf_init(receiver->buffer, PIECES * PIECE);
}

static void on_datagram(uv_udp_t *socket, ssize_t size, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct uv_receiver *receiver = socket->data;

	(void)flags;
	if (!from) { /* nothing more there, or the buffer may be freed */
		receiver->wrong |= size < 0;
		return;
	}
	receiver->sum += payload_touch(buffer->base, (size_t)size,
				       (const struct sockaddr_in *)from);
	receiver->wrong |= (size_t)size != receiver->size;
	receiver->got++;
}

static void on_late(uv_timer_t *timer)
{
	struct uv_receiver *receiver = timer->data;

	receiver->late = true;
}

static int uv_receiver_drain(void *self, uint64_t datagrams)
{
	struct uv_receiver *receiver = self;

	receiver->got = 0;
	receiver->late = false;
	uv_timer_start(&receiver->timer, on_late, RECEIVER_WAIT_MS, 0);
	while (receiver->got < datagrams && !receiver->late)
		uv_run(&receiver->loop, UV_RUN_ONCE);
	uv_timer_stop(&receiver->timer);
	if (receiver->late)
		return -ETIMEDOUT;
	return receiver->wrong || receiver->got != datagrams ? -EBADMSG : 0;
}

static void uv_receiver_destroy(void *self)
{
	struct uv_receiver *receiver = self;

	for (size_t i = 0; i < receiver->count; i++)
		uv_close((uv_handle_t *)&receiver->sockets[i], NULL);
	uv_close((uv_handle_t *)&receiver->timer, NULL);
	uv_run(&receiver->loop, UV_RUN_DEFAULT);
	uv_loop_close(&receiver->loop);
	free(receiver->sockets);
	free(receiver->addrs);
	free(receiver->buffer);
	free(receiver);
}

static int open_one(struct uv_receiver *receiver, size_t i)
{
	uv_udp_t *socket = &receiver->sockets[i];
	int fd, error;

	error = uv_udp_init_ex(&receiver->loop, socket, UV_UDP_RECVMMSG);
	if (error)
		return error;
	receiver->count++;
	socket->data = receiver;
	fd = udp_open(&receiver->addrs[i]);
	if (fd < 0)
		return fd;
	udp_grow(fd);
	receiver->room = udp_room(fd, receiver->size);
	error = uv_udp_open(socket, fd);
	if (error) {
		close(fd);
		return error;
	}
	return uv_udp_recv_start(socket, on_buffer, on_datagram);
}

static int uv_receiver_init(struct uv_receiver *receiver,
			    const struct receiver_options *options)
{
	int error = 0;

	receiver->size = options->size;
	receiver->sockets =
		calloc(options->sockets, sizeof(*receiver->sockets));
	receiver->addrs = calloc(options->sockets, sizeof(*receiver->addrs));
	receiver->buffer = malloc(PIECES * PIECE);
	if (!receiver->sockets || !receiver->addrs || !receiver->buffer)
		return -ENOMEM;
	for (size_t i = 0; !error && i < options->sockets; i++)
		error = open_one(receiver, i);
	return error;
}

static int uv_receiver_make(struct uv_receiver **out)
{
	struct uv_receiver *receiver = calloc(1, sizeof(*receiver));
	int error;

	if (!receiver)
		return -ENOMEM;
	error = uv_loop_init(&receiver->loop);
	if (error) {
		free(receiver);
		return error;
	}
	uv_timer_init(&receiver->loop, &receiver->timer);
	receiver->timer.data = receiver;
	*out = receiver;
	return 0;
}

int receiver_uv_create(struct receiver *out,
		       const struct receiver_options *options)
{
	struct uv_receiver *receiver;
	int error = uv_receiver_make(&receiver);

	if (error)
		return error;
	error = uv_receiver_init(receiver, options);
	if (error) {
		uv_receiver_destroy(receiver);
		return error;
	}
	*out = (struct receiver){
		.name = "libuv, recvmmsg",
		.self = receiver,
		.addrs = receiver->addrs,
		.count = receiver->count,
		.room = receiver->room,
		.drain = uv_receiver_drain,
		.destroy = uv_receiver_destroy,
	};
	return 0;
}
