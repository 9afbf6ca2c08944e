/* SPDX-License-Identifier: MIT */
/* errors.c: with the option `errors` a socket is told what the network says of
 * dead ports, and its healthy peers lose nothing by them. On the loopback,
 * where an answer has come when the send returns; links are
 * tests/netns/errors.c's. */
#include "support/live.h"
#include "support/network.h"
#include "support/numbered.h"

#include <time.h>

#define ROUNDS 50
#define SIZE 100

static const struct family {
	const char *any, *ip;
	const char *told; /* how the socket is told of the address */
	uint8_t version, type, code;
} families[] = {
	{"0.0.0.0", "127.0.0.1", "127.0.0.1", 4, 3, 3},
	{"::", "::1", "::1", 6, 1, 4},
	{"::", "127.0.0.1", "::ffff:127.0.0.1", 4, 3, 3},
};

#define for_each_family(family)                                                \
	for (const struct family *family = families;                           \
	     family < families + live_count(families); family++)

TestSuite(errors, .init = network_enter_own, .timeout = 60);

/* A socket, a remote where nobody listens, and one where somebody does. */
struct scene {
	const struct family *family;
	struct hail_engine *engine;
	struct live live;
	struct hail_addr dead, good;
	int holder, fd;
	uint32_t next; /* numbered datagram to the good one */
};

/* It is bound, so that nobody else is there, and hears only a port that nobody
 * sends from. */
static int hold_dead(const char *ip, struct hail_addr *out)
{
	struct hail_addr nobody = live_addr(ip, 1);
	int fd = plain_open(ip, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, &nobody.sa, sizeof(nobody)), 0);
	*out = live_addr(ip, plain_port(fd));
	return fd;
}

static void start_at(struct scene *scene, const struct family *family,
		     struct hail_socket_options options)
{
	*scene = (struct scene){
		.family = family,
		.engine = live_engine(NULL),
	};
	scene->holder = hold_dead(family->ip, &scene->dead);
	scene->fd = plain_open(family->ip, 1 << 20);
	cr_assert_geq(scene->fd, 0);
	scene->good = live_addr(family->ip, plain_port(scene->fd));
	scene->live.arg = scene;
	options.local = live_addr(family->any, 0);
	live_open(&scene->live, scene->engine, &options);
}

static void start(struct scene *scene, const struct family *family)
{
	start_at(scene, family,
		 HAIL_SOCKET_OPTIONS(.errors = true, .no_trains = true));
}

static void end(struct scene *scene)
{
	close(scene->holder);
	close(scene->fd);
	live_end(scene->engine);
}

static void assert_error(const struct scene *scene,
			 const struct hail_error *error)
{
	const struct family *family = scene->family;
	struct hail_addr remote =
		live_addr(family->told, hail_addr_port(&scene->dead));
	struct hail_addr offender = live_addr(family->told, 0);

	cr_assert_eq(error->code, -ECONNREFUSED);
	cr_assert_eq(error->kind, HAIL_ERROR_REMOTE);
	cr_assert(hail_addr_equal(&error->remote, &remote));
	cr_assert(hail_addr_equal(&error->offender, &offender));
	cr_assert_eq(error->icmp_version, family->version);
	cr_assert_eq(error->icmp_type, family->type);
	cr_assert_eq(error->icmp_code, family->code);
	cr_assert_eq(error->mtu, 0);
	cr_assert_eq(error->time_ns, 0);
	cr_assert_null(error->data);
	cr_assert_eq(error->size, 0);
}

/* Every answer was told, once. */
static void assert_told(struct scene *scene, unsigned count)
{
	live_until(scene->engine, scene->live.errors >= count);
	live_settle(scene->engine);
	cr_assert_eq(scene->live.errors, count, "%u, not %u",
		     scene->live.errors, count);
	for (unsigned i = 0; i < count && i < LIVE_ERRORS_MAX; i++)
		assert_error(scene, &scene->live.error[i]);
}

Test(errors, a_dead_port_is_told_with_all_that_is_known_of_it)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		for (unsigned i = 1; i <= 20; i++) {
			cr_assert_eq(live_send(&scene.live, "?", &scene.dead),
				     0);
			if (i % 4)
				continue;
			assert_told(&scene, i);
		}
		cr_assert_eq(live_traffic(&scene.live).failed, 0);
		cr_assert_eq(live_traffic(&scene.live).sent, 20);
		end(&scene);
	}
}

