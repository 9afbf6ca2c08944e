/* SPDX-License-Identifier: MIT */
/* dispatch.h: the backend's completions, handed to those that they concern. */
#ifndef HL_DISPATCH_H
#define HL_DISPATCH_H

#include <stdint.h>

struct hail_engine;

/* Submits, waits (see backend.h for the timeout) and files all completions
 * there are; calls no handler. */
int hl_dispatch_wait(struct hail_engine *engine, int64_t timeout_ns);

#endif
