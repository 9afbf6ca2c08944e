/* SPDX-License-Identifier: MIT */
/* net/recvmsg.c: reads a filled receive buffer. What it is told comes from the
 * kernel, but of a stranger's datagram: every length is clamped to what is
 * there before anything is read. */
#include "net/recvmsg.h"

#include <errno.h>
#include <string.h>

/* The lengths of names are exact: a longer one is a cut one. The space is
 * there whatever the length, so both families are one copy of a length that
 * the compiler knows: this is done for each datagram. */
static void parse_name(struct hail_addr *out, const unsigned char *name,
		       uint32_t size)
{
	memcpy(out, name, sizeof(*out));
	if (out->sa.sa_family == AF_INET && size == sizeof(out->v4))
		memset((char *)out + sizeof(out->v4), 0,
		       sizeof(*out) - sizeof(out->v4));
	else if (out->sa.sa_family != AF_INET6 || size != sizeof(out->v6))
		memset(out, 0, sizeof(*out));
}

int hl_recvmsg_parse(struct hail_datagram *out, const void *buffer, size_t size,
		     size_t control_space, size_t datagram_max)
{
	const unsigned char *bytes = buffer;
	struct hl_recvmsg_header header;
	size_t here;
	bool cut;

	if (size < HL_RECVMSG_OVERHEAD ||
	    size - HL_RECVMSG_OVERHEAD < control_space)
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	here = size - HL_RECVMSG_OVERHEAD - control_space;
	if (here > header.payload_size)
		here = header.payload_size;
	if (datagram_max != 0 && here > datagram_max)
		here = datagram_max;
	/* The flag counts too: without MSG_TRUNC in the request the kernel
	 * tells what it copied for the true length. */
	cut = here < header.payload_size || (header.flags & MSG_TRUNC) != 0;

	out->data = bytes + HL_RECVMSG_OVERHEAD + control_space;
	out->size = here;
	out->true_size = header.payload_size;
	out->flags = cut ? HAIL_DATAGRAM_TRUNCATED : 0;
	parse_name(&out->remote, bytes + sizeof(header), header.name_size);
	return 0;
}

size_t hl_recvmsg_control_size(const void *buffer, size_t size)
{
	struct hl_recvmsg_header header;
	size_t here;

	if (size < HL_RECVMSG_OVERHEAD)
		return 0;
	here = size - HL_RECVMSG_OVERHEAD;
	memcpy(&header, buffer, sizeof(header));
	return header.control_size < here ? header.control_size : here;
}
