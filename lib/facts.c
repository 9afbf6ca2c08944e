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
	hl_cmsg_read(&facts, hl_recvmsg_control(memory),
		     hl_recvmsg_control_size(memory, buffer->size));
	return hl_options_write(out, &facts, sizeof(facts));
}
