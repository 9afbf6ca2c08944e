/* SPDX-License-Identifier: MIT */
/* support/outer_libuv.c: a loop of libuv. */
#include "support/outer.h"

#include <errno.h>
#include <uv.h>

static uv_loop_t loop;
static uv_poll_t watch;
static uv_timer_t deadline;
static bool late;
static int result; /* -ETIME: no turn was made */

static void on_readable(uv_poll_t *handle, int status, int events)
{
	(void)events;
	result = status ? status : hail_engine_turn(handle->data, 0);
}

static void on_deadline(uv_timer_t *timer)
{
	(void)timer;
	late = true;
}

int outer_open(struct hail_engine *engine)
{
	int fd = hail_engine_fd(engine);
	int err = fd < 0 ? fd : uv_loop_init(&loop);

	if (!err)
		err = uv_timer_init(&loop, &deadline);
	if (!err)
		err = uv_poll_init(&loop, &watch, fd);
	watch.data = engine;
	return err ? err : uv_poll_start(&watch, UV_READABLE, on_readable);
}

void outer_close(void)
{
	uv_close((uv_handle_t *)&watch, NULL);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
}

int outer_turn(int timeout_ms)
{
	result = -ETIME;
	if (!timeout_ms) {
		uv_run(&loop, UV_RUN_NOWAIT);
		return result;
	}
	late = false;
	uv_timer_start(&deadline, on_deadline, (uint64_t)timeout_ms, 0);
	while (result == -ETIME && !late)
		uv_run(&loop, UV_RUN_ONCE);
	uv_timer_stop(&deadline);
	return result;
}
