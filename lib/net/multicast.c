/* SPDX-License-Identifier: MIT */
/*
 * net/multicast.c: joining and leaving groups by the options that are the same
 * in both families (MCAST_..., RFC 3678).
 *
 * Of each group a socket has on an interface nothing, all sources but those
 * that are blocked, or only certain ones. Actions that don't fit to what it has
 * the kernel refuses with errors of little meaning; or it takes them: where no
 * source is blocked, joining or leaving one source makes the group heard from
 * any source one that is heard from none but those joined. So it is looked at
 * first what the socket has, and the kernel is asked for nothing that doesn't
 * fit.
 */
#include "net/multicast.h"

#include <errno.h>
#include <string.h>

enum joined { JOINED_NOT, JOINED_ANY, JOINED_SOURCES };

struct rule {
	int name;       /* of the socket option */
	int refused[3]; /* with what, where that is joined; 0: not */
	int known;      /* the source that is already as it should be */
};

static const struct rule rules[] = {
	[HL_MULTICAST_JOIN] = {MCAST_JOIN_GROUP, {0, -EADDRINUSE, -EINVAL}, 0},
	[HL_MULTICAST_LEAVE] = {MCAST_LEAVE_GROUP, {-EADDRNOTAVAIL, 0, 0}, 0},
	[HL_MULTICAST_JOIN_SOURCE] = {MCAST_JOIN_SOURCE_GROUP,
				      {0, -EINVAL, 0},
				      -EADDRINUSE},
	[HL_MULTICAST_LEAVE_SOURCE] = {MCAST_LEAVE_SOURCE_GROUP,
				       {-EADDRNOTAVAIL, -EINVAL, 0},
				       -EADDRNOTAVAIL},
	[HL_MULTICAST_BLOCK] = {MCAST_BLOCK_SOURCE,
				{-EADDRNOTAVAIL, 0, -EINVAL},
				-EADDRINUSE},
	[HL_MULTICAST_UNBLOCK] = {MCAST_UNBLOCK_SOURCE,
				  {-EADDRNOTAVAIL, 0, -EINVAL},
				  -EADDRNOTAVAIL},
};

static void put(struct sockaddr_storage *out, const struct hail_addr *addr)
{
	memcpy(out, addr, sizeof(*addr));
}

static int level_of(const struct hail_addr *group)
{
	return group->sa.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static int set_group(int fd, int name, const struct hail_addr *group,
		     uint32_t interface)
{
	struct group_req request = {.gr_interface = interface};

	put(&request.gr_group, group);
	if (setsockopt(fd, level_of(group), name, &request, sizeof(request)))
		return -errno;
	return 0;
}

static int set_source(int fd, int name, const struct hail_addr *group,
		      const struct hail_addr *source, uint32_t interface)
{
	struct group_source_req request = {.gsr_interface = interface};

	put(&request.gsr_group, group);
	put(&request.gsr_source, source);
	if (setsockopt(fd, level_of(group), name, &request, sizeof(request)))
		return -errno;
	return 0;
}

/* What is joined on that interface, or -ENODEV. The kernel tells it only for an
 * index, which nobody has where the choice is the kernel's. But of the
 * unspecified source, which nobody can have joined or blocked, it says that
 * it isn't among those of the group, if the group was joined in a way that
 * fits. The order matters: the second question would change what any source
 * is heard of. */
static int look(int fd, const struct hail_addr *group, uint32_t interface)
{
	const struct hail_addr nobody = {.sa.sa_family = group->sa.sa_family};
	int err;

	err = set_source(fd, MCAST_UNBLOCK_SOURCE, group, &nobody, interface);
	if (err == -EADDRNOTAVAIL)
		return JOINED_ANY;
	if (err != -EINVAL)
		return err;
	err = set_source(fd, MCAST_LEAVE_SOURCE_GROUP, group, &nobody,
			 interface);
	if (err == -EADDRNOTAVAIL)
		return JOINED_SOURCES;
	return err == -EINVAL ? JOINED_NOT : err;
}

static int ask(int fd, enum hl_multicast_action action,
	       const struct hail_addr *group, const struct hail_addr *source,
	       uint32_t interface)
{
	const struct rule *rule = &rules[action];
	int err;

	if (action == HL_MULTICAST_JOIN || action == HL_MULTICAST_LEAVE)
		err = set_group(fd, rule->name, group, interface);
	else
		err = set_source(fd, rule->name, group, source, interface);
	if (err == -EADDRNOTAVAIL && rule->known)
		return rule->known;
	/* Of the socket's option memory IPv6 says it so, IPv4 the other way. */
	return err == -ENOMEM ? -ENOBUFS : err;
}

int hl_multicast_change(int fd, enum hl_multicast_action action,
			const struct hail_addr *group,
			const struct hail_addr *source, uint32_t interface)
{
	int joined = look(fd, group, interface);
	int err = joined < 0 ? joined : rules[action].refused[joined];

	/* The interface may be gone, and the socket still have the group. */
	if (err == -ENODEV && action == HL_MULTICAST_LEAVE)
		return ask(fd, action, group, source, interface) ? err : 0;
	if (err)
		return err;
	err = ask(fd, action, group, source, interface);
	/* The kernel joins the group first and may then find no memory for the
	 * source. */
	if (err && action == HL_MULTICAST_JOIN_SOURCE && joined == JOINED_NOT)
		set_group(fd, MCAST_LEAVE_GROUP, group, interface);
	return err;
}
