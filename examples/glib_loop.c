/* SPDX-License-Identifier: MIT */
/* glib_loop.c: an engine in a main loop of GLib, beside a timeout and the
 * signals that end it. */
#include "loop.h"

#include <glib-unix.h>
#include <signal.h>

/* One turn, which doesn't wait: if there is more to do, the descriptor is
 * readable again. */
static gboolean on_turn_due(gint fd, GIOCondition condition, gpointer engine)
{
	(void)fd;
	(void)condition;
	check(hail_engine_turn(engine, 0), "turn");
	return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer user)
{
	(void)user;
	report();
	return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	struct hail_engine *engine;
	guint turn_due;
	int fd;

	g_unix_signal_add(SIGINT, on_signal, loop);
	g_unix_signal_add(SIGTERM, on_signal, loop);
	engine = open_server(argc, argv, "glib_loop");

	fd = hail_engine_fd(engine);
	check(fd, "descriptor");
	turn_due = g_unix_fd_add(fd, G_IO_IN, on_turn_due, engine);
	g_timeout_add(REPORT_MS, on_timeout, NULL);

	g_main_loop_run(loop);

	/* The descriptor goes with the engine, so its source goes first. */
	g_source_remove(turn_due);
	check(hail_engine_destroy(engine), "destroy");
	g_main_loop_unref(loop);
	printf("stopped\n");
	return EXIT_SUCCESS;
}
