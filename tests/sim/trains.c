/* SPDX-License-Identifier: MIT */
/* trains.c: equal messages to one remote leave as one send, wherever in the
 * batch they stand, in one submission with the others; and what never does. */
#include "convoy.h"

#include <stdlib.h>

static struct convoy convoy;

static void start(void)
{
	convoy_start(&convoy, 1, NULL, NULL);
}

static unsigned waits(void)
{
	return sim_waits(convoy.world.sim);
}

Test(trains, are_of_equal_messages_to_one_remote)
{
	struct hail_traffic traffic;

	start();
	convoy_send_equal(&convoy, 8, 1200);
	cr_assert_eq(convoy_sends(&convoy, 0), 1);
	cr_assert_eq(sim_sent(convoy.world.sim, 0)->segment, 1200);
	traffic = seen_traffic(&convoy.seen);
	cr_assert_eq(traffic.trains, 1);
	cr_assert_eq(traffic.train_sent, 8);
	cr_assert_eq(traffic.sent, 8);
	cr_assert_eq(traffic.sent_bytes, 8 * 1200);
	cr_assert_eq(traffic.train_refused, 0);
	convoy_end(&convoy);
}

Test(trains, take_a_shorter_one_as_the_last)
{
	start();
	convoy_send(&convoy,
		    (struct convoy_message[]){{0, 300}, {0, 300}, {0, 90}}, 3);
	cr_assert_eq(convoy_sends(&convoy, 0), 1);
	cr_assert_eq(sim_sent(convoy.world.sim, 2)->size, 90);
	convoy_end(&convoy);
}

/* Eight to each of eight, mixed, and of three sizes. */
Test(trains, and_all_others_of_a_batch_are_one_submission)
{
	static const uint16_t sizes[] = {100, 160, 400};
	struct convoy_message messages[64];
	unsigned before;

	start();
	for (uint32_t i = 0; i < 64; i++)
		messages[i] = (struct convoy_message){(uint8_t)(i % 8),
						      sizes[i / 8 / 3]};
	before = waits();
	convoy_send(&convoy, messages, 64);
	cr_assert_eq(waits(), before + 1);
	cr_assert_eq(convoy_sends(&convoy, 0), 3 * 8);
	cr_assert_eq(seen_traffic(&convoy.seen).train_sent, 64);
	convoy_end(&convoy);
}

Test(trains, of_more_messages_than_the_kernel_takes_are_several)
{
	start();
	convoy_send_equal(&convoy, 129, 40);
	cr_assert_eq(convoy_length(&convoy, 0), 128);
	cr_assert_eq(convoy_length(&convoy, 128), 1);
	convoy_send_equal(&convoy, 300, 40);
	cr_assert_eq(seen_traffic(&convoy.seen).train_sent, 128 + 300);
	convoy_end(&convoy);
}

Test(trains, are_no_longer_than_a_datagram)
{
	start();
	convoy_send_equal(&convoy, 20, 4000);
	cr_assert_eq(convoy_length(&convoy, 0), 16);
	cr_assert_eq(convoy_length(&convoy, 16), 4);
	convoy_end(&convoy);
}

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)seen;
	(void)batch;
	(void)count;
	for (int i = 0; i < 5; i++)
		convoy_send_equal(&convoy, 2, 160);
}

/* From several calls, also of one message each. */
Test(trains, are_made_of_what_handlers_send)
{
	unsigned before;

	start();
	convoy.seen.on_data = send_in_handler;
	seen_inject(&convoy.seen, 0, 1);
	before = waits();
	world_turn(&convoy.world);
	cr_assert_eq(waits(), before + 2);
	cr_assert_eq(convoy_sends(&convoy, 0), 1);
	cr_assert_eq(convoy_length(&convoy, 0), 10);
	cr_assert_eq(seen_traffic(&convoy.seen).trains, 1);
	convoy_end(&convoy);
}

Test(trains, are_made_of_what_waited_for_room)
{
	start();
	seen_block(&convoy.seen);
	convoy_send_equal(&convoy, 10, 160);
	convoy_send_equal(&convoy, 10, 160);
	world_turn(&convoy.world);
	seen_unblock(&convoy.seen);
	world_settle(&convoy.world);
	cr_assert_eq(convoy_sends(&convoy, 0), 1);
	convoy_end(&convoy);
}

Test(trains, are_not_made_where_they_are_unwanted)
{
	convoy_start(&convoy, 1, NULL, &HAIL_SOCKET_OPTIONS(.no_trains = true));
	convoy_send_equal(&convoy, 8, 160);
	cr_assert_eq(convoy_sends(&convoy, 0), 8);
	cr_assert_eq(seen_traffic(&convoy.seen).trains, 0);
	convoy.seen.on_data = send_in_handler;
	seen_inject(&convoy.seen, 0, 1);
	world_turn(&convoy.world);
	cr_assert_eq(convoy_sends(&convoy, 0), 18);
	convoy_end(&convoy);
}

/* What goes with a message goes with no other. */
static void send_annotated(const struct hail_message_facts *const *facts,
			   uint32_t count)
{
	struct hail_addr remote = remote_at(CONVOY_PORT);
	static uint32_t numbers[16];
	struct hail_message messages[16];

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = convoy.count;
		messages[i] = (struct hail_message){&numbers[i], 4, &remote};
		convoy.items[convoy.count].size = 4;
		convoy.count++;
	}
	cr_assert_eq(
		hail_send_many_with(convoy.seen.socket, messages, facts, count),
		count);
	memset(numbers, 0xdd, sizeof(numbers));
}

