/* SPDX-License-Identifier: MIT */
/* receive.c: what arrives is handed over once, in order, as it was sent, and
 * truncation is told. */
#include "world.h"

/* What was received, by number. */
struct log {
	struct seen seen;
	uint32_t next; /* that is expected */
};

static void expect_next(struct seen *seen, const struct hail_datagram *batch,
			size_t count)
{
	struct log *log = (struct log *)(void *)seen;
	struct hail_addr from = remote_at(9);

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(datagram_number(&batch[i]), log->next);
		cr_assert_eq(batch[i].size, 4);
		cr_assert_eq(batch[i].true_size, 4);
		cr_assert_eq(batch[i].flags, 0);
		cr_assert(hail_addr_equal(&batch[i].remote, &from));
		log->next++;
	}
}

Test(receive, datagrams_come_once_and_in_order)
{
	struct world world;
	struct log log = {.seen.on_data = expect_next};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.budget = 8, .buffers = 4,
						 .buffers_max = 16));
	world_open(&world, &log.seen, NULL);
	seen_inject(&log.seen, 0, 500);
	world_settle(&world);
	cr_assert_eq(log.next, 500);
	cr_assert_eq(log.seen.batch_max, 8);
	cr_assert_eq(seen_traffic(&log.seen).received, 500);
	cr_assert_eq(seen_traffic(&log.seen).received_bytes, 2000);
	world_end(&world);
}

/* Everything that a kernel may do to a reception, with two sockets at once. */
static void tumble(uint64_t seed)
{
	struct world world;
	struct log log[2] = {
		{.seen.on_data = expect_next},
		{.seen.on_data = expect_next},
	};
	uint32_t sent[2] = {0};

	world_start_seeded(&world, seed,
			   &HAIL_ENGINE_OPTIONS(.budget = 4, .buffers = 2,
						.buffers_max = 8, .entries = 4,
						.completions = 8));
	*sim_chaos(world.sim) = (struct sim_chaos){.reorder = true, .late = 20};
	world_open(&world, &log[0].seen, NULL);
	world_open(&world, &log[1].seen, NULL);
	for (int i = 0; i < 60; i++) {
		uint32_t which = sim_random(world.sim, 2);
		struct seen *seen = &log[which].seen;
		uint32_t count = sim_random(world.sim, 12);

		seen_inject(seen, sent[which], count);
		sent[which] += count;
		if (!sim_random(world.sim, 5))
			sim_inject_error(world.sim, seen->slot, -ECONNREFUSED);
		if (!sim_random(world.sim, 5))
			sim_end_reception(world.sim, seen->slot);
		world_turn(&world);
	}
	world_settle(&world);
	cr_assert_eq(log[0].next, sent[0], "seed %lu", seed);
	cr_assert_eq(log[1].next, sent[1], "seed %lu", seed);
	world_end(&world);
}

Test(receive, datagrams_come_once_and_in_order_whatever_ends_the_reception)
{
	for (uint64_t seed = 0; seed < 100; seed++)
		tumble(seed);
}

/* The one datagram that a test looks at. */
struct last {
	struct seen seen;
	struct hail_datagram datagram;
	unsigned char first, final;
};

static void note_last(struct seen *seen, const struct hail_datagram *batch,
		      size_t count)
{
	struct last *last = (struct last *)(void *)seen;

	cr_assert_eq(count, 1);
	last->datagram = *batch;
	cr_assert_not_null(batch->data);
	if (!batch->size)
		return;
	last->first = *(const unsigned char *)batch->data;
	last->final = ((const unsigned char *)batch->data)[batch->size - 1];
}

static void receive_bytes(struct world *world, struct last *last, size_t size)
{
	static unsigned char bytes[65527];
	struct hail_addr from = remote_at(9);

	memset(bytes, 'm', sizeof(bytes));
	bytes[0] = 'a';
	if (size)
		bytes[size - 1] = 'z';
	sim_inject(world->sim, last->seen.slot, &from, bytes, size);
	last->seen.datagrams = 0;
	world_settle(world);
	cr_assert_eq(last->seen.datagrams, 1);
}

Test(receive, no_datagram_is_cut_unasked)
{
	static const size_t sizes[] = {1, 2, 1472, 2048, 9000, 65507, 65527};
	struct world world;
	struct last last = {.seen.on_data = note_last};

	world_start(&world, NULL);
	world_open(&world, &last.seen, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		receive_bytes(&world, &last, sizes[i]);
		cr_assert_eq(last.datagram.size, sizes[i]);
		cr_assert_eq(last.datagram.true_size, sizes[i]);
		cr_assert_eq(last.datagram.flags, 0);
		cr_assert_eq(last.final, 'z');
	}
	cr_assert_eq(seen_traffic(&last.seen).truncated, 0);
	world_end(&world);
}

