/* SPDX-License-Identifier: MIT */
/*
 * lend.c: trains that the kernel sends from where they are. What is lent stays
 * as it is until it comes back, whatever else happens, and nothing else
 * changes: not the order, not the window, not who is told of what.
 */
#include "world.h"

#define SEGMENT 1000
#define SEGMENTS 40

/* Sends on all that comes, numbered, to one remote. */
struct relay {
	struct seen seen;
	uint32_t injected, refused;
};

static void send_on(struct seen *seen, const struct hail_datagram *batch,
		    size_t count)
{
	struct relay *relay = seen->arg;
	struct hail_addr remote = remote_at(9);

	for (size_t i = 0; i < count; i++)
		relay->refused += hail_send(seen->socket, batch[i].data,
					    batch[i].size, &remote) != 0;
}

static void start_with(struct world *world, struct relay *relay, uint64_t seed,
		       struct hail_engine_options options)
{
	options.budget = 128;
	world_start_seeded(world, seed, &options);
	world->trains = true;
	*relay = (struct relay){.seen.on_data = send_on};
	relay->seen.arg = relay;
	world_open(world, &relay->seen,
		   &HAIL_SOCKET_OPTIONS(.coalesce = true, .window = 8192));
}

static void start(struct world *world, struct relay *relay)
{
	start_with(world, relay, 1, HAIL_ENGINE_OPTIONS(.entries = 0));
}

/* Datagrams come in one piece, the first bytes of each its number. */
static void inject(struct relay *relay, uint32_t count)
{
	static unsigned char bytes[65535];
	struct hail_addr from = remote_at(8);

	for (uint32_t i = 0; i < count; i++) {
		unsigned char *at = bytes + (size_t)i * SEGMENT;

		memset(at, (int)relay->injected, SEGMENT);
		memcpy(at, &relay->injected, sizeof(relay->injected));
		relay->injected++;
	}
	sim_inject_coalesced(relay->seen.world->sim, relay->seen.slot, &from,
			     bytes, (size_t)count * SEGMENT, SEGMENT);
}

/* One train's worth, received and sent on. */
static void feed(struct relay *relay)
{
	inject(relay, SEGMENTS);
	world_settle(relay->seen.world);
}

static void assert_all_sent(const struct relay *relay)
{
	cr_assert_eq(relay->refused, 0);
	assert_sent(relay->seen.world, 0, relay->injected);
	for (size_t i = 0; i < relay->injected; i++) {
		const struct sim_sent *sent =
			sim_sent(relay->seen.world->sim, i);

		for (size_t at = sizeof(uint32_t); at < sent->size; at++)
			cr_assert_eq(sent->data[at], i % 256);
	}
}

static uint32_t held(const struct world *world)
{
	return world_stats(world).buffers.in_use;
}

/* The first has come back uncopied, and further ones are held. */
static void prove(struct relay *relay)
{
	feed(relay);
	cr_assert_eq(sim_lent_count(relay->seen.world->sim), 1);
	sim_lend(relay->seen.world->sim, true, false);
}

Test(lend, a_buffer_whose_train_is_lent_is_held_until_it_is_back)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	sim_lend(world.sim, true, false);
	feed(&relay);
	cr_assert_eq(sim_lent(world.sim), 1);
	assert_all_sent(&relay);
	cr_assert_eq(seen_in_flight(&relay.seen), 0);
	cr_assert_eq(seen_traffic(&relay.seen).sent, SEGMENTS);
	cr_assert_eq(held(&world), 1);
	sim_give_back(world.sim, 1);
	world_turn(&world);
	cr_assert_eq(held(&world), 0);
	cr_assert_eq(world_stats(&world).send_blocks.in_use, 0);
	cr_assert_eq(world_stats(&world).zero_copy_sent, 1);
	cr_assert_eq(world_stats(&world).zero_copy_copied, 0);
	world_end(&world);
}

Test(lend, one_train_is_tried_and_when_it_is_back_uncopied_all_are_lent)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	sim_lend(world.sim, true, false);
	for (int i = 0; i < 5; i++)
		feed(&relay);
	cr_assert_eq(sim_lent_count(world.sim), 1);
	sim_give_back(world.sim, 1);
	for (int i = 0; i < 5; i++)
		feed(&relay);
	cr_assert_eq(sim_lent(world.sim), 5);
	sim_give_back(world.sim, 5);
	world_settle(&world);
	cr_assert_eq(held(&world), 0);
	assert_all_sent(&relay);
	world_end(&world);
}

