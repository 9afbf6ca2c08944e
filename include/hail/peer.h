/* SPDX-License-Identifier: MIT */
/* peer.h: a connected child of a socket: cheaper sends to one busy remote. */
#ifndef HAIL_PEER_H
#define HAIL_PEER_H

#include <hail/addr.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A peer is a second socket of the kernel's on the same port, connected to one
 * remote. Nothing changes but the cost: what is sent to that remote by the
 * calls of datagram.h leaves by it, without the look-up of the route, and what
 * comes from there is handed to the handlers of the socket that the peer was
 * opened on, with that socket as their argument. Error, drain and statistics
 * are that socket's too.
 *
 * When it pays. A send by a peer is cheaper, since the kernel finds its route
 * once. But each peer has a descriptor, and buffers in the kernel of its own,
 * as large as the socket's; and where the kernel finds no connected socket for
 * a datagram it looks at all peers of the port one after the other. So a
 * datagram of anybody else costs more with each peer: a little with a hundred,
 * many times as much with thousands. (Before Linux 6.13 a datagram of a peer's
 * own does so too.) Open peers for the remotes that most of the traffic is
 * with, and close those that fall silent. Several datagrams to one remote in a
 * batch leave as a train anyway, which saves more.
 *
 * What differs. The order of one remote's datagrams holds as long as its peer
 * is neither opened nor closed: in that moment some come by the one way and
 * some by the other. A peer whose link takes no more holds up what its socket
 * sends to others too, as it would without it. Where a peer's remote isn't
 * there, the error handler is told (kind REMOTE), as on a connected socket.
 * HAIL_FACT_DROPS counts for the peer alone. A message with facts
 * (hail_send_with()) leaves by the socket itself. What was set on a descriptor
 * that was adopted, and has no option of hail's, the peer doesn't have: a
 * filter, for one.
 */
struct hail_peer;
struct hail_socket;

/* Opens a peer. 0: it is there until hail_peer_close(), or until the socket is
 * closed. Datagrams of others are neither lost nor held up meanwhile. The port
 * is shared with no other program by it, neither now nor afterwards.
 *   -EEXIST        there is one for that remote already, in either spelling of
 *                  an IPv4 address
 *   -EINVAL        NULL; port 0; a remote that is multicast or unspecified
 *   -EISCONN       the socket is connected
 *   -ENOTSUP       the socket shares its port (reuse_port), as those of shards
 *                  do: in the moment of opening it would be handed what is for
 *                  others of the group, whatever program chooses there
 *   -EAFNOSUPPORT  the socket can't reach that family
 *   -EADDRINUSE    the socket was opened by another user than this process is
 *                  now, or (an adopted one) isn't the only one on its port
 *   -EACCES        a port below 1024, and the right to it was given up; or a
 *                  broadcast address, and the socket hasn't the option
 *   -ENETUNREACH, -EHOSTUNREACH, -EAGAIN ...   as the kernel says
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS
 *   -EPERM         not the engine's thread, or a forked child; or the socket
 *                  has an option that needs rights which were given up
 *   -EBADF         the socket is closed or closing */
int hail_peer_open(struct hail_peer **out, struct hail_socket *socket,
		   const struct hail_addr *remote);

/* Closes it; the pointer must not be used again. What is sent to its remote
 * leaves by the socket itself from now on. What has come, and is still on its
 * way to it, is handed over as before, and dropped where the socket takes no
 * data for a second; the descriptor is closed some turns later. -EINVAL: NULL;
 * -EPERM. Closing one that is closed, or whose socket is,
 * is 0 and does nothing, as long as its memory isn't in use for another. */
int hail_peer_close(struct hail_peer *peer);

/* Closes the peers by which nothing came or went since the last call on this
 * socket, or since they were opened, and returns how many: call it
 * every so often from a timer. Looks at each peer. -EINVAL: NULL; -EBADF;
 * -EPERM. */
int hail_peer_close_idle(struct hail_socket *socket);

/* The peer for this remote; NULL: there is none, or the socket is closed. */
struct hail_peer *hail_peer_find(const struct hail_socket *socket,
				 const struct hail_addr *remote);

/* The remote, as datagrams of its name it: on a socket of IPv6 an IPv4 address
 * is mapped. -EINVAL: NULL; -EBADF: it, or its socket, is closed; -EPERM. */
int hail_peer_remote(const struct hail_peer *peer, struct hail_addr *out);

/* The socket that it was opened on; NULL for NULL. */
struct hail_socket *hail_peer_socket(const struct hail_peer *peer);

#ifdef __cplusplus
}
#endif

#endif