Test(receive, an_empty_datagram_is_a_datagram)
{
	struct world world;
	struct last last = {.seen.on_data = note_last};

	world_start(&world, NULL);
	world_open(&world, &last.seen, NULL);
	receive_bytes(&world, &last, 0);
	cr_assert_eq(last.datagram.size, 0);
	cr_assert_eq(last.datagram.true_size, 0);
	cr_assert_eq(last.datagram.flags, 0);
	cr_assert_eq(hail_addr_port(&last.datagram.remote), 9);
	world_end(&world);
}

/* A promise of `datagram_max` bytes, of which more were sent. */
static void cut(uint32_t datagram_max, size_t size)
{
	struct world world;
	struct last last = {.seen.on_data = note_last};

	world_start(&world, NULL);
	world_open(&world, &last.seen,
		   &HAIL_SOCKET_OPTIONS(.datagram_max = datagram_max));
	receive_bytes(&world, &last, size);
	cr_assert_eq(last.datagram.size, datagram_max);
	cr_assert_eq(last.datagram.true_size, size);
	cr_assert_eq(last.datagram.flags, HAIL_DATAGRAM_TRUNCATED);
	cr_assert_eq(last.first, 'a');
	cr_assert_eq(seen_traffic(&last.seen).truncated, 1);
	receive_bytes(&world, &last, datagram_max);
	cr_assert_eq(last.datagram.size, datagram_max);
	cr_assert_eq(last.datagram.flags, 0);
	cr_assert_eq(last.final, 'z');
	world_end(&world);
}

Test(receive, what_exceeds_a_promise_is_cut_and_flagged_in_small_buffers)
{
	cut(100, 101);
	cut(1200, 1500);
	cut(2048, 65507);
}

Test(receive, what_exceeds_a_promise_is_cut_and_flagged_in_large_buffers)
{
	cut(2049, 2050);
	cut(9000, 65507);
}

Test(receive, a_small_promise_uses_small_buffers_only)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.datagram_max = 1200));
	seen_inject(&seen, 0, 20);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 20);
	cr_assert_eq(world_stats(&world).buffers.in_use_max, 0);
	cr_assert_gt(world_stats(&world).small_buffers.in_use_max, 0);
	world_end(&world);
}

Test(receive, a_connected_socket_hears_no_stranger)
{
	struct hail_addr remote, stranger = remote_at(1);
	struct world world;
	struct seen seen = {0};

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", 7001), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = remote));
	sim_inject(world.sim, seen.slot, &stranger, "no", 2);
	sim_inject(world.sim, seen.slot, &remote, "yes", 3);
	sim_inject(world.sim, seen.slot, &stranger, "no", 2);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 1);
	cr_assert_eq(seen_traffic(&seen).strangers, 2);
	cr_assert_eq(seen_traffic(&seen).received, 1);
	cr_assert_eq(seen_traffic(&seen).received_bytes, 3);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	world_end(&world);
}

Test(receive, a_socket_without_a_data_handler_leaves_it_in_the_kernel)
{
	struct hail_handlers none = {0};
	struct hail_socket *socket;
	struct hail_addr from = remote_at(9);
	struct world world;

	world_start(&world, NULL);
	cr_assert_eq(hail_socket_open(&socket, world.engine, NULL), 0);
	cr_assert_eq(hail_socket_set_handlers(socket, &none), 0);
	sim_inject(world.sim, sim_slot(world.sim, socket), &from, "a", 1);
	world_settle(&world);
	cr_assert_eq(sim_pending(world.sim, sim_slot(world.sim, socket)), 1);
	world_end(&world);
}

Test(receive, a_data_handler_may_be_taken_away)
{
	struct hail_handlers none = {0};
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	sim_chaos(world.sim)->delay = 3;
	world_turn(&world);
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &none), 0);
	world_settle(&world);
	cr_assert_eq(sim_armed(world.sim, seen.slot), 0);
	seen_inject(&seen, 0, 3);
	world_settle(&world);
	cr_assert_eq(sim_pending(world.sim, seen.slot), 3);
	world_end(&world);
}

/* Numbers that came to a handler of the test's own. */
static uint32_t next_number;

