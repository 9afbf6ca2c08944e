/* SPDX-License-Identifier: MIT */
/* multicast.c: the groups that a socket hears: what is asked for is checked
 * here, and done in net/multicast.c. */
#include "net/multicast.h"

#include "socket.h"

#include <hail/multicast.h>

#include <errno.h>

/* As for sending: a socket of IPv4 knows no v4-mapped addresses. */
static int check_group(const struct hail_socket *socket,
		       const struct hail_addr *group)
{
	struct hail_addr plain = *group;

	if (!hail_addr_is_multicast(group))
		return -EINVAL;
	if (socket->local.sa.sa_family != AF_INET6)
		return group->sa.sa_family == AF_INET ? 0 : -EAFNOSUPPORT;
	if (socket->ipv6_only && !hail_addr_unmap(&plain))
		return -EAFNOSUPPORT;
	return 0;
}

/* Both are plain here. */
static int check_source(const struct hail_addr *source,
			const struct hail_addr *group)
{
	if (source->sa.sa_family != group->sa.sa_family ||
	    hail_addr_is_multicast(source) || hail_addr_is_unspecified(source))
		return -EINVAL;
	return 0;
}

/* With `source` NULL, for any source. */
static int change(struct hail_socket *socket, enum hl_multicast_action action,
		  const struct hail_addr *group, const struct hail_addr *source,
		  uint32_t interface)
{
	struct hail_addr to, from;
	int err = group ? hl_socket_check(socket) : -EINVAL;

	if (!err)
		err = check_group(socket, group);
	if (err)
		return err;
	to = *group;
	from = source ? *source : (struct hail_addr){0};
	hail_addr_unmap(&to);
	hail_addr_unmap(&from);
	if (source)
		err = check_source(&from, &to);
	if (err)
		return err;
	if (!interface && to.sa.sa_family == AF_INET6)
		interface = to.v6.sin6_scope_id;
	return hl_multicast_change(socket->fd, action, &to, &from, interface);
}

static int change_source(struct hail_socket *socket,
			 enum hl_multicast_action action,
			 const struct hail_addr *group,
			 const struct hail_addr *source, uint32_t interface)
{
	if (!source)
		return -EINVAL;
	return change(socket, action, group, source, interface);
}

int hail_multicast_join(struct hail_socket *socket,
			const struct hail_addr *group, uint32_t interface)
{
	return change(socket, HL_MULTICAST_JOIN, group, NULL, interface);
}

int hail_multicast_leave(struct hail_socket *socket,
			 const struct hail_addr *group, uint32_t interface)
{
	return change(socket, HL_MULTICAST_LEAVE, group, NULL, interface);
}

int hail_multicast_join_source(struct hail_socket *socket,
			       const struct hail_addr *group,
			       const struct hail_addr *source,
			       uint32_t interface)
{
	return change_source(socket, HL_MULTICAST_JOIN_SOURCE, group, source,
			     interface);
}

int hail_multicast_leave_source(struct hail_socket *socket,
				const struct hail_addr *group,
				const struct hail_addr *source,
				uint32_t interface)
{
	return change_source(socket, HL_MULTICAST_LEAVE_SOURCE, group, source,
			     interface);
}

int hail_multicast_block(struct hail_socket *socket,
			 const struct hail_addr *group,
			 const struct hail_addr *source, uint32_t interface)
{
	return change_source(socket, HL_MULTICAST_BLOCK, group, source,
			     interface);
}

int hail_multicast_unblock(struct hail_socket *socket,
			   const struct hail_addr *group,
			   const struct hail_addr *source, uint32_t interface)
{
	return change_source(socket, HL_MULTICAST_UNBLOCK, group, source,
			     interface);
}
