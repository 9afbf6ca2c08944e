/* SPDX-License-Identifier: MIT */
/* hail_load.h: a load as hail's messages. */
#ifndef BENCH_HAIL_LOAD_H
#define BENCH_HAIL_LOAD_H

#include "support/load.h"

#include <hail/hail.h>

struct hail_load {
	struct hail_message *messages;
	struct hail_addr *addrs; /* a message's each */
	size_t batch;
};

/* 0 or a negative errno; the load's bytes must stay. What is half-made, or all
 * zero, can be finished, too. */
int hail_load_init(struct hail_load *out, const struct load *load);
void hail_load_fini(struct hail_load *load);

#endif
