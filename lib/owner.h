/* SPDX-License-Identifier: MIT */
/* owner.h: which thread of which process may use an engine. */
#ifndef HL_OWNER_H
#define HL_OWNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct hl_owner {
	/* A page that the kernel hands out zeroed to a forked child: tells a
	 * child from its parent without a system call. */
	unsigned char *canary;
	uint64_t thread;
	bool claimed;
	/* Held by the owner: the kernel tells when a thread has ended that
	 * holds a robust mutex, before whoever joins it goes on. */
	pthread_mutex_t alive;
};

int hl_owner_init(struct hl_owner *owner);
void hl_owner_fini(struct hl_owner *owner);

void hl_owner_claim(struct hl_owner *owner);
/* 0, also while nobody has claimed it; -EPERM. */
int hl_owner_check(const struct hl_owner *owner);
/* Whether this process is a forked child of the one that made the engine. */
bool hl_owner_forked(const struct hl_owner *owner);
/* Whether the owning thread has ended, so that nobody can use the engine; then
 * the caller is to end it. */
bool hl_owner_ended(struct hl_owner *owner);

#endif
