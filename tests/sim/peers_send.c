/* SPDX-License-Identifier: MIT */
/* peers_send.c: what connected sockets of the kernel's meet when they send: of
 * peers, whose remotes' ICMP messages shall cost nothing, and of a connected
 * socket, where a stale one shall not cost the order. */
#include "world.h"

#include <string.h>

#define COUNT 100
#define SIZE 1200

static unsigned char bytes[COUNT][SIZE];

static struct hail_addr nearby(uint16_t port)
{
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", port), 0);
	return remote;
}

/* Numbered messages to one remote: each begins with its number. */
static ssize_t send_all(struct hail_socket *socket,
			const struct hail_addr *remote)
{
	struct hail_message messages[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		memcpy(bytes[i], &i, sizeof(i));
		messages[i] = (struct hail_message){bytes[i], SIZE, remote};
	}
	return hail_send_many(socket, messages, COUNT);
}

static uint32_t number_of(const struct sim *sim, size_t index)
{
	uint32_t number;

	memcpy(&number, sim_sent(sim, index)->data, sizeof(number));
	return number;
}

/* From the first number on all left in order, and nothing else did. */
static void assert_left(const struct sim *sim, uint32_t first)
{
	cr_assert_eq(sim_sent_count(sim), COUNT - first, "%zu",
		     sim_sent_count(sim));
	for (uint32_t i = first; i < COUNT; i++)
		cr_assert_eq(number_of(sim, i - first), i);
}

static uint32_t start(struct world *world, struct seen *seen,
		      const struct hail_addr *remote)
{
	struct hail_peer *peer;

	world_start(world, NULL);
	world->trains = true;
	world_open(world, seen, NULL);
	cr_assert_eq(hail_peer_open(&peer, seen->socket, remote), 0);
	world_settle(world);
	return seen->slot + 1;
}

Test(peers_send, a_message_to_its_remote_leaves_by_the_peer_and_others_do_not)
{
	const struct hail_addr near = nearby(1000), other = nearby(1001);
	struct seen seen = {0};
	struct world world;
	uint32_t slot = start(&world, &seen, &near);
	const struct hail_message mixed[] = {
		{"a", 1, &near}, {"b", 1, &other}, {"c", 1, &near}};
	unsigned waits = sim_waits(world.sim);

	cr_assert_eq(hail_send_many(seen.socket, mixed, 3), 3);
	cr_assert_eq(sim_waits(world.sim), waits + 1);
	cr_assert_eq(sim_sent_count(world.sim), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct sim_sent *sent = sim_sent(world.sim, i);
		bool by_peer = hail_addr_equal(&sent->remote, &near);

		cr_assert_eq(sent->slot, by_peer ? slot : seen.slot);
	}
	world_end(&world);
}

static void assert_costs_nothing(int code)
{
	const struct hail_addr near = nearby(1000);
	struct seen seen = {0};
	struct world world;
	uint32_t slot = start(&world, &seen, &near);

	/* The first train meets it; the second would overtake. */
	sim_fail_sends(world.sim, slot, code, 1, 1);
	cr_assert_eq(send_all(seen.socket, &near), COUNT);
	world_settle(&world);
	assert_left(world.sim, 0);
	cr_assert_eq(seen.errors, 0);
	world_end(&world);
}

Test(peers_send, an_icmp_message_of_its_remote_costs_no_datagram)
{
	assert_costs_nothing(-ECONNREFUSED);
	assert_costs_nothing(-EHOSTUNREACH);
	assert_costs_nothing(-EMSGSIZE);
}

/* What was refused as a train leaves message by message: the first of these
 * meets an error, and the others have left. */
Test(peers_send, what_others_have_passed_is_told_and_not_sent_behind_them)
{
	const struct hail_addr near = nearby(1000);
	struct seen seen = {0};
	struct world world;
	uint32_t slot = start(&world, &seen, &near);

	sim_limit_segments(world.sim, SIZE - 1, -EIO);
	sim_fail_sends(world.sim, slot, -ECONNREFUSED, 2, 1);
	cr_assert_eq(send_all(seen.socket, &near), COUNT);
	world_settle(&world);
	assert_left(world.sim, 1);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(seen.error[0].data, bytes[0]);
	world_end(&world);
}

Test(peers_send, a_single_message_survives_it_too)
{
	const struct hail_addr near = nearby(1000);
	struct seen seen = {0};
	struct world world;
	uint32_t slot = start(&world, &seen, &near);

	sim_fail_sends(world.sim, slot, -ECONNREFUSED, 0, 1);
	cr_assert_eq(hail_send(seen.socket, "x", 1, &near), 0);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 1);
	cr_assert_eq(seen.errors, 0);
	world_end(&world);
}

/* A path that was too narrow once fails a train whose successor leaves: it
 * can't be sent again behind that, so it is told. */
Test(peers_send, a_stale_answer_costs_a_connected_socket_no_order)
{
	const struct hail_addr near = nearby(1000);
	struct seen seen = {0};
	struct world world;

	world_start(&world, NULL);
	world.trains = true;
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = near));
	world_settle(&world);
	sim_fail_sends(world.sim, seen.slot, -EMSGSIZE, 0, 1);
	cr_assert_eq(send_all(seen.socket, NULL), COUNT);
	world_settle(&world);
	cr_assert_gt(seen.errors, 0);
	assert_left(world.sim, seen.errors);
	for (uint32_t i = 0; i < seen.errors && i < SEEN_ERRORS_MAX; i++) {
		cr_assert_eq(seen.error[i].code, -EMSGSIZE);
		cr_assert_eq(seen.error[i].data, bytes[i]);
	}
	world_end(&world);
}
