/* SPDX-License-Identifier: MIT */
/*
 * retry_order.c: what is sent again after another remote's ICMP message leaves
 * in its place, whatever else happens. Random histories over many seeds, and
 * the books are balanced at the end.
 */
#include "record.h"
#include "world.h"

#include <netinet/in.h>

#define DESTINATIONS 6
#define FIRST_PORT 20
#define TOTAL 600
#define BURST 24
#define ATTEMPTS_MAX 4

struct history {
	struct world world;
	struct seen seen;
	uint64_t seed;
	/* What each message says; its address tells which one it is. */
	uint32_t numbers[TOTAL];
	unsigned hits[TOTAL]; /* by ICMP messages */
	bool offered[TOTAL], told[TOTAL], returned[TOTAL];
	uint32_t next;
	bool dual_stack;
	unsigned doom; /* percent of the sends that an ICMP message hits */
	unsigned failures;
	unsigned wait_of[DESTINATIONS]; /* that it was sent to in last */
};

static struct history history;

static struct hail_addr destination(uint32_t at)
{
	return remote_at((uint16_t)(FIRST_PORT + at));
}

/* Bursts to one, and a mixture. */
static uint32_t destination_of(uint32_t number)
{
	return number % 40 < 10 ? number / 40 % DESTINATIONS
				: (number * 7 + number / 11) % DESTINATIONS;
}

/* Every second message names an IPv4 remote in its IPv6 form. */
static struct hail_addr remote_of(uint32_t number)
{
	struct hail_addr addr = destination(destination_of(number));

	if (history.dual_stack && number % 2)
		cr_assert_eq(hail_addr_parse(&addr, "::ffff:192.0.2.1",
					     hail_addr_port(&addr)),
			     0);
	return addr;
}

/* ---- The network ---- */

static uint32_t number_of(const struct hail_message *message)
{
	uint32_t number;

	memcpy(&number, message->data, sizeof(number));
	return number;
}

static void send_icmp(struct sim *sim, uint32_t slot, int pending)
{
	struct hail_addr dead = remote_at(FIRST_PORT + DESTINATIONS);
	struct sim_record record = record_refused(&dead);

	sim_inject_record(sim, slot, &record, pending);
}

static void assert_first_in_submission(uint32_t at)
{
	unsigned wait = sim_waits(history.world.sim);

	cr_assert_neq(history.wait_of[at], wait,
		      "seed %lu: two to one remote in a submission",
		      history.seed);
	history.wait_of[at] = wait;
}

/* ICMP messages arrive between any two sends of a submission. */
static int doom(void *arg, uint32_t slot, const struct hail_message *message)
{
	static const int codes[] = {-ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH};
	struct sim *sim = history.world.sim;
	uint32_t number = number_of(message);

	(void)arg;
	assert_first_in_submission(destination_of(number));
	if (sim_random(sim, 100) >= history.doom)
		return 0;
	history.hits[number]++;
	history.failures++;
	send_icmp(sim, slot, 0);
	return codes[sim_random(sim, 3)];
}

/* ---- The sender ---- */

static ssize_t offer_one(uint32_t number)
{
	struct hail_addr remote = remote_of(number);
	int err = hail_send(history.seen.socket, &history.numbers[number],
			    sizeof(number), &remote);

	if (!err)
		return 1;
	if (err == -EAGAIN)
		return err;
	/* Told by the call itself: so it isn't told again. */
	cr_assert_eq(history.hits[number], ATTEMPTS_MAX);
	history.returned[number] = true;
	return 1;
}

static ssize_t offer_many(uint32_t first, uint32_t count)
{
	struct hail_addr remotes[BURST];
	struct hail_message messages[BURST];

	for (uint32_t i = 0; i < count; i++) {
		remotes[i] = remote_of(first + i);
		messages[i] = (struct hail_message){
			.data = &history.numbers[first + i],
			.size = sizeof(uint32_t),
			.remote = &remotes[i],
		};
	}
	return hail_send_many(history.seen.socket, messages, count);
}

