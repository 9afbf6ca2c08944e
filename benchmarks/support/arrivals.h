/* SPDX-License-Identifier: MIT */
/* arrivals.h: when datagrams reached their sinks, as the kernel noted it. */
#ifndef BENCH_ARRIVALS_H
#define BENCH_ARRIVALS_H

#include "sinks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Has the kernel note the time (SO_TIMESTAMPNS): so the sinks may be read
 * later, and reading them isn't part of what is measured. */
int arrivals_note(const struct sinks *sinks);

/* Empties the sinks and writes for each datagram, up to `max` of them, how many
 * nanoseconds after its stamp (pacer.h) it arrived. Returns how many there
 * were. */
size_t arrivals_take(const struct sinks *sinks, double *late_ns, size_t max);

#ifdef __cplusplus
}
#endif

#endif
