/* SPDX-License-Identifier: MIT */
/* relay.c: relaying with epoll, recvfrom() and sendto(). */
#include "support/relay.h"
#include "support/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 128
#define BUFFER 2048

struct plain {
	int epoll;
	int *fds;
	struct sockaddr_in *addrs;
	const struct sockaddr_in *to;
	size_t count;
	unsigned char buffer[BUFFER];
};

static void plain_destroy(void *self)
{
	struct plain *plain = self;

	for (size_t i = 0; i < plain->count; i++)
		close(plain->fds[i]);
	if (plain->epoll >= 0)
		close(plain->epoll);
	free(plain->fds);
	free(plain->addrs);
	free(plain);
}

/* One datagram of one stream; the level-triggered epoll tells of more. Returns
 * 1, 0 where there is none, or a negative errno. */
static int pass_on(struct plain *plain, size_t stream)
{
	int fd = plain->fds[stream];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	ssize_t n = recvfrom(fd, plain->buffer, BUFFER, MSG_DONTWAIT,
			     (struct sockaddr *)&from, &length);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	n = sendto(fd, plain->buffer, (size_t)n, 0,
		   (const struct sockaddr *)&plain->to[stream],
		   sizeof(*plain->to));
	return n < 0 ? -errno : 1;
}

static int plain_run(void *self, uint64_t datagrams)
{
	struct epoll_event events[EVENTS];
	struct plain *plain = self;
	uint64_t passed = 0;

	while (passed < datagrams) {
		int ready =
			epoll_wait(plain->epoll, events, EVENTS, RELAY_WAIT_MS);

		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < ready; i++) {
			int n = pass_on(plain, events[i].data.u32);

			if (n < 0)
				return n;
			passed += (uint64_t)n;
		}
	}
	return passed == datagrams ? 0 : -EBADMSG;
}

static int open_streams(struct plain *plain, size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		int fd = udp_open(&plain->addrs[i]);

		if (fd < 0)
			return fd;
		plain->fds[plain->count++] = fd;
		udp_grow(fd);
		if (epoll_ctl(plain->epoll, EPOLL_CTL_ADD, fd, &event))
			return -errno;
	}
	return 0;
}

static int plain_init(struct plain *plain, const struct sockaddr_in *to,
		      const struct relay_options *options)
{
	plain->to = to;
	plain->epoll = epoll_create1(EPOLL_CLOEXEC);
	plain->fds = calloc(options->streams, sizeof(*plain->fds));
	plain->addrs = calloc(options->streams, sizeof(*plain->addrs));
	if (plain->epoll < 0 || options->size > BUFFER)
		return -EINVAL;
	if (!plain->fds || !plain->addrs)
		return -ENOMEM;
	return open_streams(plain, options->streams);
}

int relay_epoll_create(struct relay *out, const struct sockaddr_in *to,
		       const struct relay_options *options)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int error;

	if (!plain)
		return -ENOMEM;
	error = plain_init(plain, to, options);
	if (error) {
		plain_destroy(plain);
		return error;
	}
	*out = (struct relay){
		.self = plain,
		.addrs = plain->addrs,
		.run = plain_run,
		.destroy = plain_destroy,
	};
	return 0;
}

int relay_epoll_probe_create(struct relay *out, const struct sockaddr_in *to,
			     const struct relay_options *options)
{
	const struct plain *plain;
	int error = relay_epoll_create(out, to, options);

	if (error)
		return error;
	plain = out->self;
	for (size_t i = 0; !error && i < plain->count; i++)
		error = udp_probe(plain->fds[i]);
	if (error)
		out->destroy(out->self);
	return error;
}
