/* SPDX-License-Identifier: MIT */
/* net/multicast.h: what a descriptor hears of groups. */
#ifndef HL_NET_MULTICAST_H
#define HL_NET_MULTICAST_H

#include <hail/addr.h>

enum hl_multicast_action {
	HL_MULTICAST_JOIN,
	HL_MULTICAST_LEAVE,
	HL_MULTICAST_JOIN_SOURCE,
	HL_MULTICAST_LEAVE_SOURCE,
	HL_MULTICAST_BLOCK,
	HL_MULTICAST_UNBLOCK,
};

/* Changes what `fd` hears of `group` on an interface, 0: of the kernel's
 * choice. The group is multicast, not v4-mapped, and of a family that the
 * descriptor has. `source` is of the same family, and an address that a host
 * can have; joining and leaving for any source don't look at it. Answers as
 * hail/multicast.h says, and changes nothing after an error. */
int hl_multicast_change(int fd, enum hl_multicast_action action,
			const struct hail_addr *group,
			const struct hail_addr *source, uint32_t interface);

#endif
