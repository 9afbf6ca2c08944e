/* SPDX-License-Identifier: MIT */
/* epoll_loop.c: an engine in a program's own loop of epoll, beside a timer and
 * the signals that end it. */
#include "loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int open_timer(void)
{
	const struct timespec period = {.tv_nsec = REPORT_MS * 1000000};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	timerfd_settime(fd, 0, &(struct itimerspec){period, period}, NULL);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		check(-errno, "epoll");
}

static void tick(int timer)
{
	uint64_t ticks;

	/* Until it is read the timer stays readable. */
	if (read(timer, &ticks, sizeof(ticks)) == sizeof(ticks))
		report();
}

int main(int argc, char **argv)
{
	int signals = open_signals(), timer = open_timer();
	struct hail_engine *engine = open_server(argc, argv, "epoll_loop");
	int turn_due = hail_engine_fd(engine);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	bool running = true;

	check(turn_due, "descriptor");
	watch(epoll, turn_due);
	watch(epoll, signals);
	watch(epoll, timer);

	while (running) {
		struct epoll_event event;

		if (epoll_wait(epoll, &event, 1, -1) != 1)
			continue;
		/* One turn, which doesn't wait: if there is more to do, the
		 * descriptor is readable again. */
		if (event.data.fd == turn_due)
			check(hail_engine_turn(engine, 0), "turn");
		else if (event.data.fd == timer)
			tick(timer);
		else
			running = false;
	}

	/* The descriptor goes with the engine. */
	close(epoll);
	close(timer);
	close(signals);
	check(hail_engine_destroy(engine), "destroy");
	printf("stopped\n");
	return EXIT_SUCCESS;
}
