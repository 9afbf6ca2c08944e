/* SPDX-License-Identifier: MIT */
/*
 * socket.c: arming, connecting and closing sockets; opening is in
 * socket_open.c.
 *
 * Closing takes a turn or two: a reception that is armed keeps the port and
 * may still write to buffers, so it is cancelled, its own last completion is
 * awaited, and only then the descriptor is closed.
 */
#include "socket.h"

#include "custody.h"
#include "lend.h"
#include "net/endpoint.h"
#include "net/sockopt.h"
#include "notice.h"
#include "peer.h"
#include "recv.h"
#include "send_drain.h"
#include "send_queue.h"
#include "stamp.h"
#include "stats.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int hl_socket_check(const struct hail_socket *socket)
{
	int err;

	if (!socket || !socket->engine)
		return -EINVAL;
	err = hl_core_check(socket->engine);
	if (err)
		return err;
	return socket->state == HL_SOCKET_OPEN ? 0 : -EBADF;
}

void hl_socket_want_armed(struct hail_socket *socket)
{
	hl_list_append_once(&socket->engine->arming, &socket->arming);
	hl_core_touch(socket->engine);
}

/* What should be armed. */
static unsigned wish(struct hail_socket *socket)
{
	const struct hail_socket *owner = hl_socket_owner(socket);
	unsigned what = 0;

	if (socket->state == HL_SOCKET_CLOSING || socket->ended)
		return 0;
	if (socket->state == HL_SOCKET_OPEN && owner->handlers.data &&
	    !socket->deaf)
		what |= HL_ARM_RECEIVE;
	if (hl_socket_notices(socket))
		what |= HL_ARM_ERROR;
	if (socket->full)
		what |= HL_ARM_WRITABLE;
	return what;
}

/* Makes what is armed what should be, in one respect. What is just being
 * disarmed is looked at again when it has ended. */
static int arm(struct hail_socket *socket, uint8_t what)
{
	struct hl_backend *backend = socket->engine->backend;
	bool wanted = wish(socket) & what;
	int err = 0;

	if (wanted && !(socket->armed & what)) {
		err = backend->ops->arm(backend, socket->slot, what);
		if (!err)
			socket->armed |= what;
	} else if (!wanted && socket->armed & what &&
		   !(socket->disarming & what)) {
		err = backend->ops->disarm(backend, socket->slot, what);
		if (!err)
			socket->disarming |= what;
	}
	return err;
}

int hl_socket_arm_all(struct hail_engine *engine)
{
	while (!hl_list_empty(&engine->arming)) {
		struct hail_socket *socket = hl_list_entry(
			engine->arming.next, struct hail_socket, arming);
		int err = arm(socket, HL_ARM_ERROR);

		if (!err)
			err = arm(socket, HL_ARM_RECEIVE);
		if (!err)
			err = arm(socket, HL_ARM_WRITABLE);
		/* No memory to submit anything: the next turn tries again. */
		if (err)
			return err == -EBUSY ? 0 : err;
		hl_list_unlink(&socket->arming);
	}
	return 0;
}

void hl_socket_writable(struct hail_socket *socket, int events)
{
	struct hail_error told = {
		.kind = HAIL_ERROR_REMOTE,
		.remote = socket->remote,
	};
	int error = 0;

	socket->armed &= (uint8_t)~HL_ARM_WRITABLE;
	socket->disarming &= (uint8_t)~HL_ARM_WRITABLE;
	/* An error that nobody takes would make it look writable for ever. */
	if (events > 0 && events & POLLERR)
		error = hl_sockopt_take_error(socket->fd);
	if (error && !socket->errors && socket->state == HL_SOCKET_OPEN) {
		told.code = -error;
		hl_failure_report(hl_socket_owner(socket), &told);
	}
	socket->full = false;
	hl_send_queue_unblock(hl_socket_owner(socket));
}

void hl_socket_back_off(struct hail_socket *socket, int error)
{
	struct hail_engine *engine = socket->engine;

	if (hl_list_empty(&engine->backoff)) {
		engine->backoff_end = hl_core_now(engine) + HL_BACKOFF_NS;
		hl_log_put_off(socket, error);
	}
	hl_list_append_once(&engine->backoff, &socket->backoff);
	hl_core_touch(engine);
}

void hl_socket_end_backoff(struct hail_engine *engine)
{
	if (hl_core_now(engine) < engine->backoff_end)
		return;
	while (!hl_list_empty(&engine->backoff)) {
		struct hail_socket *socket = hl_list_entry(
			engine->backoff.next, struct hail_socket, backoff);

		hl_list_unlink(&socket->backoff);
		if (hl_list_empty(&socket->waiting))
			socket->deaf = false;
		if (socket->blocked)
			hl_send_queue_unblock(socket);
		hl_socket_want_armed(socket);
	}
}

/* Of what comes from without, nothing is wanted any more. (The error queue of
 * one that lingers is emptied all the same: while it isn't empty the kernel has
 * each poll for writability end at once.) */
