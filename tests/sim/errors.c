/* SPDX-License-Identifier: MIT */
/* errors.c: what the kernel refuses is told, about the right message, once,
 * and costs the others nothing. */
#include "world.h"

/* A batch whose messages the tests tell apart by their bytes and ports. */
struct batch {
	unsigned char bytes[8][16];
	struct hail_addr remotes[8];
	struct hail_message messages[8];
};

static void fill_batch(struct batch *batch)
{
	for (uint16_t i = 0; i < 8; i++) {
		memset(batch->bytes[i], i, sizeof(batch->bytes[i]));
		batch->remotes[i] = remote_at((uint16_t)(100 + i));
		batch->messages[i] = (struct hail_message){
			.data = batch->bytes[i],
			.size = 1 + i,
			.remote = &batch->remotes[i],
		};
	}
}

static void assert_names(const struct hail_error *error,
			 const struct batch *batch, int which, int code)
{
	cr_assert_eq(error->code, code);
	cr_assert_eq(error->kind, HAIL_ERROR_SEND);
	cr_assert_eq(error->data, batch->bytes[which]);
	cr_assert_eq(error->size, (size_t)which + 1);
	cr_assert(hail_addr_equal(&error->remote, &batch->remotes[which]));
}

/* The third and the sixth fail. */
static int fail_two(void *arg, uint32_t slot,
		    const struct hail_message *message)
{
	(void)arg;
	(void)slot;
	switch (hail_addr_port(message->remote)) {
	case 102:
		return -ENETUNREACH;
	case 105:
		return -EPERM;
	default:
		return 0;
	}
}

static void start(struct world *world, struct seen *seen, struct batch *batch)
{
	fill_batch(batch);
	world_start(world, NULL);
	world_open(world, seen, NULL);
	sim_judge(world->sim, fail_two, NULL);
}

static void finish(struct world *world, struct seen *seen, struct batch *batch)
{
	struct hail_engine_stats stats;

	cr_assert_eq(seen->errors, 2);
	assert_names(&seen->error[0], batch, 2, -ENETUNREACH);
	assert_names(&seen->error[1], batch, 5, -EPERM);
	cr_assert_eq(sim_sent_count(world->sim), 6);
	stats = world_stats(world);
	cr_assert_eq(stats.traffic.failed, 2);
	cr_assert_eq(stats.traffic.sent, 6);
	cr_assert_eq(stats.failed_by_errno[ENETUNREACH], 1);
	cr_assert_eq(stats.failed_by_errno[EPERM], 1);
	cr_assert_eq(stats.failed_by_errno[0], 0);
	world_end(world);
}

Test(errors, name_the_messages_of_a_batch_in_the_next_turn)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 8);
	cr_assert_eq(sim_sent_count(world.sim), 6);
	cr_assert_eq(seen.errors, 0);
	world_turn(&world);
	finish(&world, &seen, &batch);
}

Test(errors, come_in_a_turn_that_waits_for_ever)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 8);
	cr_assert_geq(hail_engine_turn(world.engine, -1), 2);
	finish(&world, &seen, &batch);
}

static void send_batch(struct seen *seen, const struct hail_datagram *datagrams,
		       size_t count)
{
	struct batch *batch = seen->arg;

	(void)datagrams;
	(void)count;
	cr_assert_eq(hail_send_many(seen->socket, batch->messages, 4), 4);
	for (int i = 4; i < 8; i++)
		cr_assert_eq(hail_send(seen->socket, batch->messages[i].data,
				       batch->messages[i].size,
				       batch->messages[i].remote),
			     0);
}

Test(errors, name_the_messages_that_a_handler_sent)
{
	struct world world;
	struct seen seen = {.on_data = send_batch};
	struct batch batch;

	start(&world, &seen, &batch);
	seen.arg = &batch;
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	finish(&world, &seen, &batch);
}

static unsigned errors_until_close;

static void close_after_two(struct seen *seen, const struct hail_error *error)
{
	(void)error;
	if (++errors_until_close == 2)
		seen_close(seen);
}

Test(errors, of_a_handlers_messages_come_in_a_run_without_anything_else)
{
	struct world world;
	struct seen seen = {
		.on_data = send_batch,
		.on_error = close_after_two,
	};
	struct batch batch;

	start(&world, &seen, &batch);
	seen.arg = &batch;
	seen_inject(&seen, 0, 1);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	finish(&world, &seen, &batch);
}

Test(errors, name_the_messages_that_had_waited_in_flight)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	seen_block(&seen);
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 8);
	world_turn(&world);
	cr_assert_eq(seen.errors, 0);
	seen_unblock(&seen);
	world_settle(&world);
	finish(&world, &seen, &batch);
}

