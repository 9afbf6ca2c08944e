/* SPDX-License-Identifier: MIT */
/* nesting.c: turns don't nest: what a handler may not do is refused with
 * -EBUSY, and handlers never run from inside a call. */
#include "world.h"

/* How many handlers of each kind tried. */
static struct {
	unsigned data, drain, error, close, timer, post;
} tried;

static void try_all(struct hail_engine *engine)
{
	cr_assert_eq(hail_engine_turn(engine, 0), -EBUSY);
	cr_assert_eq(hail_engine_turn(engine, -1), -EBUSY);
	cr_assert_eq(hail_engine_run(engine), -EBUSY);
	cr_assert_eq(hail_engine_destroy(engine), -EBUSY);
}

static void on_data(struct seen *seen, const struct hail_datagram *batch,
		    size_t count)
{
	(void)batch;
	(void)count;
	tried.data++;
	try_all(seen->world->engine);
}

static void on_drain(struct seen *seen)
{
	tried.drain++;
	try_all(seen->world->engine);
}

static void on_error(struct seen *seen, const struct hail_error *error)
{
	(void)error;
	tried.error++;
	try_all(seen->world->engine);
}

static void on_close(struct seen *seen)
{
	tried.close++;
	try_all(seen->world->engine);
}

static void on_timer(struct hail_timer *timer, void *user)
{
	(void)timer;
	tried.timer++;
	try_all(user);
}

static void on_post(struct hail_engine *engine, void *arg)
{
	(void)arg;
	tried.post++;
	try_all(engine);
}

static void refuse_one(struct seen *seen)
{
	seen_block(seen);
	cr_assert_eq(seen_send_many(seen, 0, 2), 2);
	cr_assert_eq(seen_send(seen, 2), -EAGAIN);
	seen_unblock(seen);
}

Test(nesting, is_refused_in_every_handler)
{
	struct world world;
	struct seen seen = {
		.on_data = on_data,
		.on_drain = on_drain,
		.on_error = on_error,
		.on_close = on_close,
	};
	struct hail_timer *timer;

	world_start(&world, NULL);
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 2, .low_water = 1));
	world_turn(&world);
	seen_inject(&seen, 0, 1);
	sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
	refuse_one(&seen);
	cr_assert_eq(
		hail_timer_create(&timer, world.engine, on_timer, world.engine),
		0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(hail_engine_post(world.engine, on_post, NULL), 0);
	world_settle(&world);
	seen_close(&seen);
	world_settle(&world);
	cr_assert_eq(tried.data, 1);
	cr_assert_eq(tried.drain, 1);
	cr_assert_eq(tried.error, 1);
	cr_assert_eq(tried.close, 1);
	cr_assert_eq(tried.timer, 1);
	cr_assert_eq(tried.post, 1);
	world_end(&world);
}

static int fail_odd(void *arg, uint32_t slot,
		    const struct hail_message *message)
{
	uint32_t number;

	(void)arg;
	(void)slot;
	memcpy(&number, message->data, sizeof(number));
	return number % 2 ? -EPERM : 0;
}

Test(nesting, no_handler_runs_from_inside_a_call)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 3));
	world_turn(&world);
	sim_judge(world.sim, fail_odd, NULL);
	for (uint32_t i = 0; i < 50; i++) {
		/* The world's observer asserts that these call nobody. */
		seen_inject(&seen, 0, 2);
		sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
		sim_credit(world.sim, seen.slot, sim_random(world.sim, 4));
		seen_send_many(&seen, 10 * i, 10);
		seen_send(&seen, 1000);
		if (i % 5 == 4)
			world_turn(&world);
	}
	cr_assert_eq(seen.late, 0);
	world_settle(&world);
	cr_assert_eq(seen.late, 0);
	cr_assert_gt(seen.drains, 0);
	world_end(&world);
}
