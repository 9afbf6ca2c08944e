/* SPDX-License-Identifier: MIT */
/* connect.c: a connected socket hears its peer and nobody else; connecting and
 * disconnecting keep the port; a dead peer is told of and costs a healthy one
 * nothing. */
#include "support/live.h"

#include <arpa/inet.h>
#include <poll.h>

Test(connect, a_connected_socket_hears_only_its_peer)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int peer = live_plain(), stranger = live_plain();

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.remote = live_v4(plain_port(peer))));
	for (int i = 0; i < 10; i++) {
		live_plain_send(stranger, "strange", live_port(&live));
		live_plain_send(peer, "known", live_port(&live));
	}
	live_until(engine, live.datagrams == 10);
	live_settle(engine);
	cr_assert_eq(live.datagrams, 10);
	cr_assert_eq(live.bytes, 50);
	close(peer);
	close(stranger);
	live_end(engine);
}

Test(connect, what_strangers_sent_before_connecting_is_not_heard)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int peer = live_plain(), stranger = live_plain();
	struct hail_addr remote = live_v4(plain_port(peer));

	live_open(&live, engine, NULL);
	for (int i = 0; i < 5; i++) {
		live_plain_send(stranger, "strange", live_port(&live));
		live_plain_send(peer, "known", live_port(&live));
	}
	cr_assert_eq(hail_socket_connect(live.socket, &remote), 0);
	live_until(engine, live.datagrams == 5);
	live_settle(engine);
	cr_assert_eq(live.bytes, 25);
	cr_assert_eq(live_traffic(&live).strangers, 5);
	cr_assert_eq(live_traffic(&live).received, 5);
	close(peer);
	close(stranger);
	live_end(engine);
}

static void connect_to_sender(struct live *live,
			      const struct hail_datagram *batch, size_t count)
{
	(void)count;
	live->on_data = NULL;
	cr_assert_eq(hail_socket_connect(live->socket, &batch[0].remote), 0);
}

Test(connect, what_hail_already_holds_of_strangers_is_not_heard_either)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = 1, .buffers_max = 64));
	struct live live = {.on_data = connect_to_sender};
	int peer = live_plain(), stranger = live_plain();

	live_open(&live, engine, NULL);
	for (int i = 0; i < 5; i++) {
		live_plain_send(peer, "known", live_port(&live));
		live_plain_send(stranger, "strange", live_port(&live));
	}
	live_until(engine, live.datagrams == 5);
	live_settle(engine);
	cr_assert_eq(live.bytes, 25);
	cr_assert_eq(live_traffic(&live).strangers, 5);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(peer);
	close(stranger);
	live_end(engine);
}

static void assert_exchange(struct live *live, int fd)
{
	size_t before = live->datagrams;

	cr_assert_eq(live_send(live, "ping", NULL), 0);
	live_expect(fd, "ping");
	live_plain_send(fd, "pong", live_port(live));
	live_until(live->engine, live->datagrams == before + 1);
	live_expect_last(live, "pong");
}

/* Connects to two in turn, then disconnects; the port is always the same. */
static void assert_port_kept(const struct hail_socket_options *options,
			     const char *ip)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int first = plain_open(ip, 0), second = plain_open(ip, 0);
	struct hail_addr one = live_addr(ip, plain_port(first));
	struct hail_addr two = live_addr(ip, plain_port(second)), told;
	uint16_t port;

	live_open(&live, engine, options);
	port = live_port(&live);
	for (int round = 0; round < 3; round++) {
		cr_assert_eq(hail_socket_connect(live.socket, &one), 0);
		cr_assert_eq(live_port(&live), port);
		assert_exchange(&live, first);
		cr_assert_eq(hail_socket_connect(live.socket, &two), 0);
		cr_assert_eq(hail_socket_remote(live.socket, &told), 0);
		cr_assert(hail_addr_equal(&told, &two) ||
			  told.sa.sa_family != two.sa.sa_family);
		assert_exchange(&live, second);
		cr_assert_eq(hail_socket_disconnect(live.socket), 0);
		cr_assert_eq(live_port(&live), port);
		cr_assert_eq(hail_socket_remote(live.socket, &told), -ENOTCONN);
		cr_assert_eq(live_send(&live, "x", NULL), -EDESTADDRREQ);
		cr_assert_eq(live_send(&live, "free", &one), 0);
		live_expect(first, "free");
		live_plain_send(second, "heard", port);
		live_until(engine, live.datagrams == 3u * (unsigned)round + 3);
		live_expect_last(&live, "heard");
	}
	cr_assert_eq(live.errors, 0);
	close(first);
	close(second);
	live_end(engine);
}

