/* SPDX-License-Identifier: MIT */
/* send.c: sending with sendto() and with sendmmsg(). */
#include "support/sender.h"
#include "support/udp.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct plain {
	int fd;
	const struct load *load;
	struct mmsghdr *headers; /* sendmmsg only */
	struct iovec *iovecs;
};

static void plain_destroy(void *self)
{
	struct plain *plain = self;

	if (!plain)
		return;
	if (plain->fd >= 0)
		close(plain->fd);
	free(plain->headers);
	free(plain->iovecs);
	free(plain);
}

static int plain_create(struct plain **out, const struct load *load)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int error;

	if (!plain)
		return -ENOMEM;
	plain->load = load;
	plain->fd = udp_open(NULL);
	if (plain->fd < 0) {
		error = plain->fd;
		plain_destroy(plain);
		return error;
	}
	*out = plain;
	return 0;
}

static int sendto_send(void *self)
{
	const struct plain *plain = self;
	const struct load *load = plain->load;

	for (size_t i = 0; i < load->batch;) {
		const struct sockaddr_in *to = load_addr(load, i);
		ssize_t n = sendto(plain->fd, load_data(load, i), load->size, 0,
				   (const struct sockaddr *)to, sizeof(*to));

		if (n >= 0) {
			i++;
			continue;
		}
		int error = udp_wait_writable(plain->fd);

		if (error)
			return error;
	}
	return 0;
}

int sender_sendto_create(struct sender *out, const struct load *load)
{
	struct plain *plain;
	int error = plain_create(&plain, load);

	if (error)
		return error;
	*out = (struct sender){
		.name = "sendto",
		.self = plain,
		.send = sendto_send,
		.destroy = plain_destroy,
	};
	return 0;
}

static int sendmmsg_send(void *self)
{
	const struct plain *plain = self;

	return udp_send_all(plain->fd, plain->headers, plain->load->batch);
}

static void fill_headers(struct plain *plain)
{
	const struct load *load = plain->load;

	for (size_t i = 0; i < load->batch; i++) {
		struct msghdr *header = &plain->headers[i].msg_hdr;

		plain->iovecs[i].iov_base = load_data(load, i);
		plain->iovecs[i].iov_len = load->size;
		/* The kernel doesn't write there. */
		header->msg_name = (void *)(uintptr_t)load_addr(load, i);
		header->msg_namelen = sizeof(struct sockaddr_in);
		header->msg_iov = &plain->iovecs[i];
		header->msg_iovlen = 1;
	}
}

int sender_sendmmsg_create(struct sender *out, const struct load *load)
{
	struct plain *plain;
	int error = plain_create(&plain, load);

	if (error)
		return error;
	plain->headers = calloc(load->batch, sizeof(*plain->headers));
	plain->iovecs = calloc(load->batch, sizeof(*plain->iovecs));
	if (!plain->headers || !plain->iovecs) {
		plain_destroy(plain);
		return -ENOMEM;
	}
	fill_headers(plain);
	*out = (struct sender){
		.name = "sendmmsg",
		.self = plain,
		.send = sendmmsg_send,
		.destroy = plain_destroy,
	};
	return 0;
}

int sender_sendmmsg_probe_create(struct sender *out, const struct load *load)
{
	int error = sender_sendmmsg_create(out, load);

	if (error)
		return error;
	out->name = "sendmmsg, probing";
	error = udp_probe(((struct plain *)out->self)->fd);
	if (error)
		out->destroy(out->self);
	return error;
}