static void hear_no_more(struct hail_socket *socket)
{
	if (socket->unrefd)
		socket->engine->keepers++; /* the close handler must run */
	socket->unrefd = false;
	hl_recv_close(socket);
	hl_send_drain_forget(socket);
	hl_socket_want_armed(socket);
}

static void start_closing(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;
	struct hail_socket *child = NULL;

	/* What is in flight leaves by the socket itself. */
	hl_peer_forget_all(socket);
	while ((child = hl_peer_next(socket, child)))
		if (child->state != HL_SOCKET_CLOSING)
			start_closing(child);
	socket->state = HL_SOCKET_CLOSING;
	hear_no_more(socket);
	hl_notice_forget(socket);
	hl_send_queue_close(socket);
	hl_failure_forget(socket);
	hl_list_unlink(&socket->backoff);
	hl_list_unlink(&socket->life); /* of a child that leaves */
	hl_list_append(&engine->closing, &socket->life);
}

int hail_socket_close(struct hail_socket *socket)
{
	int err = hl_socket_check(socket);

	if (!err || (err == -EBADF && socket->state == HL_SOCKET_LINGERING))
		start_closing(socket);
	return err == -EBADF ? 0 : err;
}

static void linger_no_longer(struct hail_timer *timer, void *user)
{
	struct hail_socket *socket = user;

	(void)timer;
	/* It may be closing already. */
	if (socket->state == HL_SOCKET_LINGERING)
		start_closing(socket);
}

/* Messages, or errors of messages that were not told yet. */
static bool has_unsettled(const struct hail_socket *socket)
{
	return socket->in_flight || !hl_list_empty(&socket->failures);
}

/* A child still sends for its parent. */
static void start_lingering(struct hail_socket *socket)
{
	socket->state = HL_SOCKET_LINGERING;
	hear_no_more(socket);
}

int hail_socket_close_linger(struct hail_socket *socket, int64_t timeout_ns)
{
	struct hail_socket *child = NULL;
	int err = hl_socket_check(socket);

	if (err)
		return err;
	if (!timeout_ns || !has_unsettled(socket)) {
		start_closing(socket);
		return 0;
	}
	if (timeout_ns > 0) {
		err = hail_timer_create(&socket->linger, socket->engine,
					linger_no_longer, socket);
		if (err)
			return err;
		hail_timer_start(socket->linger, (uint64_t)timeout_ns, 0);
	}
	start_lingering(socket);
	while ((child = hl_peer_next(socket, child)))
		start_lingering(child);
	return 0;
}

void hl_socket_settle(struct hail_socket *socket)
{
	if (socket->state == HL_SOCKET_LINGERING && !has_unsettled(socket))
		start_closing(socket);
}

/* The descriptor goes, and the port with it. */
static void release(struct hail_socket *socket)
{
	struct hl_backend *backend = socket->engine->backend;

	if (socket->parent)
		hl_stats_count_drops(socket);
	hl_list_unlink(&socket->arming);
	hl_stamp_fini(socket);
	hl_lend_forget(socket);
	hail_timer_destroy(socket->linger);
	socket->linger = NULL;
	backend->ops->detach(backend, socket->slot);
	hl_custody_drop(socket->cookie);
	close(socket->fd);
	socket->fd = -1;
}

/* A parent guards the port of its children: it is the last to go. */
static bool busy(const struct hail_socket *socket)
{
	return socket->armed || socket->in_flight || socket->queued ||
	       socket->peers;
}

void hl_socket_finish_closing(struct hail_engine *engine)
{
	struct hl_list *link = engine->closing.next;

	while (link != &engine->closing) {
		struct hail_socket *socket =
			hl_list_entry(link, struct hail_socket, life);

		link = link->next;
		if (busy(socket))
			continue;
		release(socket);
		hl_list_unlink(&socket->life);
		if (socket->parent)
			hl_peer_gone(socket);
		else
			hl_list_append(&engine->closed, &socket->life);
	}
}

uint32_t hl_socket_tell_closed(struct hail_engine *engine)
{
	uint32_t told = 0;

	while (!hl_list_empty(&engine->closed)) {
		struct hail_socket *socket = hl_list_entry(
			engine->closed.next, struct hail_socket, life);

		hl_list_unlink(&socket->life);
		if (socket->handlers.close)
			socket->handlers.close(socket);
		hl_stats_add(&engine->gone, &socket->traffic);
		hl_socket_table_drop(&engine->sockets, socket);
		engine->keepers--;
		told++;
	}
	return told;
}

void hl_socket_abandon_all(struct hail_engine *engine)
{
	uint32_t size = hl_socket_table_size(&engine->sockets);

	for (uint32_t slot = 0; slot < size; slot++) {
		struct hail_socket *socket =
			hl_socket_table_at(&engine->sockets, slot);

		if (socket->state == HL_SOCKET_OPEN ||
		    socket->state == HL_SOCKET_LINGERING)
			start_closing(socket);
		hl_send_queue_cancel(socket);
		socket->handlers = (struct hail_handlers){0};
	}
}

