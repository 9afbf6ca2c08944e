/* SPDX-License-Identifier: MIT */
/*
 * peer.h: connected children of a socket, found by their remote.
 *
 * A child is a socket of the engine's table with a `parent`: it has a
 * descriptor and a reception of its own, and everything else is its parent's.
 *
 * A child that is closed leaves first: it hears nobody any more, so that its
 * remote's datagrams go to the parent again, and what it has heard is handed
 * over. Then it is gone.
 */
#ifndef HL_PEER_H
#define HL_PEER_H

#include "socket.h"

#include <hail/peer.h>

/* For so long, and at most twice as long, a child that leaves is still read: a
 * processor that had found it for a datagram has put that into its queue by
 * then. */
#define HL_PEER_GRACE_NS (10 * HL_NS_PER_MS)
/* So many of these times it waits for a data handler of its parent's. */
#define HL_PEER_PATIENCE 100

/* The children of one socket: a hash table that is at most half full. */
struct hl_peers {
	struct hail_socket **children;
	uint32_t mask;
	uint32_t count;

	struct hl_list all; /* also those that leave or close */
	uint32_t total;
};

/* The child for a remote, of which hl_train_hash() is given too; or NULL. */
struct hail_socket *hl_peer_find(const struct hl_peers *peers,
				 const struct hail_addr *remote, uint64_t hash);

/* How many there are that don't leave. */
static inline uint32_t hl_peer_count(const struct hail_socket *parent)
{
	return parent->peers ? parent->peers->count : 0;
}

/* The next of all children, from NULL on; NULL: there are no more. */
struct hail_socket *hl_peer_next(const struct hail_socket *parent,
				 const struct hail_socket *child);

/* The child for a remote that was not hashed yet; or NULL. */
struct hail_socket *hl_peer_look(const struct hail_socket *parent,
				 const struct hail_addr *remote);

/* The child hears nobody any more and goes when all that it has heard was
 * handed over. */
void hl_peer_leave(struct hail_socket *child);
/* The engine's turn: children that have left long enough are ended. */
void hl_peer_tend(struct hail_engine *engine);
/* The parent closes: none is found any more. */
void hl_peer_forget_all(struct hail_socket *parent);
/* A child has been released: what it has counted is its parent's now. */
void hl_peer_gone(struct hail_socket *child);
/* Frees the books of a parent, whatever is in them. */
void hl_peer_fini(struct hail_socket *parent);

#endif
