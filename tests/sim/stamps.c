/* SPDX-License-Identifier: MIT */
/* stamps.c: a transmit timestamp comes to the `sent` handler with the tag of
 * the message that it is of. All that the kernel tells is a number: the one
 * that the message brought along, or, of an older kernel, its place among those
 * that asked. */
#include "record.h"
#include "socket.h"
#include "stamp.h"
#include "world.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define TAG UINT64_C(0xabcd000000000000)
#define REMEMBERED 1024
#define TOTAL 3000
#define BURST 20

/* A socket whose kernel stamps what it has taken. */
struct sender {
	struct seen seen;
	uint32_t next;
	uint32_t numbers[TOTAL];
	bool failed[TOTAL];
	/* What the kernel did. */
	size_t looked_at; /* of what was sent */
	uint32_t ids;
	/* What was told. */
	unsigned told;
	uint32_t last;
	bool stamped[TOTAL];
	unsigned close_at;
};

static bool asks(uint32_t number)
{
	return number % 4 != 3;
}

static uint64_t time_of(uint32_t number)
{
	return UINT64_C(1700000000123456789) + number;
}

static struct hail_addr destination_of(uint32_t number)
{
	return remote_at((uint16_t)(100 + number % 7));
}

static void on_sent(struct hail_socket *socket, const struct hail_sent *sent)
{
	struct sender *sender = hail_socket_user(socket);
	uint32_t number = (uint32_t)(sent->tag - TAG);
	struct hail_addr remote = destination_of(number);

	cr_assert_lt(number, TOTAL);
	cr_assert(asks(number));
	cr_assert_eq(sent->time_ns, time_of(number));
	cr_assert_eq(sent->device_time_ns, number);
	cr_assert_eq(sent->data, &sender->numbers[number]);
	cr_assert_eq(sent->size, sizeof(uint32_t));
	cr_assert(hail_addr_equal(&sent->remote, &remote));
	cr_assert_not(sender->stamped[number], "%u is told twice", number);
	cr_assert_not(sender->seen.closing || sender->seen.lingering);
	sender->stamped[number] = true;
	sender->last = number;
	if (++sender->told == sender->close_at)
		seen_close(&sender->seen);
}

/* ---- Sending ---- */

static struct hail_message_facts facts_of(uint32_t number)
{
	return HAIL_MESSAGE_FACTS(.timestamp = asks(number),
				  .tag = TAG + number, .ttl = number % 2);
}

static ssize_t send_many(struct sender *sender, uint32_t count)
{
	struct hail_addr remotes[BURST];
	struct hail_message messages[BURST];
	struct hail_message_facts said[BURST];
	const struct hail_message_facts *facts[BURST];
	ssize_t taken;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = sender->next + i;

		remotes[i] = destination_of(number);
		said[i] = facts_of(number);
		facts[i] = number % 8 == 7 ? NULL : &said[i];
		messages[i] = (struct hail_message){
			.data = &sender->numbers[number],
			.size = sizeof(uint32_t),
			.remote = &remotes[i],
		};
	}
	taken = hail_send_many_with(sender->seen.socket, messages, facts,
				    count);
	if (taken > 0)
		sender->next += (uint32_t)taken;
	return taken;
}

static int send_one(struct sender *sender)
{
	uint32_t number = sender->next++;
	struct hail_addr remote = destination_of(number);
	struct hail_message_facts said = facts_of(number);

	return hail_send_with(sender->seen.socket, &sender->numbers[number],
			      sizeof(number), &remote, &said);
}

/* ---- The kernel ---- */

#ifndef SCM_TS_OPT_ID
#define SCM_TS_OPT_ID 81
#endif

/* Whether it asks for one; `id` is its number, if it brought one along. */
static bool wants_stamp(const struct sim_sent *sent, uint32_t *id)
{
	bool wanted = false;
	struct hl_cmsg copy = sent->control;
	struct msghdr header = {
		.msg_control = copy.bytes,
		.msg_controllen = copy.size,
	};

	for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at;
	     at = CMSG_NXTHDR(&header, at)) {
		if (at->cmsg_level != SOL_SOCKET)
			continue;
		wanted |= at->cmsg_type == SO_TIMESTAMPING;
		if (at->cmsg_type == SCM_TS_OPT_ID)
			memcpy(id, CMSG_DATA(at), sizeof(*id));
	}
	return wanted;
}

/* Counts what was taken since it looked last; stamps it or loses the stamps. */
static void stamp(struct sender *sender, bool tell)
{
	struct sim *sim = sender->seen.world->sim;

	for (; sender->looked_at < sim_sent_count(sim); sender->looked_at++) {
		uint32_t number =
			sent_number(sender->seen.world, sender->looked_at);
		uint32_t id = sender->ids;
		struct sim_record record;

		cr_assert_eq(wants_stamp(sim_sent(sim, sender->looked_at), &id),
			     asks(number));
		if (!asks(number))
			continue;
		sender->ids++;
		record = record_stamp(id, time_of(number), number);
		if (tell)
			sim_inject_record(sim, sender->seen.slot, &record, 0);
	}
}