static void send_some(uint32_t limit)
{
	while (history.next < limit) {
		uint32_t count = 1 + sim_random(history.world.sim, BURST);
		ssize_t taken;

		if (count > limit - history.next)
			count = limit - history.next;
		taken = count == 1 ? offer_one(history.next)
				   : offer_many(history.next, count);
		if (taken < 0) {
			cr_assert_eq(taken, -EAGAIN);
			return;
		}
		for (ssize_t i = 0; i < taken; i++)
			history.offered[history.next++] = true;
	}
}

static uint32_t limit_of(uint32_t more)
{
	return history.next + more < TOTAL ? history.next + more : TOTAL;
}

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)seen;
	(void)batch;
	(void)count;
	send_some(limit_of(30));
}

static void send_on(struct seen *seen)
{
	(void)seen;
	send_some(limit_of(60));
}

/* Errors of the network are about the dead one, those of messages about such
 * as failed four times. */
static void note_error(struct seen *seen, const struct hail_error *error)
{
	const uint32_t *data = error->data;
	uint32_t number;

	(void)seen;
	if (error->kind == HAIL_ERROR_REMOTE) {
		cr_assert_eq(hail_addr_port(&error->remote),
			     FIRST_PORT + DESTINATIONS);
		return;
	}
	cr_assert_eq(error->kind, HAIL_ERROR_SEND);
	number = (uint32_t)(data - history.numbers);
	cr_assert_lt(number, TOTAL);
	cr_assert_not(history.told[number], "seed %lu", history.seed);
	cr_assert_eq(history.hits[number], ATTEMPTS_MAX,
		     "seed %lu: %u was hit %u times", history.seed, number,
		     history.hits[number]);
	history.told[number] = true;
}

/* ---- The books ---- */

static uint32_t count_true(const bool *flags)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < TOTAL; i++)
		count += flags[i];
	return count;
}

static void assert_order_and_outcomes(void)
{
	int64_t last[DESTINATIONS];
	bool sent[TOTAL] = {false};

	for (int i = 0; i < DESTINATIONS; i++)
		last[i] = -1;
	for (size_t i = 0; i < sim_sent_count(history.world.sim); i++) {
		uint32_t number = sent_number(&history.world, i);
		uint32_t at = destination_of(number);
		struct hail_addr remote = remote_of(number);

		cr_assert(hail_addr_equal(
			&sim_sent(history.world.sim, i)->remote, &remote));
		cr_assert_not(sent[number], "seed %lu: %u twice", history.seed,
			      number);
		cr_assert_gt(number, last[at], "seed %lu: %u after %ld",
			     history.seed, number, (long)last[at]);
		last[at] = number;
		sent[number] = true;
	}
	for (uint32_t i = 0; i < TOTAL; i++)
		cr_assert_eq(sent[i] + history.told[i] + history.returned[i],
			     history.offered[i], "seed %lu: %u: %d %d %d",
			     history.seed, i, sent[i], history.told[i],
			     history.returned[i]);
}

static void balance(void)
{
	struct hail_traffic traffic = seen_traffic(&history.seen);
	uint32_t told = count_true(history.told);
	uint32_t returned = count_true(history.returned);

	cr_assert_eq(traffic.failed, told);
	cr_assert_eq(traffic.retried, history.failures - told - returned);
	cr_assert_eq(traffic.sent, sim_sent_count(history.world.sim));
	cr_assert_eq(seen_in_flight(&history.seen), 0);
	cr_assert_eq(world_stats(&history.world).send_blocks.in_use, 0);
	cr_assert_eq(history.seen.late, 0);
}

/* ---- Histories ---- */

