/* SPDX-License-Identifier: MIT */
/* arrivals.c: reads sinks whose datagrams bear the time of their arrival. */
#include "arrivals.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64

struct control {
	_Alignas(
		struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct timespec))];
};

struct reader {
	struct mmsghdr headers[BATCH];
	struct iovec iovecs[BATCH];
	uint64_t stamps[BATCH];
	struct control controls[BATCH];
};

int arrivals_note(const struct sinks *sinks)
{
	const int on = 1;

	for (size_t i = 0; i < sinks->count; i++) {
		if (setsockopt(sinks->fds[i], SOL_SOCKET, SO_TIMESTAMPNS, &on,
			       sizeof(on)))
			return -errno;
	}
	return 0;
}

static uint64_t time_of(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	struct timespec at;

	for (; control; control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level != SOL_SOCKET ||
		    control->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(control), sizeof(at));
		return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
	}
	return 0;
}

static void lay_out(struct reader *reader)
{
	memset(reader->headers, 0, sizeof(reader->headers));
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *header = &reader->headers[i].msg_hdr;

		reader->iovecs[i].iov_base = &reader->stamps[i];
		reader->iovecs[i].iov_len = sizeof(reader->stamps[i]);
		header->msg_iov = &reader->iovecs[i];
		header->msg_iovlen = 1;
		header->msg_control = reader->controls[i].bytes;
		header->msg_controllen = sizeof(reader->controls[i]);
	}
}

/* What one sink holds; `taken` were there before. Returns the sum. */
static size_t take_from(struct reader *reader, int fd, double *late_ns,
			size_t max, size_t taken)
{
	int n;

	do {
		lay_out(reader);
		n = recvmmsg(fd, reader->headers, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++, taken++) {
			struct msghdr *header = &reader->headers[i].msg_hdr;

			if (taken < max)
				late_ns[taken] = (double)time_of(header) -
						 (double)reader->stamps[i];
		}
	} while (n == BATCH);
	return taken;
}

size_t arrivals_take(const struct sinks *sinks, double *late_ns, size_t max)
{
	struct reader reader;
	size_t taken = 0;

	for (size_t i = 0; i < sinks->count; i++)
		taken = take_from(&reader, sinks->fds[i], late_ns, max, taken);
	return taken;
}
