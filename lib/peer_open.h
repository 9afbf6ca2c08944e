/* SPDX-License-Identifier: MIT */
/* peer_open.h: making a child of a socket. */
#ifndef HL_PEER_OPEN_H
#define HL_PEER_OPEN_H

#include "peer.h"

/* Whether it may have a peer for this remote, as far as hail sees. */
int hl_peer_open_check(const struct hail_socket *parent,
		       const struct hail_addr *remote);
int hl_peer_open(struct hail_socket **out, struct hail_socket *parent,
		 const struct hail_addr *remote);

#endif
