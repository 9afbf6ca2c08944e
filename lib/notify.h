/* SPDX-License-Identifier: MIT */
/*
 * notify.h: one descriptor that tells a foreign loop when a turn is due.
 *
 * It is an epoll of the backend's own descriptor, a timerfd for timers and an
 * eventfd for work that waits for the next turn. Until
 * somebody asks for the descriptor nothing of it costs a turn anything.
 */
#ifndef HL_NOTIFY_H
#define HL_NOTIFY_H

#include "util/memory.h"

#include <stdbool.h>
#include <stdint.h>

/* Set apart from the engine, since asking for the descriptor leaves the engine
 * const but not this. */
struct hl_notify {
	const struct hl_memory *memory;
	struct hl_notify_state *state;
};

/* -EMFILE, -ENFILE, -ENOMEM. */
int hl_notify_init(struct hl_notify *notify, const struct hl_memory *memory,
		   int backend_fd);
void hl_notify_fini(struct hl_notify *notify);

/* Somebody watches from now on. */
int hl_notify_fd(const struct hl_notify *notify);
bool hl_notify_used(const struct hl_notify *notify);
/* Between turns: one is due at once. */
void hl_notify_now(struct hl_notify *notify);
/* At the end of a turn: the next is due at `when`, in monotonic nanoseconds; 0:
 * at once; UINT64_MAX: when the backend says so. */
void hl_notify_due(struct hl_notify *notify, uint64_t when);

#endif
