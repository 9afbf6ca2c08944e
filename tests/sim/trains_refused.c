/* SPDX-License-Identifier: MIT */
/* trains_refused.c: trains that the kernel refuses leave as single messages,
 * in their order, and what was learned is kept in mind for a while. */
#include "convoy.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct convoy convoy;

/* ---- The time: what is asked for is later by this ---- */

static time_t later_s;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, clock, out);

	if (clock == CLOCK_MONOTONIC)
		out->tv_sec += later_s;
	return result;
}

/* ---- What is refused, and how ---- */

static const int codes[] = {-EIO, -EINVAL, -EMSGSIZE};

static void start(void)
{
	convoy_start(&convoy, 1, NULL, NULL);
}

/* Segments of more bytes are refused; with -EIO all are. */
static void refuse(int code, uint32_t segment_max)
{
	sim_limit_segments(convoy.world.sim, code == -EIO ? 0 : segment_max,
			   code);
}

static unsigned waits(void)
{
	return sim_waits(convoy.world.sim);
}

static uint64_t refused(void)
{
	return seen_traffic(&convoy.seen).train_refused;
}

/* ---- Straight from the caller ---- */

static const struct convoy_message mixed[] = {
	{0, 1200}, {1, 160},  {0, 1200}, {2, 1200}, {0, 1200}, {1, 160},
	{2, 900},  {0, 1300}, {0, 1300}, {1, 160},  {2, 1400}, {0, 1300},
};

#define MIXED (sizeof(mixed) / sizeof(mixed[0]))

Test(trains_refused, leave_singly_within_the_call)
{
	for (int i = 0; i < 3; i++) {
		unsigned before;

		start();
		refuse(codes[i], 1000);
		before = waits();
		convoy_send(&convoy, mixed, MIXED);
		cr_assert_eq(waits(), before + 2);
		cr_assert_eq(sim_sent_count(convoy.world.sim), MIXED);
		cr_assert_gt(refused(), 0);
		world_turn(&convoy.world);
		cr_assert_eq(convoy.seen.errors, 0);
		cr_assert_eq(seen_traffic(&convoy.seen).sent, MIXED);
		cr_assert_eq(seen_traffic(&convoy.seen).retried, 0);
		convoy_end(&convoy);
	}
}

Test(trains_refused, let_nothing_shorter_pass)
{
	for (int i = 0; i < 3; i++) {
		start();
		refuse(codes[i], 1000);
		convoy_send(&convoy,
			    (struct convoy_message[]){{0, 1200},
						      {0, 1200},
						      {0, 700},
						      {0, 160},
						      {0, 160},
						      {0, 1200},
						      {0, 1200},
						      {0, 4}},
			    8);
		cr_assert_eq(sim_sent_count(convoy.world.sim), 8);
		convoy_end(&convoy);
	}
}

Test(trains_refused, and_too_long_even_singly_are_each_told_once)
{
	start();
	refuse(-EMSGSIZE, 1000);
	sim_fail_sends(convoy.world.sim, SIM_ANY, -EMSGSIZE, 0, 5);
	convoy_send_equal(&convoy, 4, 1200);
	world_turn(&convoy.world);
	cr_assert_eq(convoy.seen.errors, 4);
	cr_assert_eq(sim_sent_count(convoy.world.sim), 0);
	convoy_end(&convoy);
}

Test(trains_refused, that_then_find_no_room_wait_for_it_in_order)
{
	for (uint32_t room = 0; room < 8; room++) {
		start();
		refuse(-EMSGSIZE, 1000);
		sim_fail_sends(convoy.world.sim, SIM_ANY, -EAGAIN, 1 + room,
			       20);
		convoy_send_equal(&convoy, 6, 1200);
		sim_forgive(convoy.world.sim);
		convoy_send_equal(&convoy, 6, 1200);
		world_settle(&convoy.world);
		convoy_end(&convoy);
	}
}

