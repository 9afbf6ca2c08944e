/* SPDX-License-Identifier: MIT */
/* rotate.h: contenders that receive small bursts, each on another one of their
 * open sockets. */
#ifndef BENCH_ROTATE_H
#define BENCH_ROTATE_H

#include "interleave.h"
#include "receiver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each slice `burst` datagrams wait at one socket, and are received; the next
 * slice is for another one, far away, until all have had their turn. So what a
 * datagram costs differs only by how many sockets are open. */
int rotate_receive(struct contender *out, receiver_create create,
		   const struct receiver_options *options, size_t burst);

/* Raises the limit of open files, where needed, so that `files` more than are
 * open now can be: 0, or a negative errno where this process may not have that
 * many. */
int rotate_allow_files(size_t files);

#ifdef __cplusplus
}
#endif

#endif
