/* SPDX-License-Identifier: MIT */
/* close.c: after a close nothing comes but the close handler, once and last,
 * and every datagram that was in flight has its outcome. */
#include "world.h"

static void close_on_data(struct seen *seen, const struct hail_datagram *batch,
			  size_t count)
{
	(void)batch;
	(void)count;
	seen_close(seen);
}

static void close_it(struct seen *seen)
{
	seen_close(seen);
}

static void close_on_error(struct seen *seen, const struct hail_error *error)
{
	(void)error;
	seen_close(seen);
}

/* One close handler has run, and it was the last. */
static void finish(struct world *world, struct seen *seen)
{
	world_settle(world);
	cr_assert_eq(seen->closes, 1);
	cr_assert_eq(seen->late, 0);
	cr_assert_eq(sim_attached(world->sim), 0);
	cr_assert_eq(world_stats(world).sockets, 0);
	cr_assert_eq(world_stats(world).buffers.in_use, 0);
	cr_assert_eq(world_stats(world).send_blocks.in_use, 0);
	cr_assert_eq(hail_engine_run(world->engine), 0);
	world_end(world);
}

Test(close, the_close_handler_comes_from_a_turn_and_not_from_the_call)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	world_turn(&world);
	seen_close(&seen);
	cr_assert_eq(seen.closes, 0);
	finish(&world, &seen);
}

Test(close, works_before_the_first_turn)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	finish(&world, &seen);
}

Test(close, twice_is_once)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	world_turn(&world);
	seen_close(&seen);
	cr_assert_eq(hail_socket_close(seen.socket), 0);
	finish(&world, &seen);
}

Test(close, every_other_call_is_refused_with_ebadf_at_once)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr addr = remote_at(9);
	struct hail_handlers handlers = {0};
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_close(&seen);
	cr_assert_eq(seen_send(&seen, 0), -EBADF);
	cr_assert_eq(seen_send_many(&seen, 0, 3), -EBADF);
	cr_assert_eq(hail_socket_local(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_remote(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_connect(seen.socket, &addr), -EBADF);
	cr_assert_eq(hail_socket_disconnect(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &handlers), -EBADF);
	cr_assert_eq(hail_socket_ref(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_unref(seen.socket), -EBADF);
	cr_assert_eq(hail_socket_stats(seen.socket, &stats), -EBADF);
	cr_assert_eq(hail_socket_user(seen.socket), &seen);
	cr_assert_eq(hail_socket_engine(seen.socket), world.engine);
	finish(&world, &seen);
}

Test(close, in_the_data_handler_drops_the_remainder)
{
	struct world world;
	struct seen seen = {.on_data = close_on_data};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.budget = 4));
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 30);
	world_settle(&world);
	cr_assert_eq(seen.batches, 1);
	cr_assert_eq(seen.datagrams, 4);
	finish(&world, &seen);
}

Test(close, in_the_drain_handler)
{
	struct world world;
	struct seen seen = {.on_drain = close_it};

	world_start(&world, NULL);
	world_open(&world, &seen,
		   &HAIL_SOCKET_OPTIONS(.window = 4, .low_water = 3));
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 4), 4);
	cr_assert_eq(seen_send(&seen, 4), -EAGAIN);
	sim_credit(world.sim, seen.slot, 1);
	finish(&world, &seen);
	cr_assert_eq(seen.drains, 1);
}

Test(close, in_the_error_handler_forgets_the_other_errors)
{
	struct world world;
	struct seen seen = {.on_error = close_on_error};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 0, 5);
	cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
	world_settle(&world);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(world_stats(&world).traffic.failed, 5);
	finish(&world, &seen);
}

static void fire_close(struct hail_timer *timer, void *user)
{
	seen_close(user);
	cr_assert_eq(hail_timer_destroy(timer), 0);
}

Test(close, in_a_timer)
{
	struct world world;
	struct seen seen = {0};
	struct hail_timer *timer;

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, fire_close, &seen),
		     0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	finish(&world, &seen);
}

static void run_close(struct hail_engine *engine, void *arg)
{
	(void)engine;
	seen_close(arg);
}

