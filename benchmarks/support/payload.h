/* SPDX-License-Identifier: MIT */
/* payload.h: reading a received payload, the same for every contender. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_LINE 64

/* One byte of each cache line and the sender's port: a contender that leaves
 * the payload or the address unread would look cheaper than it is. */
static inline uint64_t payload_touch(const void *data, size_t size,
				     const struct sockaddr_in *from)
{
	const unsigned char *bytes = (const unsigned char *)data;
	uint64_t sum = from->sin_port;

	for (size_t i = 0; i < size; i += PAYLOAD_LINE)
		sum += bytes[i];
	return sum;
}

#endif
