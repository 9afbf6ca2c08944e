/* SPDX-License-Identifier: MIT */
/* socket.h: a UDP socket of an engine, and what happens to it. */
#ifndef HAIL_SOCKET_H
#define HAIL_SOCKET_H

#include <hail/addr.h>
#include <hail/datagram.h>
#include <hail/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_engine;
struct hail_socket;

/* What a socket calls, always on the engine's thread and from a turn, never
 * from inside a call of yours. Each may be NULL: a socket without a data
 * handler leaves what arrives in the kernel. Any handler may send, close this
 * or any other socket, open sockets and start timers. */
struct hail_handlers {
	/* Datagrams have arrived: `count` > 0 of them, oldest first, at most
	 * the engine's budget. They end with the call unless retained. */
	void (*data)(struct hail_socket *socket,
		     const struct hail_datagram *batch, size_t count);
	/* Sends may go on: once after one or several refusals with -EAGAIN,
	 * when what is in flight has fallen to the low-water mark. */
	void (*drain)(struct hail_socket *socket);
	/* Something went wrong that no call could return. */
	void (*error)(struct hail_socket *socket,
		      const struct hail_error *error);
	/* The last to run. The port is free; when the handler returns the
	 * socket is gone and the pointer must not be used again. */
	void (*close)(struct hail_socket *socket);
};

struct hail_socket_options {
	size_t size; /* sizeof(struct hail_socket_options) */

	/* Zero: 0.0.0.0 ("::" where remote is IPv6 or ipv6_only is set) and a
	 * port of the kernel's choice. "::" takes IPv4 too (dual stack) unless
	 * ipv6_only is set: IPv4 peers then appear as ::ffff:a.b.c.d, and plain
	 * IPv4 addresses may be sent to. */
	struct hail_addr local;
	/* Set: the socket is connected; it sends there, and hears nobody
	 * else. */
	struct hail_addr remote;
	struct hail_handlers handlers;
	void *user;

	/* Datagrams in flight (taken by hail, not yet by the kernel): a send
	 * is refused at `window`; 0: 1024. After a refusal drain comes when
	 * `low_water` is reached; 0: half the window; at most the window
	 * less one. */
	uint32_t window;
	uint32_t low_water;

	/* A promise: no datagram of more bytes is wanted. What is longer
	 * arrives cut to this size and flagged. 0 promises nothing, and no
	 * datagram is ever cut. Up to the engine's small_size the socket
	 * receives into small buffers, which are more and cheaper. */
	uint32_t datagram_max;

	/* Bytes of the kernel's own buffers, as SO_RCVBUF and SO_SNDBUF take
	 * them: the kernel books twice as much, and at most what
	 * net.core.rmem_max and wmem_max allow (CAP_NET_ADMIN: any).
	 * receive_buffer 0 leaves the kernel's default, send_buffer 0 asks for
	 * room for one ring-full of datagrams of 1232 bytes, so that a batch
	 * stays one submission. A queueing discipline that holds less than the
	 * send buffer (fq: 100 packets a flow) drops silently: choose less
	 * there. */
	uint32_t receive_buffer;
	uint32_t send_buffer;

	bool reuse_addr; /* SO_REUSEADDR */
	bool reuse_port; /* SO_REUSEPORT */
	bool ipv6_only;  /* IPV6_V6ONLY; off unless set, whatever the sysctl */
	bool broadcast;  /* SO_BROADCAST */
};

/* The compound literal of the options with `size` filled in:
 * &HAIL_SOCKET_OPTIONS(.handlers.data = on_data) */
#define HAIL_SOCKET_OPTIONS(...)                                               \
	((struct hail_socket_options){                                         \
		.size = sizeof(struct hail_socket_options), __VA_ARGS__})

/* Opens a socket, binds and, where `remote` is set, connects it. Datagrams are
 * delivered from the next turn on. `options` NULL: all defaults.
 *   -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ENETUNREACH   as the kernel says
 *   -EAFNOSUPPORT  a family other than IPv4 and IPv6, or local and remote of
 *                  families that don't meet
 *   -EINVAL        NULL; size 0; low_water not below window; remote port 0;
 *                  ipv6_only with an IPv4 local
 *   -E2BIG         an option past the library's own size is set
 *   -EMFILE, -ENFILE, -ENOMEM
 *   -EPERM         not the engine's thread, or a forked child */
int hail_socket_open(struct hail_socket **out, struct hail_engine *engine,
		     const struct hail_socket_options *options);

/* Closes. From now on every other call on this socket is refused with -EBADF,
 * no handler but close runs, and the remainder of what was received is
 * dropped. Datagrams in flight are offered to the kernel once more; what it
 * doesn't take then is cancelled and counted in the engine's stats. In a
 * following turn, when the kernel is through with the socket's memory and the
 * port is free, the close handler runs. Closing again is 0 and does nothing.
 * -EINVAL: NULL; -EPERM. */
int hail_socket_close(struct hail_socket *socket);

/* Connects to `remote`, again or for the first time: it alone is heard from
 * now on, and the kernel chooses the source address for it where local was left
 * open. What is in flight still goes where it was meant to go.
 * -EINVAL: NULL, or port 0; -EAFNOSUPPORT; -EBADF; -EPERM; or as the kernel
 * says, and then nothing has changed. */
int hail_socket_connect(struct hail_socket *socket,
			const struct hail_addr *remote);

/* Takes the connection back: everybody is heard. The local port stays.
 * -ENOTCONN: not connected; -EINVAL: NULL; -EBADF; -EPERM. */
int hail_socket_disconnect(struct hail_socket *socket);

/* The address it is bound to, with the true port. -EBADF; -EINVAL;
 * -EPERM. */
int hail_socket_local(const struct hail_socket *socket, struct hail_addr *out);

/* The address it is connected to. -ENOTCONN; -EBADF; -EINVAL; -EPERM. */
int hail_socket_remote(const struct hail_socket *socket, struct hail_addr *out);

/* The user pointer of the options, until the close handler has returned. */
void *hail_socket_user(const struct hail_socket *socket);

/* The engine that it belongs to. */
struct hail_engine *hail_socket_engine(const struct hail_socket *socket);

/* Replaces all four handlers, from the next handler call on. Without a data
 * handler reception pauses: what arrives stays in the kernel, and what was
 * received and not handed over waits, in its buffers, for the next data
 * handler. -EBADF; -EINVAL; -EPERM. */
int hail_socket_set_handlers(struct hail_socket *socket,
			     const struct hail_handlers *handlers);

/* Whether the open socket keeps hail_engine_run() running. It does at first.
 * -EBADF; -EINVAL; -EPERM. */
int hail_socket_ref(struct hail_socket *socket);
int hail_socket_unref(struct hail_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
