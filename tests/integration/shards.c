/* SPDX-License-Identifier: MIT */
/* Shards: how they begin and end, and on which threads. */
#include "support/sharded.h"


Test(shards, all_serve_one_port_each_on_its_own_thread, .timeout = 60)
{
	static struct sharded sharded;
	int fd = live_plain();

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = 4,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_width = 4));
	for (uint32_t i = 0; i < 64; i++)
		sharded_send(fd, i, sharded.port);
	sharded_await(&sharded, 64);
	for (uint32_t i = 0; i < 64; i++)
		cr_assert_eq(sharded.seen[i].shard, sharded.seen[i].number % 4);
	for (uint32_t i = 1; i < 4; i++)
		cr_assert(!pthread_equal(sharded.threads[i],
					 sharded.threads[i - 1]));
	sharded_end(&sharded);
	close(fd);
}
