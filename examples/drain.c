/* SPDX-License-Identifier: MIT */
/* drain.c: sends more than the link takes. hail refuses at the window, nothing
 * is lost, and the drain handler goes on where the refusal stopped. */
#include "example.h"

#include <arpa/inet.h>
#include <string.h>

enum { WINDOW = 64, LOW_WATER = 16, PAYLOAD = 1200 };

struct sender {
	struct hail_socket *socket;
	struct hail_addr remote;
	unsigned long count;
	unsigned long next;
};

/* Each datagram begins with its number, so that the other end can tell whether
 * any is missing or out of order. */
static void go_on(struct sender *sender)
{
	char payload[PAYLOAD] = {0};

	while (sender->next < sender->count) {
		uint32_t number = htonl((uint32_t)sender->next);
		int error;

		memcpy(payload, &number, sizeof(number));
		error = hail_send(sender->socket, payload, sizeof(payload),
				  &sender->remote);
		if (error == -EAGAIN)
			return;
		check(error, "send");
		sender->next++;
	}
}

static void on_drain(struct hail_socket *socket)
{
	go_on(hail_socket_user(socket));
}

/* What a handler sends leaves at the end of the turn. So even a fast link,
 * which never fills the kernel's send buffer, meets the window here. */
static void start(struct hail_engine *engine, void *user)
{
	(void)engine;
	go_on(user);
}

static bool finished(const struct sender *sender,
		     struct hail_socket_stats *stats)
{
	stats->size = sizeof(*stats);
	check(hail_socket_stats(sender->socket, stats), "stats");
	return sender->next == sender->count && stats->in_flight == 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: drain IPV4_ADDRESS PORT COUNT\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct sender sender = {.next = 0};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.drain = on_drain, .user = &sender,
				    .window = WINDOW, .low_water = LOW_WATER,
				    .send_buffer = 16384);
	struct hail_socket_stats stats;
	struct hail_engine *engine;
	uint16_t port;

	if (argc != 4 || !read_port(argv[2], 1, &port) ||
	    hail_addr_parse(&sender.remote, argv[1], port) ||
	    !read_number(argv[3], 100000000, &sender.count))
		return usage();

	check_engine(hail_engine_create(&engine, NULL));
	check(hail_socket_open(&sender.socket, engine, &options), "socket");
	check(hail_engine_post(engine, start, &sender), "post");

	/* Closing at once would cancel what is still in flight. */
	while (!finished(&sender, &stats))
		check(hail_engine_turn(engine, 10000000), "turn");
	printf("sent %llu, refused %llu, drained %llu, failed %llu\n",
	       (unsigned long long)stats.traffic.sent,
	       (unsigned long long)stats.traffic.refused,
	       (unsigned long long)stats.traffic.drains,
	       (unsigned long long)stats.traffic.failed);
	check(hail_engine_destroy(engine), "destroy");
	return stats.traffic.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
