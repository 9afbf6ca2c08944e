/* SPDX-License-Identifier: MIT */
/* Shards: messages between their threads. */
#include "support/sharded.h"

#include <semaphore.h>
#include <stdatomic.h>

#define COUNT 4
#define EACH 500

static void *message_of(uint32_t number)
{
	return (void *)(uintptr_t)number;
}

/* Each sends to all, itself included, when it starts. */
static int send_to_all(struct sharded *sharded, struct hail_shard *shard)
{
	int err = 0;

	(void)sharded;
	for (uint32_t i = 0; i < COUNT * EACH && !err; i++)
		err = hail_shard_send(
			hail_shards_at(hail_shards_of(shard), i % COUNT),
			message_of(i / COUNT));
	return err;
}

static void expect_order(const struct sharded *sharded)
{
	uint32_t next[COUNT][COUNT] = {0};

	for (size_t i = 0; i < sharded->message_count; i++) {
		const struct sharded_seen *seen = &sharded->messages[i];

		cr_assert_lt(seen->from, COUNT);
		cr_assert_eq(seen->number, next[seen->from][seen->shard]++);
	}
}

Test(shards_message, those_of_one_shard_arrive_in_their_order, .timeout = 60)
{
	static struct sharded sharded = {.on_start = send_to_all};

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	sharded_await_messages(&sharded, COUNT * COUNT * EACH);
	cr_assert_eq(sharded.message_count, COUNT * COUNT * EACH);
	expect_order(&sharded);
	sharded_end(&sharded);
}

Test(shards_message, another_thread_may_send_too, .timeout = 60)
{
	static struct sharded sharded;

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	for (uint32_t i = 0; i < EACH; i++)
		cr_assert_eq(hail_shard_send(hail_shards_at(sharded.shards, 2),
					     message_of(i)),
			     0);
	sharded_await_messages(&sharded, EACH);
	for (uint32_t i = 0; i < EACH; i++) {
		cr_assert_eq(sharded.messages[i].shard, 2);
		cr_assert_eq(sharded.messages[i].from, HAIL_SHARD_NONE);
		cr_assert_eq(sharded.messages[i].number, i);
	}
	sharded_end(&sharded);
}

/* Holds a shard in its first message until it is let go. */
struct gate {
	sem_t held, let_go;
};

static void wait_at_gate(struct sharded *sharded, struct hail_shard *shard,
			 uint32_t number)
{
	struct gate *gate = sharded->arg;

	(void)shard;
	if (number)
		return;
	sem_post(&gate->held);
	sem_wait(&gate->let_go);
}

Test(shards_message, as_many_wait_as_the_options_allow, .timeout = 60)
{
	static struct sharded sharded = {.on_message = wait_at_gate};
	struct hail_shard *shard;
	struct gate gate;

	sem_init(&gate.held, 0, 0);
	sem_init(&gate.let_go, 0, 0);
	sharded.arg = &gate;
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 2, .messages = 60));
	shard = hail_shards_at(sharded.shards, 1);
	cr_assert_eq(hail_shard_send(shard, message_of(0)), 0);
	sem_wait(&gate.held);
	for (uint32_t i = 1; i <= 64; i++)
		cr_assert_eq(hail_shard_send(shard, message_of(i)), 0);
	cr_assert_eq(hail_shard_send(shard, message_of(65)), -EAGAIN);
	/* The other isn't concerned. */
	cr_assert_eq(hail_shard_send(hail_shards_at(sharded.shards, 0),
				     message_of(1)),
		     0);
	sem_post(&gate.let_go);
	sharded_await_messages(&sharded, 66);
	cr_assert_eq(hail_shard_send(shard, message_of(66)), 0);
	sharded_await_messages(&sharded, 67);
	sharded_end(&sharded);
}

static void do_nothing(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
}

/* The way of messages is a post; where others fill these up, a message is
 * refused or arrives, but never stays behind. */
