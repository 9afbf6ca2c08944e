/* SPDX-License-Identifier: MIT */
/* datagram.h: what was received, what is to be sent, and sending it. */
#ifndef HAIL_DATAGRAM_H
#define HAIL_DATAGRAM_H

#include <hail/addr.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_buffer;
struct hail_socket;

/* The datagram was longer than the socket takes: `size` bytes are here,
 * `true_size` were sent. */
#define HAIL_DATAGRAM_TRUNCATED (1u << 0)
/* It came together with others of its sender and size as one piece, cut up
 * again by hail: not with HAIL_COALESCE_OFF. They share a buffer. */
#define HAIL_DATAGRAM_COALESCED (1u << 1)

/* One received datagram. It and the memory behind `data` belong to the engine
 * and live until the data handler returns; hail_buffer_retain() keeps the
 * memory (not this struct) for longer. A datagram of zero bytes is a datagram:
 * `data` is then not NULL, but nothing may be read there. */
struct hail_datagram {
	const void *data;
	size_t size;                /* bytes that are here */
	struct hail_buffer *buffer; /* what holds `data`: see buffer.h */
	struct hail_addr remote;    /* who sent it */
	uint32_t flags;             /* HAIL_DATAGRAM_... */
	uint32_t true_size;         /* bytes that were sent */
};

/* One datagram to be sent. The caller keeps `data` and `remote`; hail is done
 * with both when the call that was given the message returns. `data` may be
 * NULL where `size` is 0. `remote` is NULL on a connected socket and only
 * there. */
struct hail_message {
	const void *data;
	size_t size;
	const struct hail_addr *remote;
};

/* Sends one datagram.
 *
 * 0: taken. `data` is the caller's again at once: either the kernel has the
 * datagram, or hail holds a copy (or a reference, where `data` lies in a
 * buffer of this engine that the caller has retained or is just being handed)
 * and it is in flight.
 * -EAGAIN: backpressure, a normal answer. Not taken; send it again after the
 * drain handler was called, which happens once.
 * Any other error: this datagram can't be sent, and nothing was.
 *   -EMSGSIZE      longer than 65507 bytes (IPv4) or 65527 bytes (IPv6); also
 *                  the kernel's answer to what exceeds the interface's MTU,
 *                  unless the option path_mtu lets it be cut
 *   -EDESTADDRREQ  no `remote`, and the socket isn't connected
 *   -EISCONN       a `remote`, and the socket is connected
 *   -EAFNOSUPPORT  `remote` is of a family that the socket can't reach
 *   -EINVAL        no socket, port 0, or `data` is NULL and `size` isn't 0
 *   -EBADF         the socket is closed or closing
 *   -EPERM         not the engine's thread, or a forked child
 * Outside a handler, and with nothing of the socket in flight, what the kernel
 * says of this datagram is returned too (-ENETUNREACH, -EACCES, -ECONNREFUSED
 * on a connected socket ...). Otherwise the datagram leaves with a turn's
 * submission, and the error handler tells what the kernel said. The engine's
 * thread only. */
int hail_send(struct hail_socket *socket, const void *data, size_t size,
	      const struct hail_addr *remote);

/* Sends a batch as one submission: one io_uring_enter for every ring-full of
 * messages outside a handler, none inside one. (On an unconnected socket with
 * the option `errors` a submission holds at most one send to a remote.)
 *
 * Messages of one size to one remote, the last of which may be shorter, leave
 * as a train: one send, from wherever in the batch they stand, which the kernel
 * or the device cuts into the datagrams. Inside a handler that holds for all
 * calls of the turn. Order to each remote and outcomes of each message stay as
 * they are: what the kernel won't take as a train leaves datagram by datagram
 * (another enter), and isn't tried again for a while. But one answer may stand
 * for a whole train: a packet filter judges it as one, and an ICMP message
 * that fails it fails all its messages. A message that is shorter than those of
 * a train before it to the same remote, and doesn't end it, begins another
 * submission if they are of more than 524 bytes (IPv4) or 1232 bytes (IPv6).
 * The option no_trains turns trains off.
 *
 * Returns k > 0: the first k were taken, in this order; the others are the
 * caller's to send again. If not even the first was taken it returns what
 * hail_send() would have for it: so after a short count call again with the
 * rest, and the answer tells why. 0 only for a count of 0. -EINVAL: `messages`
 * is NULL, or `count` is above SSIZE_MAX.
 *
 * A count cut short by backpressure is a refusal like -EAGAIN: drain comes
 * once, whether the rest was tried again or not.
 *
 * Only what hail itself can see stops a batch. What the kernel says of one
 * message doesn't undo or stop the others: that message counts as taken, and
 * the error handler names it in the next turn. The engine's thread only. */
ssize_t hail_send_many(struct hail_socket *socket,
		       const struct hail_message *messages, size_t count);

#ifdef __cplusplus
}
#endif

#endif
