/* SPDX-License-Identifier: MIT */
/* drain.c: the drain handler is called when it is owed, once, and never
 * otherwise, whatever it was that refused the send. */
#include "world.h"

static struct hail_socket_options window_of(uint32_t window, uint32_t low_water)
{
	return HAIL_SOCKET_OPTIONS(.window = window, .low_water = low_water);
}

/* A socket with a full send buffer and `taken` of its window used. */
static void start_full(struct world *world, struct seen *seen,
		       struct hail_socket_options options, uint32_t taken)
{
	world_start(world, NULL);
	world_open(world, seen, &options);
	seen_block(seen);
	for (uint32_t i = 0; i < taken; i++)
		cr_assert_eq(seen_send(seen, i), 0);
}

Test(drain, comes_once_after_one_refusal)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 2), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen_traffic(&seen).drains, 1);
	world_end(&world);
}

Test(drain, comes_once_after_several_refusals)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 2), 4);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	world_turn(&world);
	cr_assert_eq(seen_send_many(&seen, 4, 3), -EAGAIN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen_traffic(&seen).refused, 6);
	world_end(&world);
}

Test(drain, comes_after_a_batch_that_was_cut_short)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 2), 0);
	cr_assert_eq(seen_send_many(&seen, 0, 9), 4);
	/* The rest is answered with -EAGAIN only if it is asked for. */
	cr_assert_eq(seen_send_many(&seen, 4, 5), -EAGAIN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

Test(drain, never_comes_unasked)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 2), 4);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 4);
	cr_assert_eq(seen.drains, 0);
	world_end(&world);
}

Test(drain, waits_for_the_low_water_mark)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(8, 2), 8);
	cr_assert_eq(seen_send(&seen, 8), -EAGAIN);
	sim_credit(world.sim, seen.slot, 5);
	world_settle(&world);
	cr_assert_eq(seen_in_flight(&seen), 3);
	cr_assert_eq(seen.drains, 0);
	sim_credit(world.sim, seen.slot, 1);
	world_settle(&world);
	cr_assert_eq(seen_in_flight(&seen), 2);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

Test(drain, comes_at_half_the_window_by_default)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(8, 0), 8);
	cr_assert_eq(seen_send(&seen, 8), -EAGAIN);
	sim_credit(world.sim, seen.slot, 3);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	sim_credit(world.sim, seen.slot, 1);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

Test(drain, is_not_undone_by_sends_that_were_taken_after_the_refusal)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 1), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	sim_credit(world.sim, seen.slot, 2);
	world_settle(&world);
	cr_assert_eq(seen_send(&seen, 4), 0);
	cr_assert_eq(seen.drains, 0);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 5);
	cr_assert_eq(seen.drains, 1);
	world_end(&world);
}

static void refill(struct seen *seen)
{
	unsigned *rounds = seen->arg;

	if (!*rounds)
		return;
	--*rounds;
	while (seen_send(seen, 7) == 0)
		continue;
}

Test(drain, is_owed_again_for_a_refusal_in_the_drain_handler)
{
	struct world world;
	unsigned rounds = 3;
	struct seen seen = {.on_drain = refill, .arg = &rounds};

	start_full(&world, &seen, window_of(4, 2), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 4);
	cr_assert_eq(seen_in_flight(&seen), 0);
	world_end(&world);
}

Test(drain, may_be_missing_without_harm)
{
	struct world world;
	struct seen seen = {0};
	struct hail_handlers none = {0};

	start_full(&world, &seen, window_of(4, 2), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &none), 0);
	seen_unblock(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 4);
	cr_assert_eq(seen_send(&seen, 4), 0);
	world_end(&world);
}

/* Another socket uses up the engine's send memory. */
static void start_poor(struct world *world, struct seen *rich,
		       struct seen *poor)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.send_blocks = 4,
						.send_blocks_large = 1));
	world_open(world, rich, NULL);
	world_open(world, poor, NULL);
	seen_block(rich);
	seen_block(poor);
	cr_assert_eq(seen_send_many(rich, 100, 8), 5);
	cr_assert_eq(seen_send(poor, 200), -EAGAIN);
	world_settle(world);
	cr_assert_eq(poor->drains, 0);
}

Test(drain, comes_when_send_memory_that_another_socket_held_is_free)
{
	struct world world;
	struct seen rich = {0}, poor = {0};

	start_poor(&world, &rich, &poor);
	seen_unblock(&rich);
	world_settle(&world);
	cr_assert_eq(poor.drains, 1);
	cr_assert_eq(seen_send(&poor, 200), 0);
	world_end(&world);
}

