/* SPDX-License-Identifier: MIT */
/*
 * net/cmsg.h: control messages: what the kernel tells of a datagram and is told
 * of a message. Pure functions over bytes.
 */
#ifndef HL_NET_CMSG_H
#define HL_NET_CMSG_H

#include <hail/facts.h>
#include <stddef.h>
#include <stdint.h>

/* Room in a receive buffer for all that a socket can ask for: an address (40),
 * TTL, TOS, drops and segment size (24 each), three timestamps (64). A multiple
 * of 16, so that the payload still begins at one. */
#define HL_CMSG_SPACE 208
/* Room for the segment size alone (24), and again up to a multiple of 16. */
#define HL_CMSG_SEGMENT_SPACE 32

/* Room for all that a message can say: an address (40), TTL, TOS, transmit
 * time, the wish for a timestamp and its number, and what is added to it, a
 * segment size (24 each). */
#define HL_CMSG_SEND_MAX 184

struct hl_cmsg {
	uint32_t size; /* 0: nothing to say */
	_Alignas(8) unsigned char bytes[HL_CMSG_SEND_MAX];
};

/* Reads `size` bytes of control messages, which need not be aligned, into all
 * of `out` but its size member. What is cut, unknown or of a wrong length is
 * left out; never reads past `size`. */
void hl_cmsg_read(struct hail_facts *out, const void *control, size_t size);

/* The size of the pieces that a coalesced datagram was put together from, as
 * the control messages tell it; 0: it is one by itself. */
uint32_t hl_cmsg_segment_size(const void *control, size_t size);

/* Writes the facts of a message that travels in IPv4 (`v4`, also from a socket
 * of IPv6) or in IPv6.
 * -EINVAL: tos or ttl out of range; -EAFNOSUPPORT: a source of the other
 * family. `out` is written only on success. */
int hl_cmsg_write(struct hl_cmsg *out, const struct hail_message_facts *facts,
		  bool v4);

/* Adds the number that the message's timestamp will name it by (Linux 6.13). */
void hl_cmsg_write_stamp_id(struct hl_cmsg *out, uint32_t id);

/* Adds the size of the segments that the bytes are to be cut into. */
void hl_cmsg_write_segment(struct hl_cmsg *out, uint16_t segment);

#endif
