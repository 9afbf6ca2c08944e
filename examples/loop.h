/* SPDX-License-Identifier: MIT */
/* loop.h: the echo server that the examples of foreign loops turn, each in a
 * loop of another kind. */
#ifndef HAIL_EXAMPLE_LOOP_H
#define HAIL_EXAMPLE_LOOP_H

#include "example.h"

#include <stdint.h>

enum { REPORT_MS = 50 };

static unsigned long echoed;

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* Ignores what can't be sent: an echo may be lost. */
		if (!hail_send(socket, batch[i].data, batch[i].size,
			       &batch[i].remote))
			echoed++;
	}
}

static inline struct hail_engine *open_server(int argc, char **argv,
					      const char *name)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data);
	struct hail_engine *engine;
	struct hail_socket *socket;
	uint16_t port = 0;

	if (argc > 3 || (argc > 1 && !read_port(argv[1], 0, &port)) ||
	    hail_addr_parse(&options.local, argc > 2 ? argv[2] : "0.0.0.0",
			    port)) {
		fprintf(stderr, "usage: %s [PORT [ADDRESS]]\n", name);
		exit(2);
	}
	check_engine(hail_engine_create(&engine, NULL));
	check(hail_socket_open(&socket, engine, &options), "socket");
	print_local(socket);
	return engine;
}

/* What the program does besides, now and then, by a timer of its own loop. */
static inline void report(void)
{
	static unsigned long reported;

	if (reported == echoed)
		return;
	reported = echoed;
	printf("echoed %lu datagrams\n", echoed);
	fflush(stdout);
}

#endif
