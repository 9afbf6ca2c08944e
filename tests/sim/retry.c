/* SPDX-License-Identifier: MIT */
/*
 * retry.c: an unconnected socket that asked for errors loses no datagram to the
 * ICMP message of another remote: what failed for it is sent again. Its order
 * is in retry_order.c.
 */
#include "record.h"
#include "world.h"

#define FIRST_PORT 20
#define DEAD_PORT 19
#define ATTEMPTS_MAX 4

static uint32_t number_of(const struct hail_message *message)
{
	uint32_t number;

	memcpy(&number, message->data, sizeof(number));
	return number;
}

static void send_icmp(struct sim *sim, uint32_t slot, int pending)
{
	struct hail_addr dead = remote_at(DEAD_PORT);
	struct sim_record record = record_refused(&dead);

	sim_inject_record(sim, slot, &record, pending);
}

static void start(struct world *world, struct seen *seen,
		  const struct hail_socket_options *options)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.entries = 64));
	world_open(world, seen, options);
	world_settle(world);
}

static const struct hail_socket_options *with_errors(void)
{
	static struct hail_socket_options options;

	options = HAIL_SOCKET_OPTIONS(.errors = true);
	return &options;
}

/* Numbers as many remotes as are asked for, one after the other. */
static ssize_t send_to(struct seen *seen, uint32_t remote_count, uint32_t count)
{
	static uint32_t numbers[64];
	struct hail_addr remotes[64];
	struct hail_message messages[64];

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = i;
		remotes[i] =
			remote_at((uint16_t)(FIRST_PORT + i % remote_count));
		messages[i] = (struct hail_message){
			.data = &numbers[i],
			.size = sizeof(numbers[i]),
			.remote = &remotes[i],
		};
	}
	return hail_send_many(seen->socket, messages, count);
}

Test(retry, an_error_that_was_pending_costs_no_datagram_and_is_told)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	send_icmp(world.sim, seen.slot, -ECONNREFUSED);
	cr_assert_eq(send_to(&seen, 10, 40), 40);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 40);
	cr_assert_eq(seen_traffic(&seen).retried, 1);
	cr_assert_eq(seen_traffic(&seen).failed, 0);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(seen.error[0].kind, HAIL_ERROR_REMOTE);
	world_end(&world);
}

Test(retry, a_single_send_tries_again_before_it_returns)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	send_icmp(world.sim, seen.slot, -ECONNREFUSED);
	cr_assert_eq(seen_send(&seen, 5), 0);
	assert_sent(&world, 5, 1);
	cr_assert_eq(seen_in_flight(&seen), 0);
	cr_assert_eq(seen_traffic(&seen).retried, 1);
	world_end(&world);
}

static void send_three(struct seen *seen, const struct hail_datagram *batch,
		       size_t count)
{
	(void)batch;
	(void)count;
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(seen_send(seen, i), 0);
}

Test(retry, what_a_handler_sent_is_tried_again)
{
	struct world world;
	struct seen seen = {.on_data = send_three};

	start(&world, &seen, with_errors());
	seen_inject(&seen, 0, 1);
	send_icmp(world.sim, seen.slot, -ECONNREFUSED);
	world_settle(&world);
	assert_sent(&world, 0, 3);
	world_end(&world);
}

static unsigned judged;

static int fail_third(void *arg, uint32_t slot,
		      const struct hail_message *message)
{
	(void)slot;
	if (number_of(message) != 2)
		return 0;
	judged++;
	return *(const int *)arg;
}

/* The third of ten always fails. */
static void assert_told(const struct world *world, const struct seen *seen,
			int code, unsigned attempts)
{
	cr_assert_eq(judged, attempts, "%u attempts, not %u", judged, attempts);
	cr_assert_eq(seen->errors, 1);
	cr_assert_eq(seen->error[0].kind, HAIL_ERROR_SEND);
	cr_assert_eq(seen->error[0].code, code);
	cr_assert_eq(seen_traffic(seen).retried, attempts - 1);
	cr_assert_eq(seen_traffic(seen).failed, 1);
	cr_assert_eq(sim_sent_count(world->sim), 9);
}

static void fail_in_batch(const struct hail_socket_options *options, int code,
			  unsigned attempts)
{
	struct world world;
	struct seen seen = {0};

	judged = 0;
	start(&world, &seen, options);
	sim_judge(world.sim, fail_third, &code);
	cr_assert_eq(send_to(&seen, 10, 10), 10);
	world_settle(&world);
	assert_told(&world, &seen, code, attempts);
	world_end(&world);
}

