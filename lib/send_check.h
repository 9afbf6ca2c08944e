/* SPDX-License-Identifier: MIT */
/* send_check.h: what hail itself can see of a message before it is sent. */
#ifndef HL_SEND_CHECK_H
#define HL_SEND_CHECK_H

#include "socket.h"

#include <errno.h>

/* 0, or why this message can't be sent. */
int hl_send_check_message(const struct hail_socket *socket,
			  const struct hail_message *message);
/* Whether the send buffer surely takes one more, asking if need be. */
bool hl_send_check_room(struct hail_socket *socket);

/* Whether an ICMP message of one remote may fail a send to another: then a
 * submission has but one datagram for each remote. */
static inline bool hl_send_check_careful(const struct hail_socket *socket)
{
	return socket->errors && !hl_socket_connected(socket);
}
/* Whether a message that met `error` is to be sent again, because the error may
 * be another's, and counts it then; `attempts` were in vain before. Each is to
 * be made alone and behind hl_sockopt_take_error(): its record stays in the
 * error queue. */
bool hl_send_check_retry(struct hail_socket *socket,
			 const struct hail_message *message, int error,
			 unsigned attempts);

/* Temporary want of kernel memory is backpressure as a full buffer is. */
static inline bool hl_send_check_backpressure(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM;
}

#endif
