/* SPDX-License-Identifier: MIT */
/* Shards of which one can't turn any more: the kernel refuses all its enters,
 * whose name is replaced here by one that can. */
#include "support/sharded.h"

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