Test(connect, connecting_and_disconnecting_keep_a_chosen_port)
{
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_v4(0)),
			 "127.0.0.1");
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_v6(0)), "::1");
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)),
			 "127.0.0.1");
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)),
			 "127.0.0.1");
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
					      .ipv6_only = true),
			 "::1");
}

Test(connect, connecting_and_disconnecting_keep_a_given_port)
{
	int holder;
	uint16_t port = plain_dead_port(&holder);

	close(holder);
	assert_port_kept(&HAIL_SOCKET_OPTIONS(.local = live_v4(port)),
			 "127.0.0.1");
	assert_port_kept(
		&HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", port)),
		"127.0.0.1");
}

Test(connect, disconnecting_gives_back_the_local_address_it_was_bound_to)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd)), before, after;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)));
	before = live_local(&live);
	cr_assert_eq(hail_socket_connect(live.socket, &remote), 0);
	cr_assert_eq(live_local(&live).v4.sin_addr.s_addr,
		     htonl(INADDR_LOOPBACK));
	cr_assert_eq(hail_socket_disconnect(live.socket), 0);
	after = live_local(&live);
	cr_assert(hail_addr_equal(&before, &after));
	close(fd);
	live_end(engine);
}

Test(connect, a_port_is_as_much_the_sockets_own_after_disconnecting)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0}, thief = {0};
	struct hail_addr remote = live_v4(9);

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_connect(live.socket, &remote), 0);
	cr_assert_eq(hail_socket_disconnect(live.socket), 0);
	cr_assert_eq(
		live_try_open(&thief, engine,
			      &HAIL_SOCKET_OPTIONS(.local = live_local(&live),
						   .reuse_addr = true)),
		-EADDRINUSE);
	cr_assert_eq(hail_socket_disconnect(live.socket), -ENOTCONN);
	live_end(engine);
}

Test(connect, what_cannot_be_connected_to_changes_nothing)
{
	const struct hail_addr odd = {.sa.sa_family = AF_UNIX};
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr zero = live_v4(0), six = live_v6(9);
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd)), told;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = remote));
	cr_assert_eq(hail_socket_connect(live.socket, &zero), -EINVAL);
	cr_assert_eq(hail_socket_connect(live.socket, &six), -EAFNOSUPPORT);
	cr_assert_eq(hail_socket_connect(live.socket, &odd), -EAFNOSUPPORT);
	cr_assert_eq(hail_socket_connect(live.socket, &everybody), -EACCES);
	cr_assert_eq(hail_socket_remote(live.socket, &told), 0);
	cr_assert(hail_addr_equal(&told, &remote));
	assert_exchange(&live, fd);
	close(fd);
	live_end(engine);
}

static void assert_refused(const struct live *live, uint16_t port)
{
	struct hail_addr dead = live_v4(port);

	for (unsigned i = 0; i < live->errors; i++) {
		cr_assert_eq(live->error[i].code, -ECONNREFUSED);
		cr_assert(hail_addr_equal(&live->error[i].remote, &dead));
	}
}

Test(connect, a_dead_peer_is_told_of)
{
	struct hail_engine *engine = live_engine(NULL);
	int holder;
	uint16_t port = plain_dead_port(&holder);
	struct live live = {0};

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = live_v4(port)));
	live_settle(engine);
	cr_assert_eq(live_send(&live, "anybody?", NULL), 0);
	live_until(engine, live.errors == 1);
	assert_refused(&live, port);
	cr_assert_eq(live.error[0].kind, HAIL_ERROR_REMOTE);
	cr_assert_eq(live_traffic(&live).rearm_error, 1);
	live_settle(engine);
	cr_assert_eq(live.errors, 1);
	close(holder);
	live_end(engine);
}

Test(connect, reception_goes_on_after_a_dead_peer)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd, holder;
	uint16_t port = plain_dead_port(&holder);
	struct hail_addr remote = live_v4(port);
	struct live live = {0};

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = remote));
	live_settle(engine);
	for (unsigned i = 1; i <= 20; i++) {
		cr_assert_eq(live_send(&live, "anybody?", NULL), 0);
		live_until(engine, live.errors == i);
	}
	assert_refused(&live, port);
	close(holder);
	fd = plain_open_at(&remote.sa, sizeof(remote.v4), 0);
	cr_assert_geq(fd, 0);
	assert_exchange(&live, fd);
	close(fd);
	live_end(engine);
}