Test(lend, after_a_train_that_was_copied_none_is_lent)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	sim_lend(world.sim, false, true);
	for (int i = 0; i < 10; i++)
		feed(&relay);
	cr_assert_eq(sim_lent_count(world.sim), 1);
	cr_assert_eq(world_stats(&world).zero_copy_sent, 1);
	cr_assert_eq(world_stats(&world).zero_copy_copied, 1);
	assert_all_sent(&relay);
	world_end(&world);
}

Test(lend, what_one_socket_has_found_out_is_not_held_against_another)
{
	struct relay relay, other;
	struct world world;

	start(&world, &relay);
	sim_lend(world.sim, false, true);
	feed(&relay);
	other = (struct relay){.seen.on_data = send_on};
	other.seen.arg = &other;
	world_open(&world, &other.seen, &HAIL_SOCKET_OPTIONS(.coalesce = true));
	feed(&other);
	cr_assert_eq(sim_lent_count(world.sim), 2);
	world_end(&world);
}

/* Of pieces of `first` to `last` datagrams, one after another, so many are
 * lent; and all of it is sent. */
static void assert_lent(struct hail_engine_options options, uint32_t first,
			uint32_t last, unsigned lent)
{
	struct world world;
	struct relay relay;

	start_with(&world, &relay, 1, options);
	for (uint32_t count = first; count <= last; count++) {
		inject(&relay, count);
		world_settle(&world);
	}
	cr_assert_eq(sim_lent_count(world.sim), lent);
	assert_all_sent(&relay);
	world_end(&world);
}

Test(lend, small_trains_and_single_datagrams_are_not_lent)
{
	assert_lent(HAIL_ENGINE_OPTIONS(.entries = 0), 1, 32, 0);
}

Test(lend, with_registered_memory_trains_are_lent_from_16_KiB_on)
{
	assert_lent(HAIL_ENGINE_OPTIONS(.register_memory = true), 1, 16, 0);
	assert_lent(HAIL_ENGINE_OPTIONS(.register_memory = true), 1, 17, 1);
}

Test(lend, with_zero_copy_off_nothing_is_lent)
{
	assert_lent(HAIL_ENGINE_OPTIONS(.zero_copy = HAIL_ZERO_COPY_OFF),
		    SEGMENTS, SEGMENTS + 2, 0);
}

Test(lend, trains_from_several_buffers_end_where_the_kernel_takes_no_more_pages)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	prove(&relay);
	/* Six pages each. */
	for (int i = 0; i < 4; i++)
		inject(&relay, 21);
	world_settle(&world);
	cr_assert_eq(sim_lent(world.sim), 1);
	assert_all_sent(&relay);
	sim_give_back(world.sim, SIM_UNLIMITED);
	world_settle(&world);
	cr_assert_eq(held(&world), 0);
	world_end(&world);
}

Test(lend, at_most_64_are_out_and_the_rest_is_sent_plainly)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	prove(&relay);
	for (int i = 0; i < 100; i++)
		feed(&relay);
	cr_assert_eq(sim_lent(world.sim), 64);
	cr_assert_eq(held(&world), 64);
	assert_all_sent(&relay);
	sim_give_back(world.sim, 10);
	for (int i = 0; i < 20; i++)
		feed(&relay);
	cr_assert_eq(sim_lent(world.sim), 64);
	sim_give_back(world.sim, SIM_UNLIMITED);
	world_settle(&world);
	cr_assert_eq(held(&world), 0);
	assert_all_sent(&relay);
	world_end(&world);
}

Test(lend, a_reception_that_found_all_buffers_lent_goes_on_when_one_is_back)
{
	struct world world;
	struct relay relay;

	start_with(&world, &relay, 1,
		   HAIL_ENGINE_OPTIONS(.buffers = 4, .buffers_max = 4));
	prove(&relay);
	for (int i = 0; i < 6; i++)
		feed(&relay);
	cr_assert_eq(held(&world), 4);
	cr_assert_eq(sim_sent_count(world.sim), 5 * SEGMENTS);
	sim_give_back(world.sim, 1);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 6 * SEGMENTS);
	sim_give_back(world.sim, SIM_UNLIMITED);
	world_settle(&world);
	assert_all_sent(&relay);
	world_end(&world);
}

