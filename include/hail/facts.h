/* SPDX-License-Identifier: MIT */
/*
 * facts.h: what the kernel tells of a datagram besides its bytes, and what it
 * may be told of a message.
 *
 * Facts of received datagrams are asked for when the socket is opened, by the
 * option `facts`, and read from a datagram when they are wanted. Messages that
 * say nothing special are sent by the calls of datagram.h and pay nothing for
 * what is here.
 */
#ifndef HAIL_FACTS_H
#define HAIL_FACTS_H

#include <hail/addr.h>
#include <hail/datagram.h>
#include <hail/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The local address and the interface that it came to. */
#define HAIL_FACT_LOCAL (1u << 0)
#define HAIL_FACT_TTL (1u << 1)
#define HAIL_FACT_TOS (1u << 2)
/* When the kernel got it; and when the device did, by the device's clock, where
 * it has one that was turned on (ethtool -T, SIOCSHWTSTAMP). The kernel begins
 * to look at its clock a moment after the first socket of the machine has asked
 * for that: what comes before has no time. */
#define HAIL_FACT_TIME (1u << 3)
#define HAIL_FACT_DEVICE_TIME (1u << 4)
/* How many datagrams the kernel had dropped when this one was queued. */
#define HAIL_FACT_DROPS (1u << 5)

#define HAIL_FACT_ALL ((1u << 6) - 1)

/* The ECN field of a TOS, and its values (RFC 3168). */
#define HAIL_ECN(tos) (3u & (tos))
#define HAIL_ECN_NOT_ECT 0u
#define HAIL_ECN_ECT_1 1u
#define HAIL_ECN_ECT_0 2u
#define HAIL_ECN_CE 3u

struct hail_facts {
	size_t size; /* sizeof(struct hail_facts), set by the caller */
	/* HAIL_FACT_...: those of the members below that were told; the others
	 * are zero. */
	uint32_t known;
	uint32_t interface;     /* index of the one that it came by */
	struct hail_addr local; /* where it was sent to, a group's address too;
				 * without the port, which is the socket's */
	uint8_t ttl;
	uint8_t tos;
	/* Of the socket since it was made, modulo 2^32: take differences. The
	 * kernel tells it once it isn't 0. hail_socket_stats() has the whole
	 * sum. */
	uint32_t drops;
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t device_time_ns;
};

/* Reads what was told of a datagram: in the data handler, and for as long as
 * its buffer is retained. 0, also where nothing is known; -EINVAL: NULL, no
 * buffer, or a size of 0; -E2BIG: out->size is above the library's own. The
 * engine's thread. */
int hail_datagram_facts(const struct hail_datagram *datagram,
			struct hail_facts *out);

/* What a message says besides its bytes. Zero says nothing, and the socket's
 * own options count. */
struct hail_message_facts {
	size_t size; /* sizeof(struct hail_message_facts) */

	/* The address that it comes from: one of this machine; the port doesn't
	 * count. And the interface that it leaves by, an index: in IPv6, and
	 * with a source, only among routes of the lowest metric, so say the
	 * interface alone there where another route is preferred. */
	struct hail_addr source;
	uint32_t interface;

	uint32_t tos; /* 1 to 255, HAIL_ZERO: 0 */
	uint32_t ttl; /* 1 to 255 */

	/* Not before this time, by the clock of the socket's option `txtime`.
	 * A queueing discipline must do it: fq, or etf where hardware helps.
	 * Where the interface has neither it leaves at once;
	 * hail_txtime_served() tells. */
	uint64_t txtime_ns;

	/* Has the socket's `sent` handler told when it left, with `tag`; not
	 * for one that never leaves. A socket remembers the 1024 latest
	 * messages that asked, and the kernel holds what it has to tell in the
	 * receive buffer until a turn reads it: what has no room isn't told.
	 * Before Linux 6.13 a message that failed, because of a filter or of a
	 * full buffer, may shift the tags of those behind it. */
	bool timestamp;
	uint64_t tag;
};

/* The compound literal of the facts with `size` filled in. */
#define HAIL_MESSAGE_FACTS(...)                                                \
	((struct hail_message_facts){                                          \
		.size = sizeof(struct hail_message_facts), __VA_ARGS__})

/* As hail_send() and hail_send_many(), with facts. `facts` has one pointer for
 * each message; several may point to the same, and NULL has no facts. They are
 * the caller's again when the call returns. Besides the errors there:
 *   -EINVAL        tos or ttl out of range; txtime_ns or timestamp on a socket
 *                  that was opened without `txtime` or `sent`; a size of 0
 *   -EAFNOSUPPORT  a source of another family than the way to `remote` has
 *   -E2BIG         a member past the library's own size is set
 * What only the kernel can see it says as for any message: -EINVAL (IPv6) or
 * -ENETUNREACH (IPv4) for a source that isn't this machine's, -ENODEV for an
 * interface that isn't there. */
int hail_send_with(struct hail_socket *socket, const void *data, size_t size,
		   const struct hail_addr *remote,
		   const struct hail_message_facts *facts);
ssize_t hail_send_many_with(struct hail_socket *socket,
			    const struct hail_message *messages,
			    const struct hail_message_facts *const *facts,
			    size_t count);

/* When a message left. `data` tells which it was, as in struct hail_error, and
 * is not to be read through. */
struct hail_sent {
	uint64_t tag;            /* as the message had it */
	uint64_t time_ns;        /* CLOCK_REALTIME: given to the device; 0 */
	uint64_t device_time_ns; /* left it, by its own clock; 0: not known */
	struct hail_addr remote;
	const void *data;
	size_t size;
};

/* Whether transmit times are honoured on an interface: 1, it has a queueing
 * discipline that does (fq or etf, anywhere in its tree); 0, it has not, and
 * such messages leave at once. -ENODEV: no such interface; or what asking the
 * kernel failed with. Any thread. */
int hail_txtime_served(uint32_t interface);

#ifdef __cplusplus
}
#endif

#endif
