/* SPDX-License-Identifier: MIT */
/* peer.c: the children of a socket from the outside, and their leaving. */
#include "peer.h"

#include "core.h"
#include "net/endpoint_child.h"
#include "notice.h"
#include "peer_open.h"
#include "peer_table.h"
#include "recv.h"
#include "send_queue.h"
#include "stats.h"
#include "train.h"

#include <errno.h>

/* To its user a child is a struct of its own. */
static struct hail_peer *peer_of(struct hail_socket *child)
{
	return (struct hail_peer *)child;
}

static struct hail_socket *child_of(const struct hail_peer *peer)
{
	return (struct hail_socket *)(uintptr_t)peer;
}

static int check(const struct hail_socket *child)
{
	int err = hl_socket_check(child);

	if (err)
		return err;
	return child->parent && !child->leaving ? 0 : -EBADF;
}

struct hail_socket *hl_peer_look(const struct hail_socket *parent,
				 const struct hail_addr *remote)
{
	if (!hl_peer_count(parent))
		return NULL;
	return hl_peer_find(parent->peers, remote,
			    hl_train_hash(parent->engine, remote));
}

/* Those that leave go on in two steps, so that each waits out a whole period at
 * least. */
static void wait_to_leave(struct hail_socket *child)
{
	struct hail_engine *engine = child->engine;

	if (hl_list_empty(&engine->leaving) && hl_list_empty(&engine->left))
		engine->leave_end = hl_core_now(engine) + HL_PEER_GRACE_NS;
	hl_list_append(&engine->leaving, &child->life);
	hl_core_touch(engine);
}

void hl_peer_leave(struct hail_socket *child)
{
	hl_peer_table_remove(child);
	hl_endpoint_child_hide(child->fd);
	child->leaving = true;
	wait_to_leave(child);
	hl_socket_want_armed(child);
	/* What waited for room in its send buffer goes by the parent's. */
	if (child->full)
		hl_send_queue_unblock(child->parent);
	child->full = false;
}

/* Nothing comes to it any more. It is released when all that has come was
 * handed over. */
static void end(struct hail_socket *child)
{
	child->ended = true;
	hl_list_unlink(&child->life);
	hl_list_append(&child->engine->closing, &child->life);
	hl_socket_want_armed(child);
}

/* Its parent takes no data, and hasn't for so long that it may never again:
 * what came is dropped then. */
static bool given_up(struct hail_socket *child)
{
	const struct hail_socket *parent = child->parent;

	if (parent->state == HL_SOCKET_OPEN && parent->handlers.data) {
		child->tended = 0;
		return false;
	}
	if (++child->tended < HL_PEER_PATIENCE)
		return false;
	hl_recv_close(child);
	return true;
}

void hl_peer_tend(struct hail_engine *engine)
{
	struct hl_list due;

	if (hl_core_now(engine) < engine->leave_end)
		return;
	engine->leave_end = hl_core_now(engine) + HL_PEER_GRACE_NS;
	hl_list_init(&due);
	hl_list_splice(&due, &engine->left);
	hl_list_splice(&engine->left, &engine->leaving);
	while (!hl_list_empty(&due)) {
		struct hail_socket *child =
			hl_list_entry(due.next, struct hail_socket, life);

		hl_list_unlink(&child->life);
		if (hl_endpoint_child_empty(child->fd) || given_up(child))
			end(child);
		else
			hl_list_append(&engine->left, &child->life);
	}
}

void hl_peer_gone(struct hail_socket *child)
{
	struct hail_socket *parent = child->parent;

	hl_recv_close(child);
	hl_notice_forget(child);
	hl_list_unlink(&child->backoff);
	hl_stats_add(&parent->traffic, &child->traffic);
	parent->peer_drops += child->kernel_drops;
	hl_peer_table_unlink(child);
	if (!parent->peers->total)
		hl_peer_fini(parent);
	hl_socket_table_drop(&child->engine->sockets, child);
}

int hail_peer_open(struct hail_peer **out, struct hail_socket *socket,
		   const struct hail_addr *remote)
{
	int err = out ? hl_peer_open_check(socket, remote) : -EINVAL;
	struct hail_socket *child;

	if (!err)
		err = hl_peer_open(&child, socket, remote);
	if (!err)
		*out = peer_of(child);
	return err;
}

int hail_peer_close(struct hail_peer *peer)
{
	struct hail_socket *child = child_of(peer);
	int err = check(child);

	if (!err)
		hl_peer_leave(child);
	return err == -EBADF ? 0 : err;
}

int hail_peer_close_idle(struct hail_socket *socket)
{
	struct hail_socket *child, *next;
	int err = hl_socket_check(socket);
	int count = 0;

	if (err)
		return err;
	for (child = hl_peer_next(socket, NULL); child; child = next) {
		next = hl_peer_next(socket, child);
		if (child->leaving)
			continue;
		if (!child->peer_used && !child->queued) {
			hl_peer_leave(child);
			count++;
		}
		child->peer_used = false;
	}
	return count;
}

struct hail_peer *hail_peer_find(const struct hail_socket *socket,
				 const struct hail_addr *remote)
{
	if (!remote || hl_socket_check(socket))
		return NULL;
	return peer_of(hl_peer_look(socket, remote));
}

int hail_peer_remote(const struct hail_peer *peer, struct hail_addr *out)
{
	int err = out ? check(child_of(peer)) : -EINVAL;

	if (!err)
		*out = child_of(peer)->remote;
	return err;
}

struct hail_socket *hail_peer_socket(const struct hail_peer *peer)
{
	return peer ? child_of(peer)->parent : NULL;
}