static void inject_stamp(struct sender *sender, uint32_t id)
{
	struct sim_record record = record_stamp(id, 1, 0);

	sim_inject_record(sender->seen.world->sim, sender->seen.slot, &record,
			  0);
}

static void start_seeded(struct world *world, struct sender **out,
			 uint64_t seed, struct hail_socket_options options)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	cr_assert_not_null(sender);
	for (uint32_t i = 0; i < TOTAL; i++)
		sender->numbers[i] = i;
	options.sent = on_sent;
	world_start_seeded(world, seed, &HAIL_ENGINE_OPTIONS(.entries = 32));
	world_open(world, &sender->seen, &options);
	world_settle(world);
	*out = sender;
}

static void start(struct world *world, struct sender **out)
{
	start_seeded(world, out, 1, HAIL_SOCKET_OPTIONS(.window = 0));
}

static void finish(struct world *world, struct sender *sender)
{
	cr_assert_eq(sender->seen.late, 0);
	world_end(world);
	free(sender);
}

/* Of all that was sent and asked for it, `count` were told. */
static void assert_told(const struct sender *sender, unsigned count)
{
	cr_assert_eq(sender->told, count, "%u were told, not %u", sender->told,
		     count);
}

Test(stamps, each_comes_with_the_tag_of_its_message)
{
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(send_one(sender), 0);
	cr_assert_eq(send_many(sender, BURST), BURST);
	stamp(sender, true);
	world_settle(&world);
	assert_told(sender, 18);
	cr_assert_eq(sender->seen.errors, 0);
	finish(&world, sender);
}

static void send_in_handler(struct seen *seen,
			    const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(send_many((struct sender *)(void *)seen, BURST), BURST);
}

Test(stamps, come_for_what_a_handler_sent_and_what_had_to_wait)
{
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	sender->seen.on_data = send_in_handler;
	sim_credit(world.sim, sender->seen.slot, 7);
	seen_inject(&sender->seen, 0, 1);
	world_settle(&world);
	stamp(sender, true);
	cr_assert_eq(send_many(sender, 12), 12);
	seen_unblock(&sender->seen);
	world_settle(&world);
	stamp(sender, true);
	world_settle(&world);
	assert_told(sender, 24);
	finish(&world, sender);
}

/* What fails takes no number. */
static int fail_some(void *arg, uint32_t slot,
		     const struct hail_message *message)
{
	static const int codes[] = {-EPERM, -EAGAIN, -ENOBUFS, -ENOMEM,
				    -ECONNREFUSED};
	struct sim *sim = arg;

	(void)slot;
	(void)message;
	return sim_random(sim, 5) ? 0 : codes[sim_random(sim, 5)];
}

static void send_some(struct sender *sender)
{
	struct sim *sim = sender->seen.world->sim;
	uint32_t count = 1 + sim_random(sim, BURST);

	if (count > TOTAL - sender->next)
		count = TOTAL - sender->next;
	if (count == 1)
		send_one(sender); /* refused or not, there is a next */
	else
		send_many(sender, count);
}

static void count_told(const struct sender *sender)
{
	const struct world *world = sender->seen.world;
	unsigned asked = 0;

	for (size_t i = 0; i < sim_sent_count(world->sim); i++) {
		uint32_t number = sent_number(world, i);

		cr_assert_eq(sender->stamped[number], asks(number),
			     "num %u i %zu of %zu named %d", number, i,
			     sim_sent_count(world->sim),
			     sender->seen.socket->stamps->named);
		asked += asks(number);
	}
	assert_told(sender, asked);
}

static void through_failures(uint64_t seed, bool errors, bool named)
{
	struct world world;
	struct sender *sender;

	start_seeded(&world, &sender, seed,
		     HAIL_SOCKET_OPTIONS(.errors = errors));
	/* Only the kernel knows whether it takes numbers. */
	sender->seen.socket->stamps->named = named;
	sim_judge(world.sim, fail_some, world.sim);
	*sim_chaos(world.sim) = (struct sim_chaos){
		.partial = 20,
		.late = 20,
		.delay = 2,
	};
	while (sender->next < TOTAL) {
		send_some(sender);
		stamp(sender, true);
		cr_assert_geq(
			hail_engine_turn(world.engine, (int64_t)(MS / 20)), 0);
	}
	sim_forgive(world.sim);
	*sim_chaos(world.sim) = (struct sim_chaos){0};
	for (int i = 0; seen_in_flight(&sender->seen); i++) {
		cr_assert_lt(i, 1000);
		cr_assert_geq(hail_engine_turn(world.engine, (int64_t)MS), 0);
	}
	stamp(sender, true);
	world_settle(&world);
	count_told(sender);
	finish(&world, sender);
}

Test(stamps, match_around_messages_that_fail_or_wait)
{
	for (uint64_t seed = 0; seed < 8; seed++)
		through_failures(seed, false, seed % 2);
}

