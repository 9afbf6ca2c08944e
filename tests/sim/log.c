/* SPDX-License-Identifier: MIT */
/* log.c: what only a simulated kernel says at will is told in the log. */
#include "world.h"

static unsigned lines;
static enum hail_log_level last_level;
static char last[512];

static void take_line(void *arg, enum hail_log_level level, const char *text)
{
	(void)arg;
	lines++;
	last_level = level;
	strcpy(last, text);
}

static void start(struct world *world, struct seen *seen)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.log = take_line));
	world_open(world, seen, NULL);
	world_settle(world);
	cr_assert_eq(lines, 0);
}

static void expect_last(const char *part)
{
	cr_assert_eq(last_level, HAIL_LOG_WARNING);
	cr_assert(strstr(last, part), "\"%s\" lacks \"%s\"", last, part);
}

Test(log, want_of_kernel_memory_is_told_and_not_again_while_it_waits)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_fail_sends(world.sim, seen.slot, -ENOBUFS, 0, 1);
	cr_assert_eq(seen_send(&seen, 0), 0);
	for (uint32_t i = 1; i < 10; i++)
		cr_assert_eq(seen_send(&seen, i), 0);
	cr_assert_eq(lines, 1);
	expect_last(hail_strerror(ENOBUFS));
	world_settle(&world);
	assert_sent(&world, 0, 10);
	cr_assert_eq(lines, 1);
	world_end(&world);
}

Test(log, an_error_that_puts_reception_off_is_told)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	sim_inject_error(world.sim, seen.slot, -ENOMEM);
	world_settle(&world);
	cr_assert_eq(lines, 1);
	expect_last(hail_strerror(ENOMEM));
	world_end(&world);
}

Test(log, a_full_send_buffer_is_no_news)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen);
	seen_block(&seen);
	cr_assert_eq(seen_send(&seen, 0), 0);
	world_settle(&world);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 1);
	cr_assert_eq(lines, 0);
	world_end(&world);
}

/* Only the first of two fails, so that it is overtaken and must be kept. */
Test(log, a_datagram_for_which_there_is_no_block_is_told)
{
	struct world world;
	struct seen seen = {0}, other = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.send_blocks = 1,
						 .send_blocks_large = 1,
						 .log = take_line));
	world_open(&world, &seen, NULL);
	world_open(&world, &other, NULL);
	seen_block(&other);
	cr_assert_eq(seen_send(&other, 0), 0);
	cr_assert_eq(seen_send(&other, 1), 0);
	sim_fail_sends(world.sim, seen.slot, -EAGAIN, 0, 1);
	cr_assert_eq(seen_send_many(&seen, 0, 2), 2);
	cr_assert_eq(lines, 1);
	expect_last("a datagram was lost");
	world_settle(&world);
	cr_assert_eq(seen.errors, 1);
	seen_unblock(&other);
	world_settle(&world);
	world_end(&world);
}