static const struct hail_message_facts said = {.size = sizeof(said), .ttl = 9};
static const struct hail_message_facts *const between[] = {
	NULL, NULL, &said, NULL, NULL, &said, &said, NULL};

static void assert_between(size_t first)
{
	static const unsigned lengths[] = {2, 2, 1, 2, 2, 1, 1, 1};

	for (size_t i = 0; i < 8; i++) {
		const struct sim_sent *sent =
			sim_sent(convoy.world.sim, first + i);

		cr_assert_eq(convoy_length(&convoy, first + i), lengths[i],
			     "%zu", i);
		cr_assert_eq(sent->control.size > 0, between[i] != NULL);
	}
	convoy_assert_order(&convoy);
}

static void send_between(struct seen *seen, const struct hail_datagram *batch,
			 size_t count)
{
	(void)seen;
	(void)batch;
	(void)count;
	send_annotated(between, 8);
}

Test(trains, leave_out_messages_that_say_more)
{
	start();
	send_annotated(between, 8);
	assert_between(0);
	convoy.seen.on_data = send_between;
	seen_inject(&convoy.seen, 0, 1);
	world_turn(&convoy.world);
	assert_between(8);
	convoy_end(&convoy);
}

Test(trains, leave_out_empty_messages)
{
	struct hail_addr remote = remote_at(CONVOY_PORT);
	struct hail_message messages[6];

	start();
	for (int i = 0; i < 6; i++)
		messages[i] =
			(struct hail_message){"abcd", i % 3 ? 4 : 0, &remote};
	cr_assert_eq(hail_send_many(convoy.seen.socket, messages, 6), 6);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(sim_sent(convoy.world.sim, i)->size,
			     i % 3 ? 4 : 0);
	cr_assert_eq(convoy_sends(&convoy, 0), 4);
	world_end(&convoy.world);
}

Test(trains, to_a_remote_are_one_a_submission_where_errors_are_asked_for)
{
	unsigned before;

	convoy_start(&convoy, 1, NULL, &HAIL_SOCKET_OPTIONS(.errors = true));
	before = waits();
	convoy_send_equal(&convoy, 8, 160);
	cr_assert_eq(waits(), before + 1);
	cr_assert_eq(convoy_sends(&convoy, 0), 1);
	convoy_send_equal(&convoy, 200, 160);
	cr_assert_eq(waits(), before + 3);
	convoy_send(&convoy, (struct convoy_message[]){{0, 100}, {0, 200}}, 2);
	cr_assert_eq(waits(), before + 5);
	convoy_end(&convoy);
}

static int fail_third(void *arg, uint32_t slot,
		      const struct hail_message *message)
{
	(void)arg;
	(void)slot;
	return hail_addr_port(message->remote) == CONVOY_PORT + 2 ? -EPERM : 0;
}

/* A filter judges a train as one. */
Test(trains, that_fail_fail_with_all_their_messages_and_no_others)
{
	struct convoy_message messages[30];

	start();
	sim_judge(convoy.world.sim, fail_third, NULL);
	for (uint32_t i = 0; i < 30; i++)
		messages[i] = (struct convoy_message){(uint8_t)(i % 5), 160};
	convoy_send(&convoy, messages, 30);
	world_turn(&convoy.world);
	cr_assert_eq(convoy.seen.errors, 6);
	for (uint32_t i = 0; i < 30; i++)
		cr_assert_eq(convoy.items[i].told, i % 5 == 2);
	cr_assert_eq(seen_traffic(&convoy.seen).failed, 6);
	cr_assert_eq(seen_traffic(&convoy.seen).train_sent, 24);
	cr_assert_eq(seen_traffic(&convoy.seen).train_refused, 0);
	convoy_end(&convoy);
}

/* A batch that had no room was planned and didn't leave: what another socket
 * sends then has outcomes of its own. */
Test(trains, that_did_not_leave_are_forgotten)
{
	struct seen other = {0};
	struct hail_addr remote = remote_at(CONVOY_PORT + 2);
	struct hail_message messages[4];

	start();
	world_open(&convoy.world, &other,
		   &HAIL_SOCKET_OPTIONS(.no_trains = true));
	/* So much that the next batch asks for room. */
	convoy_send_equal(&convoy, 40, 4000);
	seen_block(&convoy.seen);
	convoy_send_equal(&convoy, 4, 160);
	sim_fail_sends(convoy.world.sim, other.slot, -EPERM, 2, 1);
	for (int i = 0; i < 4; i++)
		messages[i] = (struct hail_message){"abcd", 4, &remote};
	cr_assert_eq(hail_send_many(other.socket, messages, 4), 4);
	world_turn(&convoy.world);
	cr_assert_eq(other.errors, 1);
	cr_assert_eq(seen_traffic(&other).sent, 3);
	seen_unblock(&convoy.seen);
	world_settle(&convoy.world);
	cr_assert_eq(seen_traffic(&convoy.seen).sent, 44);
	world_end(&convoy.world);
}
