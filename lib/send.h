/* SPDX-License-Identifier: MIT */
/*
 * send.h: messages from the caller to the backend.
 *
 * Two ways out. Outside a handler messages go straight from the caller's
 * memory, a ring-full at a time. Inside a handler, or where the kernel takes
 * no more, they are held in the socket's pending queue and go with a turn's
 * enter. Once something is pending everything goes through the queue, so that
 * order holds.
 */
#ifndef HL_SEND_H
#define HL_SEND_H

#include "backend/backend.h"
#include "util/list.h"

#include <hail/datagram.h>
#include <stddef.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;
struct hl_pending;

/* What is in one submission: sends by token, and what became of them. */
struct hl_flight {
	uint32_t capacity; /* the ring's entries */
	uint32_t count;
	uint32_t failed;
	bool awaited;     /* somebody waits for them to be over */
	int32_t *results; /* 0, or what the kernel said */
	/* Whose they are; used for what comes from pending queues. */
	struct hl_pending **pending;
	struct hail_socket **sockets;
	struct hail_message *messages; /* gathered for the backend */
};

/* -ENOMEM. */
int hl_send_init(struct hail_engine *engine);
void hl_send_fini(struct hail_engine *engine);

/* Queues what is pending for the next enter; makes enters of its own only for
 * more than a ring-full. */
int hl_send_flush(struct hail_engine *engine);
/* The enter was made and its completions were taken. */
void hl_send_finish(struct hail_engine *engine);

/* Completions. */
void hl_send_failed(struct hail_engine *engine, uint32_t token, int error);
void hl_send_unblock(struct hail_socket *socket);

/* Drain is due for sockets that were refused for want of a block and could
 * have one now. */
void hl_send_feed(struct hail_engine *engine);
/* Calls the drain handlers that are due; returns how many calls. */
uint32_t hl_send_tell_drains(struct hail_engine *engine);

/* What is in flight without an address goes where the socket is connected
 * now: for when that is about to change. */
void hl_send_pin_remote(struct hail_socket *socket);

/* The socket closes: forgets refusals, and offers what is in flight to the
 * kernel a last time; or, with the engine's end, cancels it. */
void hl_send_close(struct hail_socket *socket);
void hl_send_cancel(struct hail_socket *socket);

#endif
