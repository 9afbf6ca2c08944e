/* SPDX-License-Identifier: MIT */
/* shards.c: rooms on all processors. The first byte of a datagram is the number
 * of a room, and what comes to a room goes to whoever was heard there last; a
 * room is on one thread, so it needs no lock. */
#include "example.h"

#include <signal.h>

enum { ROOMS = 256, BATCH = 64 };

/* Each of them is one shard's only. */
struct room {
	struct hail_addr last;
	unsigned long passed;
};

static struct room rooms[ROOMS];
static struct hail_shards *shards;

/* hail_shards_stop() may be called from signal handlers, which run on this
 * program's own thread: those of shards take no signals. */
static void on_signal(int number)
{
	(void)number;
	hail_shards_stop(shards);
}

static void pass(struct hail_socket *socket,
		 const struct hail_datagram *datagram)
{
	struct room *room = &rooms[*(const unsigned char *)datagram->data];

	/* The first in a room hears itself. */
	if (!room->passed++)
		room->last = datagram->remote;
	hail_send(socket, datagram->data, datagram->size, &room->last);
	room->last = datagram->remote;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (batch[i].size)
			pass(socket, &batch[i]);
	}
}

/* A shard's rooms are those whose number, modulo the shards, is its index. */
static void on_stop(struct hail_shard *shard, void *arg)
{
	uint32_t count = hail_shards_count(hail_shards_of(shard));
	uint32_t index = hail_shard_index(shard);
	unsigned long passed = 0;

	(void)arg;
	for (uint32_t room = index; room < ROOMS; room += count)
		passed += rooms[room].passed;
	printf("shard %u of %u passed %lu datagrams\n", index, count, passed);
}

static int usage(void)
{
	fprintf(stderr, "usage: shards [PORT [ADDRESS [SHARDS]]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options socket =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data);
	struct sigaction stop = {.sa_handler = on_signal};
	struct hail_addr local;
	unsigned long count = 0;
	char text[HAIL_ADDR_TEXT_MAX];
	uint16_t port = 0;

	if (argc > 4 || (argc > 1 && !read_port(argv[1], 0, &port)) ||
	    (argc > 3 && !read_number(argv[3], HAIL_SHARDS_MAX, &count)))
		return usage();
	if (hail_addr_parse(&socket.local, argc > 2 ? argv[2] : "0.0.0.0",
			    port))
		return usage();

	check_engine(hail_shards_create(
		&shards,
		&HAIL_SHARDS_OPTIONS(.count = (uint32_t)count,
				     .steering = HAIL_STEERING_BYTES,
				     .socket = &socket, .stop = on_stop)));
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	check(hail_shards_local(shards, &local), "local address");
	check(hail_addr_format(&local, text, sizeof(text)), "local address");
	printf("listening on %s\n", text);
	fflush(stdout);

	check(hail_shards_join(shards), "run");
	check(hail_shards_destroy(shards), "destroy");
	return EXIT_SUCCESS;
}
