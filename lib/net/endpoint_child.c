/* SPDX-License-Identifier: MIT */
/*
 * net/endpoint_child.c: sharing a port with a parent, and with nobody else.
 *
 * The kernel lets sockets share a port where each pair of them allows it, by
 * SO_REUSEADDR for whomever or by SO_REUSEPORT for sockets of one user. The
 * children keep the first, for each other, and the parent has the second for
 * just the moment of a child's bind. So the parent, which has every address of
 * its children, keeps strangers out, and in that moment other users too.
 */
#include "net/endpoint_child.h"

#include "net/addr.h"
#include "net/endpoint.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* No interface has it, so what comes by any doesn't come here. */
#define NO_INTERFACE INT_MAX

static int bind_to(int fd, const struct hail_addr *local)
{
	return bind(fd, &local->sa, hl_addr_size(local)) ? -errno : 0;
}

/* Connecting tells which address the kernel sends from; what it set for that is
 * taken back. */
static int find_source(const struct hl_sockopt_target *parent, int child,
		       const struct hail_addr *remote, struct hail_addr *local)
{
	struct hl_sockopt_target target = *parent;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct hail_addr found;
	int err;

	target.fd = child;
	err = hl_endpoint_connect(child, remote, &found);
	if (!err)
		err = hl_endpoint_local(child, &found);
	if (!err && connect(child, &none, sizeof(none)))
		err = -errno;
	/* The interface goes with the connection. */
	if (!err)
		err = hl_sockopt_mirror_binding(parent, &target);
	if (err)
		return err;
	hl_addr_set_port(&found, hail_addr_port(local));
	*local = found;
	return 0;
}

/* Of a parent that is bound to all addresses a child is bound to the one that
 * it sends from. There no broadcast comes, of which the parent has heard
 * already; and connecting doesn't move it to another of the kernel's lists, for
 * who looks through the first just then would end in the second, and find
 * nobody (6.18: the datagram is lost). */
static int find_local(const struct hl_sockopt_target *parent, int child,
		      const struct hail_addr *remote, struct hail_addr *local)
{
	if (!hail_addr_is_unspecified(local))
		return 0;
	return find_source(parent, child, remote, local);
}

int hl_endpoint_child_open(const struct hl_sockopt_target *parent,
			   const struct hail_addr *bound,
			   const struct hail_addr *remote,
			   struct hail_addr *local)
{
	struct hl_sockopt_target child = *parent;
	struct hail_addr found = *bound;
	int err;

	child.fd = socket(parent->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (child.fd < 0)
		return -errno;
	err = hl_sockopt_copy(parent, &child);
	if (!err)
		err = find_local(parent, child.fd, remote, &found);
	if (err) {
		close(child.fd);
		return err;
	}
	*local = found;
	return child.fd;
}

int hl_endpoint_child_bind(int parent, int child, const struct hail_addr *local)
{
	int err = hl_sockopt_set(child, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!err)
		err = hl_sockopt_set(child, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!err)
		err = hl_sockopt_set(parent, SOL_SOCKET, SO_REUSEPORT, 1);
	if (err)
		return err;
	err = bind_to(child, local);
	hl_sockopt_set(parent, SOL_SOCKET, SO_REUSEPORT, 0);
	hl_sockopt_set(child, SOL_SOCKET, SO_REUSEPORT, 0);
	return err;
}

/* Who is bound to an interface may need rights to be bound to another. Then it
 * is connected to itself: what comes from there only the parent could have
 * sent. */
void hl_endpoint_child_hide(int child)
{
	struct hail_addr self;

	if (!hl_sockopt_set(child, SOL_SOCKET, SO_BINDTOIFINDEX, NO_INTERFACE))
		return;
	if (!hl_endpoint_local(child, &self))
		hl_endpoint_connect(child, &self, &self);
}

bool hl_endpoint_child_empty(int child)
{
	struct pollfd look = {.fd = child, .events = POLLIN};

	return poll(&look, 1, 0) <= 0 || !(look.revents & POLLIN);
}
