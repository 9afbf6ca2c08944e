/* SPDX-License-Identifier: MIT */
/* client.c: sends its standard input as one datagram and writes the answer to
 * its standard output. Not connected: it looks itself at who answers. */
#include "example.h"

/* One byte more than the longest datagram, so that hail sees what is too
 * long and says so. */
static char input[65508];

struct client {
	struct hail_engine *engine;
	struct hail_addr server;
	bool answered;
};

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct client *client = hail_socket_user(socket);

	for (size_t i = 0; i < count && !client->answered; i++) {
		if (!hail_addr_equal(&batch[i].remote, &client->server))
			continue;
		fwrite(batch[i].data, 1, batch[i].size, stdout);
		client->answered = true;
		hail_engine_stop(client->engine);
	}
}

static void on_deadline(struct hail_timer *timer, void *user)
{
	struct client *client = user;

	(void)timer;
	fprintf(stderr, "no answer\n");
	hail_engine_stop(client->engine);
}

static int usage(void)
{
	fprintf(stderr, "usage: client ADDRESS PORT [TIMEOUT_MS]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct client client = {.answered = false};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data, .user = &client);
	struct hail_socket *socket;
	struct hail_timer *timer;
	unsigned long timeout_ms = 2000;
	uint16_t port;
	size_t size;

	if (argc < 3 || argc > 4 || !read_port(argv[2], 1, &port))
		return usage();
	if (hail_addr_parse(&client.server, argv[1], port))
		return usage();
	if (argc > 3 && !read_number(argv[3], 3600000, &timeout_ms))
		return usage();
	size = fread(input, 1, sizeof(input), stdin);

	/* Nothing is bound by default but 0.0.0.0, which IPv6 can't use. */
	if (client.server.sa.sa_family == AF_INET6)
		check(hail_addr_parse(&options.local, "::", 0), "::");
	check_engine(hail_engine_create(&client.engine, NULL));
	check(hail_socket_open(&socket, client.engine, &options), "socket");
	check(hail_timer_create(&timer, client.engine, on_deadline, &client),
	      "timer");
	check(hail_send(socket, input, size, &client.server), "send");
	check(hail_timer_start(timer, timeout_ms * 1000000ull, 0), "timer");

	check(hail_engine_run(client.engine), "run");
	check(hail_engine_destroy(client.engine), "destroy");
	if (fflush(stdout) || ferror(stdin))
		return EXIT_FAILURE;
	return client.answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
