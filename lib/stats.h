/* SPDX-License-Identifier: MIT */
/* stats.h: adding up counters. */
#ifndef HL_STATS_H
#define HL_STATS_H

#include <hail/stats.h>

void hl_stats_add(struct hail_traffic *sum, const struct hail_traffic *part);

struct hail_socket;

/* Counts what the kernel has dropped of it since the last call. */
int hl_stats_count_drops(struct hail_socket *socket);

#endif
