/* SPDX-License-Identifier: MIT */
/*
 * with.c: what a message says besides its bytes goes with it, with no other,
 * and by every way that a message may take.
 */
#include "world.h"

#include <netinet/in.h>
#include <stdlib.h>

#define BATCH_MAX 64
#define SIZE_LARGE 65507
/* What a small send block holds. */
#define SIZE_SMALL 1984

/* Every third message says nothing; of the others the TTL and the TOS tell
 * which one it is. */
static bool is_annotated(uint32_t number)
{
	return number % 3 != 1;
}

static struct hail_message_facts facts_of(uint32_t number)
{
	return HAIL_MESSAGE_FACTS(.ttl = 1 + number % 255,
				  .tos = 1 + number / 255 % 255);
}

/* The integer in a control message of this kind; -1: there is none. */
static int control_int(const struct sim_sent *sent, int level, int type)
{
	struct hl_cmsg copy = sent->control;
	struct msghdr header = {
		.msg_control = copy.bytes,
		.msg_controllen = copy.size,
	};
	int value;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at;
	     at = CMSG_NXTHDR(&header, at)) {
		if (at->cmsg_level != level || at->cmsg_type != type)
			continue;
		cr_assert_eq(at->cmsg_len, CMSG_LEN(sizeof(value)));
		memcpy(&value, CMSG_DATA(at), sizeof(value));
		return value;
	}
	return -1;
}

/* It carries what its number calls for, and nothing else. */
static void assert_facts(const struct sim_sent *sent, uint32_t number)
{
	struct hail_message_facts facts = facts_of(number);

	if (!is_annotated(number)) {
		cr_assert_eq(sent->control.size, 0, "%u has another's facts",
			     number);
		return;
	}
	cr_assert_eq(sent->control.size, 2 * CMSG_SPACE(sizeof(int)),
		     "%u has %u bytes", number, sent->control.size);
	cr_assert_eq(control_int(sent, IPPROTO_IP, IP_TTL), (int)facts.ttl);
	cr_assert_eq(control_int(sent, IPPROTO_IP, IP_TOS), (int)facts.tos);
}

static void assert_all_facts(const struct world *world, uint32_t first,
			     uint32_t count)
{
	assert_sent(world, first, count);
	for (uint32_t i = 0; i < count; i++)
		assert_facts(sim_sent(world->sim, i), first + i);
}

/* Sends numbers with their facts; all that was given is overwritten before it
 * returns. */
static ssize_t send_many(struct seen *seen, uint32_t first, uint32_t count)
{
	struct hail_addr remote = remote_at(9);
	uint32_t numbers[BATCH_MAX];
	struct hail_message messages[BATCH_MAX];
	struct hail_message_facts said[BATCH_MAX];
	const struct hail_message_facts *facts[BATCH_MAX];
	ssize_t taken;

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = first + i;
		messages[i] = (struct hail_message){
			.data = &numbers[i],
			.size = sizeof(numbers[i]),
			.remote = &remote,
		};
		said[i] = facts_of(first + i);
		facts[i] = is_annotated(first + i) ? &said[i] : NULL;
	}
	taken = hail_send_many_with(seen->socket, messages, facts, count);
	memset(numbers, 0xee, sizeof(numbers));
	memset(said, 0xee, sizeof(said));
	return taken;
}

static int send_one(struct seen *seen, uint32_t number)
{
	struct hail_addr remote = remote_at(9);
	struct hail_message_facts said = facts_of(number);
	int err = hail_send_with(seen->socket, &number, sizeof(number), &remote,
				 is_annotated(number) ? &said : NULL);

	memset(&said, 0xee, sizeof(said));
	return err;
}

static void start(struct world *world, struct seen *seen,
		  const struct hail_socket_options *options)
{
	world_start(world, &HAIL_ENGINE_OPTIONS(.entries = BATCH_MAX));
	world_open(world, seen, options);
	world_settle(world);
}

/* ---- The ways of a message ---- */

Test(with, facts_go_with_a_message_straight_to_the_kernel)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(send_one(&seen, i), 0);
	cr_assert_eq(send_many(&seen, 10, 50), 50);
	cr_assert_eq(send_one(&seen, 60), 0);
	assert_all_facts(&world, 0, 61);
	world_end(&world);
}

