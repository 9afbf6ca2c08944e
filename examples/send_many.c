/* SPDX-License-Identifier: MIT */
/* send_many.c: batches of datagrams, each batch one submission: first to
 * several destinations, then to one on a connected socket. */
#include "example.h"

enum { PORTS_MAX = 64, EACH = 4, BATCH = PORTS_MAX * EACH };

static void on_drain(struct hail_socket *socket)
{
	hail_engine_stop(hail_socket_engine(socket));
}

/* A short count is a normal answer: the first ones were taken, and the next
 * call tells why the others weren't. */
static void send_all(struct hail_engine *engine, struct hail_socket *socket,
		     const struct hail_message *messages, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t taken =
			hail_send_many(socket, messages + done, count - done);

		if (taken == -EAGAIN) {
			check(hail_engine_run(engine), "run");
			continue;
		}
		check((int)taken, "send");
		done += (size_t)taken;
	}
}

static void fill(struct hail_message *messages, size_t count, char (*texts)[32],
		 const char *kind)
{
	for (size_t i = 0; i < count; i++) {
		int size =
			snprintf(texts[i], sizeof(texts[i]), "%s %zu", kind, i);

		messages[i].data = texts[i];
		messages[i].size = (size_t)size;
		messages[i].remote = NULL;
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: send_many IPV4_ADDRESS PORT...\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.drain = on_drain);
	struct hail_message messages[BATCH];
	struct hail_addr remotes[PORTS_MAX];
	char texts[BATCH][32];
	struct hail_engine *engine;
	struct hail_socket *socket, *connected;
	size_t ports, count;
	uint16_t port;

	if (argc < 3 || argc - 2 > PORTS_MAX)
		return usage();
	ports = (size_t)argc - 2;
	count = ports * EACH;
	for (size_t i = 0; i < ports; i++)
		if (!read_port(argv[2 + i], 1, &port) ||
		    hail_addr_parse(&remotes[i], argv[1], port))
			return usage();

	check_engine(hail_engine_create(&engine, NULL));
	check(hail_socket_open(&socket, engine, &options), "socket");
	fill(messages, count, texts, "many");
	for (size_t i = 0; i < count; i++)
		messages[i].remote = &remotes[i % ports];
	send_all(engine, socket, messages, count);
	printf("sent %zu datagrams to %zu destinations\n", count, ports);

	options.remote = remotes[0];
	check(hail_socket_open(&connected, engine, &options), "connected");
	fill(messages, EACH, texts, "connected");
	send_all(engine, connected, messages, EACH);
	printf("sent %d datagrams to the first of them, connected\n", EACH);
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