/* ---- From send blocks ---- */

#define LARGE 12000

static int send_large(struct seen *seen, unsigned char mark)
{
	static unsigned char bytes[LARGE];
	struct hail_addr remote = remote_at(9);

	memset(bytes, mark, sizeof(bytes));
	return hail_send(seen->socket, bytes, sizeof(bytes), &remote);
}

static void send_three_large(struct seen *seen,
			     const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	for (unsigned char i = 0; i < 3; i++)
		cr_assert_eq(send_large(seen, i), 0);
}

Test(lend, drain_comes_when_blocks_that_were_lent_are_back)
{
	struct world world;
	struct relay relay;

	start_with(&world, &relay, 1,
		   HAIL_ENGINE_OPTIONS(.send_blocks_large = 4));
	relay.seen.on_data = send_three_large;
	sim_lend(world.sim, true, false);
	seen_inject(&relay.seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(sim_lent(world.sim), 1);
	cr_assert_eq(world_stats(&world).send_blocks_large.in_use, 3);
	seen_block(&relay.seen);
	cr_assert_eq(send_large(&relay.seen, 3), 0);
	cr_assert_eq(send_large(&relay.seen, 4), -EAGAIN);
	world_settle(&world);
	cr_assert_eq(relay.seen.drains, 0);
	sim_give_back(world.sim, 1);
	world_settle(&world);
	cr_assert_eq(relay.seen.drains, 1);
	cr_assert_eq(world_stats(&world).send_blocks_large.in_use, 1);
	seen_unblock(&relay.seen);
	world_settle(&world);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(sim_sent(world.sim, i)->data[LARGE - 1], i);
	world_end(&world);
}

/* ---- Ends ---- */

/* Opens sockets until one has the memory of another that is closed. */
static void take_place(struct world *world, struct relay *next,
		       const struct hail_socket *gone)
{
	for (int i = 0; i < 64; i++, next++) {
		*next = (struct relay){.seen.on_data = send_on};
		next->seen.arg = next;
		world_open(world, &next->seen,
			   &HAIL_SOCKET_OPTIONS(.coalesce = true));
		if (next->seen.socket == gone)
			break;
	}
}

static struct relay *find_place(struct relay *next,
				const struct hail_socket *gone)
{
	while (next->seen.socket != gone)
		next++;
	return next;
}

Test(lend, a_socket_closes_at_once_and_its_buffers_come_back_later)
{
	static struct relay next[64];
	struct relay relay;
	struct world world;
	const struct hail_socket *gone;

	start(&world, &relay);
	prove(&relay);
	feed(&relay);
	feed(&relay);
	gone = relay.seen.socket;
	seen_close(&relay.seen);
	world_settle(&world);
	cr_assert_eq(relay.seen.closes, 1);
	cr_assert_eq(held(&world), 2);
	take_place(&world, next, gone);
	sim_lend(world.sim, true, true);
	sim_give_back(world.sim, 2);
	world_settle(&world);
	cr_assert_eq(held(&world), 0);
	cr_assert_eq(world_stats(&world).zero_copy_copied, 2);
	/* What they say isn't about this one. */
	feed(find_place(next, gone));
	cr_assert_eq(sim_lent(world.sim), 1);
	world_end(&world);
}

Test(lend, an_engine_may_end_while_trains_are_out)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	prove(&relay);
	feed(&relay);
	feed(&relay);
	cr_assert_eq(sim_lent(world.sim), 2);
	world_end(&world);
}

Test(lend, the_last_offer_of_a_socket_that_closes_is_not_lent)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	inject(&relay, SEGMENTS);
	world_turn(&world);
	relay.seen.on_data = NULL;
	seen_block(&relay.seen);
	inject(&relay, SEGMENTS);
	relay.seen.on_data = send_on;
	world_turn(&world);
	seen_unblock(&relay.seen);
	sim_lend(world.sim, true, false);
	seen_close(&relay.seen);
	world_settle(&world);
	cr_assert_eq(sim_lent(world.sim), 0);
	cr_assert_eq(held(&world), 0);
	assert_all_sent(&relay);
	world_end(&world);
}

/* ---- Failures ---- */

/* Several trains to one remote in one submission, of which the first is
 * refused for being lent. */
