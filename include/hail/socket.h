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
struct hail_sent;
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

/* In options whose 0 means the default: the number 0 itself. */
#define HAIL_ZERO UINT32_MAX

/* How datagrams that are longer than the way is wide are treated (IP(7),
 * IP_MTU_DISCOVER). That one of them, IP_PMTUDISC_DO, is missing is on purpose:
 * there a forged ICMP message makes sends fail. */
enum hail_path_mtu {
	/* All leave whole, with "don't fragment" set; those beyond the
	 * interface's MTU are -EMSGSIZE, and what routers say is reported
	 * (option `errors`) and not acted upon. */
	HAIL_PATH_MTU_PROBE = 0,
	/* Cut into fragments where they exceed the path's MTU as the kernel
	 * knows it: the kernel's own default. */
	HAIL_PATH_MTU_WANT,
	/* As WANT, and routers may cut what leaves (IPv4). */
	HAIL_PATH_MTU_DONT,
	/* By the interface's MTU, whatever routers say; what exceeds it is
	 * -EMSGSIZE, and routers may cut what leaves (IPv4). */
	HAIL_PATH_MTU_INTERFACE,
	/* As INTERFACE, and what exceeds it is cut. */
	HAIL_PATH_MTU_OMIT,
};

/* Whether the kernel may hand over as one piece what comes from one sender in a
 * row (UDP_GRO). hail cuts each piece up again into its datagrams, all of which
 * lie in one receive buffer then. */
enum hail_coalesce {
	/* Turned on when it pays: when for a while most batches of 16 or more
	 * hold runs of datagrams of one sender and one size. Never where the
	 * socket receives into small buffers (see datagram_max). Once on it
	 * stays on, since the kernel forgets where the pieces of what waits in
	 * it begin when it is turned off; where nothing comes in a row that
	 * costs nothing. */
	HAIL_COALESCE_AUTO = 0,
	/* From the start, also where datagram_max is small: for few senders
	 * that send much. */
	HAIL_COALESCE_ON,
	/* Never: where each datagram that is retained must be all that its
	 * buffer holds. */
	HAIL_COALESCE_OFF,
};

/* The clock of transmit times: see facts.h. */
enum hail_txtime {
	HAIL_TXTIME_OFF = 0,
	HAIL_TXTIME_MONOTONIC, /* as the discipline fq wants it */
	/* As the discipline etf wants it; needs CAP_NET_ADMIN. */
	HAIL_TXTIME_TAI,
};

struct hail_socket_options {
	size_t size; /* sizeof(struct hail_socket_options) */

	/* Zero: 0.0.0.0 ("::" where remote is IPv6 or ipv6_only is set) and a
	 * port of the kernel's choice. "::" takes IPv4 too (dual stack) unless
	 * ipv6_only is set: IPv4 remotes then appear as ::ffff:a.b.c.d, and
	 * plain IPv4 addresses may be sent to. */
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
	 * receives into small buffers, which are more and cheaper; with facts
	 * 208 bytes less, and never with HAIL_COALESCE_ON. */
	uint32_t datagram_max;

	/* Bytes of the kernel's own buffers, as SO_RCVBUF and SO_SNDBUF take
	 * them: the kernel books twice as much, and at most what
	 * net.core.rmem_max and wmem_max allow (CAP_NET_ADMIN: any).
	 * receive_buffer 0 leaves the kernel's default, send_buffer 0 asks for
	 * room for one ring-full of datagrams of 1232 bytes, so that a batch
	 * stays one submission, and for any datagram in fragments. A queueing
	 * discipline that holds less than the send buffer (fq: 100 packets a
	 * flow) drops silently, unless the option `errors` is set: then that
	 * is backpressure. Choose less there. */
	uint32_t receive_buffer;
	uint32_t send_buffer;

	bool reuse_addr; /* SO_REUSEADDR */
	bool reuse_port; /* SO_REUSEPORT. Such a socket can have no peers. */
	bool ipv6_only;  /* IPV6_V6ONLY; off unless set, whatever the sysctl */
	bool broadcast;  /* SO_BROADCAST */

