/* SPDX-License-Identifier: MIT */
/* support/outer_glib.c: a loop of GLib. */
#include "support/outer.h"

#include <errno.h>
#include <glib-unix.h>

static guint watch;
static gboolean late;
static int result; /* -ETIME: no turn was made */

static gboolean on_readable(gint fd, GIOCondition condition, gpointer engine)
{
	(void)fd;
	(void)condition;
	result = hail_engine_turn(engine, 0);
	return G_SOURCE_CONTINUE;
}

static gboolean on_deadline(gpointer user)
{
	(void)user;
	late = TRUE;
	return G_SOURCE_CONTINUE;
}

int outer_open(struct hail_engine *engine)
{
	int fd = hail_engine_fd(engine);

	if (fd < 0)
		return fd;
	watch = g_unix_fd_add(fd, G_IO_IN, on_readable, engine);
	return 0;
}

void outer_close(void)
{
	g_source_remove(watch);
}

int outer_turn(int timeout_ms)
{
	guint deadline;

	result = -ETIME;
	if (!timeout_ms) {
		g_main_context_iteration(NULL, FALSE);
		return result;
	}
	late = FALSE;
	deadline = g_timeout_add((guint)timeout_ms, on_deadline, NULL);
	while (result == -ETIME && !late)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	return result;
}
