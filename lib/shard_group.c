/* SPDX-License-Identifier: MIT */
/*
 * shard_group.c: binds the descriptors of shards to one port.
 *
 * The kernel numbers the sockets of a group in the order in which they are
 * bound, which is what the steering program counts on. Until all are there it
 * would choose among those that are, so each drops what comes at first.
 */
#include "shard_group.h"

#include "net/endpoint.h"
#include "socket.h"

#include <errno.h>

/* The first has the program before it is bound: it then joins no group that
 * others have begun, where the numbers would be different ones. */
static int begin(struct hail_shard *first, const struct hl_steer *steer)
{
	struct hl_steer_program program;

	hl_steer_write(&program, steer);
	return hl_steer_attach(first->fd, &program);
}

static int bind_one(struct hail_shard *shard, const struct hl_steer *steer)
{
	struct hail_socket_options *options = &shard->shards->socket;
	int err = 0;

	shard->fd = hl_endpoint_make(options);
	if (shard->fd < 0)
		return shard->fd;
	if (!shard->index)
		err = begin(shard, steer);
	if (!err)
		err = hl_steer_mute(shard->fd);
	if (!err)
		err = hl_endpoint_bind(shard->fd, options);
	/* All others where the first is. */
	if (!err && !shard->index)
		err = hl_endpoint_local(shard->fd, &options->local);
	return err;
}

int hl_shard_group_bind(struct hail_shards *shards,
			const struct hl_steer *steer)
{
	int err = 0;

	for (uint32_t i = 0; i < shards->options.count && !err; i++)
		err = bind_one(&shards->shards[i], steer);
	shards->local = shards->socket.local;
	return err;
}

/* Their threads wait meanwhile, so their sockets may be looked at. */
int hl_shard_group_unmute(struct hail_shards *shards)
{
	uint32_t count = shards->options.count;
	int err = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!hl_shard_own_socket(&shards->shards[i]))
			return -EBADF;
	}
	for (uint32_t i = 0; i < count && !err; i++)
		err = hl_steer_unmute(shards->shards[i].socket->fd);
	return err;
}
