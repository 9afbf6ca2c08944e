/* SPDX-License-Identifier: MIT */
/* peers_port.c: a socket shares its port with its peers and, because of them,
 * with nobody else. */
#include "support/child.h"
#include "support/live.h"

static int bind_with(const struct hail_addr *local, bool addr, bool port)
{
	int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1, err = 0;

	if (addr)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, &local->sa,
		 local->sa.sa_family == AF_INET ? sizeof(local->v4)
						: sizeof(local->v6)))
		err = -errno;
	close(fd);
	return err;
}

/* What binding to the port meets: 0 to all, -EADDRINUSE. */
static void assert_bound(const char *const *ips, uint16_t port, bool addr,
			 bool reuse_port, int expected)
{
	for (; *ips; ips++) {
		struct hail_addr local = live_addr(*ips, port);

		cr_expect_eq(bind_with(&local, addr, reuse_port), expected,
			     "%s %d %d", *ips, addr, reuse_port);
	}
}

static void assert_exclusive(const char *const *ips, uint16_t port)
{
	for (int i = 0; i < 4; i++)
		assert_bound(ips, port, i & 1, i & 2, -EADDRINUSE);
}

static uint32_t option_of(const struct live *live, uint32_t option)
{
	uint32_t value = 7;

	cr_assert_eq(hail_socket_get(live->socket, option, &value), 0);
	return value;
}

static void open_some(const struct live *live, const char *ip, uint16_t first,
		      uint16_t count)
{
	struct hail_peer *peer;

	for (uint16_t i = 0; i < count; i++) {
		struct hail_addr remote = live_addr(ip, (uint16_t)(first + i));

		cr_assert_eq(hail_peer_open(&peer, live->socket, &remote), 0);
	}
}

static void assert_guarded(const char *local, const char *ip,
			   const char *const *ips)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	uint16_t port;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(local, 0),
				       .exclusive = true));
	port = live_port(&live);
	open_some(&live, ip, 1000, 20);
	assert_exclusive(ips, port);
	cr_assert_eq(option_of(&live, HAIL_OPTION_EXCLUSIVE), 1);
	cr_assert_eq(option_of(&live, HAIL_OPTION_REUSE_ADDR), 0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_REUSE_PORT), 0);
	for (int i = 0; i < 2; i++) {
		hail_peer_close_idle(live.socket);
		cr_assert_geq(hail_engine_turn(engine, 0), 0);
		assert_exclusive(ips, port);
	}
	live_settle(engine);
	open_some(&live, ip, 2000, 20);
	assert_exclusive(ips, port);
	live_close(&live);
	assert_bound(ips, port, false, false, 0);
	live_end(engine);
}

Test(peers_port, nobody_else_can_have_the_port)
{
	static const char *const four[] = {"0.0.0.0", "127.0.0.1", "127.0.0.2",
					   "::", NULL};
	static const char *const one[] = {"0.0.0.0", "127.0.0.1", NULL};
	static const char *const six[] = {"::", "::1", NULL};
	static const char *const both[] = {"0.0.0.0", "127.0.0.1", "::", "::1",
					   NULL};

	assert_guarded("0.0.0.0", "127.0.0.1", four);
	assert_guarded("127.0.0.1", "127.0.0.1", one);
	assert_guarded("::1", "::1", six);
	assert_guarded("::", "::1", both);
	assert_guarded("::", "127.0.0.1", both);
}

Test(peers_port, a_port_that_may_be_shared_stays_so)
{
	static const char *const ips[] = {"0.0.0.0", "127.0.0.1", NULL};
	struct hail_engine *engine = live_engine(NULL);

	struct live live = {0};
	uint16_t port;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .reuse_addr = true));
	port = live_port(&live);
	open_some(&live, "127.0.0.1", 1000, 5);
	assert_bound(ips, port, true, false, 0);
	assert_bound(ips, port, false, false, -EADDRINUSE);
	assert_bound(ips, port, false, true, -EADDRINUSE);
	open_some(&live, "127.0.0.1", 2000, 5);
	live_close(&live);
	live_end(engine);
}

Test(peers_port, a_socket_of_a_group_has_no_peers)
{
	const struct hail_addr remote = live_v4(1000);
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_peer *peer;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .reuse_port = true));
	cr_assert_eq(hail_peer_open(&peer, live.socket, &remote), -ENOTSUP);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_REUSE_PORT, 0),
		     0);
	cr_assert_eq(hail_peer_open(&peer, live.socket, &remote), 0);
	live_close(&live);
	live_end(engine);
}

Test(peers_port, an_option_of_sharing_may_change_with_peers_open)
{
	static const char *const ips[] = {"0.0.0.0", "127.0.0.1", NULL};
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	uint16_t port;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)));
	port = live_port(&live);
	open_some(&live, "127.0.0.1", 1000, 5);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_REUSE_ADDR, 1),
		     0);
	open_some(&live, "127.0.0.1", 2000, 5);
	assert_bound(ips, port, true, false, 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_REUSE_PORT, 1),
		     0);
	assert_bound(ips, port, false, true, 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_EXCLUSIVE, 1), 0);
	open_some(&live, "127.0.0.1", 4000, 5);
	assert_exclusive(ips, port);
	live_end(engine);
}

/* Another user's socket isn't joined, and lets nobody in. */
static int open_after_drop(void *arg)
{
	static const char *const ips[] = {"0.0.0.0", "127.0.0.1", NULL};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0));
	struct hail_addr remote = live_v4(1000), local;
	struct hail_socket *socket;
	struct hail_engine *engine;
	struct hail_peer *peer;

	(void)arg;
	CHECK(!hail_engine_create(&engine, NULL));
	CHECK(!hail_socket_open(&socket, engine, &options));
	CHECK(!hail_socket_local(socket, &local));
	CHECK(!child_drop_rights());
	CHECK(hail_peer_open(&peer, socket, &remote) == -EADDRINUSE);
	assert_exclusive(ips, hail_addr_port(&local));
	CHECK(!hail_engine_destroy(engine));
	return 0;
}

Test(peers_port, the_socket_of_another_user_gets_no_peer)
{
	int line;

	if (geteuid())
		cr_skip_test("only root may become another user");
	line = child_run(open_after_drop, NULL);
	cr_assert_eq(line, 0, "line %d", line);
}
