/* SPDX-License-Identifier: MIT */
/* connected.c: a connected socket, by name. It gives no destination with its
 * sends, hears nobody but its peer, and is told when nobody listens there. */
#include "example.h"

#include <string.h>

struct client {
	struct hail_engine *engine;
	struct hail_timer *deadline;
	unsigned long count;
	unsigned long answered;
	bool failed;
};

static void ping(struct hail_socket *socket, struct client *client)
{
	char text[32];
	int size =
		snprintf(text, sizeof(text), "ping %lu", client->answered + 1);

	check(hail_send(socket, text, (size_t)size, NULL), "send");
	check(hail_timer_start(client->deadline, 2000000000, 0), "timer");
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct client *client = hail_socket_user(socket);

	for (size_t i = 0; i < count; i++) {
		printf("%.*s\n", (int)batch[i].size,
		       (const char *)batch[i].data);
		if (++client->answered == client->count) {
			hail_engine_stop(client->engine);
			return;
		}
		ping(socket, client);
	}
}

static void give_up(struct client *client, const char *why)
{
	fprintf(stderr, "%s\n", why);
	client->failed = true;
	hail_engine_stop(client->engine);
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	give_up(hail_socket_user(socket), hail_strerror(error->code));
}

static void on_deadline(struct hail_timer *timer, void *user)
{
	(void)timer;
	give_up(user, "no answer");
}

static int usage(void)
{
	fprintf(stderr, "usage: connected HOST PORT [COUNT]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct client client = {.count = 3};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers = {.data = on_data,
						 .error = on_error},
				    .user = &client);
	struct hail_socket *socket;
	char text[HAIL_ADDR_TEXT_MAX];
	uint16_t port;

	if (argc < 3 || argc > 4 || !read_port(argv[2], 1, &port))
		return usage();
	if (argc > 3 && (!read_number(argv[3], 1000000, &client.count) ||
			 client.count == 0))
		return usage();
	/* May ask a name server and block: before the engine runs. */
	check(hail_addr_resolve(&options.remote, argv[1], port), argv[1]);

	check_engine(hail_engine_create(&client.engine, NULL));
	check(hail_timer_create(&client.deadline, client.engine, on_deadline,
				&client),
	      "timer");
	check(hail_socket_open(&socket, client.engine, &options), "socket");
	check(hail_addr_format(&options.remote, text, sizeof(text)), argv[1]);
	printf("connected to %s\n", text);

	ping(socket, &client);
	check(hail_engine_run(client.engine), "run");
	check(hail_engine_destroy(client.engine), "destroy");
	return client.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
