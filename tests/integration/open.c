/* SPDX-License-Identifier: MIT */
/* open.c: sockets of every kind, bound where they were asked to be, or refused
 * with the documented error and nothing left behind. */
#include "support/child.h"
#include "support/live.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>

/* Asserts that a plain socket of `ip` and the socket reach each other. */
static void assert_reached(struct live *live, const char *ip)
{
	struct hail_addr local = live_local(live);
	int fd = plain_open(ip, 0);
	size_t before = live->datagrams;

	cr_assert_geq(fd, 0);
	cr_assert(plain_send(fd, "there", 5, hail_addr_port(&local)));
	live_until(live->engine, live->datagrams > before);
	live_expect_last(live, "there");
	cr_assert_eq(hail_addr_port(&live->last_remote), plain_port(fd));
	cr_assert_eq(live_send(live, "and back", &live->last_remote), 0);
	live_expect(fd, "and back");
	close(fd);
}

Test(open, without_options_it_is_bound_to_every_ipv4_address)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket *socket;
	struct hail_addr local;

	cr_assert_eq(hail_socket_open(&socket, engine, NULL), 0);
	cr_assert_eq(hail_socket_local(socket, &local), 0);
	cr_assert_eq(local.sa.sa_family, AF_INET);
	cr_assert_eq(local.v4.sin_addr.s_addr, htonl(INADDR_ANY));
	cr_assert_neq(hail_addr_port(&local), 0);
	cr_assert_eq(hail_socket_remote(socket, &local), -ENOTCONN);
	cr_assert_null(hail_socket_user(socket));
	cr_assert_eq(hail_socket_engine(socket), engine);
	live_end(engine);
}

Test(open, an_ipv4_socket_sends_and_receives)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(live_local(&live).sa.sa_family, AF_INET);
	assert_reached(&live, "127.0.0.1");
	live_end(engine);
}

Test(open, an_ipv6_socket_sends_and_receives)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.local = live_v6(0)));
	cr_assert_eq(live_local(&live).sa.sa_family, AF_INET6);
	assert_reached(&live, "::1");
	live_end(engine);
}

Test(open, a_dual_stack_socket_serves_both_families)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	assert_reached(&live, "::1");
	assert_reached(&live, "127.0.0.1");
	live_end(engine);
}

Test(open, ipv4_peers_of_a_dual_stack_socket_appear_mapped)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr mapped = live_addr("::ffff:127.0.0.1", plain_port(fd));
	struct hail_addr unmapped = live_v4(plain_port(fd));

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	live_plain_send(fd, "who", live_port(&live));
	live_until(engine, live.datagrams == 1);
	cr_assert(hail_addr_equal(&live.last_remote, &mapped));
	cr_assert_eq(live_send(&live, "plainly", &unmapped), 0);
	live_expect(fd, "plainly");
	cr_assert_eq(live_send(&live, "mapped", &mapped), 0);
	live_expect(fd, "mapped");
	close(fd);
	live_end(engine);
}

Test(open, an_ipv6_only_socket_leaves_the_port_to_ipv4)
{
	const struct hail_socket_options only =
		HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				    .ipv6_only = true);
	struct hail_engine *engine = live_engine(NULL);
	struct live six = {0}, four = {0};
	struct hail_addr remote;
	int err = -EADDRINUSE;

	/* The port may be somebody's who is for IPv4 too. */
	for (int i = 0; i < 10 && err == -EADDRINUSE; i++) {
		live_open(&six, engine, &only);
		remote = live_v4(live_port(&six));
		err = live_try_open(&four, engine,
				    &HAIL_SOCKET_OPTIONS(.local = remote));
	}
	cr_assert_eq(err, 0);
	assert_reached(&four, "127.0.0.1");
	assert_reached(&six, "::1");
	cr_assert_eq(six.datagrams, 1);
	cr_assert_eq(live_send(&six, "x", &remote), -EAFNOSUPPORT);
	live_end(engine);
}

