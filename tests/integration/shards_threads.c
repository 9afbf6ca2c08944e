/* SPDX-License-Identifier: MIT */
/* Much at once on the threads of shards, without a framework so that
 * ThreadSanitizer can watch: datagrams, messages, counters and the end. */
#include "support/plain.h"

#include <hail/hail.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 20
#define COUNT 4
#define DATAGRAMS 400

struct world {
	struct hail_shards *shards;
	/* Each shard's own, without a lock. */
	unsigned datagrams[COUNT], messages[COUNT], stops[COUNT];
	atomic_uint heard;
};

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct world *world = hail_socket_user(socket);
	struct hail_shard *shard = hail_shard_of(hail_socket_engine(socket));
	uint32_t index = hail_shard_index(shard);
	struct hail_shard *next =
		hail_shards_at(hail_shards_of(shard), (index + 1) % COUNT);

	(void)batch;
	world->datagrams[index] += (unsigned)count;
	for (size_t i = 0; i < count; i++)
		hail_shard_send(next, &world->datagrams[index]);
	atomic_fetch_add(&world->heard, (unsigned)count);
}

static void on_message(struct hail_shard *shard, uint32_t from, void *message,
		       void *arg)
{
	struct world *world = arg;

	(void)from;
	(void)message;
	world->messages[hail_shard_index(shard)]++;
}

static void on_stop(struct hail_shard *shard, void *arg)
{
	struct world *world = arg;

	world->stops[hail_shard_index(shard)]++;
}

static void *ask(void *arg)
{
	struct world *world = arg;
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	int err = 0;

	while (!err && atomic_load(&world->heard) < DATAGRAMS)
		err = hail_shards_stats(world->shards, &stats);
	hail_shards_stop(world->shards);
	return NULL;
}

static bool serve(struct world *world, uint16_t port)
{
	int fd = plain_open("127.0.0.1", 0);
	unsigned char byte = 0;
	pthread_t thread;
	bool well = fd >= 0 && !pthread_create(&thread, NULL, ask, world);

	for (unsigned i = 0; i < DATAGRAMS && well; i++) {
		byte = (unsigned char)i;
		well = plain_send(fd, &byte, 1, port);
	}
	well = well && !pthread_join(thread, NULL);
	close(fd);
	return well && !hail_shards_join(world->shards);
}

static bool run_round(void)
{
	struct world world = {0};
	struct hail_socket_options socket =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data, .user = &world);
	struct hail_shards_options options =
		HAIL_SHARDS_OPTIONS(.count = COUNT,
				    .steering = HAIL_STEERING_BYTES,
				    .socket = &socket, .stop = on_stop,
				    .message = on_message, .arg = &world);
	struct hail_addr local;
	bool well;

	if (hail_addr_parse(&socket.local, "127.0.0.1", 0) ||
	    hail_shards_create(&world.shards, &options))
		return false;
	hail_shards_local(world.shards, &local);
	well = serve(&world, hail_addr_port(&local));
	for (unsigned i = 0; i < COUNT; i++)
		well = well && world.datagrams[i] == DATAGRAMS / COUNT &&
		       world.messages[i] == DATAGRAMS / COUNT &&
		       world.stops[i] == 1;
	return !hail_shards_destroy(world.shards) && well;
}

int main(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!run_round()) {
			printf("round %u went wrong\n", i);
			return 1;
		}
	}
	return 0;
}
