/* SPDX-License-Identifier: MIT */
/*
 * peer_open.c: making a connected child next to its parent.
 *
 * Between its bind and its connect a child may be given datagrams of anybody,
 * so it is attached to the backend before: whatever comes of it, what it was
 * given is read and handed over.
 */
#include "peer_open.h"

#include "custody.h"
#include "net/addr.h"
#include "net/endpoint.h"
#include "net/endpoint_child.h"
#include "option.h"
#include "peer_table.h"

#include <errno.h>
#include <hail/option.h>
#include <unistd.h>

int hl_peer_open_check(const struct hail_socket *parent,
		       const struct hail_addr *remote)
{
	int err = hl_socket_check(parent);
	uint32_t grouped;

	if (err)
		return err;
	if (hl_socket_connected(parent))
		return -EISCONN;
	err = hl_socket_check_remote(parent, remote);
	if (err)
		return err;
	if (hail_addr_is_multicast(remote) || hail_addr_is_unspecified(remote))
		return -EINVAL;
	/* Between bind and connect a child would hear what others of the group
	 * should, whatever program chooses in it: it stands outside. */
	err = hail_socket_get(parent, HAIL_OPTION_REUSE_PORT, &grouped);
	return !err && grouped ? -ENOTSUP : err;
}

/* As the kernel names it in what it receives: mapped where the socket is of
 * IPv6, and with a scope only where one is needed. */
static struct hail_addr name_of(const struct hail_socket *parent,
				const struct hail_addr *remote)
{
	struct hail_addr name = *remote;

	if (parent->local.sa.sa_family == AF_INET6)
		hail_addr_map(&name);
	if (name.sa.sa_family != AF_INET6)
		return name;
	name.v6.sin6_flowinfo = 0;
	if (!hail_addr_is_link_local(&name))
		name.v6.sin6_scope_id = 0;
	return name;
}

/* What a child has of its parent. Its remote is given to no handler before it
 * is connected: all that it hears then names its own. */
static void inherit(struct hail_socket *child, struct hail_socket *parent)
{
	child->engine = parent->engine;
	child->parent = parent;
	child->pool = parent->pool;
	child->ipv6_only = parent->ipv6_only;
	child->errors = parent->errors;
	child->coalesce = parent->coalesce;
	child->facts = parent->facts;
	child->control_space = parent->control_space;
	child->datagram_max = parent->datagram_max;
	child->peer_used = true;
}

static int attach(struct hail_socket *child)
{
	struct hl_backend *backend = child->engine->backend;
	int err = hl_option_learn_buffers(child);

	if (!err)
		err = hl_custody_take(child->fd, &child->cookie);
	if (err)
		return err;
	err = backend->ops->attach(backend, child->slot, child->fd, child->pool,
				   child->control_space);
	if (err)
		hl_custody_drop(child->cookie);
	return err;
}

/* Attached and bound, or not there at all. */
static int bind_child(struct hail_socket *child)
{
	struct hl_backend *backend = child->engine->backend;
	int err = attach(child);

	if (err)
		return err;
	err = hl_endpoint_child_bind(child->parent->fd, child->fd,
				     &child->local);
	if (err) {
		backend->ops->detach(backend, child->slot);
		hl_custody_drop(child->cookie);
	}
	return err;
}

static int make(struct hail_socket *child, const struct hail_addr *remote)
{
	struct hl_sockopt_target target = hl_option_target(child->parent);
	int err = hl_endpoint_child_open(&target, &child->parent->local, remote,
					 &child->local);

	if (err < 0)
		return err;
	child->fd = err;
	err = bind_child(child);
	if (err)
		close(child->fd);
	return err;
}

/* It is bound. Where it can't be connected it leaves, as one that was closed
 * does. */
static int join(struct hail_socket *child, const struct hail_addr *remote)
{
	int err;

	child->state = HL_SOCKET_OPEN;
	hl_peer_table_link(child);
	err = hl_endpoint_connect(child->fd, remote, &child->remote);
	if (!err)
		err = hl_endpoint_local(child->fd, &child->local);
	if (!err)
		err = hl_peer_table_add(child);
	hl_socket_want_armed(child);
	if (err)
		hl_peer_leave(child);
	return err;
}

int hl_peer_open(struct hail_socket **out, struct hail_socket *parent,
		 const struct hail_addr *given)
{
	struct hail_engine *engine = parent->engine;
	struct hail_addr remote = name_of(parent, given);
	struct hail_socket *child;
	int err;

	if (hl_peer_look(parent, &remote))
		return -EEXIST;
	if (hl_peer_table_reserve(parent))
		return -ENOMEM;
	child = hl_socket_table_take(&engine->sockets);
	if (child) {
		inherit(child, parent);
		err = make(child, &remote);
		if (!err)
			err = join(child, &remote);
		else
			hl_socket_table_drop(&engine->sockets, child);
	} else {
		err = -ENOMEM;
	}
	if (!parent->peers->total)
		hl_peer_fini(parent);
	if (!err)
		*out = child;
	return err;
}