Test(shards_message, they_get_by_where_others_fill_up_the_posts, .timeout = 60)
{
	static struct sharded sharded = {.on_message = wait_at_gate};
	struct hail_engine_options own = sharded_engine;
	struct hail_shard *shard;
	struct gate gate;

	own.posts = 8;
	sem_init(&gate.held, 0, 0);
	sem_init(&gate.let_go, 0, 0);
	sharded.arg = &gate;
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 1, .engine = &own));
	shard = hail_shards_at(sharded.shards, 0);
	cr_assert_eq(hail_shard_send(shard, message_of(0)), 0);
	sem_wait(&gate.held);
	while (!hail_engine_post(hail_shard_engine(shard), do_nothing, NULL))
		continue;
	for (uint32_t i = 1; i < 100; i++)
		cr_assert_eq(hail_shard_send(shard, message_of(i)), 0);
	sem_post(&gate.let_go);
	sharded_await_messages(&sharded, 100);
	sharded_end(&sharded);
}

static void pass_on(struct sharded *sharded, struct hail_shard *shard,
		    uint32_t number)
{
	(void)sharded;
	if (number)
		hail_shard_send(
			hail_shards_at(hail_shards_of(shard),
				       (hail_shard_index(shard) + 1) % COUNT),
			message_of(number - 1));
}

Test(shards_message, one_may_be_passed_on_from_shard_to_shard, .timeout = 60)
{
	static struct sharded sharded = {.on_message = pass_on};

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	cr_assert_eq(hail_shard_send(hail_shards_at(sharded.shards, 0),
				     message_of(1000)),
		     0);
	sharded_await_messages(&sharded, 1001);
	for (uint32_t i = 0; i <= 1000; i++) {
		cr_assert_eq(sharded.messages[i].number, 1000 - i);
		cr_assert_eq(sharded.messages[i].shard, i % COUNT);
	}
	sharded_end(&sharded);
}

static void tell_next(struct sharded *sharded, struct hail_socket *socket,
		      const struct hail_datagram *batch, size_t count)
{
	struct hail_shard *shard = hail_shard_of(hail_socket_engine(socket));
	uint32_t next = (hail_shard_index(shard) + 1) % COUNT;
	atomic_uint *refused = sharded->arg;

	(void)batch;
	for (size_t i = 0; i < count; i++) {
		if (hail_shard_send(hail_shards_at(hail_shards_of(shard), next),
				    message_of(1)))
			atomic_fetch_add(refused, 1);
	}
}

/* A data handler's messages are all taken: no shard stops to take them before
 * every other has handed over its last datagram. */
Test(shards_message, those_of_the_last_datagrams_arrive_before_the_end,
     .timeout = 60)
{
	static struct sharded sharded;
	atomic_uint refused = 0;
	int fd = live_plain();

	for (unsigned round = 0; round < 30; round++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded.on_data = tell_next;
		sharded.arg = &refused;
		sharded_start(
			&sharded,
			&HAIL_SHARDS_OPTIONS(.count = COUNT,
					     .steering = HAIL_STEERING_BYTES,
					     .steer_width = 4));
		for (uint32_t i = 0; i < 100; i++)
			sharded_send(fd, i, sharded.port);
		hail_shards_stop(sharded.shards);
		cr_assert_eq(hail_shards_join(sharded.shards), 0);
		cr_assert_eq(sharded.seen_count, 100);
		cr_assert_eq(atomic_load(&refused), 0);
		cr_assert_eq(sharded.message_count, 100);
		sharded_end(&sharded);
	}
	close(fd);
}

