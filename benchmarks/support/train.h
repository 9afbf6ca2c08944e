/* SPDX-License-Identifier: MIT */
/* train.h: a load's batch as trains (UDP_SEGMENT), planned once and by hand. */
#ifndef BENCH_TRAIN_H
#define BENCH_TRAIN_H

#include "load.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What every kernel with UDP_SEGMENT takes; 128 only since Linux 6.9. */
#define TRAIN_SEGMENTS_MAX 64
#define TRAIN_BYTES_MAX 65507

struct train_control;

/* All datagrams to one destination ride together, as far as the limits go; one
 * that is alone has no control message. */
struct train_set {
	struct mmsghdr *headers;
	size_t count;
	struct iovec *iovecs;
	struct train_control *controls;
};

/* 0 or -ENOMEM; the load must outlive the set. */
int train_set_init(struct train_set *set, const struct load *load);
void train_set_fini(struct train_set *set);

#endif