static int send_next(struct scene *scene)
{
	unsigned char payload[SIZE];

	numbered_write(payload, SIZE, 0, scene->next++);
	return hail_send(scene->live.socket, payload, SIZE, &scene->good);
}

static void assert_all_came(struct scene *scene)
{
	unsigned char payload[SIZE + 1];
	uint32_t stream, number;

	for (uint32_t i = 0; i < scene->next; i++) {
		cr_assert_eq(plain_receive(scene->fd, payload, sizeof(payload)),
			     SIZE, "%u of %u", i, scene->next);
		cr_assert(numbered_read(payload, SIZE, &stream, &number));
		cr_assert_eq(number, i);
	}
	cr_assert(plain_silent(scene->fd));
	cr_assert_eq(live_traffic(&scene->live).failed, 0);
}

/* The good one speaks, and is heard. */
static void assert_hears(struct scene *scene)
{
	size_t heard = scene->live.datagrams;

	live_plain_send(scene->fd, "here", live_port(&scene->live));
	live_until(scene->engine, scene->live.datagrams == heard + 1);
	live_expect_last(&scene->live, "here");
}

/* By turns, with a turn of the engine after each pair, or none. */
static void send_singles(struct scene *scene, bool turning)
{
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert_eq(live_send(&scene->live, "?", &scene->dead), 0);
		cr_assert_eq(send_next(scene), 0);
		if (turning)
			live_turn(scene->engine);
	}
}

Test(errors, a_dead_peer_costs_a_healthy_one_nothing_by_single_sends)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		send_singles(&scene, false);
		assert_told(&scene, ROUNDS);
		send_singles(&scene, true);
		assert_told(&scene, 2 * ROUNDS);
		assert_all_came(&scene);
		assert_hears(&scene);
		end(&scene);
	}
}

/* Every second to the dead one; in front where `dead_first`. */
static void send_batch(struct scene *scene, int dead_first)
{
	static unsigned char payloads[ROUNDS][SIZE];
	struct hail_message messages[2 * ROUNDS];

	for (int i = 0; i < 2 * ROUNDS; i += 2) {
		unsigned char *payload = payloads[i / 2];

		numbered_write(payload, SIZE, 0, scene->next++);
		messages[i + dead_first] =
			(struct hail_message){payload, SIZE, &scene->good};
		messages[i + !dead_first] =
			(struct hail_message){"?", 1, &scene->dead};
	}
	cr_assert_eq(hail_send_many(scene->live.socket, messages, 2 * ROUNDS),
		     2 * ROUNDS);
}

Test(errors, a_dead_peer_costs_a_healthy_one_nothing_by_batches)
{
	struct scene scene;

	for_each_family(family)
	{
		for (int dead_first = 0; dead_first < 2; dead_first++) {
			start(&scene, family);
			send_batch(&scene, dead_first);
			live_settle(scene.engine);
			send_batch(&scene, dead_first);
			send_batch(&scene, dead_first);
			assert_told(&scene, 3 * ROUNDS);
			assert_all_came(&scene);
			assert_hears(&scene);
			end(&scene);
		}
	}
}

static void post_batch(struct hail_engine *engine, void *arg)
{
	struct scene *scene = arg;

	(void)engine;
	send_batch(scene, 0);
	send_batch(scene, 1);
}

static void post_singles(struct hail_engine *engine, void *arg)
{
	(void)engine;
	send_singles(arg, false);
	send_singles(arg, false);
}

Test(errors, a_dead_peer_costs_a_healthy_one_nothing_from_handlers)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		cr_assert_eq(hail_engine_post(scene.engine, post_batch, &scene),
			     0);
		assert_told(&scene, 2 * ROUNDS);
		cr_assert_eq(
			hail_engine_post(scene.engine, post_singles, &scene),
			0);
		assert_told(&scene, 4 * ROUNDS);
		assert_all_came(&scene);
		assert_hears(&scene);
		end(&scene);
	}
}

/* Each error is answered by one more datagram to each of the two. */
static void send_on(struct live *live, const struct hail_error *error)
{
	struct scene *scene = live->arg;

	(void)error;
	if (scene->next >= ROUNDS)
		return;
	cr_assert_eq(live_send(live, "?", &scene->dead), 0);
	cr_assert_eq(send_next(scene), 0);
}

