/* SPDX-License-Identifier: MIT */
/* receive.c: receiving with epoll, and recvmmsg() or recvfrom(). */
#include "support/payload.h"
#include "support/receiver.h"
#include "support/udp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define EVENTS 512
#define BUFFER_MIN 2048
#define BUFFER_COALESCED 65536 /* whatever may come in one piece */

struct control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};

struct epoller {
	int epoll;
	int *fds;
	struct sockaddr_in *addrs;
	size_t count;
	size_t size;
	size_t buffer_size;
	unsigned char *buffers;
	struct mmsghdr headers[BATCH];
	struct iovec iovecs[BATCH];
	struct sockaddr_in names[BATCH];
	struct control controls[BATCH];
	bool coalesce;
	/* Takes what one ready socket holds, up to BATCH. */
	int (*take)(struct epoller *epoller, int fd);
	uint64_t sum;
	bool wrong;
};

static void epoller_destroy(void *self)
{
	struct epoller *epoller = self;

	for (size_t i = 0; i < epoller->count; i++)
		close(epoller->fds[i]);
	if (epoller->epoll >= 0)
		close(epoller->epoll);
	free(epoller->fds);
	free(epoller->addrs);
	free(epoller->buffers);
	free(epoller);
}

static void look(struct epoller *epoller, const void *data, size_t size,
		 const struct sockaddr_in *from)
{
	epoller->sum += payload_touch(data, size, from);
	epoller->wrong |= size != epoller->size;
}

static int take_recvmmsg(struct epoller *epoller, int fd)
{
	int n = recvmmsg(fd, epoller->headers, BATCH, MSG_DONTWAIT, NULL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct mmsghdr *header = &epoller->headers[i];

		look(epoller, epoller->iovecs[i].iov_base, header->msg_len,
		     &epoller->names[i]);
		header->msg_hdr.msg_namelen = sizeof(epoller->names[i]);
	}
	return n;
}

/* Cuts up what came in one piece, and returns how many datagrams it was. */
static int look_at_pieces(struct epoller *epoller, int i)
{
	struct mmsghdr *header = &epoller->headers[i];
	const unsigned char *data = epoller->iovecs[i].iov_base;
	size_t left = header->msg_len;
	size_t segment = udp_segment_of(&header->msg_hdr);
	int pieces = 0;

	do {
		size_t size = segment && segment < left ? segment : left;

		look(epoller, data, size, &epoller->names[i]);
		data += size;
		left -= size;
		pieces++;
	} while (left > 0);
	return pieces;
}

static int take_coalesced(struct epoller *epoller, int fd)
{
	int n = recvmmsg(fd, epoller->headers, BATCH, MSG_DONTWAIT, NULL);
	int taken = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct msghdr *header = &epoller->headers[i].msg_hdr;

		taken += look_at_pieces(epoller, i);
		header->msg_namelen = sizeof(epoller->names[i]);
		header->msg_controllen = sizeof(epoller->controls[i]);
	}
	return taken;
}

/* Back to epoll after BATCH of them, so that no socket starves another. */
static int take_recvfrom(struct epoller *epoller, int fd)
{
	struct sockaddr_in from;
	int taken = 0;

	while (taken < BATCH) {
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(fd, epoller->buffers, epoller->buffer_size,
				     MSG_DONTWAIT, (struct sockaddr *)&from,
				     &length);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? taken
								 : -errno;
		look(epoller, epoller->buffers, (size_t)n, &from);
		taken++;
	}
	return taken;
}

static int epoller_drain(void *self, uint64_t datagrams)
{
	struct epoller *epoller = self;
	struct epoll_event events[EVENTS];
	uint64_t got = 0;

	while (got < datagrams) {
		int ready = epoll_wait(epoller->epoll, events, EVENTS,
				       RECEIVER_WAIT_MS);

		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < ready; i++) {
			int n = epoller->take(epoller, events[i].data.fd);

			if (n < 0)
				return n;
			got += (uint64_t)n;
		}
	}
	return epoller->wrong || got != datagrams ? -EBADMSG : 0;
}

static int watch(const struct epoller *epoller, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	udp_grow(fd);
	if (epoll_ctl(epoller->epoll, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return epoller->coalesce ? udp_coalesce(fd) : 0;
}

static int open_sockets(struct epoller *epoller,
			const struct receiver_options *options)
{
	int error = 0;

	for (size_t i = 0; !error && i < options->sockets; i++) {
		int fd = udp_open_at(receiver_local(options),
				     &epoller->addrs[i]);

		if (fd < 0)
			return fd;
		epoller->fds[epoller->count++] = fd;
		error = watch(epoller, fd);
	}
	return error;
}

static void fill_headers(struct epoller *epoller)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *header = &epoller->headers[i].msg_hdr;

		epoller->iovecs[i].iov_base =
			epoller->buffers + i * epoller->buffer_size;
		epoller->iovecs[i].iov_len = epoller->buffer_size;
		header->msg_name = &epoller->names[i];
		header->msg_namelen = sizeof(epoller->names[i]);
		header->msg_iov = &epoller->iovecs[i];
		header->msg_iovlen = 1;
		if (!epoller->coalesce)
			continue;
		header->msg_control = epoller->controls[i].bytes;
		header->msg_controllen = sizeof(epoller->controls[i]);
	}
}

static int epoller_init(struct epoller *epoller,
			const struct receiver_options *options)
{
	size_t sockets = options->sockets;

	epoller->size = options->size;
	epoller->buffer_size =
		options->size < BUFFER_MIN ? BUFFER_MIN : options->size;
	epoller->coalesce = options->coalesce;
	if (options->coalesce) {
		epoller->buffer_size = BUFFER_COALESCED;
		epoller->take = take_coalesced;
	}
	epoller->fds = calloc(sockets, sizeof(*epoller->fds));
	epoller->addrs = calloc(sockets, sizeof(*epoller->addrs));
	epoller->buffers = malloc(BATCH * epoller->buffer_size);
	if (!epoller->fds || !epoller->addrs || !epoller->buffers)
		return -ENOMEM;
	fill_headers(epoller);
	epoller->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoller->epoll < 0)
		return -errno;
	return open_sockets(epoller, options);
}

static int create(struct receiver *out, const struct receiver_options *options,
		  const char *name, int (*take)(struct epoller *, int))
{
	struct epoller *epoller = calloc(1, sizeof(*epoller));
	int error;

	if (!epoller)
		return -ENOMEM;
	epoller->epoll = -1;
	epoller->take = take;
	error = epoller_init(epoller, options);
	if (error) {
		epoller_destroy(epoller);
		return error;
	}
	*out = (struct receiver){
		.name = name,
		.self = epoller,
		.addrs = epoller->addrs,
		.count = epoller->count,
		.room = udp_room(epoller->fds[0], options->size),
		.drain = epoller_drain,
		.destroy = epoller_destroy,
	};
	return 0;
}

int receiver_recvmmsg_create(struct receiver *out,
			     const struct receiver_options *options)
{
	return create(out, options, "epoll + recvmmsg", take_recvmmsg);
}

int receiver_recvfrom_create(struct receiver *out,
			     const struct receiver_options *options)
{
	return create(out, options, "epoll + recvfrom", take_recvfrom);
}
