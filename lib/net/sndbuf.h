/* SPDX-License-Identifier: MIT */
/*
 * net/sndbuf.h: how much of a socket's send buffer a datagram may take.
 *
 * The kernel accounts not the payload but the memory that it allocates for it.
 * It takes a datagram whenever less than the whole buffer is booked, so what
 * is needed to know that a datagram surely fits is an upper bound of what was
 * booked for those before it.
 */
#ifndef HL_NET_SNDBUF_H
#define HL_NET_SNDBUF_H

#include <stddef.h>

/* An upper bound of what the kernel books for a datagram of `size` bytes,
 * however it is fragmented on links of the least MTU of IPv6 (1280) or more. */
size_t hl_sndbuf_charge(size_t size);

#endif
