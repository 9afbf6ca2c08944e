/* SPDX-License-Identifier: MIT */
/*
 * support/outer.h: a program's own loop around one engine. It watches the
 * engine's descriptor and turns the engine when that is readable, and only
 * then. Each outer_*.c is such a loop of another kind; a test is linked with
 * each of them.
 */
#ifndef TEST_OUTER_H
#define TEST_OUTER_H

#include <hail/hail.h>
#include <stdbool.h>

/* Starts to watch; 0, or a negative errno. */
int outer_open(struct hail_engine *engine);
void outer_close(void);

/* Waits until the descriptor is readable, at most `timeout_ms`, and turns the
 * engine once. What the turn returned; -ETIME: it wasn't readable. */
int outer_turn(int timeout_ms);

#endif
