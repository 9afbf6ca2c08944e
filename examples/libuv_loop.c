/* SPDX-License-Identifier: MIT */
/* libuv_loop.c: an engine in a loop of libuv, beside a timer and the signals
 * that end it. */
#include "loop.h"

#include <signal.h>
#include <uv.h>

/* One turn, which doesn't wait: if there is more to do, the descriptor is
 * readable again. */
static void on_turn_due(uv_poll_t *handle, int status, int events)
{
	(void)events;
	check(status, "poll");
	check(hail_engine_turn(handle->data, 0), "turn");
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	report();
}

/* With its handles closed the loop has nothing to run for. */
static void close_handle(uv_handle_t *handle, void *user)
{
	(void)user;
	uv_close(handle, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	uv_walk(handle->loop, close_handle, NULL);
}

static void start_signal(uv_loop_t *loop, uv_signal_t *handle, int number)
{
	check(uv_signal_init(loop, handle), "signal");
	check(uv_signal_start(handle, on_signal, number), "signal");
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	struct hail_engine *engine;
	uv_signal_t interrupt, terminate;
	uv_timer_t timer;
	uv_poll_t poll;
	int fd;

	start_signal(loop, &interrupt, SIGINT);
	start_signal(loop, &terminate, SIGTERM);
	engine = open_server(argc, argv, "libuv_loop");

	fd = hail_engine_fd(engine);
	check(fd, "descriptor");
	check(uv_poll_init(loop, &poll, fd), "poll");
	poll.data = engine;
	check(uv_poll_start(&poll, UV_READABLE, on_turn_due), "poll");
	check(uv_timer_init(loop, &timer), "timer");
	check(uv_timer_start(&timer, on_timer, REPORT_MS, REPORT_MS), "timer");
	check(uv_run(loop, UV_RUN_DEFAULT), "run");

	/* The descriptor goes with the engine, so the loop goes first. */
	check(uv_loop_close(loop), "loop");
	check(hail_engine_destroy(engine), "destroy");
	printf("stopped\n");
	return EXIT_SUCCESS;
}
