/* SPDX-License-Identifier: MIT */
/* udp.c: plain UDP sockets on 127.0.0.1 for the ends of a measurement. */
#include "udp.h"

#include <errno.h>
#include <limits.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_WAIT_MS 10000

int udp_open_at(struct in_addr at, struct sockaddr_in *addr)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = at};
	socklen_t size = sizeof(local);
	int fd, error;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
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

int udp_open(struct sockaddr_in *addr)
{
	struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};

	return udp_open_at(loopback, addr);
}

int udp_connect(const struct sockaddr_in *remote)
{
	int fd = udp_open(NULL), error;

	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)remote, sizeof(*remote)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int udp_coalesce(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) ? -errno : 0;
}

size_t udp_segment_of(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int size;

	for (; control; control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level != SOL_UDP ||
		    control->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(control), sizeof(size));
		return (size_t)size;
	}
	return 0;
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

int udp_send_all(int fd, struct mmsghdr *headers, size_t count)
{
	while (count > 0) {
		unsigned most = count < IOV_MAX ? (unsigned)count : IOV_MAX;
		int n = sendmmsg(fd, headers, most, 0);
		int error;

		if (n > 0) {
			headers += n;
			count -= (size_t)n;
			continue;
		}
		error = udp_wait_writable(fd);
		if (error)
			return error;
	}
	return 0;
}
