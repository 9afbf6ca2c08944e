/* SPDX-License-Identifier: MIT */
/* Shards of which one can't turn any more: the kernel refuses all its enters,
 * whose name is replaced here by one that can. */
#include "support/sharded.h"

#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#define COUNT 4

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size);

/* This thread's. */
static _Thread_local bool broken;

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size)
{
	long result;

	if (broken)
		return -EIO;
	result = syscall(SYS_io_uring_enter, fd, submit, complete, flags, arg,
			 size);
	return result < 0 ? -errno : (int)result;
}

static void fall_silent(struct sharded *sharded, struct hail_shard *shard,
			uint32_t number)
{
	(void)sharded;
	(void)shard;
	broken |= !number;
}

static void start(struct sharded *sharded)
{
	memset(sharded, 0, sizeof(*sharded));
	sharded->on_message = fall_silent;
	sharded_start(sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
}

Test(shards_broken, one_that_cannot_turn_ends_all_and_join_tells_why,
     .timeout = 60)
{
	static struct sharded sharded;

	for (uint32_t i = 0; i < 10; i++) {
		unsigned descriptors = plain_descriptors();

		start(&sharded);
		cr_assert_eq(hail_shard_send(
				     hail_shards_at(sharded.shards, i % COUNT),
				     NULL),
			     0);
		cr_assert_eq(hail_shards_join(sharded.shards), -EIO);
		cr_assert_eq(sharded.stops, COUNT);
		cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
		cr_assert_eq(plain_descriptors(), descriptors);
	}
}

/* So that what they point to can be freed. */
Test(shards_broken, messages_that_were_taken_arrive_all_the_same, .timeout = 60)
{
	static struct sharded sharded;
	size_t taken = 0;
	int err = 0;

	start(&sharded);
	while (err != -ESHUTDOWN) {
		err = hail_shard_send(
			hail_shards_at(sharded.shards, 1),
			(void *)(uintptr_t)(taken == 100 ? 0 : 1));
		taken += !err;
	}
	cr_assert_eq(hail_shards_join(sharded.shards), -EIO);
	cr_assert_eq(sharded.message_count, taken);
	cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
}

static void break_at_stop(struct sharded *sharded, struct hail_shard *shard)
{
	(void)sharded;
	broken |= hail_shard_index(shard) == 1;
}

Test(shards_broken, an_error_of_the_last_turns_is_told_by_join, .timeout = 60)
{
	static struct sharded sharded;

	memset(&sharded, 0, sizeof(sharded));
	sharded.on_stop = break_at_stop;
	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	hail_shards_stop(sharded.shards);
	cr_assert_eq(hail_shards_join(sharded.shards), -EIO);
	cr_assert_eq(sharded.stops, COUNT);
	cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
}

/* Holds the last shard in its first message until it is let go. */
struct gate {
	sem_t held, let_go;
};

static void hold_last(struct sharded *sharded, struct hail_shard *shard,
		      uint32_t number)
{
	struct gate *gate = sharded->arg;

	fall_silent(sharded, shard, number);
	if (hail_shard_index(shard) != COUNT - 1)
		return;
	sem_post(&gate->held);
	sem_wait(&gate->let_go);
}

/* Were its socket closed, the kernel would take the last for the first. */
Test(shards_broken, one_that_cannot_turn_stays_until_no_other_hears,
     .timeout = 60)
{
	static struct sharded sharded;
	struct gate gate;
	int fd = live_plain();
	int err = 0;

	memset(&sharded, 0, sizeof(sharded));
	sem_init(&gate.held, 0, 0);
	sem_init(&gate.let_go, 0, 0);
	sharded.on_message = hold_last;
	sharded.arg = &gate;
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = COUNT,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_width = 4));
	hail_shard_send(hail_shards_at(sharded.shards, COUNT - 1), &gate);
	sem_wait(&gate.held);
	hail_shard_send(hail_shards_at(sharded.shards, 0), NULL);
	for (uint32_t i = 0; i < 5000 && err != -ESHUTDOWN; i++) {
		sharded_send(fd, COUNT * i, sharded.port);
		sched_yield();
		err = hail_shard_send(hail_shards_at(sharded.shards, 0), &gate);
	}
	cr_assert_neq(err, -ESHUTDOWN);
	sem_post(&gate.let_go);
	cr_assert_eq(hail_shards_join(sharded.shards), -EIO);
	for (size_t i = 0; i < sharded.seen_count; i++)
		cr_assert_eq(sharded.seen[i].shard, 0);
	cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
	close(fd);
}
