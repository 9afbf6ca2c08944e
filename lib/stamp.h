/* SPDX-License-Identifier: MIT */
/*
 * stamp.h: messages that wait for their transmit timestamp.
 *
 * A timestamp names its message by a number: the one that the message was sent
 * with, or, where the kernel doesn't take any (before 6.13), its place among
 * those of the socket that asked for one.
 */
#ifndef HL_STAMP_H
#define HL_STAMP_H

#include "extras.h"
#include "net/errqueue.h"

#include <hail/facts.h>

struct hail_socket;

/* So many of a socket are remembered: a power of two. */
#define HL_STAMPS_MAX 1024

struct hl_stamp {
	bool used;
	uint32_t id;
	struct hail_sent sent;
};

struct hl_stamps {
	bool named;    /* the kernel takes our numbers */
	uint32_t next; /* number */
	struct hl_stamp entries[HL_STAMPS_MAX];
};

/* For a socket with a `sent` handler. -ENOMEM. */
int hl_stamp_init(struct hail_socket *socket);
void hl_stamp_fini(struct hail_socket *socket);

/* Numbers a message, if it asks for a timestamp: once, when it is about to be
 * taken, since numbers that are used for nothing shorten the memory. */
void hl_stamp_name(struct hail_socket *socket, struct hl_extras *extras);
/* The kernel took a message; `given` is the caller's pointer to its bytes. */
void hl_stamp_add(struct hail_socket *socket,
		  const struct hail_message *message, const void *given,
		  const struct hl_extras *extras);
/* Calls the handler, if the message is still remembered; returns how often. */
uint32_t hl_stamp_tell(struct hail_socket *socket,
		       const struct hl_errqueue_stamp *stamp);

#endif
