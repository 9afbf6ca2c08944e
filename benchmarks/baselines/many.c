/* SPDX-License-Identifier: MIT */
/* many.c: sending with sendmmsg() from many sockets. */
#include "support/many.h"
#include "support/udp.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct plain {
	int *fds;
	size_t count;
	size_t next;
	size_t batch;
	struct mmsghdr *headers;
	struct iovec *iovecs;
};

static void plain_destroy(void *self)
{
	struct plain *plain = self;

	for (size_t i = 0; i < plain->count; i++)
		close(plain->fds[i]);
	free(plain->fds);
	free(plain->headers);
	free(plain->iovecs);
	free(plain);
}

static int plain_send(void *self)
{
	struct plain *plain = self;
	int fd = plain->fds[plain->next];

	plain->next = (plain->next + MANY_STEP) % plain->count;
	return udp_send_all(fd, plain->headers, plain->batch);
}

static int fill_headers(struct plain *plain, const struct load *load)
{
	plain->batch = load->batch;
	plain->headers = calloc(load->batch, sizeof(*plain->headers));
	plain->iovecs = calloc(load->batch, sizeof(*plain->iovecs));
	if (!plain->headers || !plain->iovecs)
		return -ENOMEM;
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
	return 0;
}

static int open_sockets(struct plain *plain, const struct many_options *options)
{
	int error = 0;

	plain->fds = calloc(options->sockets, sizeof(*plain->fds));
	if (!plain->fds)
		return -ENOMEM;
	for (size_t i = 0; !error && i < options->sockets; i++) {
		int fd = udp_open_at(options->local, NULL);

		if (fd < 0)
			return fd;
		plain->fds[plain->count++] = fd;
		error = udp_probe(fd);
	}
	return error;
}

int many_sendmmsg_create(struct sender *out, const struct load *load,
			 const struct many_options *options)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int error;

	if (!plain)
		return -ENOMEM;
	error = open_sockets(plain, options);
	if (!error)
		error = fill_headers(plain, load);
	if (error) {
		plain_destroy(plain);
		return error;
	}
	*out = (struct sender){
		.name = "sendmmsg, probing",
		.self = plain,
		.send = plain_send,
		.destroy = plain_destroy,
	};
	return 0;
}