Test(stamps, match_around_messages_that_are_sent_again)
{
	for (uint64_t seed = 50; seed < 58; seed++)
		through_failures(seed, true, seed % 2);
}

static void send_rounds(struct sender *sender, int rounds, bool tell)
{
	for (int i = 0; i < rounds; i++) {
		cr_assert_eq(send_many(sender, BURST), BURST);
		stamp(sender, tell);
		world_settle(sender->seen.world);
	}
}

Test(stamps, match_after_more_messages_than_are_remembered)
{
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	send_rounds(sender, 140, true);
	assert_told(sender, 2100);
	finish(&world, sender);
}

Test(stamps, of_the_oldest_that_is_remembered_is_told_and_of_older_ones_not)
{
	struct world world;
	struct sender *sender;
	struct sim_record record;
	uint32_t oldest;

	start(&world, &sender);
	send_rounds(sender, 120, false);
	oldest = sender->ids - REMEMBERED;
	inject_stamp(sender, oldest - 1);
	inject_stamp(sender, 0);
	world_settle(&world);
	assert_told(sender, 0);
	/* Of four in a row the first three ask. */
	record = record_stamp(oldest, time_of(oldest / 3 * 4 + oldest % 3),
			      oldest / 3 * 4 + oldest % 3);
	sim_inject_record(world.sim, sender->seen.slot, &record, 0);
	world_settle(&world);
	assert_told(sender, 1);
	cr_assert_eq(sender->last, oldest / 3 * 4 + oldest % 3);
	finish(&world, sender);
}

Test(stamps, of_a_message_that_was_never_sent_are_ignored)
{
	static const uint32_t ids[] = {3,    4,          1023,    1024,
				       1026, UINT32_MAX, 1u << 31};
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	inject_stamp(sender, 0);
	inject_stamp(sender, UINT32_MAX);
	world_settle(&world);
	cr_assert_eq(send_many(sender, 3), 3);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		inject_stamp(sender, ids[i]);
	world_settle(&world);
	assert_told(sender, 0);
	stamp(sender, true);
	world_settle(&world);
	assert_told(sender, 3);
	finish(&world, sender);
}

Test(stamps, without_a_sent_handler_are_ignored)
{
	struct world world;
	struct seen seen = {0};
	struct sim_record record = record_stamp(0, 1, 0);

	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.errors = true));
	sim_inject_record(world.sim, seen.slot, &record, 0);
	world_settle(&world);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	cr_assert_eq(seen.errors, 0);
	world_end(&world);
}

Test(stamps, in_the_queue_when_the_socket_closes_are_not_told)
{
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	cr_assert_eq(send_many(sender, BURST), BURST);
	stamp(sender, true);
	seen_close(&sender->seen);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_told(sender, 0);
	cr_assert_eq(sender->seen.closes, 1);
	finish(&world, sender);
}

Test(stamps, a_handler_that_closes_the_socket_is_told_of_no_more)
{
	struct world world;
	struct sender *sender;

	start(&world, &sender);
	sender->close_at = 5;
	cr_assert_eq(send_many(sender, BURST), BURST);
	stamp(sender, true);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	assert_told(sender, 5);
	cr_assert_eq(sender->seen.closes, 1);
	finish(&world, sender);
}

static struct seen *victim;

static void close_victim(struct hail_socket *socket,
			 const struct hail_sent *sent)
{
	(void)socket;
	(void)sent;
	if (!victim->closing)
		seen_close(victim);
}

Test(stamps, a_handler_may_close_another_whose_queue_waits_in_the_same_turn)
{
	struct world world;
	struct sender *sender;
	struct seen seen = {0};
	struct hail_addr remote = remote_at(9);
	struct hail_message_facts said = HAIL_MESSAGE_FACTS(.timestamp = true);
	struct sim_record record = record_stamp(0, 1, 0);

	start(&world, &sender);
	victim = &sender->seen;
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.sent = close_victim));
	cr_assert_eq(hail_send_with(seen.socket, "", 0, &remote, &said), 0);
	sim_inject_record(world.sim, seen.slot, &record, 0);
	sender->looked_at = 1;
	cr_assert_eq(send_many(sender, BURST), BURST);
	stamp(sender, true);
	world_settle(&world);
	cr_assert_eq(sender->seen.closes, 1);
	cr_assert_eq(sim_attached(world.sim), 1);
	finish(&world, sender);
}

Test(stamps, an_empty_message_and_a_connected_socket_have_them_too)
{
	struct world world;
	struct seen seen = {0};
	struct hail_message_facts said = HAIL_MESSAGE_FACTS(.timestamp = true);
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.sent = close_victim);
	struct sim_record record = record_stamp(0, 1, 0);

	victim = &seen;
	cr_assert_eq(hail_addr_parse(&options.remote, "127.0.0.1", 9), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &options);
	cr_assert_eq(hail_send_with(seen.socket, NULL, 0, NULL, &said), 0);
	sim_inject_record(world.sim, seen.slot, &record, 0);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(seen.closes, 1);
	world_end(&world);
}
