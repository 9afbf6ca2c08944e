/* SPDX-License-Identifier: MIT */
/* owner.c: telling the engine's thread from others, cheaply enough for every
 * call. */
#include "owner.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define HL_OWNER_PAGE 4096

static int init_alive(struct hl_owner *owner)
{
	pthread_mutexattr_t robust;
	int err = -pthread_mutexattr_init(&robust);

	if (err)
		return err;
	pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
	err = -pthread_mutex_init(&owner->alive, &robust);
	pthread_mutexattr_destroy(&robust);
	return err;
}

int hl_owner_init(struct hl_owner *owner)
{
	void *page;
	int err;

	*owner = (struct hl_owner){0};
	err = init_alive(owner);
	if (err)
		return err;
	page = mmap(NULL, HL_OWNER_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -ENOMEM;
	owner->canary = page;
	if (madvise(page, HL_OWNER_PAGE, MADV_WIPEONFORK))
		return -errno;
	*owner->canary = 1;
	return 0;
}

void hl_owner_fini(struct hl_owner *owner)
{
	if (owner->claimed)
		pthread_mutex_unlock(&owner->alive);
	pthread_mutex_destroy(&owner->alive);
	if (owner->canary)
		munmap(owner->canary, HL_OWNER_PAGE);
	owner->canary = NULL;
}

/* A number of this thread's own: pthread_self() and thread ids are used again
 * by threads that come later. */
static uint64_t self(void)
{
	static atomic_uint_fast64_t last;
	static _Thread_local uint64_t id
		__attribute__((tls_model("initial-exec")));

	if (!id)
		id = atomic_fetch_add(&last, 1) + 1;
	return id;
}

void hl_owner_claim(struct hl_owner *owner)
{
	owner->thread = self();
	pthread_mutex_lock(&owner->alive);
	owner->claimed = true;
}

bool hl_owner_forked(const struct hl_owner *owner)
{
	return !*owner->canary;
}

int hl_owner_check(const struct hl_owner *owner)
{
	if (hl_owner_forked(owner))
		return -EPERM;
	if (owner->claimed && owner->thread != self())
		return -EPERM;
	return 0;
}

bool hl_owner_ended(struct hl_owner *owner)
{
	return pthread_mutex_trylock(&owner->alive) == EOWNERDEAD;
}