/* In a network of its own, where IPv6 sockets are for IPv6 alone by default. */
static int open_where_v6only(void *arg)
{
	struct hail_addr local = {.v6 = {.sin6_family = AF_INET6}};
	struct hail_engine *engine = NULL;
	struct hail_socket *socket = NULL;
	int sysctl;

	(void)arg;
	if (unshare(CLONE_NEWNET))
		return CHILD_SKIP;
	sysctl = open("/proc/sys/net/ipv6/bindv6only", O_WRONLY);
	if (sysctl < 0 || write(sysctl, "1", 1) != 1)
		return CHILD_SKIP;
	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_socket_open(&socket, engine,
			       &HAIL_SOCKET_OPTIONS(.local = local)) == 0);
	CHECK(hail_socket_local(socket, &local) == 0);
	local = (struct hail_addr){
		.v4 = {.sin_family = AF_INET, .sin_port = local.v6.sin6_port},
	};
	CHECK(plain_open_at(&local.sa, sizeof(local.v4), 0) == -EADDRINUSE);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

Test(open, a_socket_is_dual_stack_whatever_the_systems_default)
{
	int line = child_run(open_where_v6only, NULL);

	if (line == CHILD_SKIP)
		cr_skip_test("a network of its own can't be had");
	cr_assert_eq(line, 0, "the check in line %d failed", line);
}

Test(open, a_given_port_is_taken)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live first = {0}, second = {0};
	struct hail_addr wanted, local;

	live_open(&first, engine, NULL);
	wanted = live_local(&first);
	live_close(&first);
	live_open(&second, engine, &HAIL_SOCKET_OPTIONS(.local = wanted));
	local = live_local(&second);
	cr_assert(hail_addr_equal(&local, &wanted));
	assert_reached(&second, "127.0.0.1");
	live_end(engine);
}

Test(open, a_socket_with_a_remote_is_connected_to_it)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd)), told;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = remote));
	cr_assert_eq(hail_socket_remote(live.socket, &told), 0);
	cr_assert(hail_addr_equal(&told, &remote));
	cr_assert_neq(live_port(&live), 0);
	cr_assert_eq(live_send(&live, "hello", NULL), 0);
	live_expect(fd, "hello");
	live_plain_send(fd, "yes?", live_port(&live));
	live_until(engine, live.datagrams == 1);
	live_expect_last(&live, "yes?");
	close(fd);
	live_end(engine);
}

Test(open, a_remote_of_ipv6_makes_an_ipv6_socket)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = plain_open("::1", 0);

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.remote = live_v6(plain_port(fd))));
	cr_assert_eq(live_local(&live).sa.sa_family, AF_INET6);
	cr_assert_eq(live_send(&live, "six", NULL), 0);
	live_expect(fd, "six");
	close(fd);
	live_end(engine);
}

Test(open, a_dual_stack_socket_can_be_connected_to_ipv4)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				       .remote = live_v4(plain_port(fd))));
	cr_assert_eq(live_send(&live, "mixed", NULL), 0);
	live_expect(fd, "mixed");
	live_plain_send(fd, "mixed too", live_port(&live));
	live_until(engine, live.datagrams == 1);
	live_expect_last(&live, "mixed too");
	close(fd);
	live_end(engine);
}

Test(open, a_port_in_use_is_refused)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live first = {0}, second = {0};
	struct hail_socket_options options = HAIL_SOCKET_OPTIONS(.window = 0);
	unsigned descriptors;

	live_open(&first, engine, NULL);
	options.local = live_local(&first);
	descriptors = plain_descriptors();
	for (int i = 0; i < 100; i++)
		cr_assert_eq(live_try_open(&second, engine, &options),
			     -EADDRINUSE);
	cr_assert_null(second.socket);
	cr_assert_eq(plain_descriptors(), descriptors);
	cr_assert_eq(live_stats(engine).sockets, 1);
	assert_reached(&first, "127.0.0.1");
	live_end(engine);
}

