/* SPDX-License-Identifier: MIT */
/* send_check.h: what hail itself can see of a message before it is sent, and
 * whether it is worth sending again. */
#ifndef HL_SEND_CHECK_H
#define HL_SEND_CHECK_H

#include "socket.h"

#include <errno.h>

/* 0, or why this message can't be sent. */
int hl_send_check_message(const struct hail_socket *socket,
			  const struct hail_message *message);
/* Asks for the room in the send buffer, if need be: once for each submission,
 * since what is in that isn't outstanding yet. */
void hl_send_check_ask(struct hail_socket *socket);

/* Whether the send buffer surely takes one more. */
static inline bool hl_send_check_room(struct hail_socket *socket)
{
	if (socket->round != socket->engine->flight.round)
		hl_send_check_ask(socket);
	return socket->room > 0;
}

/* Whether an ICMP message of one remote may fail a send to another: then a
 * submission has but one send for each remote. */
static inline bool hl_send_check_careful(const struct hail_socket *socket)
{
	return socket->errors && !hl_socket_connected(socket);
}
/* Whether the message of this index, which met `error`, is to be sent again,
 * because the error may be another's, and counts it then; `attempts` were in
 * vain before. Each is to be made behind hl_sockopt_take_error(), in a
 * submission of its own: its record stays in the error queue. */
bool hl_send_check_retry(struct hail_socket *socket, uint32_t index,
			 const struct hail_message *message, int error,
			 unsigned attempts);

/* Whether a message met this error although the send buffer is empty, and may
 * need more than one ever holds: as fragments, which the kernel takes only
 * where they fit twice the buffer. Trying it again is then in vain, unless the
 * kernel lacked memory just now. */
bool hl_send_check_futile(const struct hail_socket *by, size_t size, int error);

/* Temporary want of kernel memory is backpressure as a full buffer is. */
static inline bool hl_send_check_backpressure(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM;
}

#endif
