/* SPDX-License-Identifier: MIT */
/* bind.c: opens a socket, prints the port that the kernel chose, and closes it
 * again. */
#include "example.h"

static void on_close(struct hail_socket *socket)
{
	(void)socket;
	printf("closed\n");
}

static int usage(void)
{
	fprintf(stderr, "usage: bind [PORT [ADDRESS]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.close = on_close);
	struct hail_engine *engine;
	struct hail_socket *socket;
	uint16_t port = 0;

	if (argc > 3 || (argc > 1 && !read_port(argv[1], 0, &port)))
		return usage();
	if (hail_addr_parse(&options.local, argc > 2 ? argv[2] : "0.0.0.0",
			    port))
		return usage();

	check_engine(hail_engine_create(&engine, NULL));
	check(hail_socket_open(&socket, engine, &options), "socket");
	print_local(socket);

	/* Closing is asynchronous: the handler runs when the port is free,
	 * and with the last socket gone the engine has nothing to run for. */
	check(hail_socket_close(socket), "close");
	check(hail_engine_run(engine), "run");
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
