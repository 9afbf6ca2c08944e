/* SPDX-License-Identifier: MIT */
/* owner.c: telling the engine's thread from others, cheaply enough for every
 * call. */
#include "owner.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define HL_OWNER_PAGE 4096

int hl_owner_init(struct hl_owner *owner)
{
	void *page = mmap(NULL, HL_OWNER_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*owner = (struct hl_owner){0};
	if (page == MAP_FAILED)
		return -ENOMEM;
	if (madvise(page, HL_OWNER_PAGE, MADV_WIPEONFORK)) {
		munmap(page, HL_OWNER_PAGE);
		return -errno;
	}
	owner->canary = page;
	*owner->canary = 1;
	return 0;
}

void hl_owner_fini(struct hl_owner *owner)
{
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
	owner->tid = gettid();
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

bool hl_owner_ended(const struct hl_owner *owner)
{
	return tgkill(getpid(), owner->tid, 0) && errno == ESRCH;
}
