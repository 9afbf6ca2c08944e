/* SPDX-License-Identifier: MIT */
/* support/sharded.c: shards that write down what happens to them. */
#include "support/sharded.h"

#include <arpa/inet.h>
#include <time.h>

const struct hail_engine_options sharded_engine = {
	.size = sizeof(struct hail_engine_options),
	.entries = 64,
	.buffers = 16,
	.buffers_max = 64,
	.small_buffers = 16,
	.small_buffers_max = 64,
	.send_blocks = 256,
	.send_blocks_large = 16,
};

static struct sharded_seen *append(struct sharded_seen *list, size_t *count)
{
	struct sharded_seen *seen = &list[*count % SHARDED_SEEN_MAX];

	++*count;
	return seen;
}

/* Under the lock. */
static void check_thread(struct sharded *sharded,
			 const struct hail_shard *shard)
{
	uint32_t index = hail_shard_index(shard);

	if (index == HAIL_SHARD_NONE ||
	    !pthread_equal(sharded->threads[index], pthread_self()))
		sharded->astray++;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct sharded *sharded = hail_socket_user(socket);
	struct hail_shard *shard = hail_shard_of(hail_socket_engine(socket));

	pthread_mutex_lock(&sharded->lock);
	check_thread(sharded, shard);
	for (size_t i = 0; i < count; i++) {
		struct sharded_seen *seen =
			append(sharded->seen, &sharded->seen_count);

		*seen = (struct sharded_seen){
			.shard = hail_shard_index(shard),
			.from = HAIL_SHARD_NONE,
			.port = hail_addr_port(&batch[i].remote),
		};
		if (batch[i].size >= sizeof(seen->number))
			memcpy(&seen->number, batch[i].data,
			       sizeof(seen->number));
		seen->number = ntohl(seen->number);
	}
	pthread_cond_broadcast(&sharded->changed);
	pthread_mutex_unlock(&sharded->lock);
	if (sharded->on_data)
		sharded->on_data(sharded, socket, batch, count);
}

static void on_close(struct hail_socket *socket)
{
	struct sharded *sharded = hail_socket_user(socket);

	pthread_mutex_lock(&sharded->lock);
	check_thread(sharded, hail_shard_of(hail_socket_engine(socket)));
	sharded->closes++;
	pthread_mutex_unlock(&sharded->lock);
}

static int on_start(struct hail_shard *shard, void *arg)
{
	struct sharded *sharded = arg;

	pthread_mutex_lock(&sharded->lock);
	sharded->threads[hail_shard_index(shard)] = pthread_self();
	sharded->starts++;
	pthread_mutex_unlock(&sharded->lock);
	return sharded->on_start ? sharded->on_start(sharded, shard) : 0;
}

static void on_stop(struct hail_shard *shard, void *arg)
{
	struct sharded *sharded = arg;

	pthread_mutex_lock(&sharded->lock);
	check_thread(sharded, shard);
	sharded->stops++;
	pthread_mutex_unlock(&sharded->lock);
	if (sharded->on_stop)
		sharded->on_stop(sharded, shard);
}

static void on_message(struct hail_shard *shard, uint32_t from, void *message,
		       void *arg)
{
	struct sharded *sharded = arg;
	uint32_t number = (uint32_t)(uintptr_t)message;
	int turned = hail_engine_turn(hail_shard_engine(shard), 0);

	pthread_mutex_lock(&sharded->lock);
	check_thread(sharded, shard);
	sharded->outside += turned != -EBUSY;
	*append(sharded->messages, &sharded->message_count) =
		(struct sharded_seen){
			.shard = hail_shard_index(shard),
			.from = from,
			.number = number,
		};
	pthread_cond_broadcast(&sharded->changed);
	pthread_mutex_unlock(&sharded->lock);
	if (sharded->on_message)
		sharded->on_message(sharded, shard, number);
}

int sharded_try(struct sharded *sharded,
		const struct hail_shards_options *options)
{
	struct hail_shards_options own = HAIL_SHARDS_OPTIONS(.count = 0);
	struct hail_socket_options socket =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0));

	if (options)
		own = *options;
	if (own.socket)
		socket = *own.socket;
	socket.handlers.data = on_data;
	socket.handlers.close = on_close;
	socket.user = sharded;
	own.socket = &socket;
	if (!own.engine)
		own.engine = &sharded_engine;
	own.start = on_start;
	own.stop = on_stop;
	own.message = on_message;
	own.arg = sharded;
	pthread_mutex_init(&sharded->lock, NULL);
	pthread_cond_init(&sharded->changed, NULL);
	return hail_shards_create(&sharded->shards, &own);
}

void sharded_start(struct sharded *sharded,
		   const struct hail_shards_options *options)
{
	struct hail_addr local;
	int err = sharded_try(sharded, options);

	cr_assert_eq(err, 0, "no shards: %s", hail_strerror(err));
	cr_assert_eq(hail_shards_local(sharded->shards, &local), 0);
	sharded->port = hail_addr_port(&local);
	cr_assert_gt(sharded->port, 0);
}

void sharded_end(struct sharded *sharded)
{
	uint32_t count = hail_shards_count(sharded->shards);

	cr_assert_eq(hail_shards_destroy(sharded->shards), 0);
	cr_assert_eq(sharded->starts, count);
	cr_assert_eq(sharded->stops, count);
	cr_assert_eq(sharded->closes, count);
	cr_assert_eq(sharded->astray, 0);
	cr_assert_eq(sharded->outside, 0);
	cr_assert_leq(sharded->seen_count, SHARDED_SEEN_MAX);
	cr_assert_leq(sharded->message_count, SHARDED_SEEN_MAX);
}

static void await(struct sharded *sharded, const size_t *count, size_t wanted)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += (time_t)(LIVE_DEADLINE_NS / 1000000000);
	pthread_mutex_lock(&sharded->lock);
	while (*count < wanted && !err)
		err = pthread_cond_timedwait(&sharded->changed, &sharded->lock,
					     &end);
	pthread_mutex_unlock(&sharded->lock);
	cr_assert_eq(err, 0, "%zu of %zu came", *count, wanted);
}

void sharded_await(struct sharded *sharded, size_t datagrams)
{
	await(sharded, &sharded->seen_count, datagrams);
}

void sharded_await_messages(struct sharded *sharded, size_t messages)
{
	await(sharded, &sharded->message_count, messages);
}

void sharded_send(int fd, uint32_t number, uint16_t port)
{
	uint32_t wire = htonl(number);

	cr_assert(plain_send(fd, &wire, sizeof(wire), port));
}
