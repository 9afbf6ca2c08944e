/* SPDX-License-Identifier: MIT */
/* support/far.c: socket(), poll(), recvmsg(). */
#include "far.h"

#include "network.h"
#include "plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel doubles it. Memory is used only for what waits in it. */
#define RECEIVE_BUFFER (128 << 20)

#define NS_PER_MS UINT64_C(1000000)

static socklen_t size_of(const struct hail_addr *addr)
{
	return addr->sa.sa_family == AF_INET ? sizeof(addr->v4)
					     : sizeof(addr->v6);
}

static int parse(struct hail_addr *out, const char *ip, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, ip, &out->v4.sin_addr) == 1)
		out->v4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, ip, &out->v6.sin6_addr) == 1)
		out->v6.sin6_family = AF_INET6;
	else
		return -EINVAL;
	out->v4.sin_port = htons(port);
	return 0;
}

/* In the namespace of `network`, whatever this thread's is. */
static int make(int network, int family)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = -EINVAL;

	if (home < 0)
		return -errno;
	if (network < 0 || !network_enter(network)) {
		fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		fd = fd < 0 ? -errno : fd;
		network_enter(home);
	}
	close(home);
	return fd;
}

static int set_up(int fd, struct hail_addr *addr)
{
	const int buffer = RECEIVE_BUFFER, on = 1;
	socklen_t size = sizeof(*addr);

	/* Who isn't root gets what the system allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind(fd, &addr->sa, size_of(addr)) ||
	    getsockname(fd, &addr->sa, &size))
		return -errno;
	return 0;
}

int far_open(int network, const char *ip, uint16_t port, struct hail_addr *out)
{
	int err = parse(out, ip, port);
	int fd;

	if (err)
		return err;
	fd = make(network, out->sa.sa_family);
	if (fd < 0)
		return fd;
	err = set_up(fd, out);
	if (err)
		close(fd);
	return err ? err : fd;
}

static int wait_for(int fd, uint64_t deadline)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	const uint64_t now = plain_now();
	const uint64_t left = now < deadline ? (deadline - now) / NS_PER_MS : 0;
	const int count = poll(&poller, 1, (int)left);

	if (count < 0)
		return -errno;
	return count ? 0 : -ETIMEDOUT;
}

static uint64_t stamp_of(struct msghdr *message)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	struct timespec stamp = {0};

	for (; cmsg; cmsg = CMSG_NXTHDR(message, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&stamp, CMSG_DATA(cmsg), sizeof(stamp));
	return (uint64_t)stamp.tv_sec * 1000 * NS_PER_MS +
	       (uint64_t)stamp.tv_nsec;
}

ssize_t far_receive(int fd, void *out, size_t size, uint64_t deadline,
		    uint64_t *stamp_ns, struct hail_addr *from)
{
	_Alignas(struct cmsghdr) char control[128];
	struct iovec part = {out, size};
	struct msghdr message = {
		.msg_name = from,
		.msg_namelen = from ? sizeof(*from) : 0,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t result = recvmsg(fd, &message, MSG_DONTWAIT);

	while (result < 0 && errno == EAGAIN) {
		int err = wait_for(fd, deadline);

		if (err)
			return err;
		result = recvmsg(fd, &message, MSG_DONTWAIT);
	}
	if (result >= 0 && stamp_ns)
		*stamp_ns = stamp_of(&message);
	return result < 0 ? -errno : result;
}

int far_send(int fd, const void *data, size_t size,
	     const struct hail_addr *remote)
{
	ssize_t sent = sendto(fd, data, size, 0, &remote->sa, size_of(remote));

	return sent < 0 ? -errno : 0;
}
