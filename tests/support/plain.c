/* SPDX-License-Identifier: MIT */
/* support/plain.c: plain sockets for tests. */
#include "plain.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

uint64_t plain_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void set_up(int fd, int bytes)
{
	struct timeval deadline = {.tv_sec = 2};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (!bytes)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int plain_open_at(const struct sockaddr *local, socklen_t size, int bytes)
{
	int fd = socket(local->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	set_up(fd, bytes);
	if (!bind(fd, local, size))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int plain_open(const char *ip, int bytes)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
		return plain_open_at((struct sockaddr *)&v4, sizeof(v4), bytes);
	if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1)
		return plain_open_at((struct sockaddr *)&v6, sizeof(v6), bytes);
	return -EINVAL;
}

/* The port is at the same place in both families. */
uint16_t plain_port(int fd)
{
	struct sockaddr_in6 local = {0};
	socklen_t size = sizeof(local);

	if (getsockname(fd, (struct sockaddr *)&local, &size))
		return 0;
	return ntohs(local.sin6_port);
}

uint16_t plain_dead_port(int *holder)
{
	struct sockaddr_in nobody = {
		.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint16_t port;

	*holder = plain_open("127.0.0.1", 0);
	port = plain_port(*holder);
	if (connect(*holder, (struct sockaddr *)&nobody, sizeof(nobody)))
		return 0;
	return port;
}

/* This machine, in the family of the socket; the length of the address. */
static socklen_t loopback(int fd, uint16_t port, struct sockaddr_in6 *out)
{
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int family = 0;
	socklen_t length = sizeof(family);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
	*out = v6;
	if (family == AF_INET)
		memcpy(out, &v4, sizeof(v4));
	return family == AF_INET ? sizeof(v4) : sizeof(v6);
}

bool plain_send(int fd, const void *data, size_t size, uint16_t port)
{
	struct sockaddr_in6 to;
	socklen_t length = loopback(fd, port, &to);

	return sendto(fd, data, size, 0, (struct sockaddr *)&to, length) ==
	       (ssize_t)size;
}

bool plain_send_train(int fd, const void *data, size_t size, uint16_t segment,
		      uint16_t port)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(segment))] = "";
	struct sockaddr_in6 to;
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = loopback(fd, port, &to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

	cmsg->cmsg_level = IPPROTO_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(cmsg), &segment, sizeof(segment));
	return sendmsg(fd, &message, 0) == (ssize_t)size;
}

ssize_t plain_receive_from(int fd, void *data, size_t size, uint16_t *port)
{
	struct sockaddr_in6 from = {0};
	socklen_t length = sizeof(from);
	ssize_t got =
		recvfrom(fd, data, size, 0, (struct sockaddr *)&from, &length);

	if (got < 0)
		return -errno;
	*port = ntohs(from.sin6_port);
	return got;
}

ssize_t plain_receive(int fd, void *data, size_t size)
{
	uint16_t port;

	return plain_receive_from(fd, data, size, &port);
}

bool plain_silent(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) == 0;
}

/* Whether a datagram that a socket sends to itself is stamped. */
static bool is_stamped(int fd)
{
	_Alignas(struct cmsghdr) char control[128];
	struct msghdr message = {
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	return plain_send(fd, "", 0, plain_port(fd)) &&
	       !recvmsg(fd, &message, 0) && CMSG_FIRSTHDR(&message);
}

int plain_stamping(void)
{
	const int flags =
		SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
	uint64_t deadline = plain_now() + UINT64_C(10000000000);
	int fd = plain_open("127.0.0.1", 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)))
		return -errno;
	while (!is_stamped(fd)) {
		if (plain_now() > deadline)
			return -ETIMEDOUT;
	}
	return fd;
}

unsigned plain_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 3; /* itself, "." and ".." */
}

struct plain_flood {
	pthread_t thread;
	atomic_bool stop;
	uint16_t port;
	size_t size;
	uint64_t sent;
};

static void *flood_run(void *arg)
{
	static const unsigned char zeros[65507];
	struct plain_flood *flood = arg;
	int fd = plain_open("127.0.0.1", 0);

	while (!atomic_load(&flood->stop))
		flood->sent += plain_send(fd, zeros, flood->size, flood->port);
	close(fd);
	return NULL;
}

struct plain_flood *plain_flood_start(uint16_t port, size_t size)
{
	struct plain_flood *flood = calloc(1, sizeof(*flood));

	if (!flood)
		return NULL;
	flood->port = port;
	flood->size = size;
	if (!pthread_create(&flood->thread, NULL, flood_run, flood))
		return flood;
	free(flood);
	return NULL;
}

uint64_t plain_flood_stop(struct plain_flood *flood)
{
	uint64_t sent;

	atomic_store(&flood->stop, true);
	pthread_join(flood->thread, NULL);
	sent = flood->sent;
	free(flood);
	return sent;
}
