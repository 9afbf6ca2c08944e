/* SPDX-License-Identifier: MIT */
/* multicast.h: the groups that a socket hears. */
#ifndef HAIL_MULTICAST_H
#define HAIL_MULTICAST_H

#include <hail/addr.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_socket;

/* `interface` is where the group is heard: an index, see hail_interface_find().
 * 0: that of the group's scope, or else the kernel's choice by its routes, made
 * anew at each call: leave as you joined. Ports of groups and sources don't
 * count. A dual-stack socket may join groups of both families, those of IPv4
 * v4-mapped or not. A socket hears just the groups that it joined, not (as
 * Linux has it by default) whatever others on the machine have joined; and none
 * while it is bound to an address of a host: bind it to 0.0.0.0 or "::", or to
 * the group itself. Closing leaves all.
 *
 * Each returns 0 or, with nothing changed,
 *   -EINVAL         the group isn't multicast, the source is or is unspecified,
 *                   they are of different families, a group was joined with
 *                   and without sources, or NULL
 *   -EAFNOSUPPORT   the socket can't reach that family
 *   -ENODEV         no such interface, or the kernel finds none
 *   -EADDRINUSE     joined, or blocked, already
 *   -EADDRNOTAVAIL  not joined, or not blocked: leaving twice
 *   -ENOBUFS        more than net.ipv4.igmp_max_memberships,
 *                   igmp_max_msf (net.ipv6.mld_max_msf) or
 *                   net.core.optmem_max allow
 *   -EBADF, -EPERM  as every call on a socket */

/* Hears whoever sends to the group; and no longer. Leaving also leaves all
 * sources of a group at once, and a group whose interface is gone. */
int hail_multicast_join(struct hail_socket *socket,
			const struct hail_addr *group, uint32_t interface);
int hail_multicast_leave(struct hail_socket *socket,
			 const struct hail_addr *group, uint32_t interface);

/* Hears one source of the group (SSM, RFC 4607); and no longer. */
int hail_multicast_join_source(struct hail_socket *socket,
			       const struct hail_addr *group,
			       const struct hail_addr *source,
			       uint32_t interface);
int hail_multicast_leave_source(struct hail_socket *socket,
				const struct hail_addr *group,
				const struct hail_addr *source,
				uint32_t interface);

/* Of a group that was joined for any source, doesn't hear this one; and hears
 * it again. */
int hail_multicast_block(struct hail_socket *socket,
			 const struct hail_addr *group,
			 const struct hail_addr *source, uint32_t interface);
int hail_multicast_unblock(struct hail_socket *socket,
			   const struct hail_addr *group,
			   const struct hail_addr *source, uint32_t interface);

#ifdef __cplusplus
}
#endif

#endif
