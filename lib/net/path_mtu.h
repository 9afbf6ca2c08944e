/* SPDX-License-Identifier: MIT */
/* net/path_mtu.h: how wide the way to an address is. */
#ifndef HL_NET_PATH_MTU_H
#define HL_NET_PATH_MTU_H

#include "net/sockopt.h"

/* The MTU of the way that datagrams of `socket_of`, which is bound to `local`
 * and sends multicast by that interface, take to `remote`. -ENOTSUP: it is in
 * another network namespace than this thread; or as the kernel says. */
int hl_path_mtu_find(const struct hl_sockopt_target *socket_of,
		     const struct hail_addr *local,
		     const struct hail_addr *remote,
		     uint32_t multicast_interface, uint32_t *out);

#endif
