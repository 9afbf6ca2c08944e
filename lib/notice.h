/* SPDX-License-Identifier: MIT */
/*
 * notice.h: reading the error queues of sockets that asked for what comes
 * there: ICMP messages, errors of the kernel's own, transmit timestamps.
 */
#ifndef HL_NOTICE_H
#define HL_NOTICE_H

#include "backend/backend.h"

struct hail_engine;
struct hail_socket;

/* Something has come to the error queue, or watching it has ended. */
void hl_notice_complete(struct hail_socket *socket,
			const struct hl_completion *completion);
/* Reads the queues that have something: timestamps go to their handlers, errors
 * become failures. Returns how many handlers were called. */
uint32_t hl_notice_tell(struct hail_engine *engine);
/* The socket doesn't listen any more. */
void hl_notice_forget(struct hail_socket *socket);

#endif
