/* SPDX-License-Identifier: MIT */
/* sharded.c: receiving many flows on the shards behind one port. */
#include "support/sharded.h"

#include "support/clock.h"
#include "support/payload.h"
#include "support/udp.h"

#include <errno.h>
#include <hail/hail.h>
#include <hail/shard.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOWS 64
#define LUMP 16
#define SLICE_DATAGRAMS 4096
/* On their way at a time: fits the receive buffer of one shard, should all
 * flows be its. */
#define ON_THEIR_WAY 1024
#define WAIT_NS 10000000000u

struct sharded {
	struct hail_shards *shards;
	int fds[FLOWS];
	size_t count;
	unsigned char *payload;
	struct iovec iovec;
	struct mmsghdr headers[LUMP];
	size_t size;
	atomic_uint_fast64_t got;
	atomic_uint_fast64_t sum;
	atomic_bool wrong;
};

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct sharded *sharded = hail_socket_user(socket);
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += payload_touch(batch[i].data, batch[i].size,
				     &batch[i].remote.v4);
		if (batch[i].size != sharded->size)
			atomic_store(&sharded->wrong, true);
	}
	atomic_fetch_add(&sharded->sum, sum);
	atomic_fetch_add(&sharded->got, count);
}

/* Waits until at most `left` of `sent` are on their way. */
static int await(struct sharded *sharded, uint64_t sent, uint64_t left)
{
	const uint64_t began = clock_wall_ns();

	while (sent - atomic_load(&sharded->got) > left) {
		if (clock_wall_ns() - began > WAIT_NS)
			return -ETIMEDOUT;
		sched_yield();
	}
	return 0;
}

static int send_all(struct sharded *sharded)
{
	uint64_t sent = 0;
	int error = 0;

	while (!error && sent < SLICE_DATAGRAMS) {
		size_t flow = sent / LUMP % FLOWS;

		error = udp_send_all(sharded->fds[flow], sharded->headers,
				     LUMP);
		sent += LUMP;
		if (!error)
			error = await(sharded, sent, ON_THEIR_WAY);
	}
	return error ? error : await(sharded, sent, 0);
}

static int sharded_run(void *self, struct slice *slice)
{
	struct sharded *sharded = self;
	uint64_t cpu = clock_cpu_ns(), own = clock_thread_ns();
	int error;

	atomic_store(&sharded->got, 0);
	error = send_all(sharded);
	own = clock_thread_ns() - own;
	slice->cpu_ns = clock_cpu_ns() - cpu - own;
	slice->datagrams = SLICE_DATAGRAMS;
	if (error)
		return error;
	return atomic_load(&sharded->wrong) ? -EBADMSG : 0;
}

static void sharded_destroy(void *self)
{
	struct sharded *sharded = self;

	hail_shards_destroy(sharded->shards);
	for (size_t i = 0; i < sharded->count; i++)
		close(sharded->fds[i]);
	free(sharded->payload);
	free(sharded);
}

static int open_flows(struct sharded *sharded, const struct hail_addr *to)
{
	sharded->payload = calloc(1, sharded->size + 1);
	if (!sharded->payload)
		return -ENOMEM;
	sharded->iovec.iov_base = sharded->payload;
	sharded->iovec.iov_len = sharded->size;
	for (size_t i = 0; i < LUMP; i++) {
		sharded->headers[i].msg_hdr.msg_iov = &sharded->iovec;
		sharded->headers[i].msg_hdr.msg_iovlen = 1;
	}
	for (size_t i = 0; i < FLOWS; i++) {
		int fd = udp_connect(&to->v4);

		if (fd < 0)
			return fd;
		sharded->fds[sharded->count++] = fd;
	}
	return 0;
}

static int sharded_init(struct sharded *sharded, unsigned shards)
{
	struct hail_socket_options socket =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data, .user = sharded,
				    .receive_buffer = UDP_RECEIVE_BUFFER);
	struct hail_shards_options options =
		HAIL_SHARDS_OPTIONS(.count = shards, .pin = true,
				    .socket = &socket);
	struct hail_addr local;
	int error = hail_addr_parse(&socket.local, "127.0.0.1", 0);

	if (!error)
		error = hail_shards_create(&sharded->shards, &options);
	if (!error)
		error = hail_shards_local(sharded->shards, &local);
	return error ? error : open_flows(sharded, &local);
}

int sharded_create(struct contender *out, unsigned shards, size_t size)
{
	struct sharded *sharded = calloc(1, sizeof(*sharded));
	int error;

	if (!sharded)
		return -ENOMEM;
	sharded->size = size;
	error = sharded_init(sharded, shards);
	if (error) {
		sharded_destroy(sharded);
		return error;
	}
	*out = (struct contender){
		.name = "hail",
		.self = sharded,
		.run = sharded_run,
		.destroy = sharded_destroy,
	};
	return 0;
}