/* ---- From handlers, and from the queue ---- */

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)seen;
	(void)batch;
	(void)count;
	convoy_send(&convoy, mixed, MIXED);
}

Test(trains_refused, leave_singly_from_handlers_too)
{
	for (int i = 0; i < 3; i++) {
		start();
		refuse(codes[i], 1000);
		convoy.seen.on_data = send_in_handler;
		seen_inject(&convoy.seen, 0, 1);
		world_settle(&convoy.world);
		cr_assert_eq(sim_sent_count(convoy.world.sim), MIXED);
		cr_assert_gt(refused(), 0);
		cr_assert_eq(convoy.seen.errors, 0);
		convoy_end(&convoy);
	}
}

static void queue_up(int code)
{
	start();
	seen_block(&convoy.seen);
	convoy_send(&convoy, mixed, MIXED);
	convoy_send(&convoy, mixed, MIXED);
	world_turn(&convoy.world);
	seen_unblock(&convoy.seen);
	refuse(code, 1000);
}

Test(trains_refused, leave_singly_when_there_is_room_again)
{
	for (int i = 0; i < 3; i++) {
		queue_up(codes[i]);
		world_settle(&convoy.world);
		cr_assert_eq(sim_sent_count(convoy.world.sim), 2 * MIXED);
		convoy_end(&convoy);
	}
}

Test(trains_refused, leave_singly_while_the_socket_closes)
{
	for (int i = 0; i < 3; i++) {
		queue_up(codes[i]);
		seen_close(&convoy.seen);
		world_settle(&convoy.world);
		cr_assert(convoy.seen.closed);
		cr_assert_eq(sim_sent_count(convoy.world.sim), 2 * MIXED);
		cr_assert_eq(world_stats(&convoy.world).traffic.cancelled, 0);
		convoy_end(&convoy);
	}
}

Test(trains_refused, leave_singly_while_the_socket_lingers)
{
	for (int i = 0; i < 3; i++) {
		queue_up(codes[i]);
		seen_linger(&convoy.seen, -1);
		world_settle(&convoy.world);
		cr_assert(convoy.seen.closed);
		cr_assert_eq(sim_sent_count(convoy.world.sim), 2 * MIXED);
		convoy_end(&convoy);
	}
}

Test(trains_refused, leave_singly_where_errors_are_asked_for)
{
	for (int i = 0; i < 3; i++) {
		convoy_start(&convoy, 1, NULL,
			     &HAIL_SOCKET_OPTIONS(.errors = true));
		refuse(codes[i], 1000);
		convoy_send(&convoy, mixed, MIXED);
		world_settle(&convoy.world);
		cr_assert_eq(sim_sent_count(convoy.world.sim), MIXED);
		cr_assert_eq(convoy.seen.errors, 0);
		convoy_end(&convoy);
	}
}

/* Another remote's ICMP message, which none of them is told of. */
Test(trains_refused, are_not_those_that_another_remotes_error_hits)
{
	struct hail_addr dead = remote_at(99);
	struct sim_record record = {.name = dead};

	convoy_start(&convoy, 1, NULL, &HAIL_SOCKET_OPTIONS(.errors = true));
	sim_inject_record(convoy.world.sim, convoy.seen.slot, &record,
			  -ECONNREFUSED);
	convoy_send_equal(&convoy, 8, 160);
	world_settle(&convoy.world);
	cr_assert_eq(sim_sent_count(convoy.world.sim), 8);
	cr_assert_eq(refused(), 0);
	cr_assert_eq(seen_traffic(&convoy.seen).retried, 8);
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_not(convoy.items[i].told);
	convoy_end(&convoy);
}

/* ---- What is learned ---- */

static void assert_next(uint32_t count, uint16_t size, uint32_t sends)
{
	size_t first = sim_sent_count(convoy.world.sim);

	convoy_send_equal(&convoy, count, size);
	cr_assert_eq(convoy_sends(&convoy, first), sends, "%u, not %u",
		     convoy_sends(&convoy, first), sends);
}