Test(drain, comes_when_the_socket_that_held_the_send_memory_is_closed)
{
	struct world world;
	struct seen rich = {0}, poor = {0};

	start_poor(&world, &rich, &poor);
	seen_close(&rich);
	world_settle(&world);
	cr_assert_eq(rich.closes, 1);
	cr_assert_eq(poor.drains, 1);
	world_end(&world);
}

Test(drain, comes_for_want_of_large_blocks_too)
{
	static unsigned char bytes[9000];
	struct hail_addr remote = remote_at(9);
	struct world world;
	struct seen rich = {0}, poor = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.send_blocks_large = 1));
	world_open(&world, &rich, NULL);
	world_open(&world, &poor, NULL);
	seen_block(&rich);
	seen_block(&poor);
	cr_assert_eq(hail_send(rich.socket, bytes, 9000, &remote), 0);
	cr_assert_eq(hail_send(poor.socket, bytes, 9000, &remote), -EAGAIN);
	/* Small blocks are left, but none that serves what was refused. */
	world_settle(&world);
	cr_assert_eq(poor.drains, 0);
	seen_unblock(&rich);
	world_settle(&world);
	cr_assert_eq(poor.drains, 1);
	world_end(&world);
}

/* The kernel has no memory for a while. */
static void want_of_memory(int code)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 2));
	sim_fail_sends(world.sim, seen.slot, code, 0, SIM_UNLIMITED);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(seen_send(&seen, i), 0);
	cr_assert_eq(seen_send_many(&seen, 4, 4), -EAGAIN);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	cr_assert_eq(seen.errors, 0);
	cr_assert_lt(world_stats(&world).enters, 1000, "it spins");
	sim_forgive(world.sim);
	world_settle(&world);
	assert_sent(&world, 0, 4);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen.errors, 0);
	world_end(&world);
}

Test(drain, comes_after_the_kernel_was_out_of_buffers)
{
	want_of_memory(-ENOBUFS);
}

Test(drain, comes_after_the_kernel_was_out_of_memory)
{
	want_of_memory(-ENOMEM);
}

Test(drain, comes_after_the_kernel_said_eagain_unannounced)
{
	want_of_memory(-EAGAIN);
}

static void close_myself(struct seen *seen)
{
	seen_close(seen);
}

Test(drain, does_not_come_again_after_a_close_in_it)
{
	struct world world;
	struct seen seen = {.on_drain = close_myself};

	start_full(&world, &seen, window_of(4, 2), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen.closes, 1);
	cr_assert_eq(seen.late, 0);
	world_end(&world);
}

Test(drain, never_comes_for_a_socket_that_was_closed)
{
	struct world world;
	struct seen seen = {0};

	start_full(&world, &seen, window_of(4, 2), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	seen_unblock(&seen);
	seen_close(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	cr_assert_eq(seen.closes, 1);
	world_end(&world);
}

/* Whatever happens, a refused sender who waits for drain comes to an end. */
static void persevere(uint64_t seed, int64_t timeout_ns)
{
	struct world world;
	struct seen seen = {0};
	uint32_t next = 0;
	unsigned waited = 0;

	world_start_seeded(&world, seed,
			   &HAIL_ENGINE_OPTIONS(.send_blocks = 16));
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 1 + sim_random(world.sim, 9) +
						  1));
	sim_stop(world.sim, seen.slot);
	sim_capacity(world.sim, seen.slot, 6000);
	*sim_chaos(world.sim) = (struct sim_chaos){
		.partial = 30,
		.delay = 3,
		.credit = 3,
	};
	while (next < 200) {
		unsigned drains = seen.drains;
		ssize_t n = seen_send_many(&seen, next, 200 - next);

		if (n > 0) {
			next += (uint32_t)n;
			continue;
		}
		cr_assert_eq(n, -EAGAIN);
		for (waited = 0; seen.drains == drains; waited++) {
			cr_assert_lt(waited, 1000, "seed %lu: no drain", seed);
			cr_assert_geq(
				hail_engine_turn(world.engine, timeout_ns), 0,
				"seed %lu: a drain is missing", seed);
		}
		cr_assert_eq(seen.drains, drains + 1);
	}
	world_settle(&world);
	assert_sent(&world, 0, 200);
	world_end(&world);
}

