/* SPDX-License-Identifier: MIT */
/* send_drain.h: telling those who were refused that sending may go on. */
#ifndef HL_SEND_DRAIN_H
#define HL_SEND_DRAIN_H

#include <stddef.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;

/* A send was refused, for want of a block for `wanted` bytes or, SIZE_MAX, for
 * another reason: drain is owed. */
void hl_send_drain_owe(struct hail_socket *socket, size_t wanted);
/* Drain is due if it is owed and what is in flight is little enough. */
void hl_send_drain_check(struct hail_socket *socket);
/* Drain is due for sockets that were refused for want of a block and could
 * have one now. */
void hl_send_drain_feed(struct hail_engine *engine);
/* Calls the drain handlers that are due; returns how many calls. */
uint32_t hl_send_drain_tell(struct hail_engine *engine);
/* Nothing is owed any more. */
void hl_send_drain_forget(struct hail_socket *socket);

#endif