	/* The port is for this socket alone: neither reuse_... may be set. */
	bool exclusive;
	bool free_bind; /* IP_FREEBIND: an address that isn't there (yet) */
	/* Longer than the way is wide is -EMSGSIZE and never cut (IPv6:
	 * IPV6_DONTFRAG). In IPv4 that is what HAIL_PATH_MTU_PROBE does; with
	 * another mode it is -EINVAL there, on a dual-stack socket too. */
	bool dont_fragment;
	bool no_multicast_loop; /* what is sent to a group isn't heard here */

	/* ICMP and local errors are told to the error handler (IP_RECVERR),
	 * with all that error.h names. A datagram to a healthy remote isn't
	 * harmed by another's error: the kernel fails it once, and hail sends
	 * it again in its place. For that a submission of an unconnected socket
	 * with this option holds at most one send to a remote: batches to
	 * different remotes stay one submission, those to one become as many
	 * as they are sends (of which a train is one). */
	bool errors;
	/* enum hail_coalesce. A piece fills up to 64 KiB of one receive buffer
	 * (65856 bytes) and is in use until the last of its datagrams is
	 * released: see buffer.h. There are never more buffers than the
	 * engine's buffers_max, coalesced or not, but where pieces come more of
	 * each is touched. */
	uint32_t coalesce;

	uint32_t path_mtu; /* enum hail_path_mtu */

	uint32_t ttl; /* TTL, hop limit: 1 to 255; 0: the kernel's (64) */
	/* The same for multicast: 1 to 255, HAIL_ZERO: not past this machine;
	 * 0: the kernel's (1). */
	uint32_t multicast_ttl;
	/* The interface by which multicast leaves where the message or the
	 * address doesn't say: an index, see hail_interface_find(). */
	uint32_t multicast_interface;
	uint32_t tos; /* TOS, traffic class: 0 to 255, ECN in the last two */
	uint32_t priority; /* SO_PRIORITY; above 6 needs CAP_NET_ADMIN */
	uint32_t mark;     /* SO_MARK; needs CAP_NET_ADMIN */
	/* Heard and sent by this interface only (SO_BINDTOIFINDEX). */
	uint32_t device;
	uint32_t busy_poll_us; /* SO_BUSY_POLL; needs CAP_NET_ADMIN */

	uint32_t facts;  /* HAIL_FACT_...: see facts.h */
	uint32_t txtime; /* enum hail_txtime */
	/* Each datagram leaves as a send of its own. Otherwise messages of
	 * equal size to one remote leave together as trains (UDP_SEGMENT),
	 * which costs a fraction: see hail_send_many(). For where each must be
	 * judged by filters and answered by the network on its own. */
	bool no_trains;

