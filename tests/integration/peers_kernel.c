/* SPDX-License-Identifier: MIT */
/* peers_kernel.c: what the kernel has of a peer: the options of its socket, and
 * what it tells of drops and of remotes that aren't there. */
#include "support/child.h"
#include "support/live.h"

#include <netinet/udp.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* This process's descriptor on the port that is, or isn't, connected. */
static int find_fd(uint16_t port, bool connected)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in6 remote;
		socklen_t size = sizeof(remote);
		bool on = !getpeername(fd, (struct sockaddr *)&remote, &size);

		if (on == connected && plain_port(fd) == port)
			return fd;
	}
	cr_assert_fail("no such descriptor");
	return -1;
}

static int child_of(const struct live *live)
{
	return find_fd(live_port(live), true);
}

static struct hail_peer *open_peer(const struct live *live,
				   struct hail_addr remote)
{
	struct hail_peer *peer = NULL;
	int err = hail_peer_open(&peer, live->socket, &remote);

	cr_assert_eq(err, 0, "%s", hail_strerror(err));
	return peer;
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	cr_assert_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static const int names_v4[][2] = {
	{SOL_SOCKET, SO_RCVBUF},        {SOL_SOCKET, SO_SNDBUF},
	{SOL_SOCKET, SO_BROADCAST},     {SOL_SOCKET, SO_PRIORITY},
	{SOL_SOCKET, SO_RXQ_OVFL},      {SOL_SOCKET, SO_TIMESTAMPING},
	{SOL_SOCKET, SO_BINDTOIFINDEX}, {IPPROTO_IP, IP_TTL},
	{IPPROTO_IP, IP_TOS},           {IPPROTO_IP, IP_MTU_DISCOVER},
	{IPPROTO_IP, IP_FREEBIND},      {IPPROTO_IP, IP_RECVERR},
	{IPPROTO_IP, IP_RECVTTL},       {IPPROTO_IP, IP_RECVTOS},
	{IPPROTO_IP, IP_MULTICAST_ALL}, {IPPROTO_UDP, UDP_GRO},
};

static const int names_v6[][2] = {
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS}, {IPPROTO_IPV6, IPV6_TCLASS},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER}, {IPPROTO_IPV6, IPV6_RECVERR},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO},  {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
	{IPPROTO_IPV6, IPV6_DONTFRAG},
};

static void assert_alike(const struct live *live, const char *ip)
{
	int parent = find_fd(live_port(live), false);
	int child = child_of(live);

	for (size_t i = 0; i < live_count(names_v4); i++)
		cr_expect_eq(option_of(child, names_v4[i][0], names_v4[i][1]),
			     option_of(parent, names_v4[i][0], names_v4[i][1]),
			     "%s %d %d", ip, names_v4[i][0], names_v4[i][1]);
	for (size_t i = 0; strchr(ip, ':') && i < live_count(names_v6); i++)
		cr_expect_eq(option_of(child, names_v6[i][0], names_v6[i][1]),
			     option_of(parent, names_v6[i][0], names_v6[i][1]),
			     "%s %d %d", ip, names_v6[i][0], names_v6[i][1]);
}

static void change_all(const struct live *live)
{
	static const uint32_t changes[][2] = {
		{HAIL_OPTION_RECEIVE_BUFFER, 50000},
		{HAIL_OPTION_SEND_BUFFER, 30000},
		{HAIL_OPTION_BROADCAST, 0},
		{HAIL_OPTION_TTL, 33},
		{HAIL_OPTION_TOS, 16},
		{HAIL_OPTION_PRIORITY, 5},
		{HAIL_OPTION_FREE_BIND, 0},
	};

	for (size_t i = 0; i < live_count(changes); i++)
		cr_assert_eq(hail_socket_set(live->socket, changes[i][0],
					     changes[i][1]),
			     0, "option %u", changes[i][0]);
}

static void assert_options(struct hail_socket_options options, const char *ip,
			   const char *remote)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	options.local = live_addr(ip, 0);
	live_open(&live, engine, &options);
	open_peer(&live, live_addr(remote, 1000));
	assert_alike(&live, ip);
	change_all(&live);
	assert_alike(&live, ip);
	live_end(engine);
}

Test(peers_kernel, a_peer_has_the_options_of_its_socket)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.receive_buffer = 100000,
				    .send_buffer = 40000, .broadcast = true,
				    .free_bind = true, .ttl = 9, .tos = 8,
				    .priority = 3, .coalesce = true,
				    .errors = true,
				    .facts = HAIL_FACT_ALL &
					     ~(uint32_t)HAIL_FACT_DEVICE_TIME);

	assert_options(HAIL_SOCKET_OPTIONS(.window = 0), "0.0.0.0",
		       "127.0.0.1");
	assert_options(options, "0.0.0.0", "127.0.0.1");
	assert_options(options, "::", "127.0.0.1");
	assert_options(options, "::", "::1");
	options.path_mtu = HAIL_PATH_MTU_WANT;
	options.ipv6_only = true;
	assert_options(options, "::", "::1");
	options.dont_fragment = true;
	assert_options(options, "::1", "::1");
}

Test(peers_kernel, facts_are_told_by_a_peer_too)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct live live = {0};

	live_open(
		&live, engine,
		&HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_TTL | HAIL_FACT_LOCAL));
	open_peer(&live, live_v4(plain_port(fd)));
	live_plain_send(fd, "facts", live_port(&live));
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(live.last_facts.ttl, 64);
	cr_assert(hail_addr_is_loopback(&live.last_facts.local));
	close(fd);
	live_end(engine);
}