static void assert_shared(struct hail_socket_options *options, int expected)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live first = {0}, second = {0};

	live_open(&first, engine, options);
	options->local = live_local(&first);
	cr_assert_eq(live_try_open(&second, engine, options), expected);
	live_end(engine);
}

Test(open, only_sockets_that_allow_it_share_a_port)
{
	assert_shared(&HAIL_SOCKET_OPTIONS(.window = 0), -EADDRINUSE);
	assert_shared(&HAIL_SOCKET_OPTIONS(.reuse_addr = true), 0);
	assert_shared(&HAIL_SOCKET_OPTIONS(.reuse_port = true), 0);
}

Test(open, sockets_of_one_port_share_what_arrives)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.reuse_port = true);
	struct live first = {0}, second = {0};

	live_open(&first, engine, &options);
	options.local = live_local(&first);
	live_open(&second, engine, &options);
	/* The kernel chooses by the sender's port. */
	for (unsigned i = 0; i < 64; i++) {
		int fd = live_plain();

		live_plain_send(fd, "any", live_port(&first));
		live_until(engine, first.datagrams + second.datagrams > i);
		close(fd);
	}
	cr_assert_gt(first.datagrams, 0);
	cr_assert_gt(second.datagrams, 0);
	live_end(engine);
}

Test(open, an_address_that_is_not_local_is_refused)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned descriptors = plain_descriptors();
	struct live live = {0};

	for (int i = 0; i < 100; i++) {
		cr_assert_eq(
			live_try_open(
				&live, engine,
				&HAIL_SOCKET_OPTIONS(.local = live_addr(
							     "192.0.2.1", 0))),
			-EADDRNOTAVAIL);
		cr_assert_eq(live_try_open(
				     &live, engine,
				     &HAIL_SOCKET_OPTIONS(.local = live_addr(
								  "2001:db8::1",
								  0))),
			     -EADDRNOTAVAIL);
	}
	cr_assert_null(live.socket);
	cr_assert_eq(plain_descriptors(), descriptors);
	cr_assert_eq(live_stats(engine).sockets, 0);
	live_end(engine);
}

Test(open, the_kernels_answer_to_connecting_is_told)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned descriptors = plain_descriptors();
	struct live live = {0};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.remote = live_addr("127.255.255.255", 9));

	cr_assert_eq(live_try_open(&live, engine, &options), -EACCES);
	cr_assert_null(live.socket);
	cr_assert_eq(plain_descriptors(), descriptors);
	options.broadcast = true;
	cr_assert_eq(live_try_open(&live, engine, &options), 0);
	live_end(engine);
}

Test(open, buffers_are_as_large_as_asked_for)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct live live = {0};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.receive_buffer = 100000,
				       .send_buffer = 50000));
	cr_assert_eq(hail_socket_stats(live.socket, &stats), 0);
	cr_assert_eq(stats.receive_buffer, 200000);
	cr_assert_eq(stats.send_buffer, 100000);
	live_end(engine);
}

Test(open, ipv6_only_makes_an_ipv6_socket_where_no_address_is_given)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.engine = engine};
	struct hail_addr remote = live_v4(9), local;

	cr_assert_eq(
		hail_socket_open(&live.socket, engine,
				 &HAIL_SOCKET_OPTIONS(.ipv6_only = true,
						      .handlers = live_handlers,
						      .user = &live)),
		0);
	local = live_local(&live);
	cr_assert_eq(local.sa.sa_family, AF_INET6);
	cr_assert(IN6_IS_ADDR_UNSPECIFIED(&local.v6.sin6_addr));
	assert_reached(&live, "::1");
	cr_assert_eq(live_send(&live, "x", &remote), -EAFNOSUPPORT);
	live_end(engine);
}