Test(errors, the_handler_may_send_to_the_dead_one_again)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		scene.live.on_error = send_on;
		cr_assert_eq(live_send(&scene.live, "?", &scene.dead), 0);
		assert_told(&scene, ROUNDS + 1);
		assert_all_came(&scene);
		end(&scene);
	}
}

static void close_now(struct live *live, const struct hail_error *error)
{
	(void)error;
	cr_assert_eq(hail_socket_close(live->socket), 0);
}

Test(errors, the_handler_may_close_the_socket_and_is_told_no_more)
{
	struct scene scene;

	start(&scene, &families[0]);
	scene.live.on_error = close_now;
	for (int i = 0; i < 10; i++)
		cr_assert_eq(live_send(&scene.live, "?", &scene.dead), 0);
	live_until(scene.engine, scene.live.closes == 1);
	live_settle(scene.engine);
	cr_assert_eq(scene.live.errors, 1);
	cr_assert_eq(scene.live.late, 0);
	end(&scene);
}

Test(errors, a_socket_without_the_option_hears_none_and_loses_nothing)
{
	struct scene scene;

	for_each_family(family)
	{
		start_at(&scene, family, HAIL_SOCKET_OPTIONS(.window = 0));
		send_singles(&scene, false);
		send_batch(&scene, 0);
		live_settle(scene.engine);
		assert_all_came(&scene);
		assert_hears(&scene);
		cr_assert_eq(scene.live.errors, 0);
		cr_assert_eq(live_traffic(&scene.live).retried, 0);
		end(&scene);
	}
}

Test(errors, a_connected_socket_is_told_once_for_each_and_hears_on)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		cr_assert_eq(
			hail_socket_connect(scene.live.socket, &scene.dead), 0);
		for (unsigned i = 1; i <= 20; i++) {
			cr_assert_eq(live_send(&scene.live, "?", NULL), 0);
			assert_told(&scene, i);
		}
		cr_assert_eq(
			hail_socket_connect(scene.live.socket, &scene.good), 0);
		assert_hears(&scene);
		cr_assert_eq(live_send(&scene.live, "alive?", NULL), 0);
		live_expect(scene.fd, "alive?");
		cr_assert_eq(scene.live.errors, 20);
		end(&scene);
	}
}

/* How many turns it takes to let a while go by. */
static unsigned turns_for(struct hail_engine *engine, int64_t while_ns)
{
	uint64_t until = plain_now() + (uint64_t)while_ns;
	unsigned turns = 0;

	while (plain_now() < until) {
		cr_assert_eq(hail_engine_turn(engine, while_ns), 0);
		turns++;
	}
	return turns;
}

static void assert_idle(struct scene *scene)
{
	struct hail_engine_stats before = live_stats(scene->engine), after;

	cr_assert_leq(turns_for(scene->engine, 100 * MS), 3);
	after = live_stats(scene->engine);
	cr_assert_leq(after.enters - before.enters, 6);
	cr_assert_eq(after.completions, before.completions);
}

Test(errors, after_all_was_told_a_waiting_engine_sleeps)
{
	struct scene scene;

	for_each_family(family)
	{
		start(&scene, family);
		send_batch(&scene, 0);
		assert_told(&scene, ROUNDS);
		assert_idle(&scene);
		cr_assert_eq(
			hail_socket_connect(scene.live.socket, &scene.dead), 0);
		cr_assert_eq(live_send(&scene.live, "?", NULL), 0);
		assert_told(&scene, ROUNDS + 1);
		assert_idle(&scene);
		end(&scene);
	}
}

/* Without a handler the records are read all the same, or the poll would tell
 * of them for ever. */
Test(errors, without_an_error_handler_a_waiting_engine_sleeps_too)
{
	struct hail_handlers handlers = live_handlers;
	struct scene scene;

	start(&scene, &families[0]);
	handlers.error = NULL;
	cr_assert_eq(hail_socket_set_handlers(scene.live.socket, &handlers), 0);
	send_batch(&scene, 0);
	live_settle(scene.engine);
	assert_idle(&scene);
	assert_all_came(&scene);
	assert_hears(&scene);
	end(&scene);
}

/* More than there are records for, and more than the kernel holds: those may be
 * lost, healthy datagrams not. */