static uint64_t drops_of(const struct live *live)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(live->socket, &stats), 0);
	return stats.kernel_drops;
}

/* What a peer's receive buffer had no room for counts as its socket's, also
 * when the peer is gone. */
Test(peers_kernel, drops_of_a_peer_are_its_sockets)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_handlers deaf = live_handlers;
	int fd = live_plain();
	struct live live = {0};
	struct hail_peer *peer;
	uint64_t dropped;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.receive_buffer = 4096));
	peer = open_peer(&live, live_v4(plain_port(fd)));
	deaf.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &deaf), 0);
	for (int i = 0; i < 100; i++)
		live_plain_send(fd, "many", live_port(&live));
	dropped = drops_of(&live);
	cr_assert_gt(dropped, 0);
	cr_assert_eq(hail_socket_set_handlers(live.socket, &live_handlers), 0);
	live_until(engine, live.datagrams == 100 - dropped);
	cr_assert_eq(hail_peer_close(peer), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_geq(hail_engine_turn(engine, 20 * MS), 0);
	cr_assert_eq(drops_of(&live), dropped);
	cr_assert_eq(live_traffic(&live).received, 100 - dropped);
	close(fd);
	live_end(engine);
}

/* ICMP answers what the peer's own socket has sent. */
static void assert_refused(struct live *live, struct hail_addr dead,
			   unsigned errors)
{
	cr_assert_eq(send(child_of(live), "lost", 4, 0), 4);
	live_until(live->engine, live->errors == errors);
	cr_assert_eq(live->error[errors - 1].code, -ECONNREFUSED);
	cr_assert_eq(live->error[errors - 1].kind, HAIL_ERROR_REMOTE);
	cr_assert(hail_addr_equal(&live->error[errors - 1].remote, &dead));
}

static void assert_error_told(bool errors)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int holder, stranger = live_plain();
	uint16_t port = plain_dead_port(&holder);
	struct hail_addr dead = live_v4(port);
	int again;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.errors = errors));
	open_peer(&live, dead);
	live_settle(engine);
	for (unsigned i = 1; i <= 5; i++) {
		assert_refused(&live, dead, i);
		live_plain_send(stranger, "alive", live_port(&live));
		live_until(engine, live.datagrams == i);
	}
	/* It comes back, and is heard by its peer. */
	close(holder);
	again = plain_open_at(&dead.sa, sizeof(dead.v4), 0);
	if (again >= 0) {
		live_plain_send(again, "back", live_port(&live));
		live_until(engine, live.datagrams == 6);
		close(again);
	}
	cr_assert_eq(live.errors, 5);
	close(stranger);
	live_end(engine);
}

Test(peers_kernel, a_dead_remote_is_told_of_and_deafens_nobody)
{
	assert_error_told(false);
	assert_error_told(true);
}

static size_t heard;

static void count_data(struct hail_socket *socket,
		       const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	*(size_t *)hail_socket_user(socket) += count;
}

/* Whether a socket of this process is. */
static bool connected_to(const struct hail_addr *remote)
{
	for (int fd = 3; fd < 256; fd++) {
		struct hail_addr found;
		socklen_t size = sizeof(found);

		if (!getpeername(fd, &found.sa, &size) &&
		    hail_addr_equal(&found, remote))
			return true;
	}
	return false;
}

/* Who is bound to a device needs rights to leave it: without them a peer leaves
 * all the same. */
static int leave_device(void *arg)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0), .device = 1);
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct hail_peer *peer;
	struct hail_addr local, remote;
	int fd = plain_open("127.0.0.1", 0);

	(void)arg;
	options.handlers.data = count_data;
	options.user = &heard;
	CHECK(!child_drop_rights());
	CHECK(!hail_engine_create(&engine, NULL));
	CHECK(!hail_socket_open(&socket, engine, &options));
	CHECK(!hail_socket_local(socket, &local));
	remote = live_v4(plain_port(fd));
	for (size_t round = 0; round < 3; round++) {
		CHECK(!hail_peer_open(&peer, socket, &remote));
		CHECK(plain_send(fd, "one", 3, hail_addr_port(&local)));
		CHECK(connected_to(&remote));
		CHECK(!hail_peer_close(peer));
		CHECK(!connected_to(&remote));
		CHECK(plain_send(fd, "two", 3, hail_addr_port(&local)));
		while (heard < 2 * (round + 1))
			CHECK(hail_engine_turn(engine, 10 * MS) >= 0);
	}
	CHECK(!hail_engine_destroy(engine));
	return 0;
}

Test(peers_kernel, a_peer_leaves_its_device_without_rights)
{
	int line;

	if (geteuid())
		cr_skip_test("only root may give its rights up");
	line = child_run(leave_device, NULL);
	cr_assert_eq(line, 0, "line %d", line);
}

/* A pool of two buffers serves socket and peers in turn. */
Test(peers_kernel, a_peer_waits_for_buffers_as_its_socket_does)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	int fds[] = {live_plain(), live_plain(), live_plain()};
	struct live live = {0};

	live_open(&live, engine, NULL);
	for (size_t i = 0; i < 2; i++)
		open_peer(&live, live_v4(plain_port(fds[i])));
	for (int n = 0; n < 50; n++)
		for (size_t i = 0; i < live_count(fds); i++)
			live_plain_send(fds[i], n % 5 ? "some" : "",
					live_port(&live));
	live_until(engine, live.datagrams == 150);
	cr_assert_gt(live_traffic(&live).rearm_pool, 0);
	for (size_t i = 0; i < live_count(fds); i++)
		close(fds[i]);
	live_end(engine);
}
