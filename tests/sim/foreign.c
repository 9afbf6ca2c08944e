/* SPDX-License-Identifier: MIT */
/* foreign.c: a program whose own loop watches hail_engine_fd() and turns the
 * engine only when that is readable misses nothing. */
#include "world.h"

#include <poll.h>

#define PATIENCE_MS 2000

static bool readable(const struct world *world, int timeout_ms)
{
	struct pollfd fd = {
		.fd = hail_engine_fd(world->engine),
		.events = POLLIN,
	};

	return poll(&fd, 1, timeout_ms) == 1;
}

/* Turns for as long as the descriptor says so. */
static void follow(struct world *world)
{
	for (int i = 0; readable(world, 0); i++) {
		cr_assert_lt(i, 1000, "the descriptor stays readable");
		world_turn(world);
	}
}

static void start(struct world *world, struct seen *seen,
		  const struct hail_engine_options *options)
{
	world_start(world, options);
	cr_assert_geq(hail_engine_fd(world->engine), 0);
	world_open(world, seen, &HAIL_SOCKET_OPTIONS(.window = 4));
	follow(world);
	cr_assert_eq(sim_armed(world->sim, seen->slot), HL_ARM_RECEIVE);
}

Test(foreign, is_told_of_datagrams_and_of_nothing_else)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	cr_assert_not(readable(&world, 0));
	seen_inject(&seen, 0, 200);
	cr_assert(readable(&world, 0));
	follow(&world);
	cr_assert_eq(seen.datagrams, 200);
	cr_assert_not(readable(&world, 0));
	world_end(&world);
}

static void fire(struct hail_timer *timer, void *user)
{
	(void)timer;
	++*(unsigned *)user;
}

Test(foreign, is_told_of_a_timer)
{
	struct world world;
	struct seen seen = {0};
	unsigned fired = 0;
	struct hail_timer *timer;

	start(&world, &seen, NULL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, fire, &fired), 0);
	cr_assert_eq(hail_timer_start(timer, 2 * MS, 0), 0);
	while (!fired) {
		cr_assert(readable(&world, PATIENCE_MS));
		world_turn(&world);
	}
	follow(&world);
	world_end(&world);
}

static void run_post(struct hail_engine *engine, void *arg)
{
	(void)engine;
	++*(unsigned *)arg;
}

Test(foreign, is_told_of_a_post_and_of_a_close)
{
	struct world world;
	struct seen seen = {0};
	unsigned ran = 0;

	start(&world, &seen, NULL);
	cr_assert_eq(hail_engine_post(world.engine, run_post, &ran), 0);
	follow(&world);
	cr_assert_eq(ran, 1);
	seen_close(&seen);
	follow(&world);
	cr_assert_eq(seen.closes, 1);
	world_end(&world);
}

Test(foreign, is_told_of_errors_and_of_drains)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 1, 1);
	cr_assert_eq(seen_send_many(&seen, 0, 3), 3);
	follow(&world);
	cr_assert_eq(seen.errors, 1);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 3, 4), 4);
	cr_assert_eq(seen_send(&seen, 7), -EAGAIN);
	follow(&world);
	seen_unblock(&seen);
	follow(&world);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

Test(foreign, is_told_when_a_want_of_memory_may_be_over)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -ENOBUFS, 0, 3);
	cr_assert_eq(seen_send(&seen, 0), 0);
	while (!sim_sent_count(world.sim)) {
		cr_assert(readable(&world, PATIENCE_MS));
		world_turn(&world);
	}
	world_end(&world);
}

/* In the enter by which a turn submits what its handlers have sent, reception
 * ends. Nothing but the descriptor can say that it must be armed again. */
struct ending {
	struct seen *seen;
	int error;
	unsigned waits;
};

static void answer(struct seen *seen, const struct hail_datagram *batch,
		   size_t count)
{
	struct ending *ending = seen->arg;

	(void)count;
	cr_assert_eq(seen_send(seen, datagram_number(batch)), 0);
	if (ending->waits == 0)
		ending->waits = 1;
}

static void end_in_second_wait(struct sim *sim, void *arg)
{
	struct ending *ending = arg;

	if (ending->waits != 1)
		return;
	ending->waits = 2;
	sim_inject_error(sim, ending->seen->slot, ending->error);
}

static void ends_while_leaving(int error)
{
	struct world world;
	struct seen seen = {.on_data = answer};
	struct ending ending = {.seen = &seen, .error = error};

	seen.arg = &ending;
	start(&world, &seen, NULL);
	sim_each_wait(world.sim, end_in_second_wait, &ending);
	seen_inject(&seen, 0, 1);
	follow(&world);
	cr_assert_eq(ending.waits, 2);
	for (int i = 0; i < 3 && readable(&world, 20); i++)
		follow(&world);
	cr_assert_eq(sim_armed(world.sim, seen.slot), HL_ARM_RECEIVE,
		     "the socket is deaf");
	world_end(&world);
}

Test(foreign, reception_that_ends_while_a_turn_is_left_is_armed_again)
{
	ends_while_leaving(-ECONNREFUSED);
	ends_while_leaving(-ENOMEM);
	ends_while_leaving(-ENOBUFS);
}

/* Two sockets, of which one takes all send memory in a handler. */
static void take_all(struct seen *rich, const struct hail_datagram *batch,
		     size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(rich, 0, 3), 3);
	cr_assert_eq(seen_send(rich->arg, 9), -EAGAIN);
}

Test(foreign, a_drain_owed_for_anothers_memory_comes)
{
	struct world world;
	struct seen rich = {.on_data = take_all}, poor = {0};

	rich.arg = &poor;
	start(&world, &rich,
	      &HAIL_ENGINE_OPTIONS(.send_blocks = 2, .send_blocks_large = 1));
	world_open(&world, &poor, NULL);
	follow(&world);
	seen_inject(&rich, 0, 1);
	follow(&world);
	cr_assert_eq(sim_sent_count(world.sim), 3);
	cr_assert_eq(poor.drains, 1);
	world_end(&world);
}

static void echo(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(seen->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
}

Test(foreign, an_echo_is_not_starved_by_its_own_answers)
{
	struct world world;
	struct seen seen = {.on_data = echo};

	start(&world, &seen,
	      &HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	seen_inject(&seen, 0, 50);
	follow(&world);
	assert_sent(&world, 0, 50);
	world_end(&world);
}
