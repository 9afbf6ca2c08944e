/* SPDX-License-Identifier: MIT */
/* support/outer_epoll.c: a loop of epoll. OUTER_TRIGGER is 0, or EPOLLET: then
 * the loop is told of changes only, and has to be told of each. */
#include "support/outer.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static int epoll_fd = -1;

int outer_open(struct hail_engine *engine)
{
	struct epoll_event event = {
		.events = EPOLLIN | OUTER_TRIGGER,
		.data.ptr = engine,
	};
	int fd = hail_engine_fd(engine);

	if (fd < 0)
		return fd;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

void outer_close(void)
{
	close(epoll_fd);
	epoll_fd = -1;
}

int outer_turn(int timeout_ms)
{
	struct epoll_event event;
	int count = epoll_wait(epoll_fd, &event, 1, timeout_ms);

	if (count < 0)
		return -errno;
	return count ? hail_engine_turn(event.data.ptr, 0) : -ETIME;
}
