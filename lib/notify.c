/* SPDX-License-Identifier: MIT */
/* notify.c: the descriptor for foreign loops. */
#include "notify.h"

#include "util/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct hl_notify_state {
	int epoll_fd;
	int timer_fd;
	/* For what is due at once: a timer that is set to the past takes a
	 * detour through an interrupt. */
	int now_fd;
	bool used;
	bool now;      /* now_fd is readable */
	uint64_t when; /* what the timer is set to */
};

static int watch(int epoll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_state(struct hl_notify_state *state, int backend_fd)
{
	int err;

	state->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (state->epoll_fd < 0)
		return -errno;
	state->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (state->timer_fd < 0)
		return -errno;
	state->now_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (state->now_fd < 0)
		return -errno;
	err = watch(state->epoll_fd, state->timer_fd);
	if (!err)
		err = watch(state->epoll_fd, state->now_fd);
	return err ? err : watch(state->epoll_fd, backend_fd);
}

int hl_notify_init(struct hl_notify *notify, const struct hl_memory *memory,
		   int backend_fd)
{
	struct hl_notify_state *state =
		hl_memory_allocate(memory, 1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	notify->memory = memory;
	notify->state = state;
	state->epoll_fd = -1;
	state->timer_fd = -1;
	state->now_fd = -1;
	state->when = UINT64_MAX;
	return open_state(state, backend_fd);
}

void hl_notify_fini(struct hl_notify *notify)
{
	struct hl_notify_state *state = notify->state;

	if (!state)
		return;
	if (state->now_fd >= 0)
		close(state->now_fd);
	if (state->timer_fd >= 0)
		close(state->timer_fd);
	if (state->epoll_fd >= 0)
		close(state->epoll_fd);
	hl_memory_release(notify->memory, state, 1, sizeof(*state));
	notify->state = NULL;
}

/* Readable from now on, and told anew to a loop that is told of changes only
 * (EPOLLET). */
static void raise_now(struct hl_notify_state *state)
{
	state->now = !eventfd_write(state->now_fd, 1);
}

static void lower_now(struct hl_notify_state *state)
{
	eventfd_t count;

	if (state->now && !eventfd_read(state->now_fd, &count))
		state->now = false;
}

static void set_timer(struct hl_notify_state *state, uint64_t when)
{
	struct itimerspec spec = {0};

	if (when == state->when)
		return;
	state->when = when;
	if (when != UINT64_MAX) {
		spec.it_value.tv_sec = (time_t)(when / HL_NS_PER_S);
		spec.it_value.tv_nsec = (long)(when % HL_NS_PER_S);
	}
	timerfd_settime(state->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

int hl_notify_fd(const struct hl_notify *notify)
{
	struct hl_notify_state *state = notify->state;

	if (!state->used) {
		/* What was opened or started before waits for a turn. */
		state->used = true;
		raise_now(state);
	}
	return state->epoll_fd;
}

bool hl_notify_used(const struct hl_notify *notify)
{
	return notify->state->used;
}

void hl_notify_now(struct hl_notify *notify)
{
	if (notify->state->used && !notify->state->now)
		raise_now(notify->state);
}

void hl_notify_due(struct hl_notify *notify, uint64_t when)
{
	struct hl_notify_state *state = notify->state;

	if (!state->used)
		return;
	if (when == 0) {
		raise_now(state);
	} else {
		lower_now(state);
		set_timer(state, when);
	}
}