Test(with, a_mixed_batch_is_one_submission_in_its_order)
{
	struct world world;
	struct seen seen = {0};
	unsigned before;

	start(&world, &seen, NULL);
	before = sim_waits(world.sim);
	cr_assert_eq(send_many(&seen, 0, BATCH_MAX), BATCH_MAX);
	cr_assert_eq(sim_waits(world.sim) - before, 1);
	assert_all_facts(&world, 0, BATCH_MAX);
	world_end(&world);
}

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_one(seen, 0), 0);
	cr_assert_eq(send_many(seen, 1, 30), 30);
	cr_assert_eq(send_one(seen, 31), 0);
}

Test(with, facts_go_with_what_a_handler_sends)
{
	struct world world;
	struct seen seen = {.on_data = send_in_handler};
	unsigned before;

	start(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	before = sim_waits(world.sim);
	world_turn(&world);
	cr_assert_eq(sim_waits(world.sim) - before, 2);
	assert_all_facts(&world, 0, 32);
	world_end(&world);
}

Test(with, facts_wait_with_their_message_for_room)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	sim_credit(world.sim, seen.slot, 5);
	cr_assert_eq(send_many(&seen, 0, 20), 20);
	cr_assert_eq(send_one(&seen, 20), 0);
	cr_assert_eq(seen_in_flight(&seen), 16);
	sim_credit(world.sim, seen.slot, 3);
	world_settle(&world);
	seen_unblock(&seen);
	world_settle(&world);
	assert_all_facts(&world, 0, 21);
	world_end(&world);
}

static void send_through_other(struct seen *seen,
			       const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_many(seen, 0, 10), 10);
	cr_assert_eq(send_many(seen->arg, 10, 10), 10);
}

Test(with, facts_of_two_sockets_in_a_submission_are_kept_apart)
{
	struct world world;
	struct seen seen = {.on_data = send_through_other}, other = {0};

	start(&world, &seen, NULL);
	world_open(&world, &other, NULL);
	seen.arg = &other;
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	assert_all_facts(&world, 0, 20);
	cr_assert_eq(seen_traffic(&other).sent, 10);
	world_end(&world);
}

/* A message without facts must not find those of the one that was submitted
 * with the same token before. */
Test(with, what_was_said_of_one_batch_says_nothing_of_the_next)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	cr_assert_eq(send_many(&seen, 0, 40), 40);
	cr_assert_eq(seen_send_many(&seen, 40, 40), 40);
	cr_assert_eq(seen_send(&seen, 80), 0);
	assert_sent(&world, 0, 81);
	for (size_t i = 40; i < 81; i++)
		cr_assert_eq(sim_sent(world.sim, i)->control.size, 0);
	world_end(&world);
}

static int fail_each_seventh(void *arg, uint32_t slot,
			     const struct hail_message *message)
{
	static unsigned calls;

	(void)slot;
	(void)message;
	return ++calls % 7 ? 0 : *(const int *)arg;
}

/* Facts of what fails, or is sent again, stay with it too. */
static void through_failures(int code, bool errors)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, &HAIL_SOCKET_OPTIONS(.errors = errors));
	sim_judge(world.sim, fail_each_seventh, &code);
	for (uint32_t i = 0; i < 20; i++) {
		cr_assert_eq(send_many(&seen, 20 * i, 20), 20);
		world_turn(&world);
	}
	for (int i = 0; seen_in_flight(&seen); i++) {
		cr_assert_lt(i, 5000);
		cr_assert_geq(hail_engine_turn(world.engine, (int64_t)MS), 0);
	}
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim) + seen.errors, 400);
	for (size_t i = 0; i < sim_sent_count(world.sim); i++)
		assert_facts(sim_sent(world.sim, i), sent_number(&world, i));
	world_end(&world);
}

Test(with, facts_stay_with_their_message_around_such_as_fail)
{
	through_failures(-EPERM, false);
}

Test(with, facts_stay_with_their_message_when_the_kernel_wants_for_memory)
{
	through_failures(-ENOBUFS, false);
	through_failures(-EAGAIN, false);
}

Test(with, facts_stay_with_their_message_when_it_is_sent_again)
{
	through_failures(-ECONNREFUSED, true);
}

/* ---- Sizes ---- */

static unsigned char *filled(size_t size, uint32_t number)
{
	unsigned char *bytes = malloc(size);

	cr_assert_not_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(number * 31 + i * 7 + i / 251);
	memcpy(bytes, &number, sizeof(number));
	return bytes;
}

static void send_sized(struct seen *seen, uint32_t number, size_t size)
{
	struct hail_addr remote = remote_at(9);
	struct hail_message_facts said = facts_of(number);
	unsigned char *bytes = filled(size, number);

	cr_assert_eq(hail_send_with(seen->socket, bytes, size, &remote,
				    is_annotated(number) ? &said : NULL),
		     0);
	memset(bytes, 0xee, size);
	free(bytes);
}