Test(errors, ten_thousand_answers_harm_nothing)
{
	struct scene scene;

	start_at(&scene, &families[0],
		 HAIL_SOCKET_OPTIONS(.errors = true, .no_trains = true,
				     .receive_buffer = 16384));
	for (int i = 0; i < 10000; i++) {
		cr_assert_eq(live_send(&scene.live, "?", &scene.dead), 0);
		if (i % 200 == 0)
			cr_assert_eq(send_next(&scene), 0);
		/* What waits to be told takes the room of what is received. */
		if (i % 1000)
			continue;
		live_settle(scene.engine);
		assert_hears(&scene);
	}
	live_settle(scene.engine);
	cr_assert_gt(scene.live.errors, 0);
	cr_assert_leq(scene.live.errors, 10000);
	assert_all_came(&scene);
	assert_hears(&scene);
	assert_idle(&scene);
	end(&scene);
}

/* ---- Too long ---- */

#define LOOPBACK_MTU 1500
#define OVERSIZE 2000

/* What was told of each host. */
struct oversize {
	struct hail_engine *engine;
	struct live live;
	struct hail_addr at[2];
	unsigned path_mtu[2], failed[2], other;
};

static void count_oversize(struct live *live, const struct hail_error *error)
{
	struct oversize *oversize = live->arg;
	struct hail_addr remote = error->remote;
	unsigned *counts = oversize->failed;

	if (error->kind == HAIL_ERROR_PATH_MTU) {
		cr_assert_eq(error->mtu, LOOPBACK_MTU);
		counts = oversize->path_mtu;
	} else if (error->kind != HAIL_ERROR_SEND) {
		oversize->other++;
	}
	cr_assert_eq(error->code, -EMSGSIZE);
	for (int i = 0; i < 2; i++) {
		remote.v4.sin_port = oversize->at[i].v4.sin_port;
		counts[i] += hail_addr_equal(&remote, &oversize->at[i]);
	}
}

/* In a network of its own, whose loopback is narrow. */
static void start_oversize(struct oversize *oversize)
{
	static const char *const tools[] = {"ip", NULL};
	const char *missing = network_missing(tools);
	int network;

	if (missing)
		cr_skip_test("%s", missing);
	network = network_open();
	cr_assert_geq(network, 0);
	cr_assert_eq(
		network_run(network, "ip link set lo mtu %d", LOOPBACK_MTU), 0);
	cr_assert_eq(network_enter(network), 0);
	close(network);
	*oversize = (struct oversize){
		.engine = live_engine(NULL),
		.at = {live_addr("127.0.0.1", 9), live_addr("127.0.0.2", 9)},
	};
	oversize->live.arg = oversize;
	oversize->live.on_error = count_oversize;
	live_open(&oversize->live, oversize->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .errors = true, .no_trains = true));
}

static const unsigned char oversize_bytes[OVERSIZE];

static void send_oversize_batch(struct live *live)
{
	struct oversize *oversize = live->arg;
	struct hail_message messages[] = {
		{oversize_bytes, OVERSIZE, &oversize->at[0]},
		{oversize_bytes, OVERSIZE, &oversize->at[1]},
	};

	cr_assert_eq(hail_send_many(live->socket, messages, 2), 2);
}

static void assert_oversize_told(const struct oversize *oversize,
				 unsigned times)
{
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(oversize->path_mtu[i], times, "%d: %u, not %u", i,
			     oversize->path_mtu[i], times);
		cr_assert_eq(oversize->failed[i], times, "%d: %u, not %u", i,
			     oversize->failed[i], times);
	}
	cr_assert_eq(oversize->other, 0);
}

static void send_oversize_singles(struct oversize *oversize)
{
	const unsigned before = oversize->path_mtu[0];

	for (unsigned i = 1; i <= 3; i++) {
		cr_assert_eq(hail_send(oversize->live.socket, oversize_bytes,
				       OVERSIZE, &oversize->at[0]),
			     -EMSGSIZE);
		live_settle(oversize->engine);
		cr_assert_eq(oversize->path_mtu[0], before + i, "%u, not %u",
			     oversize->path_mtu[0], before + i);
	}
}

Test(errors, of_each_message_that_is_too_long_is_told_once)
{
	struct oversize oversize;

	start_oversize(&oversize);
	send_oversize_batch(&oversize.live);
	live_settle(oversize.engine);
	assert_oversize_told(&oversize, 1);
	live_inside(&oversize.live, send_oversize_batch);
	assert_oversize_told(&oversize, 2);
	send_oversize_singles(&oversize);
	cr_assert_eq(oversize.path_mtu[1], 2);
	cr_assert_eq(oversize.failed[0], 2);
	live_end(oversize.engine);
}
