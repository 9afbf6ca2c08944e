/* SPDX-License-Identifier: MIT */
/* icmp.c: what the network answers to datagrams that go nowhere. It costs
 * nobody else a datagram, never ends reception, and a connected socket hears
 * of it. The far end is a router too, which refuses some networks. */
#include "router.h"

#include <stdio.h>

TestSuite(icmp, .timeout = 90);

#define HEALTHY 50
#define SIZE 100

static const char *const refused_v4[] = {ROUTER_UNREACHABLE_V4,
					 ROUTER_PROHIBITED_V4};
static const char *const refused_v6[] = {ROUTER_UNREACHABLE_V6,
					 ROUTER_PROHIBITED_V6};

static void start_routed(struct pair *pair)
{
	pair_start(pair, NULL, NULL);
	router_start(pair);
}

/* How many destinations the near namespace was told to be unreachable. */
static unsigned long unreachables(bool v6)
{
	const char *path = v6 ? "/proc/thread-self/net/snmp6"
			      : "/proc/thread-self/net/snmp";
	unsigned long value = 0;
	FILE *file = fopen(path, "r");
	char line[1024];

	cr_assert(file);
	while (fgets(line, sizeof(line), file))
		if (v6)
			sscanf(line, "Icmp6InDestUnreachs %lu", &value);
		else
			sscanf(line, "Icmp: %*u %*u %*u %lu", &value);
	fclose(file);
	return value;
}

static struct hail_addr dead_port(const struct pair *pair, const char *ip)
{
	struct hail_addr addr;

	close(pair_far(pair, ip, 0, &addr));
	return addr;
}

/* Sends to the bad and to the good remote by turns, with a turn of the engine
 * between, so that answers come in the midst. */
static void send_by_turns(struct live *live, const struct hail_addr *bad,
			  const struct hail_addr *good)
{
	unsigned char payload[SIZE];

	for (uint32_t i = 0; i < HEALTHY; i++) {
		numbered_write(payload, SIZE, 0, i);
		cr_assert_eq(hail_send(live->socket, "?", 1, bad), 0);
		cr_assert_eq(hail_send(live->socket, payload, SIZE, good), 0);
		live_turn(live->engine);
	}
}

static void send_as_batch(struct live *live, const struct hail_addr *bad,
			  const struct hail_addr *good)
{
	struct hail_message messages[2 * HEALTHY];
	unsigned char payloads[HEALTHY][SIZE];

	for (uint32_t i = 0; i < HEALTHY; i++) {
		numbered_write(payloads[i], SIZE, 0, i);
		messages[2 * i] = (struct hail_message){"?", 1, bad};
		messages[2 * i + 1] =
			(struct hail_message){payloads[i], SIZE, good};
	}
	cr_assert_eq(hail_send_many(live->socket, messages, 2 * HEALTHY),
		     2 * HEALTHY);
}

static void check_healthy(int fd, const struct hail_addr *good)
{
	struct arrivals arrivals = {0};

	pair_read_all(fd, good, &arrivals);
	cr_assert_eq(arrivals.count[0], HEALTHY);
	cr_assert_eq(arrivals.disorder, 0);
}

/* The bad remote answers with ICMP, to each datagram or to that many of them;
 * the good one gets all. */
static void assert_costs_nothing(struct pair *pair, const char *far_ip,
				 const struct hail_addr *bad, unsigned answers)
{
	const bool v6 = bad->sa.sa_family == AF_INET6;
	unsigned long told = unreachables(v6);
	struct hail_addr good;
	int fd = pair_far(pair, far_ip, 0, &good);
	struct hail_addr near;
	struct live live = {0};

	live_open(
		&live, pair->engine,
		&HAIL_SOCKET_OPTIONS(
				.local = live_addr(v6 ? NEAR_V6 : NEAR_V4, 0),
				.no_trains =
					true)); /* each datagram is answered */
	near = live_local(&live);
	send_by_turns(&live, bad, &good);
	check_healthy(fd, &good);
	send_as_batch(&live, bad, &good);
	check_healthy(fd, &good);
	live_until(pair->engine, unreachables(v6) >= told + answers);
	for (unsigned i = 0; i < HEALTHY; i++)
		cr_assert_eq(far_send(fd, "yes", 3, &near), 0);
	live_until(pair->engine, live.datagrams == HEALTHY);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).failed, 0);
	live_close(&live);
	close(fd);
}

