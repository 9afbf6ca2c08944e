/* SPDX-License-Identifier: MIT */
/* buffer.h: keeping a received datagram past its handler. */
#ifndef HAIL_BUFFER_H
#define HAIL_BUFFER_H

#include <hail/datagram.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keeps the memory behind a datagram after the data handler returns: the bytes
 * at `datagram->data` stay as they are until hail_buffer_release() was called
 * as often as this. Copy the members of the datagram that you want to keep;
 * the struct itself ends with the handler.
 *
 * A retained buffer is missing from the engine's pool, which grows up to its
 * bound; when every buffer is retained, reception waits until one is released
 * and the kernel's socket buffers fill up meanwhile.
 *
 * Datagrams that came as one piece (HAIL_DATAGRAM_COALESCED) share a buffer: it
 * stays in use, all 65856 bytes of it, until each of them that was retained is
 * released. One datagram kept of each piece so keeps as many buffers as there
 * were pieces, which is no more than one datagram kept of each by itself would;
 * copy those that are to be kept for long.
 *
 * -EINVAL: no buffer, or one that isn't held; -EPERM: not the engine's thread.
 * hail_engine_post() is the way to release from another thread. */
int hail_buffer_retain(struct hail_buffer *buffer);

/* Gives up one retain. The memory may be overwritten from now on; datagrams
 * that were sent from it and are still in flight hold it by themselves.
 * -EINVAL: the buffer isn't retained; -EPERM: not the engine's thread. */
int hail_buffer_release(struct hail_buffer *buffer);

#ifdef __cplusplus
}
#endif

#endif
