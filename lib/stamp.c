/* SPDX-License-Identifier: MIT */
/* stamp.c: a ring of the latest messages that asked for a timestamp. */
#include "stamp.h"

#include "net/stamp_id.h"
#include "socket.h"

#include <errno.h>

int hl_stamp_init(struct hail_socket *socket)
{
	if (!socket->sent)
		return 0;
	socket->stamps = hl_memory_allocate(&socket->engine->allocator, 1,
					    sizeof(*socket->stamps));
	if (!socket->stamps)
		return -ENOMEM;
	socket->stamps->named = hl_stamp_id_served();
	return 0;
}

void hl_stamp_fini(struct hail_socket *socket)
{
	hl_memory_release(&socket->engine->allocator, socket->stamps, 1,
			  sizeof(*socket->stamps));
	socket->stamps = NULL;
}

void hl_stamp_name(struct hail_socket *socket, struct hl_extras *extras)
{
	struct hl_stamps *stamps = socket->stamps;

	if (!extras->timestamp || !stamps->named)
		return;
	extras->stamp_id = stamps->next++;
	hl_cmsg_write_stamp_id(&extras->control, extras->stamp_id);
}

void hl_stamp_add(struct hail_socket *socket,
		  const struct hail_message *message, const void *given,
		  const struct hl_extras *extras)
{
	struct hl_stamps *stamps = socket->stamps;
	uint32_t id;

	if (!extras->timestamp)
		return;
	/* The kernel counts those that it took, from 0. */
	id = stamps->named ? extras->stamp_id : stamps->next++;
	stamps->entries[id % HL_STAMPS_MAX] = (struct hl_stamp){
		.used = true,
		.id = id,
		.sent =
			{
				.tag = extras->tag,
				.remote = message->remote ? *message->remote
							  : socket->remote,
				.data = given,
				.size = message->size,
			},
	};
}

uint32_t hl_stamp_tell(struct hail_socket *socket,
		       const struct hl_errqueue_stamp *stamp)
{
	const struct hl_stamp *entry;
	struct hail_sent sent;

	if (!socket->stamps)
		return 0;
	entry = &socket->stamps->entries[stamp->id % HL_STAMPS_MAX];
	if (!entry->used || entry->id != stamp->id)
		return 0;
	sent = entry->sent;
	sent.time_ns = stamp->time_ns;
	sent.device_time_ns = stamp->device_time_ns;
	socket->sent(socket, &sent);
	return 1;
}
