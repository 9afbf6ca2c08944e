/* SPDX-License-Identifier: MIT */
/* adopt.c: a descriptor that was made in another network namespace stays there
 * when it is adopted: its addresses and its ports are those of that
 * namespace. */
#include "pair.h"

TestSuite(adopt, .timeout = 90);

/* An unbound one of the far end. */
static int make_far(const struct pair *pair, int family)
{
	int fd;

	cr_assert_eq(network_enter(pair->far), 0);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(network_enter(pair->near), 0);
	cr_assert_geq(fd, 0);
	return fd;
}

static void adopt_at(struct live *live, struct pair *pair, const char *ip)
{
	const struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				    .handlers = live_handlers, .user = live);
	int fd = make_far(pair, options.local.sa.sa_family);
	int err;

	live->engine = pair->engine;
	err = hail_socket_adopt(&live->socket, pair->engine, fd, &options);
	cr_assert_eq(err, 0, "%s: %s", ip, hail_strerror(err));
}

/* A plain socket of the near end reaches it by the link, and is answered. */
static void assert_exchange(struct live *live, int fd)
{
	const struct hail_addr local = live_local(live);
	const size_t before = live->datagrams;
	struct hail_addr from;
	char got[8];

	cr_assert_eq(far_send(fd, "ping", 4, &local), 0);
	live_until(live->engine, live->datagrams > before);
	live_expect_last(live, "ping");
	cr_assert_eq(live_send(live, "pong", &live->last_remote), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, &from),
		     4);
	cr_assert(hail_addr_equal(&from, &local));
}

static void assert_bound_there(struct pair *pair, const char *ip,
			       const char *near)
{
	struct hail_addr remote, local, expected;
	struct live live = {0};
	uint16_t port;
	int fd = far_open(-1, near, 0, &remote);

	cr_assert_geq(fd, 0);
	adopt_at(&live, pair, ip);
	port = live_port(&live);
	cr_assert_neq(port, 0);
	local = live_local(&live);
	expected = live_addr(ip, port);
	cr_assert(hail_addr_equal(&local, &expected));
	assert_exchange(&live, fd);
	cr_assert_eq(hail_socket_connect(live.socket, &remote), 0);
	cr_assert_eq(hail_socket_disconnect(live.socket), 0);
	cr_assert_eq(live_port(&live), port);
	assert_exchange(&live, fd);
	close(fd);
	live_close(&live);
}

Test(adopt, an_unbound_descriptor_is_bound_in_its_own_network)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	assert_bound_there(&pair, FAR_V4, NEAR_V4);
	assert_bound_there(&pair, FAR_V6, NEAR_V6);
	pair_end(&pair);
}