Test(drain, lets_every_sender_through_whatever_the_link_does)
{
	for (uint64_t seed = 0; seed < 50; seed++)
		persevere(seed, 0);
}

Test(drain, lets_every_sender_through_who_waits_for_ever)
{
	for (uint64_t seed = 0; seed < 50; seed++)
		persevere(seed, -1);
}

static void fill_up(struct seen *seen, const struct hail_datagram *batch,
		    size_t count)
{
	(void)batch;
	(void)count;
	while (seen_send(seen, 1) == 0)
		continue;
}

/* Nothing but the drain is left that could end the run: were it forgotten, the
 * simulated kernel would say that it waits for ever. */
Test(drain, comes_in_a_run_without_anything_else_happening)
{
	struct world world;
	struct seen seen = {.on_data = fill_up, .on_drain = close_myself};

	world_start(&world, NULL);
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 2));
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(seen.closes, 1);
	world_end(&world);
}

/* A rich socket takes all send memory, and a poor one is refused, both in one
 * handler; `arg` is the poor one. */
static void impoverish(struct seen *rich, const struct hail_datagram *batch,
		       size_t count)
{
	struct seen *poor = rich->arg;

	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(rich, 0, 8), 5);
	cr_assert_eq(seen_send(poor, 9), -EAGAIN);
}

static void close_both(struct seen *poor)
{
	seen_close(poor->arg);
	seen_close(poor);
}

static void start_impoverished(struct world *world, struct seen *rich,
			       struct seen *poor)
{
	rich->on_data = impoverish;
	rich->arg = poor;
	poor->on_drain = close_both;
	poor->arg = rich;
	world_start(world, &HAIL_ENGINE_OPTIONS(.send_blocks = 4,
						.send_blocks_large = 1));
	world_open(world, rich, NULL);
	world_open(world, poor, NULL);
	seen_inject(rich, 0, 1);
}

Test(drain, comes_in_a_run_when_another_sockets_sends_have_left)
{
	struct world world;
	struct seen rich = {0}, poor = {0};

	start_impoverished(&world, &rich, &poor);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(poor.drains, 1);
	cr_assert_eq(sim_sent_count(world.sim), 5);
	world_end(&world);
}

Test(drain, comes_in_a_turn_that_waits_when_another_sockets_sends_have_left)
{
	struct world world;
	struct seen rich = {0}, poor = {0};

	start_impoverished(&world, &rich, &poor);
	for (int i = 0; i < 10 && !poor.closed; i++)
		cr_assert_geq(hail_engine_turn(world.engine, -1), 0);
	cr_assert_eq(poor.drains, 1);
	world_end(&world);
}

#define KEPT_SIZE 10000

static void retain(struct seen *seen, const struct hail_datagram *batch,
		   size_t count)
{
	struct hail_datagram *kept = seen->arg;

	cr_assert_eq(count, 1);
	*kept = batch[0];
	cr_assert_eq(hail_buffer_retain(kept->buffer), 0);
}

/* Sent from a received buffer a datagram of any size needs a block only for
 * its header. */
Test(drain, comes_for_a_large_datagram_sent_by_reference_with_a_small_block)
{
	static unsigned char bytes[KEPT_SIZE];
	struct hail_addr remote = remote_at(9);
	struct hail_datagram kept;
	struct world world;
	struct seen rich = {0}, poor = {.on_data = retain, .arg = &kept};

	start_poor(&world, &rich, &poor);
	seen_unblock(&rich);
	world_settle(&world);
	cr_assert_eq(poor.drains, 1);

	sim_inject(world.sim, poor.slot, &remote, bytes, sizeof(bytes));
	world_settle(&world);
	cr_assert_eq(poor.datagrams, 1);
	seen_block(&rich);
	cr_assert_eq(seen_send_many(&rich, 100, 8), 5);
	cr_assert_eq(hail_send(poor.socket, kept.data, kept.size, &remote),
		     -EAGAIN);
	world_settle(&world);
	cr_assert_eq(poor.drains, 1);
	sim_credit(world.sim, rich.slot, 1);
	world_settle(&world);
	cr_assert_eq(poor.drains, 2);
	cr_assert_eq(hail_send(poor.socket, kept.data, kept.size, &remote), 0);
	cr_assert_eq(hail_buffer_release(kept.buffer), 0);
	world_end(&world);
}
