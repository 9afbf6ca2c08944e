/* SPDX-License-Identifier: MIT */
/* net/endpoint_child.h: descriptors that share the port of another, each
 * connected to a remote of its own. */
#ifndef HL_NET_ENDPOINT_CHILD_H
#define HL_NET_ENDPOINT_CHILD_H

#include "net/sockopt.h"

/* A socket with the options of `parent`, which has the address `bound`; and
 * where it is to be bound, so that it shares the parent's port and sends to
 * `remote`. Returns the descriptor, or a negative errno. */
int hl_endpoint_child_open(const struct hl_sockopt_target *parent,
			   const struct hail_addr *bound,
			   const struct hail_addr *remote,
			   struct hail_addr *local);

/* Binds it next to its parent. After an error nothing has come to it. Until it
 * is connected whatever comes to the port may come here. */
int hl_endpoint_child_bind(int parent, int child,
			   const struct hail_addr *local);

/* From now on nothing comes to it, wherever it is bound and connected to; what
 * has come can still be read. */
void hl_endpoint_child_hide(int child);

/* Whether nothing is left to be read. */
bool hl_endpoint_child_empty(int child);

#endif
