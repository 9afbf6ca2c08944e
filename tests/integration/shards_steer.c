/* SPDX-License-Identifier: MIT */
/* Shards: which of them a datagram comes to, on the real kernel. */
#include "support/network.h"
#include "support/sharded.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdatomic.h>

#define COUNT 4
#define FLOWS 64
#define EACH 5

/* On which shard each of `flows` sockets' datagrams came; asserts that all of
 * one came to one. */
static void learn(const struct sharded *sharded, size_t first, size_t count,
		  const int *flows, uint32_t *shards)
{
	for (uint32_t i = 0; i < FLOWS; i++)
		shards[i] = HAIL_SHARD_NONE;
	for (size_t i = first; i < first + count; i++) {
		uint32_t flow = sharded->seen[i].number;
		uint32_t shard = sharded->seen[i].shard;

		cr_assert_lt(flow, FLOWS);
		cr_assert_eq(sharded->seen[i].port, plain_port(flows[flow]));
		cr_assert_lt(shard, COUNT);
		cr_assert(shards[flow] == HAIL_SHARD_NONE ||
			  shards[flow] == shard);
		shards[flow] = shard;
	}
}

static void send_flows(struct sharded *sharded, const int *flows,
		       uint32_t *shards)
{
	size_t before = sharded->seen_count;

	for (uint32_t i = 0; i < FLOWS * EACH; i++)
		sharded_send(flows[i % FLOWS], i % FLOWS, sharded->port);
	sharded_await(sharded, before + FLOWS * EACH);
	cr_assert_eq(sharded->seen_count, before + FLOWS * EACH);
	learn(sharded, before, FLOWS * EACH, flows, shards);
}

static void open_flows(int *flows, const char *ip)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = plain_open(ip, 0);
		cr_assert_geq(flows[i], 0);
	}
}

static void close_flows(const int *flows)
{
	for (unsigned i = 0; i < FLOWS; i++)
		close(flows[i]);
}

static void expect_spread(const uint32_t *shards)
{
	unsigned counts[COUNT] = {0};

	for (unsigned i = 0; i < FLOWS; i++)
		counts[shards[i]]++;
	for (unsigned i = 0; i < COUNT; i++)
		cr_assert_gt(counts[i], 0, "shard %u got no flow", i);
}

/* Bound to `local`, and flows from each of these addresses. */
static void hash(const char *local, const char *first, const char *second)
{
	static struct sharded sharded;
	const char *from[] = {first, second};
	uint32_t shards[FLOWS];
	int flows[FLOWS];

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = COUNT,
					   .socket = &HAIL_SOCKET_OPTIONS(
							   .local = live_addr(
								   local, 0))));
	for (unsigned i = 0; i < 2 && from[i]; i++) {
		open_flows(flows, from[i]);
		send_flows(&sharded, flows, shards);
		expect_spread(shards);
		close_flows(flows);
	}
	sharded_end(&sharded);
}

Test(shards_steer, by_hash_a_flow_stays_on_one_shard_and_many_spread,
     .timeout = 60)
{
	hash("127.0.0.1", "127.0.0.1", NULL);
}

Test(shards_steer, by_hash_flows_of_ipv6_do_so_too, .timeout = 60)
{
	hash("::1", "::1", NULL);
}

Test(shards_steer, by_hash_flows_of_both_families_do_on_a_dual_stack_socket,
     .timeout = 60)
{
	hash("::", "127.0.0.1", "::1");
}

/* Another socket of the same port. */
static int join(uint16_t port)
{
	struct sockaddr_in local = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)),
		     0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	return fd;
}

