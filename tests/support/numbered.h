/* SPDX-License-Identifier: MIT */
/* support/numbered.h: datagrams that say which they are, and whose every byte
 * follows from that, so that a lost, doubled, moved or mixed one is seen. */
#ifndef TEST_NUMBERED_H
#define TEST_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least size that has room for stream and number. */
#define NUMBERED_MIN 8

void numbered_write(void *out, size_t size, uint32_t stream, uint32_t number);
/* False: too short, or not as it was written with this size. */
bool numbered_read(const void *data, size_t size, uint32_t *stream,
		   uint32_t *number);
/* The same where only the first `here` of its bytes are left. */
bool numbered_read_cut(const void *data, size_t here, size_t size,
		       uint32_t *stream, uint32_t *number);

#endif
