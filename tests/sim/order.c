/* SPDX-License-Identifier: MIT */
/* order.c: datagrams of one socket to one destination leave in the order in
 * which they were taken. */
#include "world.h"

#define DESTINATIONS 5
#define FIRST_PORT 20
#define TOTAL 1200

/* A sender of numbered datagrams to several destinations. */
struct sender {
	struct seen seen;
	uint32_t next; /* not taken yet */
	uint32_t burst;
};

static struct hail_addr destinations[DESTINATIONS];

static void set_destinations(void)
{
	for (uint16_t i = 0; i < DESTINATIONS; i++)
		destinations[i] = remote_at((uint16_t)(FIRST_PORT + i));
}

static const struct hail_addr *destination_of(uint32_t number)
{
	return &destinations[(number * 7 + number / 11) % DESTINATIONS];
}

static ssize_t send_batch(struct sender *sender, uint32_t count)
{
	uint32_t numbers[64];
	struct hail_message messages[64];
	ssize_t taken;

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = sender->next + i;
		messages[i] = (struct hail_message){
			.data = &numbers[i],
			.size = sizeof(numbers[i]),
			.remote = destination_of(numbers[i]),
		};
	}
	taken = count == 1
			? hail_send(sender->seen.socket, messages[0].data,
				    messages[0].size, messages[0].remote)
			: hail_send_many(sender->seen.socket, messages, count);
	memset(numbers, 0xff, sizeof(numbers));
	return count == 1 && !taken ? 1 : taken;
}

/* Sends bursts of random length until refused or at the end. */
static void send_some(struct sender *sender, uint32_t limit)
{
	struct sim *sim = sender->seen.world->sim;

	while (sender->next < limit) {
		uint32_t count = 1 + sim_random(sim, sender->burst);
		ssize_t taken;

		if (count > limit - sender->next)
			count = limit - sender->next;
		taken = send_batch(sender, count);
		if (taken < 0) {
			cr_assert_eq(taken, -EAGAIN);
			return;
		}
		sender->next += (uint32_t)taken;
	}
}

static void assert_order(const struct world *world, uint32_t life)
{
	int64_t last[DESTINATIONS];
	uint32_t count = 0;

	for (int i = 0; i < DESTINATIONS; i++)
		last[i] = -1;
	for (size_t i = 0; i < sim_sent_count(world->sim); i++) {
		const struct sim_sent *sent = sim_sent(world->sim, i);
		int at = hail_addr_port(&sent->remote) - FIRST_PORT;
		uint32_t number = sent_number(world, i);

		if (sent->life != life)
			continue;
		cr_assert(
			hail_addr_equal(&sent->remote, destination_of(number)));
		cr_assert_gt(number, last[at], "%u after %ld", number,
			     (long)last[at]);
		last[at] = number;
		count++;
	}
	cr_assert_gt(count, 0);
}

/* Odd seeds send trains too. */
static void start(struct world *world, struct sender *sender, uint64_t seed,
		  uint32_t window)
{
	set_destinations();
	*sender = (struct sender){.burst = 40};
	world_start_seeded(world, seed, &HAIL_ENGINE_OPTIONS(.entries = 32));
	world->trains = seed % 2;
	world_open(world, &sender->seen,
		   &HAIL_SOCKET_OPTIONS(.window = window));
}

static void finish(struct world *world, struct sender *sender)
{
	world_settle(world);
	assert_order(world, sim_slot_life(world->sim, sender->seen.slot));
	world_end(world);
}

/* What follows a refusal comes when drain says so. */
static void resume(struct seen *seen)
{
	send_some((struct sender *)(void *)seen, TOTAL);
}

static void through(uint64_t seed, struct sim_chaos chaos, size_t capacity)
{
	struct world world;
	struct sender sender;

	start(&world, &sender, seed, 2 + (uint32_t)seed % 60);
	sender.seen.on_drain = resume;
	*sim_chaos(world.sim) = chaos;
	if (chaos.credit)
		sim_stop(world.sim, sender.seen.slot);
	if (capacity)
		sim_capacity(world.sim, sender.seen.slot, capacity);
	send_some(&sender, TOTAL);
	for (int i = 0; sender.next < TOTAL; i++) {
		cr_assert_lt(i, 20000, "seed %lu ends at %u", seed,
			     sender.next);
		world_turn(&world);
	}
	/* The link moves on quietly. */
	for (int i = 0; seen_in_flight(&sender.seen); i++) {
		cr_assert_lt(i, 20000, "seed %lu is stuck", seed);
		world_turn(&world);
	}
	cr_assert_eq(sim_sent_count(world.sim), TOTAL);
	finish(&world, &sender);
}