Test(icmp, a_dead_port_costs_a_healthy_peer_nothing)
{
	struct hail_addr bad;
	struct pair pair;

	start_routed(&pair);
	bad = dead_port(&pair, FAR_V4);
	assert_costs_nothing(&pair, FAR_V4, &bad, 2 * HEALTHY);
	bad = dead_port(&pair, FAR_V6);
	assert_costs_nothing(&pair, FAR_V6, &bad, 2 * HEALTHY);
	pair_end(&pair);
}

/* A router answers five times at once, then once a second. */
Test(icmp, an_unreachable_or_prohibited_network_costs_a_healthy_peer_nothing)
{
	struct hail_addr bad;
	struct pair pair;

	for (size_t i = 0; i < live_count(refused_v4); i++) {
		start_routed(&pair);
		bad = live_addr(refused_v4[i], 9);
		assert_costs_nothing(&pair, FAR_V4, &bad, 5);
		bad = live_addr(refused_v6[i], 9);
		assert_costs_nothing(&pair, FAR_V6, &bad, 5);
		pair_end(&pair);
	}
}

Test(icmp, a_port_that_a_filter_rejects_costs_a_healthy_peer_nothing)
{
	static const char *const tools[] = {"nft", NULL};
	struct hail_addr bad;
	struct pair pair;

	pair_start(&pair, NULL, tools);
	router_start(&pair);
	pair_run(pair.far, "nft 'table inet t { chain c { "
			   "type filter hook input priority 0; "
			   "udp dport 9 reject with icmpx admin-prohibited; "
			   "}; }'");
	bad = live_addr(FAR_V4, 9);
	assert_costs_nothing(&pair, FAR_V4, &bad, 2 * HEALTHY);
	bad = live_addr(FAR_V6, 9);
	assert_costs_nothing(&pair, FAR_V6, &bad, 2 * HEALTHY);
	pair_end(&pair);
}

/* A socket that is connected to `remote` sends there until it is told `code`,
 * as often as `times`. */
static void assert_told(struct live *live, const struct hail_addr *remote,
			int code, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		unsigned errors = live->errors;

		cr_assert_eq(hail_send(live->socket, "?", 1, NULL), 0);
		live_until(live->engine, live->errors == errors + 1);
		cr_assert_eq(live->error[errors].code, code, "%d",
			     live->error[errors].code);
		cr_assert_eq(live->error[errors].kind, HAIL_ERROR_REMOTE);
		cr_assert(hail_addr_equal(&live->error[errors].remote, remote));
	}
	cr_assert_geq(live_traffic(live).rearm_error, times);
}

static void open_connected(struct live *live, struct pair *pair,
			   const struct hail_addr *remote)
{
	memset(live, 0, sizeof(*live));
	live_open(live, pair->engine, &HAIL_SOCKET_OPTIONS(.remote = *remote));
}

static void assert_told_and_hears_on(struct pair *pair, const char *ip)
{
	struct hail_addr remote = dead_port(pair, ip);
	struct live live;
	struct hail_addr near;
	char got[8];
	int fd;

	open_connected(&live, pair, &remote);
	assert_told(&live, &remote, -ECONNREFUSED, 10);
	fd = pair_far(pair, ip, hail_addr_port(&remote), &remote);
	cr_assert_eq(hail_send(live.socket, "there?", 6, NULL), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, &near),
		     6);
	cr_assert_eq(far_send(fd, "here", 4, &near), 0);
	live_until(pair->engine, live.datagrams == 1);
	live_expect_last(&live, "here");
	cr_assert_eq(live.errors, 10);
	live_close(&live);
	close(fd);
}

Test(icmp, a_connected_socket_is_told_of_a_dead_port_and_hears_on)
{
	struct pair pair;

	start_routed(&pair);
	assert_told_and_hears_on(&pair, FAR_V4);
	assert_told_and_hears_on(&pair, FAR_V6);
	pair_end(&pair);
}

/* That a host is unreachable the kernel takes for passing, and tells a socket
 * only where it asks for all errors. */
Test(icmp, a_connected_socket_is_told_of_a_prohibited_network_by_its_code)
{
	struct hail_addr remote;
	struct pair pair;
	struct live live;

	start_routed(&pair);
	remote = live_addr(refused_v4[1], 9);
	open_connected(&live, &pair, &remote);
	assert_told(&live, &remote, -EHOSTUNREACH, 3);
	remote = live_addr(refused_v6[1], 9);
	open_connected(&live, &pair, &remote);
	assert_told(&live, &remote, -EACCES, 3);
	pair_end(&pair);
}

