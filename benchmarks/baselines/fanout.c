/* SPDX-License-Identifier: MIT */
/* fanout.c: fanning out with epoll, recvmmsg() and sendmmsg(). */
#include "support/fanout.h"
#include "support/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define BUFFER 2048

struct plain {
	int fd;
	int epoll;
	struct sockaddr_in addr;
	struct mmsghdr in[BATCH];
	struct iovec in_iovecs[BATCH];
	struct sockaddr_in names[BATCH];
	unsigned char buffers[BATCH][BUFFER];
	struct mmsghdr *out; /* one a sink, all with the same iovec */
	struct iovec out_iovec;
	size_t out_count;
};

static void plain_destroy(void *self)
{
	struct plain *plain = self;

	if (plain->fd >= 0)
		close(plain->fd);
	if (plain->epoll >= 0)
		close(plain->epoll);
	free(plain->out);
	free(plain);
}

static int send_on(struct plain *plain, void *data, size_t size)
{
	plain->out_iovec.iov_base = data;
	plain->out_iovec.iov_len = size;
	return udp_send_all(plain->fd, plain->out, plain->out_count);
}

/* What is there, up to BATCH; how many, or a negative errno. */
static int take(struct plain *plain)
{
	int n = recvmmsg(plain->fd, plain->in, BATCH, MSG_DONTWAIT, NULL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		int error =
			send_on(plain, plain->buffers[i], plain->in[i].msg_len);

		if (error)
			return error;
		plain->in[i].msg_hdr.msg_namelen = sizeof(plain->names[i]);
	}
	return n;
}

static int plain_run(void *self, uint64_t datagrams)
{
	struct plain *plain = self;
	struct epoll_event event;
	uint64_t got = 0;

	while (got < datagrams) {
		int n = epoll_wait(plain->epoll, &event, 1, FANOUT_WAIT_MS);

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		n = take(plain);
		if (n < 0)
			return n;
		got += (uint64_t)n;
	}
	return got == datagrams ? 0 : -EBADMSG;
}

static void fill_headers(struct plain *plain, const struct sinks *sinks)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *header = &plain->in[i].msg_hdr;

		plain->in_iovecs[i].iov_base = plain->buffers[i];
		plain->in_iovecs[i].iov_len = BUFFER;
		header->msg_iov = &plain->in_iovecs[i];
		header->msg_iovlen = 1;
		header->msg_name = &plain->names[i];
		header->msg_namelen = sizeof(plain->names[i]);
	}
	for (size_t i = 0; i < sinks->count; i++) {
		struct msghdr *header = &plain->out[i].msg_hdr;

		header->msg_name = &sinks->addrs[i];
		header->msg_namelen = sizeof(sinks->addrs[i]);
		header->msg_iov = &plain->out_iovec;
		header->msg_iovlen = 1;
	}
}

static int plain_init(struct plain *plain, const struct sinks *sinks)
{
	struct epoll_event event = {.events = EPOLLIN};

	plain->out_count = sinks->count;
	plain->out = calloc(sinks->count, sizeof(*plain->out));
	if (!plain->out)
		return -ENOMEM;
	fill_headers(plain, sinks);
	plain->fd = udp_open(&plain->addr);
	if (plain->fd < 0)
		return plain->fd;
	plain->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (plain->epoll < 0 ||
	    epoll_ctl(plain->epoll, EPOLL_CTL_ADD, plain->fd, &event))
		return -errno;
	return 0;
}

int fanout_sendmmsg_create(struct fanout *out, const struct sinks *sinks,
			   size_t burst)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int error;

	(void)burst;
	if (!plain)
		return -ENOMEM;
	plain->fd = plain->epoll = -1;
	error = plain_init(plain, sinks);
	if (error) {
		plain_destroy(plain);
		return error;
	}
	*out = (struct fanout){
		.self = plain,
		.addr = plain->addr,
		.run = plain_run,
		.destroy = plain_destroy,
	};
	return 0;
}

int fanout_sendmmsg_probe_create(struct fanout *out, const struct sinks *sinks,
				 size_t burst)
{
	int error = fanout_sendmmsg_create(out, sinks, burst);

	if (error)
		return error;
	error = udp_probe(((struct plain *)out->self)->fd);
	if (error)
		out->destroy(out->self);
	return error;
}