Test(trains_refused, are_not_tried_at_once_again_at_that_size)
{
	unsigned before;

	start();
	refuse(-EMSGSIZE, 1000);
	assert_next(8, 1200, 8);
	before = waits();
	assert_next(8, 1200, 8);
	assert_next(8, 1201, 8);
	cr_assert_eq(waits(), before + 2);
	cr_assert_eq(refused(), 1);
	assert_next(8, 1000, 1);
	/* Between the two nothing is known: it is tried. */
	assert_next(8, 1100, 8);
	cr_assert_eq(refused(), 2);
	assert_next(8, 1100, 8);
	cr_assert_eq(refused(), 2);
	convoy_end(&convoy);
}

Test(trains_refused, of_no_size_are_tried_again_where_none_can_be_cut)
{
	start();
	refuse(-EIO, 0);
	assert_next(8, 160, 8);
	assert_next(8, 100, 8);
	cr_assert_eq(refused(), 1);
	convoy_end(&convoy);
}

Test(trains_refused, to_one_remote_are_tried_to_others)
{
	for (int i = 0; i < 3; i++) {
		struct convoy_message others[6];

		start();
		refuse(codes[i], 1000);
		assert_next(8, 1200, 8);
		sim_limit_segments(convoy.world.sim, UINT32_MAX, 0);
		for (int j = 0; j < 6; j++)
			others[j] = (struct convoy_message){
				(uint8_t)(1 + j % 2), 1200};
		convoy_send(&convoy, others, 6);
		cr_assert_eq(convoy_sends(&convoy, 8), 2);
		convoy_end(&convoy);
	}
}

Test(trains_refused, are_tried_again_later)
{
	for (int i = 0; i < 3; i++) {
		later_s = 0;
		start();
		refuse(codes[i], 1000);
		assert_next(8, 1200, 8);
		sim_limit_segments(convoy.world.sim, UINT32_MAX, 0);
		assert_next(8, 1200, 8);
		later_s = 2;
		assert_next(8, 1200, 1);
		convoy_end(&convoy);
	}
}

Test(trains_refused, are_tried_less_and_less_often)
{
	unsigned tries = 0;

	start();
	refuse(-EMSGSIZE, 1000);
	for (later_s = 0; later_s < 200; later_s++) {
		assert_next(2, 1200, 2);
		tries = (unsigned)refused();
	}
	/* At first, after 1, 3, 7, 15, 31, 63 seconds, and each minute or so.
	 */
	cr_assert_geq(tries, 8);
	cr_assert_leq(tries, 9);
	convoy_end(&convoy);
}

Test(trains_refused, of_128_messages_are_of_64_on_older_kernels)
{
	unsigned before;

	start();
	sim_limit_trains(convoy.world.sim, 64);
	assert_next(128, 40, 128);
	cr_assert_eq(refused(), 1);
	before = waits();
	assert_next(128, 40, 2);
	assert_next(65, 160, 2);
	cr_assert_eq(waits(), before + 2);
	cr_assert_eq(refused(), 1);
	convoy_end(&convoy);
}

/* ---- At random ---- */

static uint16_t random_size(struct sim *sim)
{
	static const uint16_t sizes[] = {40,  160, 160, 160,  500, 600,
					 900, 900, 900, 1200, 1200};

	return sizes[sim_random(sim, sizeof(sizes) / sizeof(sizes[0]))];
}

static void send_random(void)
{
	struct sim *sim = convoy.world.sim;
	struct convoy_message messages[40];
	uint32_t count = 1 + sim_random(sim, 40);
	uint16_t size = random_size(sim);
	ssize_t taken;

	if (convoy.count + count > CONVOY_MAX || convoy.seen.closing)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (sim_random(sim, 4) == 0)
			size = random_size(sim);
		messages[i].remote = (uint8_t)sim_random(sim, 3);
		messages[i].size = size;
	}
	taken = convoy_offer(&convoy, messages, count);
	cr_assert(taken > 0 || taken == -EAGAIN, "%zd", taken);
}

