/* SPDX-License-Identifier: MIT */
/* net/gro.h: a coalesced reception cut up into the datagrams that it was. A
 * pure function. */
#ifndef HL_NET_GRO_H
#define HL_NET_GRO_H

#include <hail/datagram.h>

/* Writes the datagrams of `whole`, pieces of `segment` bytes of which the last
 * may be shorter (0: one piece), from `*offset` on: at most `capacity` of them;
 * returns how many, and moves `*offset` behind them. The last has been written
 * when it is no less than whole->size. `datagram_max` cuts and flags each (0:
 * none is). */
uint32_t hl_gro_split(struct hail_datagram *out, uint32_t capacity,
		      const struct hail_datagram *whole, size_t segment,
		      size_t datagram_max, size_t *offset);

/* How many datagrams `size` bytes in pieces of `segment` are (0: one). */
uint32_t hl_gro_count(size_t size, size_t segment);

#endif
