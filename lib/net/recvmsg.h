/* SPDX-License-Identifier: MIT */
/*
 * net/recvmsg.h: what lies in a receive buffer.
 *
 * Every backend fills buffers as a multishot RECVMSG of io_uring does: a
 * header of four words, space for the name, space for control messages, then
 * the payload, as much of it as fits. The header tells true lengths, which may
 * be more than what is there. Pure functions over bytes.
 */
#ifndef HL_NET_RECVMSG_H
#define HL_NET_RECVMSG_H

#include <hail/datagram.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hl_recvmsg_header {
	uint32_t name_size;    /* as it was, not as it is here */
	uint32_t control_size; /* bytes here */
	uint32_t payload_size; /* as it was */
	uint32_t flags;        /* MSG_TRUNC, MSG_CTRUNC */
};

/* Spaces that hail leaves: room for either family, so that the payload begins
 * at a multiple of 16. */
#define HL_RECVMSG_NAME_SPACE 32
#define HL_RECVMSG_OVERHEAD                                                    \
	(sizeof(struct hl_recvmsg_header) + HL_RECVMSG_NAME_SPACE)

/* The control messages of a buffer of which `size` bytes are there, and their
 * size, clamped to what is there. */
static inline const unsigned char *hl_recvmsg_control(const void *buffer)
{
	return (const unsigned char *)buffer + HL_RECVMSG_OVERHEAD;
}
size_t hl_recvmsg_control_size(const void *buffer, size_t size);
/* Whether there are any. */
static inline bool hl_recvmsg_has_control(const void *buffer, size_t size)
{
	struct hl_recvmsg_header header;

	if (size < HL_RECVMSG_OVERHEAD)
		return false;
	memcpy(&header, buffer, sizeof(header));
	return header.control_size > 0;
}

/* Reads the first `size` bytes of `buffer`, filled with `control_space` bytes
 * of space for control messages, into data, size, true_size, flags and remote
 * of `out`; at most `datagram_max` bytes count as here (0: all). A name that is
 * cut or of an unknown family becomes AF_UNSPEC. -EBADMSG: not even the
 * spaces are there; nothing is written then. Never reads past `size`. */
int hl_recvmsg_parse(struct hail_datagram *out, const void *buffer, size_t size,
		     size_t control_space, size_t datagram_max);

#endif
