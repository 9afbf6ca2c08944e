/* SPDX-License-Identifier: MIT */
/* socket.h: what a socket is made of, and its life from open to closed. */
#ifndef HL_SOCKET_H
#define HL_SOCKET_H

#include "coalesce.h"
#include "core.h"
#include "lender.h"
#include "util/list.h"

#include <hail/socket.h>
#include <hail/stats.h>

struct hail_timer;
struct hl_stamps;
struct hl_peers;

enum hl_socket_state {
	HL_SOCKET_FREE,
	HL_SOCKET_OPEN,
	HL_SOCKET_LINGERING, /* lets leave what is in flight, then closes */
	HL_SOCKET_CLOSING,
};

struct hail_socket {
	struct hail_engine *engine;
	uint32_t slot;
	int fd;
	uint8_t state;     /* enum hl_socket_state */
	uint8_t armed;     /* HL_ARM_..., as the backend has it */
	uint8_t disarming; /* of these, those that were told to end */
	uint8_t pool;      /* enum hl_pool_kind */
	bool ipv6_only;
	bool unrefd;
	bool owed;      /* a send was refused: drain must come */
	bool blocked;   /* the kernel takes no more for now */
	bool full;      /* its send buffer: to be polled for writability */
	bool submitted; /* some that are pending are in the submission */
	bool served;    /* has received since it waited for a buffer last */
	bool deaf;      /* reception waits: for a buffer, or out a backoff */
	bool errors;    /* options: see socket.h of the public headers */
	bool txtime;
	bool no_trains;
	/* Of a child: since the last look for idle ones; closed, and still
	 * read; to be released. */
	bool peer_used, leaving, ended;
	uint8_t tended; /* in vain, while it leaves */
	struct hl_coalesce coalesce;
	uint16_t control_space; /* that a reception leaves */
	uint32_t facts;
	uint32_t multicast_interface; /* IPv4's: the kernel doesn't tell it */

	struct hail_addr local;
	struct hail_addr remote; /* AF_UNSPEC: not connected */
	struct hail_handlers handlers;
	void (*sent)(struct hail_socket *socket, const struct hail_sent *sent);
	void *user;
	uint32_t datagram_max;
	struct hl_stamps *stamps;  /* of a socket with a `sent` handler */
	struct hail_timer *linger; /* ends the lingering */

	/* Peers: see peer.h. A child has a parent, a parent children. */
	struct hail_socket *parent;
	struct hl_peers *peers;
	uint64_t peer_hash;
	uint64_t peer_drops; /* by the kernel, of children that are gone */
	struct hl_list siblings;

	uint64_t cookie; /* see custody.h */
	uint64_t kernel_drops;

	/* Sending: see send.c. */
	struct hl_list pending;
	uint32_t in_flight; /* in pending */
	uint32_t in_flight_max;
	uint32_t window;
	uint32_t low_water;
	size_t wanted; /* bytes that found no send block, while starved */
	uint32_t send_buffer;
	uint32_t receive_buffer;
	int64_t room;    /* of the send buffer, a lower bound */
	uint32_t round;  /* of the flight in which that was looked at last */
	uint32_t passed; /* the submission in which a send of it was seen to
			  * have left: see hl_train_look_back() */
	struct hl_lender lender;
	struct hl_list failures;

	/* Received and not yet handed over: ids in the pool. */
	uint32_t queue_head, queue_tail;
	uint32_t queued;     /* buffers */
	size_t queue_offset; /* where the rest of a coalesced first begins */

	/* Links of the engine's lists; `life` is for the free, leaving, closing
	 * and closed ones. */
	struct hl_list life, arming, sending, backoff, ready, noticing, failing,
		draining, starved, waiting;

	struct hail_traffic traffic;
};

/* The socket may be used by this thread and is open: 0, -EINVAL, -EPERM,
 * -EBADF. */
int hl_socket_check(const struct hail_socket *socket);

/* Whether it can be connected to this remote, as far as hail sees: 0, -EINVAL,
 * -EAFNOSUPPORT. */
int hl_socket_check_remote(const struct hail_socket *socket,
			   const struct hail_addr *remote);

/* Whose handlers and whose name it has: a child its parent's. */
static inline struct hail_socket *hl_socket_owner(struct hail_socket *socket)
{
	return socket->parent ? socket->parent : socket;
}

/* Whether anybody reads its error queue. */
static inline bool hl_socket_notices(const struct hail_socket *socket)
{
	return socket->errors || socket->txtime || socket->sent;
}

static inline bool hl_socket_connected(const struct hail_socket *socket)
{
	return socket->remote.sa.sa_family != AF_UNSPEC;
}

/* The options of a socket that is to be opened, checked and with defaults, but
 * for send_buffer, which then is by default what comes second. */
int hl_socket_read_options(struct hail_socket_options *out,
			   const struct hail_socket_options *given);
uint32_t hl_socket_send_buffer(const struct hail_engine *engine);
/* Opens a socket with a descriptor that was made and bound by these options
 * (net/endpoint.h). 0: it is the socket's now. */
int hl_socket_open_bound(struct hail_socket **out, struct hail_engine *engine,
			 int fd, const struct hail_socket_options *options);

/* Queues what the socket needs to have armed: reception, writability. */
void hl_socket_want_armed(struct hail_socket *socket);
/* Arms for all that are queued, and disarms those that close. */
int hl_socket_arm_all(struct hail_engine *engine);

/* The one-shot poll for writability has ended, with the poll's events or a
 * negative errno. */
void hl_socket_writable(struct hail_socket *socket, int events);

/* Waits HL_BACKOFF_NS, then receives or sends on. */
void hl_socket_back_off(struct hail_socket *socket, int error);
void hl_socket_end_backoff(struct hail_engine *engine);

/* Some of what a lingering socket waits for is over: if all is, it closes. */
void hl_socket_settle(struct hail_socket *socket);
/* Moves sockets that close and have nothing under way to the closed ones;
 * their ports are free then. */
void hl_socket_finish_closing(struct hail_engine *engine);
/* Calls the close handlers that are due; returns how many sockets went. */
uint32_t hl_socket_tell_closed(struct hail_engine *engine);
/* For the engine's end: closes without calling a handler. */
void hl_socket_abandon_all(struct hail_engine *engine);
/* Closes the descriptors that are still open, after the backend. */
void hl_socket_close_descriptors(struct hail_engine *engine);

#endif
