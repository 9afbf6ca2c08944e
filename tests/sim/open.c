/* SPDX-License-Identifier: MIT */
/* open.c: opening fails cleanly: nothing is left behind, and no output is
 * written. */
#include "world.h"

#include "engine.h"
#include "support/plain.h"

Test(open, a_socket_that_cannot_be_attached_leaves_nothing)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	sim_fail_call(world.sim, SIM_CALL_ATTACH, -ENOMEM, 0);
	cr_assert_eq(world_try_open(&world, &seen, NULL), -ENOMEM);
	cr_assert_null(seen.socket);
	cr_assert_eq(world_stats(&world).sockets, 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 1);
	world_end(&world);
}

Test(open, an_engine_that_cannot_start_stays_usable)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	sim_fail_call(world.sim, SIM_CALL_START, -ENOMEM, 0);
	cr_assert_eq(world_try_open(&world, &seen, NULL), -ENOMEM);
	world_open(&world, &seen, NULL);
	world_end(&world);
}

Test(open, wrong_options_are_refused)
{
	struct world world;
	struct seen seen = {0};
	struct hail_socket *socket = (void *)&seen;
	struct hail_addr nowhere = remote_at(0);

	world_start(&world, NULL);
	cr_assert_eq(hail_socket_open(NULL, world.engine, NULL), -EINVAL);
	cr_assert_eq(hail_socket_open(&socket, NULL, NULL), -EINVAL);
	cr_assert_eq(hail_socket_open(&socket, world.engine,
				      &(struct hail_socket_options){0}),
		     -EINVAL);
	cr_assert_eq(world_try_open(
			     &world, &seen,
			     &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 4)),
		     -EINVAL);
	cr_assert_eq(world_try_open(&world, &seen,
				    &HAIL_SOCKET_OPTIONS(.remote = nowhere)),
		     -EINVAL);
	nowhere.sa.sa_family = AF_UNIX;
	cr_assert_eq(world_try_open(&world, &seen,
				    &HAIL_SOCKET_OPTIONS(.local = nowhere)),
		     -EAFNOSUPPORT);
	cr_assert_eq(socket, (void *)&seen);
	cr_assert_eq(sim_attached(world.sim), 0);
	world_end(&world);
}

Test(open, a_window_of_one_works)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.window = 1));
	seen_block(&seen);
	cr_assert_eq(seen_send(&seen, 0), 0);
	cr_assert_eq(seen_send(&seen, 1), -EAGAIN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	assert_sent(&world, 0, 1);
	world_end(&world);
}

Test(open, wrong_options_of_an_engine_are_refused)
{
	static const struct hail_engine_options wrong[] = {
		{.size = 0},
		{.entries = 32769},
		{.entries = 64, .completions = 32},
		{.completions = 65537},
		{.buffers_max = 32769},
		{.buffers = 64, .buffers_max = 32},
		{.small_size = 65536},
		{.budget = 4097},
		{.posts = 1048577},
		{.send_blocks = 1048577},
		{.send_blocks_large = 65537},
	};
	struct sim *sim = sim_create(1);
	struct hail_engine *engine = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hail_engine_options options = wrong[i];

		options.size = i ? sizeof(options) : 0;
		cr_assert_eq(
			hl_engine_create_with(&engine, &options, &sim_ops, sim),
			-EINVAL, "%zu", i);
		cr_assert_null(engine);
	}
	cr_assert_eq(hl_engine_create_with(NULL, NULL, &sim_ops, sim), -EINVAL);
	sim_destroy(sim);
}

Test(open, the_smallest_engine_works)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world,
		    &HAIL_ENGINE_OPTIONS(.entries = 1, .completions = 1,
					 .buffers = 1, .buffers_max = 1,
					 .small_buffers = 1,
					 .small_buffers_max = 1,
					 .small_size = 1, .send_blocks = 1,
					 .send_blocks_large = 1, .budget = 1,
					 .posts = 1));
	world_open(&world, &seen, NULL);
	cr_assert_eq(seen_send_many(&seen, 0, 100), 100);
	assert_sent(&world, 0, 100);
	seen_inject(&seen, 0, 100);
	while (seen.datagrams < 100)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	world_end(&world);
}

Test(open, a_descriptor_that_cannot_be_attached_stays_the_callers)
{
	struct world world;
	struct hail_socket *socket = NULL;
	int fd = plain_open("127.0.0.1", 0);

	world_start(&world, NULL);
	sim_fail_call(world.sim, SIM_CALL_ATTACH, -ENOMEM, 0);
	cr_assert_eq(hail_socket_adopt(&socket, world.engine, fd, NULL),
		     -ENOMEM);
	cr_assert_null(socket);
	cr_assert_eq(world_stats(&world).sockets, 0);
	cr_assert_eq(plain_send(fd, "mine", 4, plain_port(fd)), true);
	cr_assert_eq(hail_socket_adopt(&socket, world.engine, fd, NULL), 0);
	world_end(&world);
}