Test(retry, what_fails_four_times_is_told)
{
	fail_in_batch(with_errors(), -ECONNREFUSED, ATTEMPTS_MAX);
}

Test(retry, all_that_an_icmp_message_may_be_is_tried_again)
{
	static const int codes[] = {
		-ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, -EHOSTDOWN, -ENONET,
		-EOPNOTSUPP,   -EPROTO,       -ENOPROTOOPT, -EACCES,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		fail_in_batch(with_errors(), codes[i], ATTEMPTS_MAX);
}

/* Each attempt leaves a record. */
Test(retry, a_size_is_tried_once_more)
{
	fail_in_batch(with_errors(), -EMSGSIZE, 2);
}

Test(retry, what_no_icmp_message_can_be_is_told_at_once)
{
	fail_in_batch(with_errors(), -EPERM, 1);
	fail_in_batch(with_errors(), -EINVAL, 1);
}

Test(retry, without_errors_it_is_told_at_once)
{
	fail_in_batch(NULL, -ECONNREFUSED, 1);
}

static void send_ten(struct seen *seen, const struct hail_datagram *batch,
		     size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_to(seen, 10, 10), 10);
}

Test(retry, what_fails_four_times_in_a_turns_submission_is_told)
{
	struct world world;
	struct seen seen = {.on_data = send_ten};
	int code = -ECONNREFUSED;

	judged = 0;
	start(&world, &seen, with_errors());
	sim_judge(world.sim, fail_third, &code);
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	assert_told(&world, &seen, code, ATTEMPTS_MAX);
	world_end(&world);
}

Test(retry, a_single_send_that_fails_four_times_returns_it)
{
	struct world world;
	struct seen seen = {0};
	int code = -ECONNREFUSED;

	judged = 0;
	start(&world, &seen, with_errors());
	sim_judge(world.sim, fail_third, &code);
	cr_assert_eq(seen_send(&seen, 2), -ECONNREFUSED);
	cr_assert_eq(judged, ATTEMPTS_MAX);
	cr_assert_eq(seen_send(&seen, 3), 0);
	world_settle(&world);
	assert_sent(&world, 3, 1);
	cr_assert_eq(seen.errors, 0);
	cr_assert_eq(seen_traffic(&seen).failed, 0);
	world_end(&world);
}

Test(retry, a_single_send_without_errors_returns_it_at_once)
{
	struct world world;
	struct seen seen = {0};
	int code = -ECONNREFUSED;

	judged = 0;
	start(&world, &seen, NULL);
	sim_judge(world.sim, fail_third, &code);
	cr_assert_eq(seen_send(&seen, 2), -ECONNREFUSED);
	cr_assert_eq(judged, 1);
	world_end(&world);
}

/* ---- Connected ---- */

static const struct hail_socket_options *connected(void)
{
	static struct hail_socket_options options;

	options = HAIL_SOCKET_OPTIONS(.errors = true);
	cr_assert_eq(hail_addr_parse(&options.remote, "127.0.0.1", 9), 0);
	return &options;
}

static ssize_t send_connected(struct seen *seen, uint32_t count)
{
	static uint32_t numbers[64];
	struct hail_message messages[64];

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = i;
		messages[i] = (struct hail_message){
			.data = &numbers[i],
			.size = sizeof(numbers[i]),
		};
	}
	return hail_send_many(seen->socket, messages, count);
}

Test(retry, a_connected_socket_is_told_at_once)
{
	struct world world;
	struct seen seen = {0};
	int code = -ECONNREFUSED;
	uint32_t two = 2;

	judged = 0;
	start(&world, &seen, connected());
	sim_judge(world.sim, fail_third, &code);
	cr_assert_eq(send_connected(&seen, 10), 10);
	world_settle(&world);
	assert_told(&world, &seen, code, 1);
	cr_assert_eq(hail_send(seen.socket, &two, sizeof(two), NULL), code);
	cr_assert_eq(judged, 2);
	world_end(&world);
}

/* ---- Submissions ---- */

static unsigned waits_of(struct seen *seen, uint32_t remote_count,
			 uint32_t count)
{
	unsigned before = sim_waits(seen->world->sim);

	cr_assert_eq(send_to(seen, remote_count, count), count);
	return sim_waits(seen->world->sim) - before;
}

Test(retry, a_batch_to_different_remotes_is_one_submission)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	cr_assert_eq(waits_of(&seen, 64, 64), 1);
	cr_assert_eq(waits_of(&seen, 64, 10), 1);
	world_end(&world);
}

