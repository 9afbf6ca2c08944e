/* SPDX-License-Identifier: MIT */
/*
 * pair.h: two network namespaces with a link between them, for one test. The
 * test and its engine are in the near one; in the far one are plain sockets.
 * Their interfaces are "near" and "far".
 */
#ifndef PAIR_H
#define PAIR_H

#include "support/far.h"
#include "support/live.h"
#include "support/network.h"
#include "support/numbered.h"

#define NEAR_V4 "10.1.0.1"
#define FAR_V4 "10.1.0.2"
#define NEAR_V6 "fd01::1"
#define FAR_V6 "fd01::2"
#define NEAR_MAC "02:00:00:00:00:01"
#define FAR_MAC "02:00:00:00:00:02"
#define NEAR_LINK_LOCAL "fe80::ff:fe00:1"
#define FAR_LINK_LOCAL "fe80::ff:fe00:2"

struct pair {
	int near, far;
	struct hail_engine *engine;
};

/* Skips the test where there are no networks to be had or one of the tools,
 * besides ip, is missing (a list with NULL at its end, or NULL). Options as
 * live_engine(). */
void pair_start(struct pair *pair, const struct hail_engine_options *options,
		const char *const *tools);
void pair_end(struct pair *pair);

/* Asserts that a line of shell ends well in a namespace. */
#define pair_run(network, ...)                                                 \
	cr_assert_eq(network_run(network, __VA_ARGS__), 0, __VA_ARGS__)

/* The link's two ends were set up: waits until it carries. */
void pair_await(const struct pair *pair);

/* From now on nothing leaves the near end for 10.1.0.2: nobody says which the
 * hardware's address is, and packets wait for that, booked in the send buffers.
 * Then it is said, and they all go; or it is given up, and they are dropped. */
void pair_stick(const struct pair *pair);
void pair_unstick(const struct pair *pair);
void pair_give_up(const struct pair *pair);

/* An ICMP error of this type and code comes to the near end, for a datagram
 * that `local` is said to have sent to `remote`, both IPv4. */
void pair_forge(const struct hail_addr *local, const struct hail_addr *remote,
		uint8_t type, uint8_t code);
/* The same: "fragmentation needed", with this MTU. */
void pair_forge_mtu(const struct hail_addr *local,
		    const struct hail_addr *remote, uint16_t mtu);

/* A plain socket in the far namespace, and where it is. */
int pair_far(const struct pair *pair, const char *ip, uint16_t port,
	     struct hail_addr *out);

/* The far end becomes a router, behind which there is a narrower link, of this
 * MTU: a plain socket at its end, and where it is. IPv4. */
#define PAIR_NARROW "1000"
int pair_narrow(const struct pair *pair, struct hail_addr *out);

/* What came to a plain socket, by stream. */
#define PAIR_STREAMS 2
struct arrivals {
	uint32_t count[PAIR_STREAMS];
	uint32_t next[PAIR_STREAMS]; /* after the highest that came */
	uint32_t disorder;           /* came after a later one, or twice */
	uint32_t corrupt;            /* not a numbered datagram, or damaged */
	uint64_t bytes;
	uint64_t last_ns; /* CLOCK_REALTIME when the last one came */
};

/* Sends a mark to the socket by the way that the datagrams have taken, where
 * order is kept, and reads all that comes before it: so what is missing then
 * is lost. */
void pair_read_all(int fd, const struct hail_addr *at,
		   struct arrivals *arrivals);
/* Reads until so many have come, up to a deadline. */
void pair_read(int fd, uint32_t count, struct arrivals *arrivals);

#endif