Test(connect, a_dead_peers_error_is_not_the_next_peers)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain(), holder;
	struct hail_addr dead = live_v4(plain_dead_port(&holder)), healthy;
	struct live live = {0};

	healthy = live_v4(plain_port(fd));
	live_open(&live, engine, NULL);
	live_settle(engine);
	/* No turn between: the error is still the socket's to tell. */
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(hail_socket_connect(live.socket, &dead), 0);
		cr_assert_eq(live_send(&live, "lost", NULL), 0);
		cr_assert_eq(hail_socket_connect(live.socket, &healthy), 0);
		cr_assert_eq(live_send(&live, "alive", NULL), 0);
		live_expect(fd, "alive");
	}
	live_settle(engine);
	live_plain_send(fd, "heard", live_port(&live));
	live_until(engine, live.datagrams == 1);
	close(fd);
	close(holder);
	live_end(engine);
}

static struct live *alternating;
static struct hail_addr dead_addr, healthy_addr;

static void send_alternating(struct hail_engine *engine, void *arg)
{
	(void)engine;
	(void)arg;
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(live_send(alternating, "lost", &dead_addr), 0);
		cr_assert_eq(live_send(alternating, "alive", &healthy_addr), 0);
	}
}

static void assert_fifty(int fd)
{
	for (int i = 0; i < 50; i++)
		live_expect(fd, "alive");
	cr_assert(plain_silent(fd));
}

Test(connect, on_an_unconnected_socket_a_dead_peer_costs_a_healthy_one_nothing)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_message messages[100];
	struct live live = {0};
	int fd = live_plain(), holder;

	alternating = &live;
	dead_addr = live_v4(plain_dead_port(&holder));
	healthy_addr = live_v4(plain_port(fd));
	live_open(&live, engine, NULL);
	send_alternating(engine, NULL);
	assert_fifty(fd);
	hail_engine_post(engine, send_alternating, NULL);
	live_settle(engine);
	assert_fifty(fd);
	for (int i = 0; i < 100; i++)
		messages[i] = (struct hail_message){
			"alive", 5, i % 2 ? &healthy_addr : &dead_addr};
	cr_assert_eq(hail_send_many(live.socket, messages, 100), 100);
	assert_fifty(fd);
	live_settle(engine);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).sent, 300);
	live_plain_send(fd, "heard", live_port(&live));
	live_until(engine, live.datagrams == 1);
	close(fd);
	close(holder);
	live_end(engine);
}

static void connect_dead(struct live *live, const struct hail_error *error)
{
	struct hail_addr *healthy = live->arg;

	(void)error;
	cr_assert_eq(hail_socket_connect(live->socket, healthy), 0);
	cr_assert_eq(live_send(live, "instead", NULL), 0);
}

Test(connect, the_error_handler_may_turn_to_a_healthy_peer)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain(), holder;
	struct hail_addr dead = live_v4(plain_dead_port(&holder));
	struct hail_addr healthy = live_v4(plain_port(fd));
	struct live live = {.on_error = connect_dead, .arg = &healthy};

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = dead));
	live_settle(engine);
	cr_assert_eq(live_send(&live, "anybody?", NULL), 0);
	live_until(engine, live.errors == 1);
	live_expect(fd, "instead");
	assert_exchange(&live, fd);
	close(fd);
	close(holder);
	live_end(engine);
}

/* Waits until the kernel has an error for the socket of this port, and leaves
 * it there. */
static void await_error(uint16_t port)
{
	struct pollfd look = {.events = 0};

	for (look.fd = 3; look.fd < 256; look.fd++)
		if (plain_port(look.fd) == port)
			break;
	cr_assert_lt(look.fd, 256);
	cr_assert_eq(poll(&look, 1, (int)(LIVE_DEADLINE_NS / MS)), 1);
	cr_assert(look.revents & POLLERR);
}

static void open_deaf(struct live *live, struct hail_engine *engine)
{
	struct hail_handlers deaf = live_handlers;

	live_open(live, engine, NULL);
	deaf.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(live->socket, &deaf), 0);
	live_settle(engine);
}