static void refuse(int code, unsigned lent)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	sim_refuse_loans(world.sim, code);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 5; k++)
			inject(&relay, SEGMENTS);
		world_settle(&world);
	}
	cr_assert_eq(sim_failures(world.sim), lent);
	assert_all_sent(&relay);
	cr_assert_eq(world_stats(&world).zero_copy_sent, 0);
	cr_assert_eq(seen_traffic(&relay.seen).sent, relay.injected);
	cr_assert_eq(seen_traffic(&relay.seen).train_refused, 0);
	cr_assert_eq(relay.seen.errors, 0);
	cr_assert_eq(held(&world), 0);
	world_end(&world);
}

Test(lend, where_the_kernel_does_not_know_it_trains_are_sent_plainly_in_order)
{
	refuse(-EOPNOTSUPP, 2);
}

Test(lend, where_no_more_memory_may_be_locked_trains_are_sent_plainly_in_order)
{
	refuse(-ENOBUFS, 1);
	refuse(-ENOMEM, 1);
}

Test(lend, one_that_meets_a_full_buffer_is_sent_in_its_place)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	prove(&relay);
	sim_stop(world.sim, relay.seen.slot);
	sim_capacity(world.sim, relay.seen.slot, 100000);
	for (int i = 0; i < 4; i++)
		feed(&relay);
	cr_assert_gt(seen_in_flight(&relay.seen), 0);
	sim_drain(world.sim, relay.seen.slot, SIM_UNLIMITED);
	world_settle(&world);
	assert_all_sent(&relay);
	sim_give_back(world.sim, SIM_UNLIMITED);
	world_settle(&world);
	cr_assert_eq(held(&world), 0);
	world_end(&world);
}

Test(lend, one_that_is_too_long_for_its_way_is_sent_unsegmented_in_order)
{
	struct world world;
	struct relay relay;

	start(&world, &relay);
	prove(&relay);
	sim_limit_segments(world.sim, SEGMENT - 1, -EMSGSIZE);
	for (int i = 0; i < 3; i++)
		inject(&relay, SEGMENTS);
	world_settle(&world);
	assert_all_sent(&relay);
	cr_assert_geq(seen_traffic(&relay.seen).train_refused, 1);
	cr_assert_eq(held(&world), 0);
	world_end(&world);
}

/* No loan was lost. */
static void assert_all_can_be_lent(struct relay *relay)
{
	struct sim *sim = relay->seen.world->sim;

	sim_each_wait(sim, NULL, NULL);
	sim_lend(sim, false, false);
	feed(relay);
	sim_lend(sim, true, false);
	for (int i = 0; i < 70; i++)
		feed(relay);
	cr_assert_eq(sim_lent(sim), 64);
	sim_give_back(sim, SIM_UNLIMITED);
	world_settle(relay->seen.world);
}

static void return_some(struct sim *sim, void *arg)
{
	(void)arg;
	sim_give_back(sim, sim_random(sim, 3));
}

/* Refusals of every kind, loans that come back in any order, late and copied or
 * not: all leaves once, in order, and as it came. */
static void muddle(uint64_t seed)
{
	struct world world;
	struct relay relay;

	start_with(&world, &relay, seed,
		   HAIL_ENGINE_OPTIONS(.entries = seed % 2 ? 64 : 512));
	sim_lend(world.sim, true, false);
	*sim_chaos(world.sim) = (struct sim_chaos){
		.partial = 20,
		.delay = 3,
		.late = 20,
	};
	sim_each_wait(world.sim, return_some, NULL);
	for (int i = 0; i < 100; i++) {
		uint32_t count = 1 + sim_random(world.sim, 64);

		sim_refuse_loans(world.sim,
				 sim_random(world.sim, 10) ? 0 : -EAGAIN);
		inject(&relay, count);
		if (!sim_random(world.sim, 4))
			world_turn(&world);
	}
	sim_refuse_loans(world.sim, 0);
	world_settle(&world);
	sim_give_back(world.sim, SIM_UNLIMITED);
	world_settle(&world);
	cr_assert_gt(world_stats(&world).zero_copy_sent, 0);
	cr_assert_eq(held(&world), 0);
	assert_all_sent(&relay);
	if (seed % 8 == 0)
		assert_all_can_be_lent(&relay);
	world_end(&world);
}

Test(lend, whatever_happens_all_leaves_once_in_order_and_unchanged)
{
	for (uint64_t seed = 1; seed <= 30; seed++)
		muddle(seed);
}
