/* SPDX-License-Identifier: MIT */
/*
 * send_check.c: destination, size, and room in the send buffer.
 *
 * The kernel tells by -EAGAIN that a send buffer is full, but of a batch it
 * may take a later message after it refused an earlier one, since some room
 * came free between. Order would be lost. So no more is submitted than surely
 * fits: what the buffer holds is asked for (SIOCOUTQ), an upper bound is
 * booked for each message, and when the room is used up the kernel is asked
 * again. What is outstanding only shrinks by itself, so an answer stays good.
 */
#include "send_check.h"

#include "net/addr.h"
#include "net/icmp.h"
#include "net/payload.h"
#include "net/sndbuf.h"
#include "train.h"

/* One ICMP message fails one send, so the second attempt is good unless another
 * came in the very moment; what is the message's own fault fails each time. A
 * size leaves a record at each attempt (echo.h), so it is tried once more
 * only. */
#define HL_ATTEMPTS_MAX 4
#define HL_ATTEMPTS_MAX_SIZE 2

static int check_remote(const struct hail_socket *socket,
			const struct hail_addr *remote)
{
	if (hl_socket_connected(socket))
		return -EISCONN;
	switch (remote->sa.sa_family) {
	case AF_INET:
		if (socket->ipv6_only)
			return -EAFNOSUPPORT;
		break;
	case AF_INET6:
		if (socket->local.sa.sa_family != AF_INET6 ||
		    (socket->ipv6_only && hl_addr_is_v4(remote)))
			return -EAFNOSUPPORT;
		break;
	default:
		return -EAFNOSUPPORT;
	}
	/* The port is at the same place in both families. */
	return remote->v4.sin_port ? 0 : -EINVAL;
}

int hl_send_check_message(const struct hail_socket *socket,
			  const struct hail_message *message)
{
	const struct hail_addr *remote = message->remote;
	int err;

	if (!message->data && message->size)
		return -EINVAL;
	if (remote) {
		err = check_remote(socket, remote);
		if (err)
			return err;
	} else if (!hl_socket_connected(socket)) {
		return -EDESTADDRREQ;
	} else {
		remote = &socket->remote;
	}
	if (message->size > HL_PAYLOAD_MAX_V4 &&
	    (hl_addr_is_v4(remote) || message->size > HL_PAYLOAD_MAX_V6))
		return -EMSGSIZE;
	return 0;
}

void hl_send_check_ask(struct hail_socket *socket)
{
	struct hl_backend *backend = socket->engine->backend;
	int64_t outstanding;

	socket->round = socket->engine->flight.round;
	/* Asked while half of it is left, a batch seldom has to stop in its
	 * middle to ask. */
	if (socket->room > (int64_t)socket->send_buffer / 2)
		return;
	outstanding = backend->ops->outstanding(backend, socket->slot);
	if (outstanding < 0)
		outstanding = 0; /* then the kernel will tell */
	socket->room = (int64_t)socket->send_buffer - outstanding;
}

bool hl_send_check_futile(const struct hail_socket *by, size_t size, int error)
{
	struct hl_backend *backend = by->engine->backend;

	return error == -ENOBUFS &&
	       hl_sndbuf_charge(size) > 2 * (size_t)by->send_buffer &&
	       backend->ops->outstanding(backend, by->slot) == 0;
}

bool hl_send_check_retry(struct hail_socket *socket, uint32_t index,
			 const struct hail_message *message, int error,
			 unsigned attempts)
{
	const struct hl_flight *flight = &socket->engine->flight;
	const struct hail_socket *by = hl_train_by(socket, index);
	unsigned most =
		error == -EMSGSIZE ? HL_ATTEMPTS_MAX_SIZE : HL_ATTEMPTS_MAX;

	if (!hl_icmp_may_be(error) || attempts + 1 >= most)
		return false;
	/* A peer hears of its remote's ICMP what its socket wouldn't: that
	 * shall cost nothing. It can be sent again unless a later one has left.
	 */
	if (by != socket ? flight->overtaken[index]
			 : !hl_send_check_careful(socket))
		return false;
	socket->traffic.retried++;
	if (error == -EMSGSIZE && socket->state != HL_SOCKET_CLOSING)
		hl_echo_expect(by, message->remote);
	return true;
}