Test(retry, a_batch_has_as_many_submissions_as_messages_to_one_remote)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	cr_assert_eq(waits_of(&seen, 1, 12), 12);
	cr_assert_eq(waits_of(&seen, 16, 64), 4);
	world_end(&world);
}

Test(retry, other_sockets_batches_are_one_submission_whatever_the_remotes)
{
	struct world world;
	struct seen seen = {0}, peer = {0};
	unsigned before;

	start(&world, &seen, NULL);
	cr_assert_eq(waits_of(&seen, 1, 64), 1);
	world_open(&world, &peer, connected());
	before = sim_waits(world.sim);
	cr_assert_eq(send_connected(&peer, 64), 64);
	cr_assert_eq(sim_waits(world.sim) - before, 1);
	world_end(&world);
}

/* How many messages each wait has submitted. */
struct submissions {
	struct sim *sim;
	unsigned first; /* the wait of the first attempts */
	unsigned failed;
	uint32_t sizes[64];
};

/* Of the first attempts all with an even number fail. */
static int fail_even_once(void *arg, uint32_t slot,
			  const struct hail_message *message)
{
	struct submissions *submissions = arg;
	unsigned wait = sim_waits(submissions->sim);

	(void)slot;
	if (!submissions->first)
		submissions->first = wait;
	wait -= submissions->first;
	cr_assert_lt(wait, 64);
	submissions->sizes[wait]++;
	if (wait || number_of(message) % 2)
		return 0;
	submissions->failed++;
	return -ECONNREFUSED;
}

static void assert_sent_alone(struct world *world, struct seen *seen)
{
	struct submissions submissions = {.sim = world->sim};

	sim_judge(world->sim, fail_even_once, &submissions);
	cr_assert_eq(send_to(seen, 10, 10), 10);
	world_settle(world);
	cr_assert_eq(submissions.sizes[0], 10);
	cr_assert_eq(submissions.failed, 5);
	for (int i = 1; i < 64; i++)
		cr_assert_leq(submissions.sizes[i], 1);
	cr_assert_eq(sim_sent_count(world->sim), 10);
	cr_assert_eq(seen_traffic(seen).retried, 5);
	cr_assert_eq(seen->errors, 0);
}

/* In company it would meet the company's errors. */
Test(retry, what_is_sent_again_goes_alone)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	assert_sent_alone(&world, &seen);
	world_end(&world);
}

static void send_to_many(struct seen *seen, const struct hail_datagram *batch,
			 size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_to(seen, 64, 64), 64);
}

Test(retry, a_handlers_batch_to_different_remotes_goes_with_the_turns_enter)
{
	struct world world;
	struct seen seen = {.on_data = send_to_many};
	unsigned before;

	start(&world, &seen, with_errors());
	seen_inject(&seen, 0, 1);
	before = sim_waits(world.sim);
	world_turn(&world);
	/* One that brought the datagram, one on leaving. */
	cr_assert_eq(sim_waits(world.sim) - before, 2);
	cr_assert_eq(sim_sent_count(world.sim), 64);
	world_end(&world);
}

static void send_to_one(struct seen *seen, const struct hail_datagram *batch,
			size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_to(seen, 1, 64), 64);
}

Test(retry, other_sockets_handlers_send_any_batch_with_the_turns_enter)
{
	struct world world;
	struct seen seen = {.on_data = send_to_one};
	unsigned before;

	start(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	before = sim_waits(world.sim);
	world_turn(&world);
	cr_assert_eq(sim_waits(world.sim) - before, 2);
	cr_assert_eq(sim_sent_count(world.sim), 64);
	world_end(&world);
}

/* ---- The end ---- */

Test(retry, an_error_of_another_costs_no_datagram_in_a_close_either)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
	sim_credit(world.sim, seen.slot, SIM_UNLIMITED);
	send_icmp(world.sim, seen.slot, -ECONNREFUSED);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_sent(&world, 0, 5);
	cr_assert_eq(world_stats(&world).traffic.retried, 1);
	cr_assert_eq(world_stats(&world).traffic.failed, 0);
	world_end(&world);
}

Test(retry, a_close_ends_although_a_message_fails_for_ever)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, with_errors());
	seen_block(&seen);
	cr_assert_eq(seen_send_many(&seen, 0, 5), 5);
	sim_credit(world.sim, seen.slot, SIM_UNLIMITED);
	sim_fail_sends(world.sim, seen.slot, -ECONNREFUSED, 0, SIM_UNLIMITED);
	seen_close(&seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.closes, 1);
	cr_assert_eq(seen.late, 0);
	cr_assert_eq(world_stats(&world).traffic.failed, 5);
	world_end(&world);
}
