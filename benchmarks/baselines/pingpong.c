/* SPDX-License-Identifier: MIT */
/* pingpong.c: a ping-pong with epoll, recvfrom() and sendto(). */
#include "support/clock.h"
#include "support/pingpong.h"
#include "support/udp.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
	int fd;
	int epoll;
	uint64_t spin_ns;
	struct sockaddr_in addr;
	unsigned char *buffer;
	size_t size;
};

struct match {
	struct end client;
	struct end server;
	pthread_t thread;
	enum pingpong_place place;
	bool running;
	atomic_bool stop;
	double trips_ns[PINGPONG_TRIPS];
};

static int end_open(struct end *end, const struct pingpong_options *options)
{
	struct epoll_event event = {.events = EPOLLIN};

	end->size = options->size;
	end->spin_ns = options->spin_ns;
	end->buffer = calloc(1, options->size + 1);
	if (!end->buffer)
		return -ENOMEM;
	end->fd = udp_open(&end->addr);
	if (end->fd < 0)
		return end->fd;
	end->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (end->epoll < 0)
		return -errno;
	if (epoll_ctl(end->epoll, EPOLL_CTL_ADD, end->fd, &event))
		return -errno;
	return 0;
}

static void end_close(struct end *end)
{
	if (end->fd >= 0)
		close(end->fd);
	if (end->epoll >= 0)
		close(end->epoll);
	free(end->buffer);
}

static int end_send(struct end *end, const struct sockaddr_in *to)
{
	ssize_t n = sendto(end->fd, end->buffer, end->size, 0,
			   (const struct sockaddr *)to, sizeof(*to));

	return n < 0 ? -errno : 0;
}

/* As hail's spin_ns: looks again and again, and then sleeps. */
static int end_wait(struct end *end)
{
	struct epoll_event event;
	uint64_t until;
	int n;

	if (end->spin_ns) {
		until = clock_wall_ns() + end->spin_ns;
		do {
			n = epoll_wait(end->epoll, &event, 1, 0);
		} while (n == 0 && clock_wall_ns() < until);
		if (n != 0)
			return n;
	}
	return epoll_wait(end->epoll, &event, 1, -1);
}

static int end_receive(struct end *end, struct sockaddr_in *from)
{
	for (;;) {
		socklen_t length = sizeof(*from);
		ssize_t n;

		if (end_wait(end) < 0 && errno != EINTR)
			return -errno;
		n = recvfrom(end->fd, end->buffer, end->size, 0,
			     (struct sockaddr *)from, &length);
		if (n >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (pingpong_deadline_over())
			return -ETIMEDOUT;
	}
}

static void *serve(void *arg)
{
	struct match *match = arg;
	struct sockaddr_in from;

	pingpong_pin_server(match->place);
	while (!end_receive(&match->server, &from) &&
	       !atomic_load(&match->stop))
		end_send(&match->server, &from);
	return NULL;
}

static int match_run(void *self, struct slice *slice)
{
	struct match *match = self;
	struct sockaddr_in from;
	uint64_t last = clock_wall_ns();

	pingpong_deadline_set(NULL, NULL);
	for (size_t i = 0; i < PINGPONG_TRIPS; i++) {
		int error = end_send(&match->client, &match->server.addr);
		uint64_t now;

		if (!error)
			error = end_receive(&match->client, &from);
		if (error)
			return error;
		now = clock_wall_ns();
		match->trips_ns[i] = (double)(now - last);
		last = now;
	}
	pingpong_deadline_clear();
	pingpong_sum_up(match->trips_ns, PINGPONG_TRIPS, slice);
	return 0;
}

static void match_destroy(void *self)
{
	struct match *match = self;

	if (match->running) {
		atomic_store(&match->stop, true);
		end_send(&match->client, &match->server.addr);
		pthread_join(match->thread, NULL);
	}
	end_close(&match->client);
	end_close(&match->server);
	free(match);
}

int pingpong_epoll_create(struct contender *out,
			  const struct pingpong_options *options)
{
	struct match *match = calloc(1, sizeof(*match));
	int error;

	if (!match)
		return -ENOMEM;
	match->place = options->place;
	match->client.fd = match->client.epoll = -1;
	match->server.fd = match->server.epoll = -1;
	error = end_open(&match->client, options);
	if (!error)
		error = end_open(&match->server, options);
	if (!error)
		error = -pthread_create(&match->thread, NULL, serve, match);
	if (error) {
		match_destroy(match);
		return error;
	}
	match->running = true;
	*out = (struct contender){
		.name = options->name,
		.self = match,
		.run = match_run,
		.destroy = match_destroy,
	};
	return 0;
}