static bool open_sender(uint32_t window)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.errors = true, .window = window);
	int err;

	if (history.dual_stack)
		cr_assert_eq(hail_addr_parse(&options.local, "::", 0), 0);
	err = world_try_open(&history.world, &history.seen, &options);
	if (err == -EAFNOSUPPORT && history.dual_stack)
		return false;
	cr_assert_eq(err, 0);
	return true;
}

/* Long enough for a back-off to end at last. */
static void turn(void)
{
	cr_assert_geq(
		hail_engine_turn(history.world.engine, (int64_t)(MS / 20)), 0);
}

static void step(void)
{
	struct sim *sim = history.world.sim;
	uint32_t slot = history.seen.slot;
	uint32_t dice = sim_random(sim, 8);

	if (dice == 0)
		sim_credit(sim, slot, sim_random(sim, 30));
	if (dice == 1)
		sim_credit(sim, slot, SIM_UNLIMITED);
	if (dice > 5)
		seen_inject(&history.seen, 0, 1);
	if (sim_random(sim, 2))
		send_some(limit_of(40));
	turn();
}

static void tell_story(const struct sim_chaos *chaos)
{
	struct sim *sim = history.world.sim;

	*sim_chaos(sim) = *chaos;
	sim_judge(sim, doom, NULL);
	if (chaos->credit)
		sim_stop(sim, history.seen.slot);
	world_turn(&history.world);
	for (int i = 0; history.next < TOTAL; i++) {
		cr_assert_lt(i, 5000, "seed %lu is stuck at %u", history.seed,
			     history.next);
		step();
	}
	*sim_chaos(sim) = (struct sim_chaos){.credit = 50};
	sim_credit(sim, history.seen.slot, SIM_UNLIMITED);
	for (int i = 0; seen_in_flight(&history.seen); i++) {
		cr_assert_lt(i, 5000, "seed %lu is stuck", history.seed);
		turn();
	}
	world_settle(&history.world);
}

static void through(uint64_t seed, struct sim_chaos chaos, unsigned percent,
		    bool dual_stack)
{
	history = (struct history){
		.seed = seed,
		.doom = percent,
		.dual_stack = dual_stack,
	};
	history.seen.on_data = send_in_handler;
	history.seen.on_drain = send_on;
	history.seen.on_error = note_error;
	for (uint32_t i = 0; i < TOTAL; i++)
		history.numbers[i] = i;
	world_start_seeded(&history.world, seed,
			   &HAIL_ENGINE_OPTIONS(.entries = 16));
	if (open_sender(2 + (uint32_t)seed % 90)) {
		tell_story(&chaos);
		cr_assert_gt(history.failures, 0);
		assert_order_and_outcomes();
		balance();
	}
	world_end(&history.world);
}

Test(retry_order, keeps_the_order_of_each_remote_and_loses_and_doubles_nothing)
{
	for (uint64_t seed = 0; seed < 40; seed++)
		through(seed, (struct sim_chaos){0}, 15, false);
}

Test(retry_order, keeps_order_while_almost_everything_fails)
{
	for (uint64_t seed = 100; seed < 120; seed++)
		through(seed, (struct sim_chaos){.partial = 20}, 60, false);
}

Test(retry_order, keeps_order_through_backpressure_and_late_polls)
{
	struct sim_chaos chaos = {
		.partial = 40,
		.credit = 12,
		.delay = 4,
		.late = 30,
		.reorder = true,
	};

	for (uint64_t seed = 200; seed < 240; seed++)
		through(seed, chaos, 20, false);
}

Test(retry_order, keeps_order_while_the_kernel_wants_for_memory)
{
	struct sim_chaos chaos = {.again = 10, .partial = 30, .late = 20};

	for (uint64_t seed = 300; seed < 320; seed++)
		through(seed, chaos, 20, false);
}

Test(retry_order, keeps_order_where_ipv4_remotes_are_given_in_both_forms)
{
	for (uint64_t seed = 400; seed < 430; seed++)
		through(seed, (struct sim_chaos){0}, 15, true);
}
