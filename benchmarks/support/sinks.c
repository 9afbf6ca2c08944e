/* SPDX-License-Identifier: MIT */
/* sinks.c: a bound socket at every destination, emptied between slices. */
#include "sinks.h"

#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SINKS_BATCH 64

int sinks_open(struct sinks *sinks, size_t count)
{
	memset(sinks, 0, sizeof(*sinks));
	sinks->fds = calloc(count, sizeof(*sinks->fds));
	sinks->addrs = calloc(count, sizeof(*sinks->addrs));
	if (!sinks->fds || !sinks->addrs) {
		sinks_close(sinks);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		int fd = udp_open(&sinks->addrs[i]);

		if (fd < 0) {
			sinks_close(sinks);
			return fd;
		}
		udp_grow(fd);
		sinks->fds[sinks->count++] = fd;
	}
	return 0;
}

void sinks_close(struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		close(sinks->fds[i]);
	free(sinks->fds);
	free(sinks->addrs);
	memset(sinks, 0, sizeof(*sinks));
}

int sinks_open_coalescing(struct sinks *sinks, size_t count)
{
	int error = sinks_open(sinks, count);

	for (size_t i = 0; !error && i < count; i++)
		error = udp_coalesce(sinks->fds[i]);
	if (error)
		sinks_close(sinks);
	return error;
}

size_t sinks_room(const struct sinks *sinks, size_t size)
{
	return udp_room(sinks->fds[0], size);
}

size_t sinks_batches(const struct sinks *sinks, size_t size, size_t batch,
		     size_t wanted)
{
	size_t each = (batch + sinks->count - 1) / sinks->count;
	size_t fit = sinks_room(sinks, size) / each;
	size_t batches = batch < wanted ? wanted / batch : 1;

	return batches < fit ? batches : fit;
}

struct control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};

/* What one message holds: one datagram, or several in one piece. */
static uint64_t count_of(struct mmsghdr *header)
{
	size_t segment = udp_segment_of(&header->msg_hdr);

	if (!segment)
		return 1;
	return (header->msg_len + segment - 1) / segment;
}

static uint64_t drain_one(int fd)
{
	struct mmsghdr headers[SINKS_BATCH];
	struct control controls[SINKS_BATCH];
	uint64_t total = 0;
	int n;

	/* No bytes are wanted: the datagram goes, whatever its length, which
	 * MSG_TRUNC tells all the same. */
	memset(headers, 0, sizeof(headers));
	do {
		for (size_t i = 0; i < SINKS_BATCH; i++) {
			struct msghdr *header = &headers[i].msg_hdr;

			header->msg_control = controls[i].bytes;
			header->msg_controllen = sizeof(controls[i]);
		}
		n = recvmmsg(fd, headers, SINKS_BATCH, MSG_DONTWAIT | MSG_TRUNC,
			     NULL);
		for (int i = 0; i < n; i++)
			total += count_of(&headers[i]);
	} while (n == SINKS_BATCH || (n < 0 && errno == EINTR));
	return total;
}

uint64_t sinks_drain(const struct sinks *sinks)
{
	uint64_t total = 0;

	for (size_t i = 0; i < sinks->count; i++)
		total += drain_one(sinks->fds[i]);
	return total;
}
