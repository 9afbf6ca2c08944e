/* SPDX-License-Identifier: MIT */
/* flags.c: how a socket is bound. Bun has flags for exclusive ports, for shared
 * ports and addresses and for IPv6 alone, and takes a descriptor that is there
 * already. */
#include "support/live.h"

/* What a second socket of the same port is answered. */
static int open_beside(const struct hail_socket_options *first,
		       const struct hail_socket_options *second)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket_options own = *second;
	struct live one = {0}, two = {0};
	int err;

	live_open(&one, engine, first);
	own.local = live_local(&one);
	err = live_try_open(&two, engine, &own);
	live_end(engine);
	return err;
}

Test(bun_flags, an_exclusive_port_is_shared_with_nobody)
{
	const struct hail_socket_options exclusive =
		HAIL_SOCKET_OPTIONS(.exclusive = true);
	const struct hail_socket_options sharing =
		HAIL_SOCKET_OPTIONS(.reuse_port = true, .reuse_addr = true);

	cr_assert_eq(open_beside(&exclusive, &exclusive), -EADDRINUSE);
	cr_assert_eq(open_beside(&exclusive, &sharing), -EADDRINUSE);
}

/* By those that allow it, and by nobody else. */
static void assert_shares(const struct hail_socket_options *options)
{
	cr_assert_eq(open_beside(options, options), 0);
	cr_assert_eq(open_beside(options, &HAIL_SOCKET_OPTIONS(.window = 0)),
		     -EADDRINUSE);
}

Test(bun_flags, reuse_port_shares_a_port)
{
	assert_shares(&HAIL_SOCKET_OPTIONS(.reuse_port = true));
}

Test(bun_flags, reuse_addr_shares_a_port)
{
	assert_shares(&HAIL_SOCKET_OPTIONS(.reuse_addr = true));
}

Test(bun_flags, an_ipv6_only_socket_leaves_ipv4_alone)
{
	struct live_talk talk = {.ip = "::1"};
	struct hail_addr v4;
	int err = -EADDRINUSE;

	/* The port may be somebody's who is for IPv4 too. */
	for (int i = 0; i < 10 && err < 0; i++) {
		live_talk_start(
			&talk, &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
						    .ipv6_only = true));
		v4 = live_v4(live_port(&talk.live));
		err = plain_open_at(&v4.sa, sizeof(v4.v4), 0);
		live_talk_hear(&talk, "by IPv6");
		cr_assert_eq(live_send(&talk.live, "x", &v4), -EAFNOSUPPORT);
		live_talk_end(&talk);
	}
	cr_assert_geq(err, 0);
	close(err);
}

Test(bun_flags, an_existing_descriptor_is_adopted)
{
	struct live_talk talk = {0};
	struct live adopted = {0};
	int fd = live_plain();
	struct hail_addr local = live_v4(plain_port(fd)), told;

	live_talk_start(&talk, NULL);
	adopted.engine = talk.engine;
	cr_assert_eq(hail_socket_adopt(
			     &adopted.socket, talk.engine, fd,
			     &HAIL_SOCKET_OPTIONS(.handlers = live_handlers,
						  .user = &adopted)),
		     0);
	told = live_local(&adopted);
	cr_assert(hail_addr_equal(&told, &local));
	cr_assert_eq(live_send(&talk.live, "hello", &told), 0);
	live_until(talk.engine, adopted.datagrams == 1);
	cr_assert_eq(live_send(&adopted, "answer", &adopted.last_remote), 0);
	live_until(talk.engine, talk.live.datagrams == 1);
	live_expect_last(&talk.live, "answer");
	live_talk_end(&talk);
}

Test(bun_flags, a_descriptor_of_something_else_is_not)
{
	struct live_talk talk = {0};
	int ends[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct hail_socket *socket;

	cr_assert_eq(pipe(ends), 0);
	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_socket_adopt(&socket, talk.engine, ends[0], NULL),
		     -ENOTSOCK);
	cr_assert_eq(hail_socket_adopt(&socket, talk.engine, tcp, NULL),
		     -EPROTOTYPE);
	cr_assert_eq(hail_socket_adopt(&socket, talk.engine, -1, NULL), -EBADF);
	/* They are the caller's still. */
	cr_assert_eq(close(tcp) | close(ends[0]) | close(ends[1]), 0);
	live_talk_end(&talk);
}