	/* Called with transmit timestamps of messages that asked for one: see
	 * facts.h. Rules as for the other handlers. */
	void (*sent)(struct hail_socket *socket, const struct hail_sent *sent);
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
 *                  ipv6_only with an IPv4 local; an option out of its range,
 *                  or against another
 *   -ENODEV        no interface of that index
 *   -E2BIG         an option past the library's own size is set
 *   -EMFILE, -ENFILE, -ENOMEM
 *   -EPERM         not the engine's thread, or a forked child; an option that
 *                  needs CAP_NET_ADMIN */
int hail_socket_open(struct hail_socket **out, struct hail_engine *engine,
		     const struct hail_socket_options *options);

/* Makes a socket of a descriptor of another's making: a UDP socket (systemd's,
 * a parent's, one with options that hail doesn't know). 0: it is hail's now,
 * which closes it; after an error it is still the caller's, and unchanged but
 * for what was set, or bound, before that which failed.
 *
 * An unbound one is bound as `local` says; a bound one keeps its address, and a
 * connected one its remote: then neither may be given. Options that are zero
 * leave what the descriptor has (its clock of transmit times too, and UDP_GRO
 * with HAIL_COALESCE_AUTO, unless datagram_max is small); errors and facts are
 * set either way, and other control messages turned off, since hail must know
 * what comes; it is set close-on-exec, and hears no groups but those that it
 * joined (multicast.h). Where UDP_GRO is turned off, what the descriptor has
 * queued as one piece comes as one datagram.
 *
 *   -ENOTSOCK, -EBADF   not a socket; not open
 *   -EPROTOTYPE         not a UDP socket
 *   -EAFNOSUPPORT       neither IPv4 nor IPv6, or a local or remote that it
 *                       can't have
 *   -EBUSY              hail has that socket already, by whatever descriptor
 *   -EISCONN, -EINVAL   remote, or local or ipv6_only, is given and can't be
 *                       any more
 * and as hail_socket_open(). */
int hail_socket_adopt(struct hail_socket **out, struct hail_engine *engine,
		      int fd, const struct hail_socket_options *options);

/* Closes. From now on every other call on this socket, but
 * hail_socket_user() and hail_socket_engine(), is refused with -EBADF, no
 * handler but close runs, and the remainder of what was received is
 * dropped. Datagrams in flight are offered to the kernel once more; what it
 * doesn't take then is cancelled and counted in the engine's stats. In a
 * following turn, when the kernel is through with the socket's memory and the
 * port is free, the close handler runs. Closing again is 0 and does nothing.
 * -EINVAL: NULL; -EPERM. */
int hail_socket_close(struct hail_socket *socket);

/* Closes when all that is in flight has left, or after `timeout_ns` (< 0:
 * whenever that is), and then as hail_socket_close() does. From now on every
 * other call but hail_socket_close(), which cuts the waiting short, is refused
 * with -EBADF; of the handlers only error, for what is in flight, and close
 * are called. What arrives is dropped. -EBADF: it is closing already; -EINVAL:
 * NULL; -ENOMEM: then nothing has changed; -EPERM. */
int hail_socket_close_linger(struct hail_socket *socket, int64_t timeout_ns);

/* Connects to `remote`, again or for the first time: it alone is heard from
 * now on, and the kernel chooses the source address for it where local was left
 * open. What is in flight still goes where it was meant to go.
 * -EINVAL: NULL, or port 0; -EAFNOSUPPORT; -EBUSY: it has peers (peer.h);
 * -EBADF; -EPERM; or as the kernel says, and then nothing has changed, unless
 * the remote that it had can't be had again either: then it isn't connected any
 * more. */
int hail_socket_connect(struct hail_socket *socket,
			const struct hail_addr *remote);

/* Takes the connection back: everybody is heard. The local port stays.
 * -ENOTCONN: not connected; -EINVAL: NULL; -EBADF; -EPERM; or as the kernel
 * says. */
int hail_socket_disconnect(struct hail_socket *socket);

/* The address it is bound to, with the true port. -EBADF; -EINVAL;
 * -EPERM. */
int hail_socket_local(const struct hail_socket *socket, struct hail_addr *out);

/* The address it is connected to. -ENOTCONN; -EBADF; -EINVAL; -EPERM. */
int hail_socket_remote(const struct hail_socket *socket, struct hail_addr *out);

/* The MTU of the path to `remote` as the kernel knows it now: bytes of a whole
 * packet, headers included (28 of IPv4 and UDP, 48 of IPv6). That is the
 * interface's until a router has said less to any socket. `remote` NULL: the
 * one that it is connected to; the port doesn't count. -ENOTCONN: NULL, and not
 * connected; -EAFNOSUPPORT, -ENETUNREACH ...: no way there; -ENOTSUP: an
 * adopted socket of another network namespace; -EMFILE; -EINVAL; -EBADF;
 * -EPERM. */
int hail_socket_path_mtu(const struct hail_socket *socket,
			 const struct hail_addr *remote, uint32_t *out);

/* The user pointer of the options, until the close handler has returned. */
void *hail_socket_user(const struct hail_socket *socket);

/* The engine that it belongs to, as long. */
struct hail_engine *hail_socket_engine(const struct hail_socket *socket);

/* Replaces all four handlers (`sent` is an option and stays), from the next
 * handler call on. Without a data handler reception pauses: what arrives stays
 * in the kernel, and what was received and not handed over waits, in its
 * buffers, for the next data handler. -EBADF; -EINVAL; -EPERM. */
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
