/* SPDX-License-Identifier: MIT */
/*
 * hail: datagrams through io_uring.
 *
 * The model. An engine owns one io_uring and belongs to the thread that first
 * uses it. Sockets belong to an engine. Each turn of the engine is one
 * io_uring_enter: it submits everything that was queued, waits, takes the
 * completions, hands what arrived to the data handlers in batches, fires
 * timers, and calls drain where sends may go on. hail_send_many() makes any
 * number of datagrams one submission. For a busy remote a peer, a connected
 * child of the socket, makes sends cheaper and changes nothing else.
 *
 * Ownership. What you give to a call is yours again when it returns. What a
 * handler is given is the engine's and ends with the handler;
 * hail_buffer_retain() keeps a received datagram's memory for longer. A socket
 * is yours until its close handler has returned.
 *
 * Threads. An engine, its sockets, timers and buffers are for one thread.
 * hail_engine_post() and hail_engine_stop() are for all, the latter also for
 * signal handlers. Engines don't know each other: use one a thread.
 * hail_shards_create() makes several behind one port.
 *
 * Errors. Calls return 0, a count, or a negative errno, and write their
 * outputs only on success. -EAGAIN from a send is a normal answer: nothing was
 * taken, nothing is lost, and the drain handler is called once when it is
 * worth trying again. A taken datagram has one outcome: the kernel took it,
 * the error handler names it, or closing the socket cancels and counts it.
 *
 * Options. Structs that begin with `size` may grow: HAIL_SOCKET_OPTIONS(),
 * HAIL_ENGINE_OPTIONS(), HAIL_SHARDS_OPTIONS() and HAIL_MESSAGE_FACTS() fill it
 * in. Zero is the default of every member.
 *
 * Limits. Linux 6.1 and later, IPv4 and IPv6. After fork() the child must
 * leave its parent's engines alone; it is refused with -EPERM.
 */
#ifndef HAIL_H
#define HAIL_H

#include <hail/addr.h>
#include <hail/buffer.h>
#include <hail/datagram.h>
#include <hail/engine.h>
#include <hail/error.h>
#include <hail/facts.h>
#include <hail/multicast.h>
#include <hail/option.h>
#include <hail/peer.h>
#include <hail/probe.h>
#include <hail/shard.h>
#include <hail/socket.h>
#include <hail/stats.h>
#include <hail/timer.h>
#include <hail/version.h>

#endif
