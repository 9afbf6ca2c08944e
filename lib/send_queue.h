/* SPDX-License-Identifier: MIT */
/*
 * send_queue.h: messages in flight: taken by hail and not yet by the kernel.
 *
 * There are two ways out. Outside a handler messages go straight from the
 * caller's memory, a ring-full at a time (send.c). Inside a handler, or where
 * the kernel takes no more, they are held in the socket's pending queue and go
 * with a turn's enter. Once something is pending everything goes through the
 * queue, so that order holds.
 */
#ifndef HL_SEND_QUEUE_H
#define HL_SEND_QUEUE_H

#include "batch.h"
#include "extras.h"

#include <stdbool.h>
#include <stddef.h>

struct hail_engine;
struct hail_socket;

/* Holds messages in flight, from the front. Returns how many; `why` is what
 * stopped before the first that wasn't. A refusal with -EAGAIN is owed a
 * drain. */
size_t hl_send_queue_append(struct hail_socket *socket,
			    const struct hl_batch *batch, int *why);
/* Holds one whatever the window: later ones have left already. `attempts` were
 * ended by an ICMP message of another's; `alone`: it may not ride in a
 * train. */
void hl_send_queue_rescue(struct hail_socket *socket,
			  const struct hail_message *message,
			  const struct hl_extras *extras, unsigned attempts,
			  bool alone);

/* Queues what is pending for the next enter; makes enters of its own only for
 * more than a ring-full. */
int hl_send_queue_flush(struct hail_engine *engine);
/* The enter was made and its completions were taken. */
void hl_send_queue_finish(struct hail_engine *engine);

/* The kernel takes no more: until `by`, the socket or the peer that was to
 * send, is writable (-EAGAIN), or for a while. */
void hl_send_queue_block(struct hail_socket *socket, struct hail_socket *by,
			 int error);
void hl_send_queue_unblock(struct hail_socket *socket);

/* Counts and tells that a taken message failed; `given` is the caller's
 * pointer. */
void hl_send_queue_fail(struct hail_socket *socket,
			const struct hail_message *message, const void *given,
			int error);

/* What is in flight without an address goes where the socket is connected
 * now: for when that is about to change. */
void hl_send_queue_pin(struct hail_socket *socket);

/* The socket closes: what is in flight is offered to the kernel a last time;
 * or, with the engine's end, cancelled. */
void hl_send_queue_close(struct hail_socket *socket);
void hl_send_queue_cancel(struct hail_socket *socket);

#endif
