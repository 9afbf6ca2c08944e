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

size_t sinks_room(const struct sinks *sinks, size_t size)
{
	return udp_room(sinks->fds[0], size);
}

static uint64_t drain_one(int fd)
{
	struct mmsghdr headers[SINKS_BATCH];
	uint64_t total = 0;
	int n;

	/* No bytes are wanted: the datagram goes, whatever its length. */
	memset(headers, 0, sizeof(headers));
	do {
		n = recvmmsg(fd, headers, SINKS_BATCH, MSG_DONTWAIT, NULL);
		if (n > 0)
			total += (uint64_t)n;
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
