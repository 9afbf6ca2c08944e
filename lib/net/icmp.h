/* SPDX-License-Identifier: MIT */
/* net/icmp.h: the errnos that the network's answers arrive as. */
#ifndef HL_NET_ICMP_H
#define HL_NET_ICMP_H

#include <stdbool.h>

/* Whether an ICMP message may be what is behind it. The kernel has it fail the
 * next call on the socket, whatever that is about. */
bool hl_icmp_may_be(int error);

#endif
