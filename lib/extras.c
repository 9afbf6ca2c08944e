/* SPDX-License-Identifier: MIT */
/* extras.c: checks the facts of a message against its socket. */
#include "extras.h"

#include "net/addr.h"
#include "socket.h"
#include "util/options.h"

#include <errno.h>

int hl_extras_read(struct hl_extras *out, const struct hail_socket *socket,
		   const struct hail_message *message,
		   const struct hail_message_facts *facts)
{
	struct hail_message_facts read;
	int err = hl_options_read(&read, sizeof(read), facts);

	if (err)
		return err;
	if ((read.txtime_ns && !socket->txtime) ||
	    (read.timestamp && !socket->sent))
		return -EINVAL;
	out->timestamp = read.timestamp;
	out->tag = read.tag;
	return hl_cmsg_write(&out->control, &read,
			     hl_addr_is_v4(message->remote ? message->remote
							   : &socket->remote));
}