static void connect_to(int fd, int remote)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(plain_port(remote)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

/* A socket that is connected leaves the group of its port (Linux 6.18), and the
 * next one joins the group of the latest that was bound: so that this is the
 * right one, each is connected when another has been bound after it. */
Test(shards_steer, flows_stay_when_more_sockets_join_and_leave_the_port,
     .timeout = 60)
{
	static struct sharded sharded;
	uint32_t before[FLOWS], after[FLOWS];
	int flows[FLOWS], others[6], stranger = live_plain();

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	open_flows(flows, "127.0.0.1");
	send_flows(&sharded, flows, before);
	for (unsigned i = 0; i < 6; i++) {
		others[i] = join(sharded.port);
		send_flows(&sharded, flows, after);
		cr_assert_arr_eq(before, after, sizeof(before));
		if (i)
			connect_to(others[i - 1], stranger);
		send_flows(&sharded, flows, after);
		cr_assert_arr_eq(before, after, sizeof(before));
		cr_assert(plain_silent(others[i]));
	}
	for (unsigned i = 0; i < 6; i++) {
		close(others[i]);
		send_flows(&sharded, flows, after);
		cr_assert_arr_eq(before, after, sizeof(before));
	}
	close_flows(flows);
	close(stranger);
	sharded_end(&sharded);
}

Test(shards_steer, a_connected_socket_of_the_port_gets_what_its_remote_sends,
     .timeout = 60)
{
	static struct sharded sharded;
	int peer = live_plain(), child;

	sharded_start(&sharded, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	child = join(sharded.port);
	connect_to(child, peer);
	live_plain_send(peer, "to the child", sharded.port);
	live_expect(child, "to the child");
	close(child);
	sharded_send(peer, 1, sharded.port);
	sharded_await(&sharded, 1);
	sharded_end(&sharded);
	close(peer);
}

Test(shards_steer, by_bytes_each_comes_where_they_say, .timeout = 60)
{
	static struct sharded sharded;
	int flows[FLOWS];

	open_flows(flows, "127.0.0.1");
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = COUNT,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_offset = 1, .steer_width = 2,
					   .steer_mask = 0x0ff0));
	for (uint32_t i = 0; i < 1000; i++)
		sharded_send(flows[i % FLOWS], i * 0x1357, sharded.port);
	sharded_await(&sharded, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(sharded.seen[i].shard,
			     (sharded.seen[i].number >> 12 & 0xff) % COUNT);
	sharded_end(&sharded);
	close_flows(flows);
}

Test(shards_steer, by_bytes_what_is_too_short_comes_to_the_first, .timeout = 60)
{
	static struct sharded sharded;
	const unsigned char bytes[4] = {3, 3, 3, 3};
	int fd = live_plain();

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = COUNT,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_offset = 2,
					   .steer_width = 2));
	for (size_t size = 0; size < sizeof(bytes); size++)
		cr_assert(plain_send(fd, bytes, size, sharded.port));
	sharded_await(&sharded, 4);
	cr_assert(plain_send(fd, bytes, 4, sharded.port));
	sharded_await(&sharded, 5);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(sharded.seen[i].shard, 0);
	cr_assert_eq(sharded.seen[4].shard, 0x0303 % COUNT);
	sharded_end(&sharded);
	close(fd);
}

static uint32_t processors(int *list, uint32_t most)
{
	cpu_set_t set;
	uint32_t count = 0;

	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (size_t i = 0; i < CPU_SETSIZE && count < most; i++) {
		if (CPU_ISSET(i, &set))
			list[count++] = (int)i;
	}
	return count;
}

static int go_to(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

Test(shards_steer, by_processor_each_comes_where_it_arrived, .timeout = 60)
{
	static struct sharded sharded;
	int list[64], fd = live_plain();
	uint32_t count = processors(list, live_count(list));

	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = count, .pin = true,
					   .steering = HAIL_STEERING_CPU));
	for (uint32_t i = 0; i < 50 * count; i++) {
		cr_assert_eq(go_to(list[i % count]), 0);
		sharded_send(fd, i % count, sharded.port);
	}
	sharded_await(&sharded, 50 * count);
	for (uint32_t i = 0; i < 50 * count; i++)
		cr_assert_eq(sharded.seen[i].shard, sharded.seen[i].number);
	sharded_end(&sharded);
	close(fd);
}

/* How many processors the shards' threads may use, and which. */
struct places {
	int processor[64];
	unsigned count[64];
};

static int find_place(struct sharded *sharded, struct hail_shard *shard)
{
	struct places *places = sharded->arg;
	uint32_t index = hail_shard_index(shard);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	places->count[index] = (unsigned)CPU_COUNT(&set);
	for (size_t i = CPU_SETSIZE; i-- > 0;) {
		if (CPU_ISSET(i, &set))
			places->processor[index] = (int)i;
	}
	return 0;
}

