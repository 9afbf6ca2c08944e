/* SPDX-License-Identifier: MIT */
/* facts.c: what was told of a received datagram. Its control messages stay in
 * its buffer and are read when somebody asks. */
#include "buffer.h"
#include "core.h"
#include "net/cmsg.h"
#include "net/recvmsg.h"
#include "util/options.h"

#include <hail/facts.h>

#include <errno.h>
#include <string.h>

/* The header tells a length, and only what was written counts. */
static size_t control_size(const struct hail_buffer *buffer,
			   const unsigned char *memory)
{
	struct hl_recvmsg_header header;
	size_t here;

	if (buffer->size < HL_RECVMSG_OVERHEAD)
		return 0;
	memcpy(&header, memory, sizeof(header));
	here = buffer->size - HL_RECVMSG_OVERHEAD;
	return header.control_size < here ? header.control_size : here;
}

int hail_datagram_facts(const struct hail_datagram *datagram,
			struct hail_facts *out)
{
	struct hail_facts facts = {.size = sizeof(facts)};
	const struct hail_buffer *buffer;
	const unsigned char *memory;
	int err;

	if (!datagram || !datagram->buffer || !out)
		return -EINVAL;
	buffer = datagram->buffer;
	err = hl_core_check(buffer->pool->engine);
	if (err)
		return err;
	if (!buffer->holds)
		return -EINVAL;
	memory = hl_pool_memory(buffer->pool, buffer->id);
	hl_cmsg_read(&facts, memory + HL_RECVMSG_OVERHEAD,
		     control_size(buffer, memory));
	return hl_options_write(out, &facts, sizeof(facts));
}