Test(errors, of_a_single_send_are_returned_and_not_told)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	cr_assert_eq(
		hail_send(seen.socket, batch.bytes[2], 1, &batch.remotes[2]),
		-ENETUNREACH);
	cr_assert_eq(
		hail_send(seen.socket, batch.bytes[5], 1, &batch.remotes[5]),
		-EPERM);
	cr_assert_eq(
		hail_send(seen.socket, batch.bytes[3], 1, &batch.remotes[3]),
		0);
	world_settle(&world);
	cr_assert_eq(seen.errors, 0);
	cr_assert_eq(world_stats(&world).traffic.failed, 0);
	cr_assert_eq(world_stats(&world).traffic.sent, 1);
	world_end(&world);
}

Test(errors, what_the_kernel_refused_is_not_backpressure)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 8);
		world_turn(&world);
	}
	cr_assert_eq(seen.errors, 100);
	cr_assert_eq(seen.drains, 0);
	cr_assert_eq(seen_in_flight(&seen), 0);
	cr_assert_eq(seen_traffic(&seen).refused, 0);
	world_end(&world);
}

/* More failures than there are records for them: the others wait. */
Test(errors, are_all_told_however_many_there_are)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 2));
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.window = 4096));
	sim_fail_sends(world.sim, seen.slot, -EPERM, 0, SIM_UNLIMITED);
	cr_assert_eq(seen_send_many(&seen, 0, 500), 500);
	for (int i = 0; i < 20; i++)
		sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).traffic.failed, 500);
	cr_assert_geq(seen.errors, 500);
	cr_assert_eq(seen_in_flight(&seen), 0);
	world_end(&world);
}

/* ICMP errors that come in while records are about to run out must not take
 * the record of a message. */
static void scarce_records(uint64_t seed)
{
	struct world world;
	struct seen seen = {0};
	unsigned sends = 0;
	uint32_t i;

	world_start_seeded(&world, seed, &HAIL_ENGINE_OPTIONS(.entries = 1));
	world_open(&world, &seen, NULL);
	world_turn(&world);
	sim_fail_sends(world.sim, seen.slot, -EPERM, 0, SIM_UNLIMITED);
	for (i = 0; i < 40; i++) {
		if (sim_random(world.sim, 2))
			sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
		if (seen_send_many(&seen, i, 2) > 0)
			sends++;
		if (sim_random(world.sim, 3) == 0)
			world_turn(&world);
	}
	world_settle(&world);
	unsigned told = 0;
	for (i = 0; i < seen.errors && i < SEEN_ERRORS_MAX; i++)
		told += seen.error[i].kind == HAIL_ERROR_SEND;
	if (seen.errors <= SEEN_ERRORS_MAX)
		cr_assert_eq(told, world_stats(&world).traffic.failed,
			     "seed %lu", seed);
	cr_assert_gt(sends, 0);
	world_end(&world);
}

Test(errors, of_the_network_push_out_no_error_of_a_message)
{
	for (uint64_t seed = 0; seed < 40; seed++)
		scarce_records(seed);
}

Test(errors, without_a_handler_are_counted)
{
	struct world world;
	struct seen seen = {0};
	struct hail_handlers none = {0};
	struct batch batch;

	start(&world, &seen, &batch);
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &none), 0);
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 8);
	world_settle(&world);
	cr_assert_eq(seen_traffic(&seen).failed, 2);
	cr_assert_eq(seen_traffic(&seen).sent, 6);
	world_end(&world);
}

Test(errors, of_an_icmp_answer_name_the_remote_of_a_connected_socket)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", 7001), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = remote));
	world_turn(&world);
	sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
	world_settle(&world);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(seen.error[0].code, -ECONNREFUSED);
	cr_assert_eq(seen.error[0].kind, HAIL_ERROR_REMOTE);
	cr_assert(hail_addr_equal(&seen.error[0].remote, &remote));
	world_end(&world);
}

Test(errors, name_the_remote_of_a_connected_socket_for_its_messages)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote;
	struct hail_message messages[] = {{"a", 1, NULL}, {"b", 1, NULL}};

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", 7001), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = remote));
	sim_fail_sends(world.sim, seen.slot, -ECONNREFUSED, 0, 1);
	cr_assert_eq(hail_send_many(seen.socket, messages, 2), 2);
	world_settle(&world);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(seen.error[0].data, messages[0].data);
	cr_assert(hail_addr_equal(&seen.error[0].remote, &remote));
	world_end(&world);
}

