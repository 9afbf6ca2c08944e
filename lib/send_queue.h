/* SPDX-License-Identifier: MIT */
/* send_queue.h: what the two ways out share: checks, the flight, the pending
 * queue of a socket, and what is told when something fails. */
#ifndef HL_SEND_QUEUE_H
#define HL_SEND_QUEUE_H

#include "core.h"
#include "socket.h"

#include <errno.h>

/* Temporary want of kernel memory is backpressure as a full buffer is. */
static inline bool hl_send_backpressure(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM;
}

/* What hail itself can see of a message: 0 or why it can't be sent. */
int hl_send_check(const struct hail_socket *socket,
		  const struct hail_message *message);
/* Whether the send buffer surely takes one more, asking if need be. */
bool hl_send_room(struct hail_socket *socket);

/* How many sends may be submitted at once now, so that each could fail and be
 * told. */
uint32_t hl_send_flight_room(const struct hail_engine *engine);
void hl_send_flight_begin(struct hail_engine *engine, uint32_t count);
void hl_send_flight_end(struct hail_engine *engine);

/* Holds messages in flight, from the front. Returns how many; `why` is what
 * stopped before the first that wasn't. A refusal with -EAGAIN is owed a
 * drain. */
size_t hl_send_enqueue(struct hail_socket *socket,
		       const struct hail_message *messages, size_t count,
		       int *why);
/* Holds one whatever the window: later ones have left already. */
void hl_send_rescue(struct hail_socket *socket,
		    const struct hail_message *message);

/* The kernel takes no more until it is writable (-EAGAIN), or for a while. */
void hl_send_block(struct hail_socket *socket, int error);
/* Counts and tells that a taken message failed. */
void hl_send_fail(struct hail_socket *socket,
		  const struct hail_message *message, const void *given,
		  int error);
/* Drain is due if it is owed and what is in flight is little enough. */
void hl_send_check_drain(struct hail_socket *socket);

#endif
