/* SPDX-License-Identifier: MIT */
/* reconnect.c: connecting again chooses the source address anew, and where it
 * fails the old connection is as it was, or is gone where that can't be had
 * again. */
#include "pair.h"

TestSuite(reconnect, .timeout = 90);

/* A plain socket: on this end's loopback, or at the far end. */
struct peer {
	int fd;
	struct hail_addr at;
	struct hail_addr source; /* where datagrams to it come from */
};

static struct peer open_peer(const struct pair *pair, const char *ip,
			     const char *source)
{
	struct peer peer = {.source = live_addr(source, 0)};

	if (!strcmp(ip, source))
		peer.fd = far_open(-1, ip, 0, &peer.at);
	else
		peer.fd = pair_far(pair, ip, 0, &peer.at);
	cr_assert_geq(peer.fd, 0);
	return peer;
}

/* What it sends comes from where hail says, and it hears the peer. */
static void assert_exchange(struct live *live, const struct peer *peer)
{
	struct hail_addr local = live_local(live), from;
	size_t before = live->datagrams;
	char got[8];

	cr_assert_eq(live_send(live, "ping", NULL), 0);
	cr_assert_eq(far_receive(peer->fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, &from),
		     4);
	cr_assert(hail_addr_equal(&from, &local));
	cr_assert_eq(far_send(peer->fd, "pong", 4, &from), 0);
	live_until(live->engine, live->datagrams > before);
	live_expect_last(live, "pong");
}

static void assert_connects(struct live *live, const struct peer *peer)
{
	struct hail_addr expected = peer->source, local;

	expected.v4.sin_port = live_local(live).v4.sin_port;
	cr_assert_eq(hail_socket_connect(live->socket, &peer->at), 0);
	local = live_local(live);
	cr_assert(hail_addr_equal(&local, &expected));
	assert_exchange(live, peer);
}

static void assert_source_follows(struct pair *pair, struct peer *peers,
				  const char *any)
{
	struct hail_addr before, after;
	struct live live = {0};

	live_open(&live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(any, 0)));
	before = live_local(&live);
	for (int i = 0; i < 4; i++)
		assert_connects(&live, &peers[i % 2]);
	cr_assert_eq(hail_socket_disconnect(live.socket), 0);
	after = live_local(&live);
	cr_assert(hail_addr_equal(&before, &after));
	cr_assert_eq(live.errors, 0);
	live_close(&live);
	close(peers[0].fd);
	close(peers[1].fd);
}

Test(reconnect, to_another_interface_takes_the_address_there)
{
	struct peer peers[2];
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	peers[0] = open_peer(&pair, "127.0.0.1", "127.0.0.1");
	peers[1] = open_peer(&pair, FAR_V4, NEAR_V4);
	assert_source_follows(&pair, peers, "0.0.0.0");
	peers[0] = open_peer(&pair, "::1", "::1");
	peers[1] = open_peer(&pair, FAR_V6, NEAR_V6);
	assert_source_follows(&pair, peers, "::");
	pair_end(&pair);
}

/* An address that was asked for stays. */
Test(reconnect, keeps_an_address_that_was_given)
{
	struct peer peer;
	struct live live = {0};
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	peer = open_peer(&pair, FAR_V4, NEAR_V4);
	pair_run(pair.near, "ip addr add 10.1.0.7/24 dev near");
	pair_run(pair.far, "ip neigh add 10.1.0.7 lladdr " NEAR_MAC " dev far");
	peer.source = live_addr("10.1.0.7", 0);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = peer.source));
	assert_connects(&live, &peer);
	assert_connects(&live, &peer);
	close(peer.fd);
	pair_end(&pair);
}

static void assert_kept(struct pair *pair, const struct peer *peer,
			const char *any, const char *nowhere)
{
	struct hail_addr bad = live_addr(nowhere, 9), before, now;
	struct live live = {0};

	live_open(&live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(any, 0),
				       .remote = peer->at));
	before = live_local(&live);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(hail_socket_connect(live.socket, &bad),
			     -ENETUNREACH);
		now = live_local(&live);
		cr_assert(hail_addr_equal(&now, &before));
		cr_assert_eq(hail_socket_remote(live.socket, &now), 0);
		cr_assert(hail_addr_equal(&now, &peer->at));
		assert_exchange(&live, peer);
	}
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).strangers, 0);
	live_close(&live);
}

Test(reconnect, to_where_no_route_leads_changes_nothing)
{
	struct peer peer;
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	peer = open_peer(&pair, FAR_V4, NEAR_V4);
	assert_kept(&pair, &peer, "0.0.0.0", "203.0.113.1");
	assert_kept(&pair, &peer, NEAR_V4, "203.0.113.1");
	close(peer.fd);
	peer = open_peer(&pair, FAR_V6, NEAR_V6);
	assert_kept(&pair, &peer, "::", "2001:db8::1");
	close(peer.fd);
	pair_end(&pair);
}

/* One that was never connected isn't then either. */
Test(reconnect, that_fails_leaves_an_unconnected_socket_free)
{
	struct hail_addr bad = live_addr("203.0.113.1", 9), before, now;
	struct live live = {0};
	struct peer peer;
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	peer = open_peer(&pair, FAR_V4, NEAR_V4);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)));
	before = live_local(&live);
	cr_assert_eq(hail_socket_connect(live.socket, &bad), -ENETUNREACH);
	cr_assert_eq(hail_socket_remote(live.socket, &now), -ENOTCONN);
	now = live_local(&live);
	cr_assert(hail_addr_equal(&now, &before));
	assert_connects(&live, &peer);
	close(peer.fd);
	pair_end(&pair);
}

/* Nothing is connected, neither for hail nor for the kernel. */
static void assert_free(struct live *live)
{
	struct hail_addr remote, at;
	uint64_t submissions = live_stats(live->engine).submissions;
	int fd = far_open(-1, "127.0.0.1", 0, &at);
	char got[8];

	cr_assert_geq(fd, 0);
	cr_assert_eq(hail_socket_remote(live->socket, &remote), -ENOTCONN);
	cr_assert_eq(hail_socket_disconnect(live->socket), -ENOTCONN);
	cr_assert_eq(live_send(live, "x", NULL), -EDESTADDRREQ);
	cr_assert_eq(live_stats(live->engine).submissions, submissions);
	cr_assert_eq(live_send(live, "there", &at), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, NULL),
		     5);
	close(fd);
}

/* The way to the old one goes meanwhile. */
Test(reconnect, that_fails_where_the_old_one_is_gone_leaves_none)
{
	struct hail_addr bad = live_addr("203.0.113.1", 9);
	struct live live = {0};
	struct peer peer;
	struct pair pair;
	uint16_t port;

	pair_start(&pair, NULL, NULL);
	peer = open_peer(&pair, FAR_V4, NEAR_V4);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .remote = peer.at));
	port = live_port(&live);
	for (int i = 0; i < 2; i++) {
		assert_exchange(&live, &peer);
		pair_run(pair.near, "ip route del 10.1.0.0/24 dev near");
		cr_assert_eq(hail_socket_connect(live.socket, &bad),
			     -ENETUNREACH);
		assert_free(&live);
		cr_assert_eq(live_port(&live), port);
		pair_run(pair.near, "ip route add 10.1.0.0/24 dev near");
		assert_connects(&live, &peer);
	}
	cr_assert_eq(live.errors, 0);
	close(peer.fd);
	pair_end(&pair);
}