Test(order, holds_through_backpressure)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		through(seed, (struct sim_chaos){.credit = 9}, 0);
}

Test(order, holds_where_the_kernel_holds_less_than_it_says)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		through(seed, (struct sim_chaos){.credit = 9}, 30000);
}

Test(order, holds_through_partial_batches)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		through(seed, (struct sim_chaos){.partial = 60}, 0);
}

Test(order, holds_through_partial_batches_and_backpressure_and_late_polls)
{
	struct sim_chaos chaos = {.partial = 50, .credit = 20, .delay = 4};

	for (uint64_t seed = 0; seed < 20; seed++)
		through(seed, chaos, 50000);
}

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	struct sender *sender = (struct sender *)(void *)seen;

	(void)batch;
	(void)count;
	send_some(sender, sender->next + 30);
}

/* Sends from handlers wait for the enter; sends from outside must not pass
 * them, nor they those that wait for the kernel. */
static void inside_and_outside(uint64_t seed)
{
	struct world world;
	struct sender sender;
	struct seen other = {0};
	uint32_t others = 0;

	start(&world, &sender, seed, 400);
	world_open(&world, &other, NULL);
	sender.seen.on_data = send_in_handler;
	sim_chaos(world.sim)->late = 30;
	world_turn(&world);
	for (int i = 0; i < 60; i++) {
		uint32_t dice = sim_random(world.sim, 4);

		if (dice == 0)
			sim_credit(world.sim, sender.seen.slot,
				   sim_random(world.sim, 40));
		if (dice == 1)
			sim_credit(world.sim, sender.seen.slot, SIM_UNLIMITED);
		if (dice != 2)
			seen_inject(&sender.seen, 0, 1);
		/* Its submission may bring the answer to the sender's poll. */
		if (sim_random(world.sim, 2))
			others += !seen_send(&other, 0);
		if (sim_random(world.sim, 2))
			send_some(&sender, sender.next + 20);
		world_turn(&world);
	}
	sim_credit(world.sim, sender.seen.slot, SIM_UNLIMITED);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), sender.next + others);
	finish(&world, &sender);
}

Test(order, holds_between_sends_in_handlers_and_outside)
{
	for (uint64_t seed = 0; seed < 50; seed++)
		inside_and_outside(seed);
}

static int fail_each_seventh(void *arg, uint32_t slot,
			     const struct hail_message *message)
{
	uint32_t number;

	(void)arg;
	(void)slot;
	memcpy(&number, message->data, sizeof(number));
	return number % 7 == 3 ? -ENETUNREACH : 0;
}

Test(order, holds_around_messages_that_fail)
{
	struct world world;
	struct sender sender;

	/* Even seeds: the judge looks at each message. */
	for (uint64_t seed = 0; seed < 20; seed += 2) {
		start(&world, &sender, seed, 64);
		sim_judge(world.sim, fail_each_seventh, NULL);
		sim_credit(world.sim, sender.seen.slot, 100);
		while (sender.next < 150)
			sender.next += (uint32_t)send_batch(&sender, 10);
		world_turn(&world);
		sim_credit(world.sim, sender.seen.slot, SIM_UNLIMITED);
		world_settle(&world);
		cr_assert_eq(sim_sent_count(world.sim) + sender.seen.errors,
			     150);
		cr_assert_eq(sender.seen.errors, 21);
		finish(&world, &sender);
	}
}

/* Whatever the reason, while it lasts nothing passes what waits. */
static void hold_up(int code)
{
	struct world world;
	struct sender sender;

	start(&world, &sender, 1, 64);
	for (uint32_t i = 0; i < 5; i++) {
		sim_forgive(world.sim);
		sim_fail_sends(world.sim, sender.seen.slot, code, 4,
			       SIM_UNLIMITED);
		send_some(&sender, sender.next + 12);
		world_turn(&world);
		send_some(&sender, sender.next + 12);
		sim_forgive(world.sim);
		send_some(&sender, sender.next + 5);
		world_settle(&world);
	}
	cr_assert_eq(sim_sent_count(world.sim), sender.next);
	finish(&world, &sender);
}

Test(order, holds_when_the_kernel_is_out_of_buffers)
{
	hold_up(-ENOBUFS);
}

Test(order, holds_when_the_kernel_is_out_of_memory)
{
	hold_up(-ENOMEM);
}

Test(order, holds_when_the_kernel_says_eagain_unannounced)
{
	hold_up(-EAGAIN);
}

Test(order, of_received_datagrams_is_that_of_their_arrival)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.budget = 8, .buffers = 4));
	world_open(&world, &seen, NULL);
	*sim_chaos(world.sim) = (struct sim_chaos){.reorder = true};
	seen_inject(&seen, 0, 200);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 200);
	world_end(&world);
}