Test(shards_steer, a_thread_is_tied_to_a_processor_or_to_none, .timeout = 60)
{
	static struct sharded pinned, loose;
	struct places places = {0};
	int list[64];
	uint32_t count = processors(list, 32);

	pinned.arg = loose.arg = &places;
	pinned.on_start = loose.on_start = find_place;
	sharded_start(&pinned,
		      &HAIL_SHARDS_OPTIONS(.count = 2 * count, .pin = true));
	for (uint32_t i = 0; i < 2 * count; i++) {
		cr_assert_eq(places.count[i], 1);
		cr_assert_eq(places.processor[i], list[i % count]);
	}
	sharded_end(&pinned);
	sharded_start(&loose, NULL);
	cr_assert_geq(hail_shards_count(loose.shards), count);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_geq(places.count[i], count);
	sharded_end(&loose);
}

static const char *no_network(void)
{
	static const char *const tools[] = {"ip", NULL};

	return network_missing(tools);
}

Test(shards_steer, what_was_cut_into_fragments_is_steered_as_a_whole,
     .timeout = 60)
{
	static struct sharded sharded, hashed;
	const char *missing = no_network();
	unsigned char bytes[6000] = {0};
	int network, fd;

	if (missing)
		cr_skip_test("%s", missing);
	network = network_open();
	cr_assert_geq(network, 0);
	cr_assert_eq(network_run(network, "ip link set lo mtu 1500"), 0);
	cr_assert_eq(network_enter(network), 0);
	fd = live_plain();
	sharded_start(&sharded,
		      &HAIL_SHARDS_OPTIONS(.count = COUNT,
					   .steering = HAIL_STEERING_BYTES,
					   .steer_offset = 5000));
	sharded_start(&hashed, &HAIL_SHARDS_OPTIONS(.count = COUNT));
	for (unsigned i = 0; i < COUNT; i++) {
		bytes[5000] = (unsigned char)i;
		bytes[3] = (unsigned char)i;
		cr_assert(plain_send(fd, bytes, 4, hashed.port));
		cr_assert(plain_send(fd, bytes, sizeof(bytes), hashed.port));
		cr_assert(plain_send(fd, bytes, sizeof(bytes), sharded.port));
	}
	sharded_await(&sharded, COUNT);
	sharded_await(&hashed, 2 * COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		cr_assert_eq(sharded.seen[i].shard, sharded.seen[i].number);
	for (unsigned i = 0; i < 2 * COUNT; i++)
		cr_assert_eq(hashed.seen[i].shard, hashed.seen[0].shard);
	sharded_end(&sharded);
	sharded_end(&hashed);
	close(fd);
	close(network);
}

/* Sends numbers to the port all the while. */
struct flood {
	pthread_t thread;
	atomic_uint port;
	atomic_bool stop;
};

static void *flood(void *arg)
{
	struct flood *flood = arg;
	int fd = plain_open("127.0.0.1", 0);

	for (uint32_t i = 0; !atomic_load(&flood->stop); i++) {
		uint32_t wire = htonl(i % 4096);

		plain_send(fd, &wire, sizeof(wire),
			   (uint16_t)atomic_load(&flood->port));
	}
	close(fd);
	return NULL;
}

Test(shards_steer, none_comes_astray_while_shards_are_made_and_ended,
     .timeout = 60)
{
	static struct sharded sharded;
	struct flood sender = {.port = 9};
	struct hail_addr local = live_v4(0);

	network_enter_own(); /* where nobody takes the port */
	for (unsigned round = 0; round < 30; round++) {
		memset(&sharded, 0, sizeof(sharded));
		sharded_start(
			&sharded,
			&HAIL_SHARDS_OPTIONS(.count = COUNT,
					     .steering = HAIL_STEERING_BYTES,
					     .steer_width = 4,
					     .socket = &HAIL_SOCKET_OPTIONS(
							     .local = local)));
		cr_assert_eq(hail_shards_local(sharded.shards, &local), 0);
		atomic_store(&sender.port, sharded.port);
		if (!round)
			cr_assert_eq(pthread_create(&sender.thread, NULL, flood,
						    &sender),
				     0);
		sharded_await(&sharded, 20);
		cr_assert_eq(hail_shards_destroy(sharded.shards), 0);
		for (size_t i = 0;
		     i < sharded.seen_count && i < SHARDED_SEEN_MAX; i++)
			cr_assert_eq(sharded.seen[i].shard,
				     sharded.seen[i].number % COUNT);
	}
	atomic_store(&sender.stop, true);
	cr_assert_eq(pthread_join(sender.thread, NULL), 0);
}