static void count_on(struct hail_socket *socket,
		     const struct hail_datagram *batch, size_t count)
{
	struct hail_handlers none = {0};

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(datagram_number(&batch[i]), next_number++);
	cr_assert_eq(hail_socket_set_handlers(socket, &none), 0);
}

Test(receive, nothing_is_lost_while_the_data_handler_is_away)
{
	struct hail_handlers handlers = {.data = count_on};
	struct hail_addr from = remote_at(9);
	struct hail_socket *socket;
	struct world world;

	world_start(&world, &HAIL_ENGINE_OPTIONS(.budget = 4));
	sim_chaos(world.sim)->delay = 3;
	cr_assert_eq(hail_socket_open(&socket, world.engine, NULL), 0);
	for (uint32_t i = 0; i < 20; i++)
		sim_inject(world.sim, sim_slot(world.sim, socket), &from, &i,
			   sizeof(i));
	for (uint32_t i = 4; i <= 20; i += 4) {
		cr_assert_eq(hail_socket_set_handlers(socket, &handlers), 0);
		world_settle(&world);
		cr_assert_eq(next_number, i);
	}
	world_end(&world);
}

/* A socket has all four buffers of its engine, and was handed one datagram. */
static void start_clogged(struct world *world, struct seen *clogged,
			  struct seen *other)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.budget = 1, .buffers = 4,
						.buffers_max = 4));
	world_open(world, clogged, NULL);
	world_open(world, other, NULL);
	world_turn(world);
	seen_inject(clogged, 0, 4);
	while (!clogged->datagrams)
		world_turn(world);
	cr_assert_eq(clogged->datagrams, 1);
	cr_assert_eq(world_stats(world).buffers.in_use, 3);
}

Test(receive, what_waits_for_a_data_handler_is_not_counted_as_dropped)
{
	struct hail_handlers none = {0}, some = {.data = count_on};
	struct world world;
	struct seen clogged = {0}, other = {0};

	start_clogged(&world, &clogged, &other);
	cr_assert_eq(hail_socket_set_handlers(clogged.socket, &none), 0);
	world_settle(&world);
	cr_assert_eq(seen_traffic(&clogged).received, 1);
	cr_assert_eq(seen_traffic(&clogged).dropped, 0);
	next_number = 1;
	for (uint32_t i = 2; i <= 4; i++) {
		cr_assert_eq(hail_socket_set_handlers(clogged.socket, &some),
			     0);
		world_settle(&world);
		cr_assert_eq(next_number, i);
	}
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	cr_assert_eq(world_stats(&world).traffic.dropped, 0);
	world_end(&world);
}

/* With or without a data handler: its buffers are for the others then. */
static void drop_by_closing(bool heard)
{
	struct hail_handlers none = {0};
	struct world world;
	struct seen clogged = {0}, other = {0};

	start_clogged(&world, &clogged, &other);
	if (!heard)
		cr_assert_eq(hail_socket_set_handlers(clogged.socket, &none),
			     0);
	seen_close(&clogged);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	cr_assert_eq(world_stats(&world).traffic.dropped, 3);
	seen_inject(&other, 0, 8);
	world_settle(&world);
	cr_assert_eq(other.datagrams, 8);
	cr_assert_eq(clogged.datagrams, 1);
	cr_assert_eq(world_stats(&world).traffic.received, 9);
	cr_assert_eq(world_stats(&world).traffic.dropped, 3);
	world_end(&world);
}

Test(receive, what_was_not_handed_over_before_the_close_is_dropped_and_counted)
{
	drop_by_closing(true);
	drop_by_closing(false);
}

/* What comes until the reception has ended; how much that is is the kernel's
 * affair. */
static uint64_t drop_late(uint64_t seed)
{
	struct hail_traffic traffic;
	struct world world;
	struct seen seen = {0};

	world_start_seeded(&world, seed, NULL);
	sim_chaos(world.sim)->delay = 3;
	world_open(&world, &seen, NULL);
	world_turn(&world);
	seen_close(&seen);
	seen_inject(&seen, 0, 20);
	world_settle(&world);
	traffic = world_stats(&world).traffic;
	cr_assert_eq(traffic.received, 0);
	cr_assert(traffic.dropped == 0 || traffic.dropped == 20);
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	cr_assert_eq(seen.late, 0);
	world_end(&world);
	return traffic.dropped;
}

Test(receive, what_comes_after_the_close_is_counted_as_dropped_too)
{
	uint64_t dropped = 0;

	for (uint64_t seed = 0; seed < 20; seed++)
		dropped += drop_late(seed);
	cr_assert_gt(dropped, 0);
}
