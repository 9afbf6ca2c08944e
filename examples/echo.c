/* SPDX-License-Identifier: MIT */
/* echo.c: a server that sends every datagram back to where it came from, until
 * Ctrl-C. A batch comes in and a batch goes out, without a copy. */
#include "example.h"

#include <signal.h>

enum { BATCH = 64 };

static struct hail_engine *engine;
static unsigned long echoed, dropped;

/* hail_engine_stop() is the one call that a signal handler may make. */
static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(engine);
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct hail_message answers[BATCH];
	size_t done = 0;

	for (size_t i = 0; i < count; i++)
		answers[i] = (struct hail_message){
			.data = batch[i].data,
			.size = batch[i].size,
			.remote = &batch[i].remote,
		};
	while (done < count) {
		ssize_t taken =
			hail_send_many(socket, answers + done, count - done);

		if (taken > 0) {
			echoed += (unsigned long)taken;
			done += (size_t)taken;
		} else {
			/* Refused: an echo may be lost, waiting may not. */
			dropped++;
			done++;
		}
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: echo [PORT [ADDRESS]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data,
				    .receive_buffer = 4 << 20);
	struct sigaction stop = {.sa_handler = on_signal};
	struct hail_socket *socket;
	uint16_t port = 0;

	if (argc > 3 || (argc > 1 && !read_port(argv[1], 0, &port)))
		return usage();
	if (hail_addr_parse(&options.local, argc > 2 ? argv[2] : "0.0.0.0",
			    port))
		return usage();

	/* The budget is the most that a data handler is given at once. */
	check_engine(hail_engine_create(&engine,
					&HAIL_ENGINE_OPTIONS(.budget = BATCH)));
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	check(hail_socket_open(&socket, engine, &options), "socket");
	print_local(socket);

	check(hail_engine_run(engine), "run");
	printf("echoed %lu datagrams, dropped %lu\n", echoed, dropped);
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
