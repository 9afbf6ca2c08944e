/* SPDX-License-Identifier: MIT */
/*
 * net/txtime.h: what the kernel tells of the queueing disciplines that hold a
 * datagram back until its transmit time. A pure function over bytes.
 */
#ifndef HL_NET_TXTIME_H
#define HL_NET_TXTIME_H

#include <stddef.h>
#include <stdint.h>

enum hl_txtime_answer {
	HL_TXTIME_MORE,   /* none so far, and another answer follows */
	HL_TXTIME_SERVED, /* there is one on the interface */
	HL_TXTIME_END,    /* none so far, and this was the last answer */
};

/* Reads one answer to a dump of queueing disciplines (rtnetlink), which may
 * tell of all interfaces. Returns one of the above, the negative errno that the
 * kernel answered, or -EBADMSG: it is cut or forged. Never reads past `size`;
 * the bytes need not be aligned. */
int hl_txtime_parse(const void *answer, size_t size, uint32_t interface);

#endif
