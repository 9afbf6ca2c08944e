/* SPDX-License-Identifier: MIT */
/* udp.c: plain UDP sockets on 127.0.0.1 for the ends of a measurement. */
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_WAIT_MS 10000

int udp_open(struct sockaddr_in *addr)
{
	struct sockaddr_in local = {.sin_family = AF_INET};
	socklen_t size = sizeof(local);
	int fd, error;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&local, size) ||
	    getsockname(fd, (struct sockaddr *)&local, &size)) {
		error = -errno;
		close(fd);
		return error;
	}
	if (addr)
		*addr = local;
	return fd;
}

int udp_probe(int fd)
{
	const int mode = IP_PMTUDISC_PROBE;

	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)))
		return -errno;
	return 0;
}

void udp_grow(int fd)
{
	int bytes = UDP_RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

size_t udp_room_of(size_t booked, size_t size)
{
	/* The kernel books the whole allocation, which is rounded up to a
	 * power of two, and the descriptor before it. */
	return booked / (2 * size + 1280);
}

size_t udp_room(int fd, size_t size)
{
	socklen_t length = sizeof(int);
	int booked = 0;

	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &booked, &length);
	return udp_room_of((size_t)booked, size);
}

int udp_wait_writable(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};

	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN && errno != ENOBUFS)
		return -errno;
	return poll(&poller, 1, UDP_WAIT_MS) == 0 ? -ETIMEDOUT : 0;
}