/* What hail itself can see. */
Test(errors, that_hail_sees_stop_a_batch_before_the_message)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;
	struct hail_addr nowhere = remote_at(0);

	start(&world, &seen, &batch);
	sim_forgive(world.sim);
	batch.messages[3].remote = &nowhere;
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 3);
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[3], 5),
		     -EINVAL);
	batch.messages[3].remote = NULL;
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[3], 5),
		     -EDESTADDRREQ);
	batch.messages[3].remote = &batch.remotes[3];
	batch.messages[3].size = 65508;
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[3], 5),
		     -EMSGSIZE);
	batch.messages[3].size = 1;
	batch.messages[3].data = NULL;
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[3], 5),
		     -EINVAL);
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[4], 4), 4);
	cr_assert_eq(hail_send_many(seen.socket, NULL, 0), 0);
	cr_assert_eq(hail_send_many(seen.socket, NULL, 1), -EINVAL);
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, SIZE_MAX),
		     -EINVAL);
	cr_assert_eq(hail_send_many(NULL, batch.messages, 1), -EINVAL);
	world_settle(&world);
	cr_assert_eq(seen.errors, 0);
	cr_assert_eq(seen.drains, 0);
	cr_assert_eq(sim_sent_count(world.sim), 7);
	world_end(&world);
}

Test(errors, that_hail_sees_are_the_same_while_the_kernel_is_full)
{
	struct world world;
	struct seen seen = {0};
	struct batch batch;
	struct hail_addr nowhere = remote_at(0);

	start(&world, &seen, &batch);
	sim_forgive(world.sim);
	seen_block(&seen);
	cr_assert_eq(hail_send(seen.socket, "a", 1, &nowhere), -EINVAL);
	cr_assert_eq(hail_send(seen.socket, "a", 1, NULL), -EDESTADDRREQ);
	batch.messages[3].remote = &nowhere;
	cr_assert_eq(hail_send_many(seen.socket, batch.messages, 8), 3);
	cr_assert_eq(hail_send_many(seen.socket, &batch.messages[3], 5),
		     -EINVAL);
	cr_assert_eq(seen_in_flight(&seen), 3);
	seen_unblock(&seen);
	world_settle(&world);
	cr_assert_eq(seen.errors, 0);
	cr_assert_eq(seen.drains, 0);
	world_end(&world);
}

Test(errors, a_connected_socket_takes_no_remote)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", 7001), 0);
	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.remote = remote));
	cr_assert_eq(hail_send(seen.socket, "a", 1, &remote), -EISCONN);
	cr_assert_eq(hail_send(seen.socket, "a", 1, NULL), 0);
	cr_assert_eq(sim_sent_count(world.sim), 1);
	world_end(&world);
}

#define CONNECTED 40

static struct seen connected[CONNECTED];

static void answer_all(struct sim *sim, void *arg)
{
	(void)arg;
	for (int i = 0; i < CONNECTED; i++)
		sim_inject_error(sim, connected[i].slot, -ECONNREFUSED);
}

static void send_three(struct hail_timer *timer, void *user)
{
	struct seen *seen = user;

	(void)timer;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(seen_send(seen, 0), 0);
}

static void open_connected(struct world *world)
{
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", 7001), 0);
	for (int i = 0; i < CONNECTED; i++)
		world_open(world, &connected[i],
			   &HAIL_SOCKET_OPTIONS(.remote = remote));
	world_turn(world);
	world_turn(world);
}

/* Each enter that carries sends brings more of the network's errors than there
 * are records. */
Test(errors, of_the_network_leave_the_records_of_sends_under_way_alone)
{
	struct hail_timer *timer;
	struct world world;
	struct seen seen = {0};
	unsigned told = 0;

	world_start(&world, &HAIL_ENGINE_OPTIONS(.entries = 4));
	world_open(&world, &seen, NULL);
	open_connected(&world);
	sim_fail_sends(world.sim, seen.slot, -EACCES, 0, SIM_UNLIMITED);
	sim_each_wait(world.sim, answer_all, NULL);
	cr_assert_eq(hail_timer_create(&timer, world.engine, send_three, &seen),
		     0);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
		world_turn(&world);
	}
	sim_each_wait(world.sim, NULL, NULL);
	world_settle(&world);
	cr_assert_eq(world_stats(&world).traffic.failed, 300);
	cr_assert_eq(seen.errors, 300, "only %u were told", seen.errors);
	for (int i = 0; i < CONNECTED; i++)
		told += connected[i].errors;
	cr_assert_gt(told, 0);
	world_end(&world);
}
