/* SPDX-License-Identifier: MIT */
/* net/payload.h: how much a datagram can carry. */
#ifndef HL_NET_PAYLOAD_H
#define HL_NET_PAYLOAD_H

/* The length fields count headers: of IPv4 and UDP, and of UDP alone. */
#define HL_PAYLOAD_MAX_V4 65507
#define HL_PAYLOAD_MAX_V6 65527
/* What a buffer for any of them holds. */
#define HL_PAYLOAD_MAX 65535

#endif
