/* SPDX-License-Identifier: MIT */
/*
 * util/trace.h: places that perf, bpftrace and their like can watch in a
 * program that runs.
 *
 * Each is a nop in the code and a note in the file, so arguments must be at
 * hand: what has to be computed first would cost even where nobody watches.
 * docs/TRACING.md lists them.
 */
#ifndef HL_UTIL_TRACE_H
#define HL_UTIL_TRACE_H

#ifdef HL_USDT

/* Allowed to find an argument in memory, clang stores it there first. */
#ifdef __clang__
#define STAP_SDT_ARG_CONSTRAINT nr
#endif

#include <sys/sdt.h>

#define hl_trace1(name, a) DTRACE_PROBE1(hail, name, a)
#define hl_trace2(name, a, b) DTRACE_PROBE2(hail, name, a, b)

#else

#define hl_trace1(name, a) ((void)sizeof(a))
#define hl_trace2(name, a, b) ((void)sizeof(a), (void)sizeof(b))

#endif

#endif