/* Nothing is armed that the answer could end, so the next send gets it. */
Test(icmp, a_connected_socket_that_does_not_receive_learns_by_its_next_send)
{
	struct hail_message messages[3] = {
		{"a", 1, NULL}, {"b", 1, NULL}, {"c", 1, NULL}};
	struct hail_handlers deaf = live_handlers;
	struct hail_addr remote;
	struct pair pair;
	struct live live;

	start_routed(&pair);
	remote = dead_port(&pair, FAR_V4);
	open_connected(&live, &pair, &remote);
	deaf.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &deaf), 0);
	live_settle(pair.engine);

	cr_assert_eq(hail_send(live.socket, "?", 1, NULL), 0);
	live_until(pair.engine, unreachables(false) == 1);
	cr_assert_eq(hail_send(live.socket, "?", 1, NULL), -ECONNREFUSED);
	cr_assert_eq(live.errors, 0);

	cr_assert_eq(hail_send(live.socket, "?", 1, NULL), 0);
	live_until(pair.engine, unreachables(false) == 2);
	cr_assert_eq(hail_send_many(live.socket, messages, 3), 3);
	live_until(pair.engine, live.errors >= 1);
	cr_assert_eq(live.error[0].kind, HAIL_ERROR_SEND);
	cr_assert_eq(live.error[0].code, -ECONNREFUSED);
	cr_assert_eq(live.error[0].data, messages[0].data);
	pair_end(&pair);
}

/* The one that met it is lost, as it is with any UDP socket; what follows the
 * kernel cuts. */
Test(icmp, a_connected_socket_is_told_of_a_smaller_path_mtu_and_sends_on)
{
	unsigned char payload[1400];
	struct arrivals arrivals = {0};
	struct hail_addr remote;
	struct pair pair;
	struct live live = {0};
	int fd;

	start_routed(&pair);
	fd = pair_narrow(&pair, &remote);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.remote = remote,
				       .path_mtu = HAIL_PATH_MTU_WANT));
	for (uint32_t i = 0; i < 10; i++) {
		numbered_write(payload, sizeof(payload), 0, i);
		cr_assert_eq(
			hail_send(live.socket, payload, sizeof(payload), NULL),
			0);
		live_until(pair.engine, live.errors == 1);
	}
	cr_assert_eq(live.error[0].code, -EMSGSIZE);
	cr_assert_eq(live.error[0].kind, HAIL_ERROR_REMOTE);
	pair_read_all(fd, &remote, &arrivals);
	cr_assert_eq(arrivals.count[0], 9);
	cr_assert_eq(arrivals.disorder, 0);
	cr_assert_eq(live.errors, 1);
	pair_end(&pair);
	close(fd);
}

static const struct {
	uint8_t type, code;
	int error;
} fatal[] = {
	{3, 2, -ENOPROTOOPT},   {3, 3, -ECONNREFUSED},  {3, 6, -ENETUNREACH},
	{3, 7, -EHOSTDOWN},     {3, 8, -ENONET},        {3, 9, -ENETUNREACH},
	{3, 10, -EHOSTUNREACH}, {3, 13, -EHOSTUNREACH}, {3, 14, -EHOSTUNREACH},
	{3, 15, -EHOSTUNREACH}, {12, 0, -EPROTO},
};

/* Whatever the network says of a remote, the socket is told at once and hears
 * on: a back-off would put the next datagram off. */
Test(icmp, a_connected_socket_is_told_of_every_error_that_does_not_pass)
{
	struct hail_addr remote, local;
	struct pair pair;
	struct live live = {0};
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	open_connected(&live, &pair, &remote);
	live_settle(pair.engine);
	local = live_local(&live);
	for (unsigned i = 0; i < live_count(fatal); i++) {
		pair_forge(&local, &remote, fatal[i].type, fatal[i].code);
		cr_assert_geq(hail_engine_turn(pair.engine, 1000 * MS), 1,
			      "type %u, code %u", fatal[i].type, fatal[i].code);
		cr_assert_eq(live.errors, i + 1);
		cr_assert_eq(live.error[i].code, fatal[i].error);
		cr_assert_eq(live.error[i].kind, HAIL_ERROR_REMOTE);
		cr_assert(hail_addr_equal(&live.error[i].remote, &remote));
		cr_assert_eq(far_send(fd, "on", 2, &local), 0);
		live_until(pair.engine, live.datagrams == i + 1);
	}
	cr_assert_eq(live_traffic(&live).rearm_error, live_count(fatal));
	close(fd);
	pair_end(&pair);
}
