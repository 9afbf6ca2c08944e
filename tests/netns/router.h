/* SPDX-License-Identifier: MIT */
/* router.h: the far end of a pair as a router, which refuses some networks, and
 * a third namespace behind it. */
#ifndef ROUTER_H
#define ROUTER_H

#include "pair.h"

/* Of the networks behind the router these it has no way to, and these it
 * refuses to reach. */
#define ROUTER_UNREACHABLE_V4 "10.2.1.1"
#define ROUTER_UNREACHABLE_V6 "fd02:1::1"
#define ROUTER_PROHIBITED_V4 "10.2.2.1"
#define ROUTER_PROHIBITED_V6 "fd02:2::1"
#define ROUTER_NO_ROUTE_V4 "10.2.3.1"
#define ROUTER_NO_ROUTE_V6 "fd02:3::1"

#define BEYOND_V4 "10.3.0.2"
#define BEYOND_V6 "fd03::2"

/* It answers each datagram that it refuses, as often as its kernel does. */
void router_start(const struct pair *pair);

/* A namespace beyond the router, by a link of this MTU. */
int router_open_beyond(const struct pair *pair, unsigned mtu);

#endif
