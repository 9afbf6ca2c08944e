/* SPDX-License-Identifier: MIT */
/* recv.h: received datagrams from the backend to the data handlers. */
#ifndef HL_RECV_H
#define HL_RECV_H

#include "backend/backend.h"

#include <stddef.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;

/* Files what the backend received for one socket: `count` completions or as
 * many from the front as are the socket's. Returns how many. */
uint32_t hl_recv_complete(struct hail_socket *socket,
			  const struct hl_completion *completions,
			  uint32_t count);
/* Calls the data handlers, each with at most the budget; returns the number
 * of datagrams. */
size_t hl_recv_deliver(struct hail_engine *engine);
/* Sockets that wait for a buffer are armed again where there is one now. */
void hl_recv_feed(struct hail_engine *engine);
/* There is a data handler, perhaps after there was none. */
void hl_recv_resume(struct hail_socket *socket);
/* How many datagrams were received and not handed over. */
uint32_t hl_recv_waiting(const struct hail_socket *socket);
/* Drops what was not handed over. */
void hl_recv_close(struct hail_socket *socket);

#endif
