/* SPDX-License-Identifier: MIT */
/* net/sndbuf.c: the arithmetic of skb->truesize, always rounded up: too high a
 * charge costs a question to the kernel, too low a one costs the order. */
#include "net/sndbuf.h"

/* What an skb costs besides its head: struct sk_buff, in whole cache lines. */
#define SKB_SIZE 256
/* What lies in the head besides the payload: struct skb_shared_info (320), the
 * headers of IPv6, fragment and UDP (56), Ethernet's (32 as reserved), and the
 * rest for devices that want more room, such as tunnels. 576 is the most that
 * lets 1472 bytes, the payload of Ethernet's MTU, still count 2048. */
#define HEAD_OVERHEAD 576
/* The smallest head that is counted; the kernel's own small ones are of 640 or
 * 704 bytes. */
#define HEAD_MIN 1024

/* Payload of a packet of 1280 bytes: more may be cut into two. */
#define WHOLE_MAX 1232
/* Up to here the second piece, of 1472 + 8 - 1232 bytes, is small. */
#define PAIR_MAX 1472
#define PAIR_CHARGE (SKB_SIZE + 2048 + SKB_SIZE + 1024)

/* Fragments cost most where an MTU makes a head just too large for 2048 bytes,
 * so that it takes 4096: with the overhead above, from 1496 bytes of payload
 * (a multiple of 8, as fragments are). Measured at an MTU of 1700: 167680 for
 * 65507 bytes, against 102656 at 1500 and 123392 at 1280. */
#define FRAGMENT_SIZE 1496
#define FRAGMENT_CHARGE (SKB_SIZE + 4096)
#define UDP_HEADER_SIZE 8

/* kmalloc() rounds up to powers of two. */
static size_t charge_linear(size_t size)
{
	size_t head = HEAD_MIN;

	while (head < size + HEAD_OVERHEAD)
		head *= 2;
	return SKB_SIZE + head;
}

static size_t charge_fragmented(size_t size)
{
	size_t fragments =
		(size + UDP_HEADER_SIZE + FRAGMENT_SIZE - 1) / FRAGMENT_SIZE;

	return fragments * FRAGMENT_CHARGE;
}

size_t hl_sndbuf_charge(size_t size)
{
	size_t linear, fragmented;

	if (size <= WHOLE_MAX)
		return charge_linear(size);
	if (size <= PAIR_MAX)
		return PAIR_CHARGE;
	linear = charge_linear(size);
	fragmented = charge_fragmented(size);
	return linear > fragmented ? linear : fragmented;
}
