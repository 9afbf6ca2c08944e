/* SPDX-License-Identifier: MIT */
/* peers.c: thousands of peers of one socket, opened, used and closed. */
#include "support/live.h"

TestSuite(peers, .timeout = 150);

#define PEERS 4000
/* Remotes that send: the others are only there. */
#define SENDERS 200

static struct hail_peer *peers[PEERS];
static struct hail_addr remotes[PEERS];

static struct hail_addr remote_of(unsigned index)
{
	struct hail_addr remote = live_v4((uint16_t)(1000 + index % 50));

	remote.v4.sin_addr.s_addr = htonl(0x7f010000 + index / 50);
	return remote;
}

static void open_all(struct hail_socket *socket, const int *fds)
{
	for (unsigned i = 0; i < PEERS; i++) {
		remotes[i] = i < SENDERS ? live_v4(plain_port(fds[i]))
					 : remote_of(i);
		cr_assert_eq(hail_peer_open(&peers[i], socket, &remotes[i]), 0,
			     "peer %u", i);
	}
}

static unsigned count_found(const struct hail_socket *socket)
{
	unsigned count = 0;

	for (unsigned i = 0; i < PEERS; i++)
		count += hail_peer_find(socket, &remotes[i]) == peers[i];
	return count;
}

static void send_all(struct live *live, const int *fds)
{
	size_t expected = live->datagrams + SENDERS;

	for (unsigned i = 0; i < SENDERS; i++)
		live_plain_send(fds[i], "here", live_port(live));
	live_until(live->engine, live->datagrams == expected);
}

Test(peers, thousands_come_are_used_and_go)
{
	struct hail_engine *engine;
	struct live live = {0};
	unsigned before;
	int fds[SENDERS];

	/* Hail's, and those of the senders. */
	live_allow_descriptors(PEERS + SENDERS + 100);
	engine = live_engine(NULL);
	live_open(&live, engine, NULL);
	for (unsigned i = 0; i < SENDERS; i++)
		fds[i] = live_plain();
	before = plain_descriptors();
	open_all(live.socket, fds);
	cr_assert_eq(plain_descriptors(), before + PEERS);
	cr_assert_eq(count_found(live.socket), PEERS);
	send_all(&live, fds);
	/* Every third goes, and is found no more. */
	for (unsigned i = 0; i < PEERS; i += 3)
		cr_assert_eq(hail_peer_close(peers[i]), 0);
	cr_assert_eq(count_found(live.socket), PEERS - (PEERS + 2) / 3);
	live_until(engine,
		   plain_descriptors() == before + PEERS - (PEERS + 2) / 3);
	send_all(&live, fds);
	/* The silent ones go. */
	hail_peer_close_idle(live.socket);
	send_all(&live, fds);
	cr_assert_gt(hail_peer_close_idle(live.socket), PEERS / 2);
	cr_assert_eq(hail_peer_close_idle(live.socket),
		     SENDERS - (SENDERS + 2) / 3);
	live_until(engine, plain_descriptors() == before);
	send_all(&live, fds);
	for (unsigned i = 0; i < SENDERS; i++)
		close(fds[i]);
	live_end(engine);
}

Test(peers, a_socket_takes_thousands_with_it)
{
	unsigned before = plain_descriptors();
	struct hail_engine *engine;
	struct live live = {0};
	int fds[SENDERS];

	live_allow_descriptors(PEERS + SENDERS + 100);
	engine = live_engine(NULL);
	live_open(&live, engine, NULL);
	for (unsigned i = 0; i < SENDERS; i++)
		fds[i] = live_plain();
	open_all(live.socket, fds);
	live_settle(engine);
	for (unsigned i = 0; i < SENDERS; i++)
		live_plain_send(fds[i], "late", live_port(&live));
	live_close(&live);
	cr_assert_eq(live_stats(engine).sockets, 0);
	for (unsigned i = 0; i < SENDERS; i++)
		close(fds[i]);
	live_end(engine);
	cr_assert_eq(plain_descriptors(), before);
}
