/* SPDX-License-Identifier: MIT */
/* dual_stack.c: one socket for both families. As in Bun, peers of IPv4 appear
 * as ::ffff:a.b.c.d, and plain IPv4 addresses may be sent to. */
#include "support/live.h"

static void start(struct live_talk *talk)
{
	live_talk_start(talk,
			&HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
}

Test(bun_dual_stack, ipv4_peers_appear_mapped)
{
	struct live_talk talk = {0};
	struct hail_addr mapped;

	start(&talk);
	live_talk_hear(&talk, "who");
	mapped = live_addr("::ffff:127.0.0.1", plain_port(talk.fd));
	cr_assert(hail_addr_equal(&talk.live.last_remote, &mapped));
	live_talk_end(&talk);
}

Test(bun_dual_stack, a_plain_ipv4_address_can_be_sent_to)
{
	struct live_talk talk = {0};

	start(&talk);
	cr_assert_eq(talk.remote.sa.sa_family, AF_INET);
	cr_assert_eq(live_send(&talk.live, "plainly", &talk.remote), 0);
	live_expect(talk.fd, "plainly");
	live_talk_end(&talk);
}

Test(bun_dual_stack, a_mapped_address_can_be_told_and_converted)
{
	struct live_talk talk = {0};
	struct hail_addr peer, before;

	start(&talk);
	live_talk_hear(&talk, "who");
	before = peer = talk.live.last_remote;
	cr_assert(hail_addr_is_v4_mapped(&peer));
	cr_assert_eq(hail_addr_unmap(&peer), 0);
	cr_assert_not(hail_addr_is_v4_mapped(&peer));
	cr_assert(hail_addr_equal(&peer, &talk.remote));
	cr_assert_eq(hail_addr_map(&peer), 0);
	cr_assert(hail_addr_equal(&peer, &before));
	live_talk_end(&talk);
}
