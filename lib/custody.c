/* SPDX-License-Identifier: MIT */
/* custody.c: one set of cookies for the process, behind a mutex that is held
 * for a few loads and touched only when sockets come and go. */
#include "custody.h"

#include "util/idset.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct hl_idset taken;

static void lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

/* A child may use engines of its own, and must not find the mutex held by a
 * thread that it doesn't have. */
static void prepare_fork(void)
{
	pthread_atfork(lock, unlock, unlock);
}

int hl_custody_take(int fd, uint64_t *cookie)
{
	socklen_t size = sizeof(*cookie);
	uint64_t found = 0;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &found, &size))
		return -errno;
	pthread_once(&once, prepare_fork);
	lock();
	err = hl_idset_add(&taken, found);
	unlock();
	if (err)
		return err == -EEXIST ? -EBUSY : err;
	*cookie = found;
	return 0;
}

void hl_custody_drop(uint64_t cookie)
{
	bool was_there;

	lock();
	was_there = hl_idset_remove(&taken, cookie);
	unlock();
	assert(was_there);
	(void)was_there;
}