Test(close, in_a_post)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_engine_post(world.engine, run_close, &seen), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	finish(&world, &seen);
}

static void close_other(struct seen *seen, const struct hail_datagram *batch,
			size_t count)
{
	struct seen *other = seen->arg;

	(void)batch;
	(void)count;
	if (!other->closing)
		seen_close(other);
	seen_close(seen);
}

Test(close, of_another_socket_that_has_datagrams_in_the_same_turn)
{
	struct world world;
	struct seen a = {.on_data = close_other}, b = {.on_data = close_other};

	a.arg = &b;
	b.arg = &a;
	world_start(&world, NULL);
	world_open(&world, &a, NULL);
	world_open(&world, &b, NULL);
	seen_inject(&a, 0, 10);
	seen_inject(&b, 0, 10);
	world_settle(&world);
	cr_assert_eq(a.batches + b.batches, 1);
	cr_assert_eq(a.closes, 1);
	cr_assert_eq(a.late, 0);
	finish(&world, &b);
}

static void close_arg(struct seen *seen)
{
	seen_close(seen->arg);
}

Test(close, of_another_socket_in_a_close_handler)
{
	struct world world;
	struct seen a = {.on_close = close_arg}, b = {0};

	a.arg = &b;
	world_start(&world, NULL);
	world_open(&world, &a, NULL);
	world_open(&world, &b, NULL);
	world_turn(&world);
	seen_close(&a);
	world_settle(&world);
	cr_assert_eq(a.closes, 1);
	finish(&world, &b);
}

static void reopen(struct seen *seen)
{
	struct seen *next = seen->arg;

	world_open(seen->world, next, NULL);
	seen_inject(next, 0, 3);
}

Test(close, a_new_socket_may_be_opened_in_the_close_handler)
{
	struct world world;
	struct seen a = {.on_close = reopen};
	struct seen b = {.on_data = close_on_data};

	a.arg = &b;
	world_start(&world, NULL);
	world_open(&world, &a, NULL);
	world_turn(&world);
	seen_close(&a);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(a.closes, 1);
	cr_assert_eq(b.datagrams, 3);
	finish(&world, &b);
}

Test(close, waits_for_a_cancel_that_takes_its_time)
{
	struct world world;
	struct seen seen = {0};

	for (uint64_t seed = 0; seed < 20; seed++) {
		seen = (struct seen){0};
		world_start_seeded(&world, seed, NULL);
		sim_chaos(world.sim)->delay = 6;
		world_open(&world, &seen, NULL);
		world_turn(&world);
		seen_close(&seen);
		/* Nobody hears these. */
		seen_inject(&seen, 0, 10);
		world_turn(&world);
		finish(&world, &seen);
		cr_assert_eq(seen.datagrams, 0);
	}
}

Test(close, offers_what_is_in_flight_once_more)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 10);
	sim_credit(world.sim, seen.slot, 6);
	seen_close(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 6);
	cr_assert_eq(world_stats(&world).traffic.sent, 6);
	cr_assert_eq(world_stats(&world).traffic.cancelled, 4);
	cr_assert_eq(seen.errors, 0);
	finish(&world, &seen);
}

Test(close, offers_more_than_a_ring_full_of_what_is_in_flight)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 4));
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 30), 30);
	seen_unblock(&seen);
	seen_close(&seen);
	world_settle(&world);
	assert_sent(&world, 0, 30);
	cr_assert_eq(world_stats(&world).traffic.cancelled, 0);
	finish(&world, &seen);
}

Test(close, is_not_held_up_by_a_socket_that_never_becomes_writable)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 10), 10);
	world_settle(&world);
	cr_assert(sim_armed(world.sim, seen.slot) & HL_ARM_WRITABLE);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(world_stats(&world).traffic.cancelled, 10);
	finish(&world, &seen);
}

/* A back-off takes the poll back, and it is armed once more afterwards. */
Test(close, is_not_held_up_by_a_poll_that_was_once_taken_back)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	cr_assert_eq(seen_send(&seen, 0), 0);
	world_settle(&world);
	sim_inject_error(world.sim, seen.slot, -EXFULL);
	world_settle(&world);
	cr_assert(sim_armed(world.sim, seen.slot) & HL_ARM_WRITABLE);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	finish(&world, &seen);
}