Test(shards_message, none_is_taken_after_the_end_and_all_before_arrive,
     .timeout = 60)
{
	static struct sharded sharded;

	for (unsigned round = 0; round < 20; round++) {
		struct hail_shard *shard;
		size_t taken = 0;
		int err;

		memset(&sharded, 0, sizeof(sharded));
		sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
		shard = hail_shards_at(sharded.shards, round % COUNT);
		do {
			err = hail_shard_send(shard, message_of(1));
			taken += !err;
			if (taken == 50)
				hail_shards_stop(sharded.shards);
		} while (!err || err == -EAGAIN);
		cr_assert_eq(err, -ESHUTDOWN);
		cr_assert_eq(hail_shards_join(sharded.shards), 0);
		cr_assert_eq(sharded.message_count, taken);
		cr_assert_eq(sharded.outside, 0);
		cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
	}
}

Test(shards_message, without_a_handler_there_are_none, .timeout = 60)
{
	struct hail_shards *shards;

	cr_assert_eq(
		hail_shards_create(&shards, &HAIL_SHARDS_OPTIONS(.count = 1)),
		0);
	cr_assert_eq(hail_shard_send(hail_shards_at(shards, 0), NULL), -EINVAL);
	cr_assert_eq(hail_shards_destroy(shards), 0);
}

/* To all; others may be ending already, and take no more. */
static int send_and_fail(struct sharded *sharded, struct hail_shard *shard)
{
	atomic_uint *taken = sharded->arg;

	for (uint32_t i = 0; i < COUNT * EACH; i++) {
		struct hail_shard *other =
			hail_shards_at(hail_shards_of(shard), i % COUNT);

		if (!hail_shard_send(other, message_of(i)))
			atomic_fetch_add(taken, 1);
	}
	return hail_shard_index(shard) == 1 ? -EPROTO : 0;
}

/* So that what they point to can be freed; no shard has served. */
Test(shards_message, those_that_were_taken_arrive_where_a_start_failed,
     .timeout = 60)
{
	static struct sharded sharded = {.on_start = send_and_fail};
	atomic_uint taken = 0;

	sharded.arg = &taken;
	cr_assert_eq(
		sharded_try(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT)),
		-EPROTO);
	cr_assert_geq(atomic_load(&taken), COUNT * EACH / COUNT);
	cr_assert_eq(sharded.message_count, atomic_load(&taken));
	cr_assert_eq(sharded.stops, COUNT - 1);
}

/* Counts the messages of a turn, and fills up the posts. */
struct crowd {
	uint64_t turn;
	size_t count, most;
};

static void crowd_in(struct sharded *sharded, struct hail_shard *shard,
		     uint32_t number)
{
	struct hail_engine *engine = hail_shard_engine(shard);
	struct hail_engine_stats stats = {.size = sizeof(stats)};
	struct crowd *crowd = sharded->arg;

	(void)number;
	hail_engine_stats(engine, &stats);
	if (crowd->turn != stats.turns)
		crowd->count = 0;
	crowd->turn = stats.turns;
	if (++crowd->count > crowd->most)
		crowd->most = crowd->count;
	while (!hail_engine_post(engine, do_nothing, NULL))
		continue;
}

static int send_to_itself(struct sharded *sharded, struct hail_shard *shard)
{
	int err = 0;

	(void)sharded;
	for (uint32_t i = 0; i < EACH && !err; i++)
		err = hail_shard_send(shard, message_of(i));
	return err;
}

/* The rest of the engine has its turn in between. */
Test(shards_message, a_turn_hands_over_no_more_than_the_budget, .timeout = 60)
{
	static struct sharded sharded = {.on_start = send_to_itself,
					 .on_message = crowd_in};
	struct crowd crowd = {0};
	struct hail_engine_options own = sharded_engine;

	own.posts = 8;
	own.budget = 16;
	sharded.arg = &crowd;
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 1, .engine = &own));
	sharded_await_messages(&sharded, EACH);
	sharded_end(&sharded);
	for (uint32_t i = 0; i < EACH; i++)
		cr_assert_eq(sharded.messages[i].number, i);
	cr_assert_eq(crowd.most, 16);
}