Test(connect, disconnecting_forgets_the_dead_peers_error)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain(), holder;
	struct hail_addr dead = live_v4(plain_dead_port(&holder));
	struct hail_addr healthy = live_v4(plain_port(fd));
	struct hail_message message = {"alive", 5, &healthy};
	struct live live = {0};

	open_deaf(&live, engine);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(hail_socket_connect(live.socket, &dead), 0);
		cr_assert_eq(live_send(&live, "lost", NULL), 0);
		await_error(live_port(&live));
		cr_assert_eq(hail_socket_disconnect(live.socket), 0);
		cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
		live_settle(engine);
		cr_assert_eq(live.errors, 0);
		live_expect(fd, "alive");
	}
	cr_assert_eq(live_traffic(&live).failed, 0);
	close(fd);
	close(holder);
	live_end(engine);
}

/* Connects to either in turn; the local address is each time the one that the
 * kernel sends from. */
static void assert_source_follows(const char *const *ips)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_addr remotes[2], local;
	int fds[2];

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	for (int i = 0; i < 2; i++) {
		fds[i] = plain_open(ips[i], 0);
		cr_assert_geq(fds[i], 0);
		remotes[i] = live_addr(ips[i], plain_port(fds[i]));
	}
	for (int i = 0; i < 4; i++) {
		struct hail_addr *remote = &remotes[i % 2];

		cr_assert_eq(hail_socket_connect(live.socket, remote), 0,
			     "round %d", i);
		local = live_local(&live);
		if (remote->sa.sa_family == AF_INET6)
			cr_assert(!memcmp(&local.v6.sin6_addr,
					  &in6addr_loopback,
					  sizeof(in6addr_loopback)));
		else
			cr_assert(IN6_IS_ADDR_V4MAPPED(&local.v6.sin6_addr));
		assert_exchange(&live, fds[i % 2]);
	}
	close(fds[0]);
	close(fds[1]);
	live_end(engine);
}

Test(connect, a_dual_stack_socket_turns_from_one_family_to_the_other)
{
	static const char *const ips[] = {"127.0.0.1", "::1"};
	static const char *const back[] = {"::1", "127.0.0.1"};

	assert_source_follows(ips);
	assert_source_follows(back);
}

/* Datagrams from the socket come from its port. */
static void assert_port_used(struct live *live, int fd, uint16_t port)
{
	struct hail_addr remote, to = live_v4(plain_port(fd));
	bool on = !hail_socket_remote(live->socket, &remote);
	uint16_t from = 0;
	char got[8];

	cr_assert_eq(live_port(live), port);
	cr_assert_eq(live_send(live, "mine", on ? NULL : &to), 0);
	cr_assert_eq(plain_receive_from(fd, got, sizeof(got), &from), 4);
	cr_assert_eq(from, port);
}

/* Two sockets share a port; each connects and disconnects, and nobody else can
 * have the port afterwards. */
static void assert_shared(struct hail_socket_options options, const char *ip)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live lives[2] = {{0}, {0}}, thief = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));
	uint16_t port;

	options.local = live_addr(ip, 0);
	live_open(&lives[0], engine, &options);
	port = live_port(&lives[0]);
	options.local = live_addr(ip, port);
	live_open(&lives[1], engine, &options);
	for (int i = 0; i < 4; i++) {
		struct hail_socket *socket = lives[i % 2].socket;

		cr_assert_eq(hail_socket_connect(socket, &remote), 0);
		cr_assert_eq(hail_socket_connect(socket, &remote), 0);
		assert_port_used(&lives[0], fd, port);
		assert_port_used(&lives[1], fd, port);
		cr_assert_eq(hail_socket_disconnect(socket), 0);
		assert_port_used(&lives[0], fd, port);
		assert_port_used(&lives[1], fd, port);
	}
	live_close(&lives[0]);
	options = HAIL_SOCKET_OPTIONS(.local = live_addr(ip, port));
	cr_assert_eq(live_try_open(&thief, engine, &options), -EADDRINUSE);
	assert_port_used(&lives[1], fd, port);
	close(fd);
	live_end(engine);
}

Test(connect, sockets_that_share_a_port_keep_it)
{
	assert_shared(HAIL_SOCKET_OPTIONS(.reuse_port = true), "127.0.0.1");
	assert_shared(HAIL_SOCKET_OPTIONS(.reuse_port = true), "0.0.0.0");
	assert_shared(HAIL_SOCKET_OPTIONS(.reuse_addr = true), "127.0.0.1");
	assert_shared(
		HAIL_SOCKET_OPTIONS(.reuse_addr = true, .reuse_port = true),
		"0.0.0.0");
}
