/* SPDX-License-Identifier: MIT */
/* peers.c: a socket and its peers in one turn, and calls that fail while one is
 * opened. What a peer is on the real kernel is in tests/integration/peers*.c.
 */
#include "support/plain.h"
#include "world.h"

/* Connecting to these needs no route that a machine may lack. */
static struct hail_addr nearby(uint16_t port)
{
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", port), 0);
	return remote;
}

static void open_peers(struct seen *seen, uint16_t count)
{
	struct hail_peer *peer;

	for (uint16_t i = 0; i < count; i++) {
		struct hail_addr remote = nearby((uint16_t)(1000 + i));

		cr_assert_eq(hail_peer_open(&peer, seen->socket, &remote), 0);
	}
}

/* One for the socket and one for each of its peers, which have the slots behind
 * it. */
static void inject_all(struct seen *seen, uint16_t peers)
{
	for (uint16_t i = 0; i <= peers; i++) {
		struct hail_addr from = nearby((uint16_t)(999 + i));

		sim_inject(seen->world->sim, seen->slot + i, &from, "data", 4);
	}
}

Test(peers, what_came_by_all_in_one_turn_goes_to_the_sockets_handler)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	open_peers(&seen, 3);
	world_turn(&world);
	inject_all(&seen, 3);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 4);
	cr_assert_eq(seen.batches, 4);
	cr_assert_eq(seen_traffic(&seen).received, 4);
	cr_assert_eq(world_stats(&world).sockets, 1);
	cr_assert_eq(world_stats(&world).traffic.received, 4);
	world_end(&world);
}

static void close_socket(struct seen *seen, const struct hail_datagram *batch,
			 size_t count)
{
	(void)batch;
	(void)count;
	seen_close(seen);
}

Test(peers, after_its_socket_is_closed_a_peer_of_the_same_turn_is_silent)
{
	struct world world;
	struct seen seen = {.on_data = close_socket};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	open_peers(&seen, 3);
	world_turn(&world);
	inject_all(&seen, 3);
	world_settle(&world);
	cr_assert_eq(seen.batches, 1);
	cr_assert_eq(seen.late, 0);
	cr_assert_eq(seen.closes, 1);
	cr_assert_eq(sim_attached(world.sim), 0);
	cr_assert_eq(world_stats(&world).traffic.dropped, 3);
	world_end(&world);
}

Test(peers, the_socket_closes_when_the_last_cancel_has_been_answered)
{
	struct world world;
	struct seen seen = {0};

	for (uint64_t seed = 1; seed <= 30; seed++) {
		seen = (struct seen){0};
		world_start_seeded(&world, seed, NULL);
		*sim_chaos(world.sim) =
			(struct sim_chaos){.delay = 6, .late = 50};
		world_open(&world, &seen, NULL);
		open_peers(&seen, 20);
		world_turn(&world);
		seen_close(&seen);
		for (int i = 0; i < 1000 && !seen.closes; i++) {
			cr_assert_gt(sim_attached(world.sim), 0);
			world_turn(&world);
		}
		cr_assert_eq(seen.closes, 1);
		cr_assert_eq(sim_attached(world.sim), 0);
		world_end(&world);
	}
}

Test(peers, one_that_cant_be_attached_leaves_nothing_behind)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote = nearby(2000);
	struct hail_peer *peer = NULL;
	unsigned before;

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	before = plain_descriptors();
	for (int i = 0; i < 3; i++) {
		sim_fail_call(world.sim, SIM_CALL_ATTACH, -ENOMEM, 0);
		cr_assert_eq(hail_peer_open(&peer, seen.socket, &remote),
			     -ENOMEM);
		cr_assert_null(peer);
		cr_assert_eq(plain_descriptors(), before);
		cr_assert_eq(sim_attached(world.sim), 1);
	}
	cr_assert_eq(hail_peer_open(&peer, seen.socket, &remote), 0);
	cr_assert_eq(hail_peer_find(seen.socket, &remote), peer);
	world_end(&world);
}

Test(peers, arming_that_must_wait_is_done_in_the_next_turn)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	world_turn(&world);
	open_peers(&seen, 3);
	sim_fail_call(world.sim, SIM_CALL_ARM, -EBUSY, 1);
	world_turn(&world);
	inject_all(&seen, 3);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 4);
	world_end(&world);
}
