/* SPDX-License-Identifier: MIT */
/* peer_table.h: the books of a parent: which children it has. */
#ifndef HL_PEER_TABLE_H
#define HL_PEER_TABLE_H

#include "peer.h"

/* Makes room for one more child, and the books with the first. -ENOMEM. */
int hl_peer_table_reserve(struct hail_socket *parent);
/* Adds the child to all, and takes it away. With the last the books go. */
void hl_peer_table_link(struct hail_socket *child);
void hl_peer_table_unlink(struct hail_socket *child);
/* Has it found by its remote, for which there must be room; -EEXIST. */
int hl_peer_table_add(struct hail_socket *child);
/* Has it not found any more; false: it wasn't. */
bool hl_peer_table_remove(struct hail_socket *child);

#endif