static void send_random_in_handler(struct seen *seen,
				   const struct hail_datagram *batch,
				   size_t count)
{
	(void)seen;
	(void)batch;
	(void)count;
	send_random();
}

static void send_random_on_drain(struct seen *seen)
{
	(void)seen;
	send_random();
}

/* A path has some width, an old kernel another word for it, and no size is so
 * narrow that none could be. */
static void change_path(void)
{
	static const uint32_t widths[] = {UINT32_MAX, 1199, 899, 599, 524};
	struct sim *sim = convoy.world.sim;
	uint32_t way = sim_random(sim, 8);

	if (way < 5)
		sim_limit_segments(sim, widths[way],
				   sim_random(sim, 2) ? -EMSGSIZE : -EINVAL);
	if (way == 5)
		sim_limit_segments(sim, 0, -EIO);
	if (way == 6)
		sim_limit_trains(sim, sim_random(sim, 2) ? 64 : 128);
}

static void step(bool credits)
{
	struct sim *sim = convoy.world.sim;

	if (sim_random(sim, 3) == 0)
		change_path();
	if (credits && sim_random(sim, 3) == 0)
		sim_credit(sim, convoy.seen.slot,
			   sim_random(sim, 2) ? sim_random(sim, 40)
					      : SIM_UNLIMITED);
	if (sim_random(sim, 2))
		seen_inject(&convoy.seen, 0, 1);
	if (sim_random(sim, 2))
		send_random();
	/* What was refused is tried again now and then. */
	if (sim_random(sim, 4) == 0)
		later_s += 2;
	cr_assert_geq(hail_engine_turn(convoy.world.engine, (int64_t)(MS / 20)),
		      0);
}

static void history(uint64_t seed, struct sim_chaos chaos, bool errors)
{
	struct sim *sim;

	convoy_start(&convoy, seed, &HAIL_ENGINE_OPTIONS(.entries = 32),
		     &HAIL_SOCKET_OPTIONS(.window = 2 + (uint32_t)seed % 90,
					  .errors = errors));
	sim = convoy.world.sim;
	*sim_chaos(sim) = chaos;
	convoy.seen.on_data = send_random_in_handler;
	convoy.seen.on_drain = send_random_on_drain;
	if (chaos.credit)
		sim_stop(sim, convoy.seen.slot);
	for (int i = 0; i < 60; i++)
		step(chaos.credit);
	convoy.seen.on_data = NULL;
	convoy.seen.on_drain = NULL;
	*sim_chaos(sim) = (struct sim_chaos){0};
	sim_credit(sim, convoy.seen.slot, SIM_UNLIMITED);
	sim_drain(sim, convoy.seen.slot, SIM_UNLIMITED);
	world_settle(&convoy.world);
	cr_assert_eq(seen_in_flight(&convoy.seen), 0, "seed %lu", seed);
	cr_assert_eq(seen_traffic(&convoy.seen).failed, 0, "seed %lu", seed);
	cr_assert_gt(sim_sent_count(sim), 100);
	convoy_end(&convoy);
}

static void histories(struct sim_chaos chaos)
{
	for (uint64_t seed = 0; seed < 40; seed++)
		history(seed, chaos, seed % 4 == 3);
}

Test(trains_refused, lose_nothing_and_keep_their_order)
{
	histories((struct sim_chaos){0});
}

Test(trains_refused, keep_their_order_through_partial_submissions)
{
	histories((struct sim_chaos){.partial = 50});
}

Test(trains_refused, keep_their_order_through_backpressure)
{
	histories((struct sim_chaos){.credit = 20, .delay = 3, .late = 20});
}

Test(trains_refused, keep_their_order_through_all_of_it)
{
	histories((struct sim_chaos){
		.credit = 20, .delay = 3, .late = 20, .partial = 40});
}