static void assert_sized(const struct sim_sent *sent, uint32_t number,
			 size_t size)
{
	unsigned char *bytes = filled(size, number);

	cr_assert_eq(sent->size, size);
	cr_assert_eq(memcmp(sent->data, bytes, size), 0,
		     "the bytes of %u changed", number);
	assert_facts(sent, number);
	free(bytes);
}

static void send_sizes(const size_t *sizes, uint32_t count, bool held)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL);
	if (held)
		seen_block(&seen);
	for (uint32_t i = 0; i < count; i++)
		send_sized(&seen, i, sizes[i]);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), count);
	for (uint32_t i = 0; i < count; i++)
		assert_sized(sim_sent(world.sim, i), i, sizes[i]);
	world_end(&world);
}

Test(with, facts_go_with_the_largest_datagram)
{
	static const size_t sizes[] = {SIZE_LARGE, SIZE_LARGE, SIZE_LARGE,
				       SIZE_LARGE};

	send_sizes(sizes, 4, false);
	send_sizes(sizes, 4, true);
}

/* In a block the facts need room besides the bytes: neighbours are whole
 * wherever one ends. */
Test(with, what_waits_is_whole_whatever_its_size)
{
	size_t sizes[400];

	for (size_t i = 0; i < 400; i++)
		sizes[i] = SIZE_SMALL + 8 - i;
	send_sizes(sizes, 400, true);
}

/* ---- By reference ---- */

static void send_back(struct seen *seen, const struct hail_datagram *batch,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hail_message_facts said =
			facts_of(datagram_number(&batch[i]));

		cr_assert_eq(hail_send_with(seen->socket, batch[i].data,
					    batch[i].size, &batch[i].remote,
					    &said),
			     0);
	}
}

Test(with, facts_go_with_what_is_sent_from_a_received_buffer)
{
	struct world world;
	struct seen seen = {.on_data = send_back};
	struct hail_addr remote = remote_at(9);
	unsigned char *bytes = filled(SIZE_LARGE, 3);

	start(&world, &seen, NULL);
	seen_block(&seen);
	sim_inject(world.sim, seen.slot, &remote, bytes, SIZE_LARGE);
	seen_inject(&seen, 6, 1);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).buffers.in_use, 2);
	cr_assert_eq(world_stats(&world).send_blocks_large.in_use, 0);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 2);
	assert_sized(sim_sent(world.sim, 0), 3, SIZE_LARGE);
	assert_facts(sim_sent(world.sim, 1), 6);
	for (size_t i = 0; i < 2; i++)
		cr_assert(
			sim_in_pool(world.sim, sim_sent(world.sim, i)->origin));
	cr_assert_eq(world_stats(&world).buffers.in_use, 0);
	free(bytes);
	world_end(&world);
}

/* ---- Backpressure ---- */

Test(with, the_window_refuses_and_drain_comes)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, &HAIL_SOCKET_OPTIONS(.window = 8, .low_water = 2));
	seen_block(&seen);
	cr_assert_eq(send_many(&seen, 0, 20), 8);
	cr_assert_eq(send_one(&seen, 8), -EAGAIN);
	cr_assert_eq(send_many(&seen, 8, 2), -EAGAIN);
	world_settle(&world);
	cr_assert_eq(seen.drains, 0);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	assert_all_facts(&world, 0, 8);
	cr_assert_eq(send_many(&seen, 8, 12), 12);
	assert_all_facts(&world, 0, 20);
	world_end(&world);
}

/* A message that would fit a small block needs a large one with its facts. */
Test(with, want_of_a_block_for_the_facts_is_backpressure_too)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote = remote_at(9);
	struct hail_message_facts said = facts_of(0);
	static const unsigned char bytes[SIZE_SMALL];

	world_start(&world, &HAIL_ENGINE_OPTIONS(.send_blocks = 16,
						 .send_blocks_large = 2));
	world_open(&world, &seen, NULL);
	seen_block(&seen);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(hail_send_with(seen.socket, bytes, SIZE_SMALL,
					    &remote, &said),
			     0);
	cr_assert_eq(
		hail_send_with(seen.socket, bytes, SIZE_SMALL, &remote, &said),
		-EAGAIN);
	cr_assert_eq(seen_in_flight(&seen), 2);
	cr_assert_eq(
		hail_send_with(seen.socket, bytes, SIZE_SMALL, &remote, NULL),
		0);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.drains, 1);
	cr_assert_eq(sim_sent_count(world.sim), 3);
	world_end(&world);
}