static int refuse_all(void *arg, uint32_t slot,
		      const struct hail_message *message)
{
	(void)slot;
	(void)message;
	return *(int *)arg;
}

Test(close, ends_whatever_the_kernel_says_of_the_last_sends)
{
	static const int codes[] = {-EAGAIN, -ENOBUFS, -ENOMEM, -EPERM,
				    -ENETUNREACH};
	struct hail_traffic traffic;
	struct world world;
	struct seen seen;
	int code;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		seen = (struct seen){0};
		code = -EAGAIN;
		world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 4));
		world_open(&world, &seen, NULL);
		sim_judge(world.sim, refuse_all, &code);
		cr_assert_eq(seen_send_many(&seen, 0, 20), 20);
		code = codes[i];
		seen_close(&seen);
		world_settle(&world);
		traffic = world_stats(&world).traffic;
		cr_assert_eq(traffic.cancelled + traffic.failed, 20);
		cr_assert_eq(traffic.failed, i < 3 ? 0 : 20);
		finish(&world, &seen);
	}
}

static void send_and_close(struct seen *seen, const struct hail_datagram *batch,
			   size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(seen_send_many(seen, 0, 5), 5);
	seen_close(seen);
	cr_assert_eq(seen_send(seen, 5), -EBADF);
}

Test(close, lets_what_a_handler_sent_before_it_leave)
{
	struct world world;
	struct seen seen = {.on_data = send_and_close};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, 5);
	finish(&world, &seen);
}

static void count_close(struct hail_socket *socket)
{
	++*(unsigned *)hail_socket_user(socket);
}

/* Nothing is armed that could complete: only the sends are under way. */
Test(close, comes_in_a_run_though_only_sends_are_under_way)
{
	struct hail_addr remote = remote_at(9);
	struct hail_socket *socket;
	struct world world;
	unsigned closes = 0;

	world_start(&world, NULL);
	cr_assert_eq(hail_socket_open(
			     &socket, world.engine,
			     &HAIL_SOCKET_OPTIONS(.handlers.close = count_close,
						  .user = &closes)),
		     0);
	sim_credit(world.sim, sim_slot(world.sim, socket), 0);
	cr_assert_eq(hail_send(socket, "a", 1, &remote), 0);
	sim_credit(world.sim, sim_slot(world.sim, socket), SIM_UNLIMITED);
	cr_assert_eq(hail_socket_close(socket), 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(closes, 1);
	world_end(&world);
}

Test(close, destroy_ends_everything_without_a_handler)
{
	struct world world;
	struct seen seen[3] = {{0}, {0}, {0}};

	world_start(&world, NULL);
	sim_chaos(world.sim)->delay = 3;
	for (int i = 0; i < 3; i++)
		world_open(&world, &seen[i], NULL);
	seen_block(&seen[0]);
	cr_assert_eq(seen_send_many(&seen[0], 0, 10), 10);
	world_turn(&world);
	seen_inject(&seen[1], 0, 10);
	seen_close(&seen[2]);
	world_end(&world);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(seen[i].batches, 0);
		cr_assert_eq(seen[i].closes, 0);
	}
}

Test(close, destroy_of_an_engine_that_nobody_used)
{
	struct world world;

	world_start(&world, NULL);
	world_end(&world);
	cr_assert_eq(hail_engine_destroy(NULL), 0);
}

Test(close, many_sockets_opened_and_closed_leave_nothing_behind)
{
	struct world world;
	struct seen seen[8];

	world_start(&world, NULL);
	sim_chaos(world.sim)->delay = 2;
	for (int round = 0; round < 50; round++) {
		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < 8; i++) {
			world_open(&world, &seen[i], NULL);
			seen_inject(&seen[i], 0, 3);
		}
		if (round % 2)
			world_turn(&world);
		for (int i = 0; i < 8; i++)
			seen_close(&seen[i]);
		cr_assert_eq(hail_engine_run(world.engine), 0);
		for (int i = 0; i < 8; i++)
			cr_assert_eq(seen[i].closes, 1);
	}
	finish(&world, &seen[0]);
}
