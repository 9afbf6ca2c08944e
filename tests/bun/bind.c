/* SPDX-License-Identifier: MIT */
/* bind.c: where a socket is bound. Users of Bun know: every IPv4 address unless
 * told otherwise, a port of the kernel's choice that the socket tells, names
 * looked up on the way, "::" for both families. Names are what differs. */
#include "support/live.h"

#include <arpa/inet.h>

Test(bun_bind, without_an_address_it_is_every_ipv4_one)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_socket *socket;
	struct hail_addr local;

	cr_assert_eq(hail_socket_open(&socket, engine, NULL), 0);
	cr_assert_eq(hail_socket_local(socket, &local), 0);
	cr_assert_eq(local.sa.sa_family, AF_INET);
	cr_assert_eq(local.v4.sin_addr.s_addr, htonl(INADDR_ANY));
	live_end(engine);
}

Test(bun_bind, port_0_picks_one_and_local_tells_it)
{
	struct hail_addr any = live_addr("0.0.0.0", 0);
	struct live_talk talk = {0};
	struct live other = {0};

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.local = any));
	live_open(&other, talk.engine, &HAIL_SOCKET_OPTIONS(.local = any));
	cr_assert_neq(live_port(&talk.live), 0);
	cr_assert_neq(live_port(&talk.live), live_port(&other));
	live_talk_hear(&talk, "by the port that was told");
	live_talk_end(&talk);
}

Test(bun_bind, a_given_port_is_taken)
{
	struct live_talk talk = {0};
	struct hail_addr local, given;

	live_talk_start(&talk, NULL);
	given = live_local(&talk.live);
	live_close(&talk.live);
	live_open(&talk.live, talk.engine,
		  &HAIL_SOCKET_OPTIONS(.local = given));
	local = live_local(&talk.live);
	cr_assert(hail_addr_equal(&local, &given));
	live_talk_hear(&talk, "by the port that was given");
	live_talk_end(&talk);
}

Test(bun_bind, a_given_port_that_somebody_has_is_refused)
{
	struct live_talk talk = {0};
	struct live live = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(live_try_open(&live, talk.engine,
				   &HAIL_SOCKET_OPTIONS(.local = talk.remote)),
		     -EADDRINUSE);
	live_talk_end(&talk);
}

Test(bun_bind, a_name_is_resolved_beforehand_by_a_call_of_its_own)
{
	struct live_talk talk = {0};
	struct hail_addr local;

	cr_assert_eq(hail_addr_resolve(&local, "localhost", 0), 0);
	cr_assert(hail_addr_is_loopback(&local));
	if (local.sa.sa_family == AF_INET6)
		talk.ip = "::1";
	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.local = local));
	live_talk_hear(&talk, "by the address of the name");
	live_talk_end(&talk);
}

Test(bun_bind, the_any_address_of_ipv6_is_dual_stack)
{
	struct hail_addr any = live_addr("::", 0);
	struct live_talk v4 = {.ip = "127.0.0.1"}, v6 = {.ip = "::1"};

	live_talk_start(&v4, &HAIL_SOCKET_OPTIONS(.local = any));
	live_talk_hear(&v4, "by IPv4");
	live_talk_end(&v4);
	live_talk_start(&v6, &HAIL_SOCKET_OPTIONS(.local = any));
	live_talk_hear(&v6, "by IPv6");
	live_talk_end(&v6);
}