void hl_socket_close_descriptors(struct hail_engine *engine)
{
	uint32_t size = hl_socket_table_size(&engine->sockets);

	for (uint32_t slot = 0; slot < size; slot++) {
		struct hail_socket *socket =
			hl_socket_table_at(&engine->sockets, slot);

		if (socket->state == HL_SOCKET_FREE || socket->fd < 0)
			continue;
		hl_peer_fini(socket);
		hl_stamp_fini(socket);
		hl_custody_drop(socket->cookie);
		close(socket->fd);
	}
}

int hl_socket_check_remote(const struct hail_socket *socket,
			   const struct hail_addr *remote)
{
	struct hail_socket_options options = {
		.local = socket->local,
		.ipv6_only = socket->ipv6_only,
	};

	if (!remote || remote->sa.sa_family == AF_UNSPEC)
		return -EINVAL;
	options.remote = *remote;
	return hl_endpoint_check(&options);
}

/* What is in flight keeps its remote. */
static int adopt_remote(struct hail_socket *socket,
			const struct hail_addr *remote)
{
	hl_send_queue_pin(socket);
	socket->remote = *remote;
	return hl_endpoint_local(socket->fd, &socket->local);
}

/* The kernel chooses a source address only for a socket that isn't connected
 * yet. Where the new remote can't be had, the old one is taken again; where
 * neither can, there is none. */
static int reconnect(struct hail_socket *socket, const struct hail_addr *remote,
		     struct hail_addr *out)
{
	struct hail_addr again;
	int err = hl_endpoint_disconnect(socket->fd);

	if (!err)
		err = hl_endpoint_connect(socket->fd, remote, out);
	if (!err)
		return 0;
	if (hl_endpoint_connect(socket->fd, &socket->remote, &again))
		again = (struct hail_addr){0};
	adopt_remote(socket, &again);
	return err;
}

int hail_socket_connect(struct hail_socket *socket,
			const struct hail_addr *remote)
{
	struct hail_addr connected;
	int err = hl_socket_check(socket);

	if (!err)
		err = hl_socket_check_remote(socket, remote);
	if (!err && hl_peer_count(socket))
		err = -EBUSY;
	if (err)
		return err;
	if (hl_socket_connected(socket))
		err = reconnect(socket, remote, &connected);
	else
		err = hl_endpoint_connect(socket->fd, remote, &connected);
	return err ? err : adopt_remote(socket, &connected);
}

int hail_socket_disconnect(struct hail_socket *socket)
{
	int err = hl_socket_check(socket);
	int failed;

	if (err)
		return err;
	if (!hl_socket_connected(socket))
		return -ENOTCONN;
	err = hl_endpoint_disconnect(socket->fd);
	/* It may be disconnected, and its port lost. */
	if (err && hl_endpoint_connected(socket->fd))
		return err;
	failed = adopt_remote(socket, &(struct hail_addr){0});
	return err ? err : failed;
}

int hail_socket_local(const struct hail_socket *socket, struct hail_addr *out)
{
	int err = out ? hl_socket_check(socket) : -EINVAL;

	if (!err)
		*out = socket->local;
	return err;
}

int hail_socket_remote(const struct hail_socket *socket, struct hail_addr *out)
{
	int err = out ? hl_socket_check(socket) : -EINVAL;

	if (!err && !hl_socket_connected(socket))
		err = -ENOTCONN;
	if (!err)
		*out = socket->remote;
	return err;
}

void *hail_socket_user(const struct hail_socket *socket)
{
	return socket ? socket->user : NULL;
}

struct hail_engine *hail_socket_engine(const struct hail_socket *socket)
{
	return socket ? socket->engine : NULL;
}

static void resume(struct hail_socket *socket)
{
	hl_recv_resume(socket);
	hl_socket_want_armed(socket);
}

int hail_socket_set_handlers(struct hail_socket *socket,
			     const struct hail_handlers *handlers)
{
	int err = handlers ? hl_socket_check(socket) : -EINVAL;
	struct hail_socket *child = NULL;
	bool turned;

	if (err)
		return err;
	turned = !socket->handlers.data != !handlers->data;
	socket->handlers = *handlers;
	resume(socket);
	while (turned && (child = hl_peer_next(socket, child)))
		resume(child);
	return 0;
}

static int set_unrefd(struct hail_socket *socket, bool unrefd)
{
	int err = hl_socket_check(socket);

	if (err || socket->unrefd == unrefd)
		return err;
	socket->unrefd = unrefd;
	if (unrefd)
		socket->engine->keepers--;
	else
		socket->engine->keepers++;
	return 0;
}

int hail_socket_ref(struct hail_socket *socket)
{
	return set_unrefd(socket, false);
}

int hail_socket_unref(struct hail_socket *socket)
{
	return set_unrefd(socket, true);
}
