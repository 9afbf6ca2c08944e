/* SPDX-License-Identifier: MIT */
/* support/relay.h: a hail socket that sends on, from where they are, the
 * datagrams of trains that a plain socket of this machine sends to it. */
#ifndef TEST_RELAY_H
#define TEST_RELAY_H

#include "support/live.h"

struct relay {
	struct live live;
	struct hail_addr to;
	int from;
	uint32_t next;    /* the number of the next datagram */
	uint32_t refused; /* by hail_send_many() */
};

/* The engine's budget should be no smaller than a train. */
void relay_open(struct relay *relay, struct hail_engine *engine,
		const struct hail_addr *to);
/* The plain socket's end; the hail socket may be closed already. */
void relay_end(struct relay *relay);
/* One train, received and sent on. */
void relay_feed(struct relay *relay, uint16_t size, uint32_t count);
/* Asserts that what came next to a plain socket are these numbers, whole. */
void relay_expect(int fd, uint32_t first, uint32_t count, size_t size);

#endif
