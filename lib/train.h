/* SPDX-License-Identifier: MIT */
/*
 * train.h: how the messages of a socket leave: which together as trains, which
 * by a peer. For both ways out, straight from the caller and from the queue.
 *
 * The messages of a submission are added one by one from the front. What is
 * found out stands in the engine's flight, under the message's index.
 */
#ifndef HL_TRAIN_H
#define HL_TRAIN_H

#include "core.h"
#include "socket.h"

/* What a remote is known by within an engine, mapped or not. */
uint64_t hl_train_hash(const struct hail_engine *engine,
		       const struct hail_addr *remote);

/* A socket's messages follow, at most so many. False: each is a plain send of
 * the socket's own, and there is nothing to find out. */
bool hl_train_begin(struct hail_socket *socket, uint32_t count);
/* Which socket sends a message: itself or one of its peers. `special`:
 * something goes with it. */
struct hail_socket *hl_train_route(struct hail_socket *socket, uint32_t index,
				   const struct hail_message *message,
				   bool special);
static inline struct hail_socket *hl_train_by(struct hail_socket *socket,
					      uint32_t index)
{
	struct hail_socket *peer =
		socket->peers ? socket->engine->flight.peers[index] : NULL;

	return peer ? peer : socket;
}
/* Adds the message of this index, for which hl_train_route() was asked just
 * now. False: the submission ends before it. */
bool hl_train_add(struct hail_socket *socket, uint32_t index,
		  const struct hail_message *messages, bool alone);

/* Adds up to `most` that follow the message of this index, the last so far,
 * without a look at each, if they are alike; returns how many. */
uint32_t hl_train_extend(struct hail_socket *socket, uint32_t index,
			 const struct hail_message *messages, uint32_t most);

/* The submission is over, all of it well: counts its trains. */
void hl_train_count(struct hail_socket *socket);
/* It is over, and some of it failed: looks, from the last message to the first,
 * at what one socket of the kernel's sent. What an ICMP message has made a
 * connected one fail by may be stale, and what came behind have left: then it
 * can't be sent again, in order, and the failure is the message's. Call it for
 * each message, before anything else. */
void hl_train_look_back(struct hail_socket *socket, uint32_t index);
/* It is over, and some of it failed: counts a train, or remembers that its
 * remote refused it, by its first message. True: this message is of a send that
 * was refused for being cut, perhaps, and may well leave by itself. */
bool hl_train_settle(struct hail_socket *socket,
		     const struct hail_message *message, uint32_t index);

#endif
