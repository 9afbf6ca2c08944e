/* SPDX-License-Identifier: MIT */
/* ipv6.c: IPv6 over a real link: global and link-local addresses, both families
 * in one socket, and datagrams of every size. */
#include "pair.h"

#include <net/if.h>
#include <stdio.h>

TestSuite(ipv6, .timeout = 90);

#define DATAGRAM_MAX_V4 65507
#define DATAGRAM_MAX_V6 65527

/* Hail sends, the far end answers to where that came from, hail answers to
 * where this came from. */
static void assert_talk(struct live *live, int fd, const struct hail_addr *far)
{
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;
	const size_t datagrams = live->datagrams;
	struct hail_addr near;
	char got[16];

	cr_assert_eq(live_send(live, "hello", far), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got), deadline, NULL, &near),
		     5);
	cr_assert_eq(far_send(fd, "answer", 6, &near), 0);
	live_until(live->engine, live->datagrams == datagrams + 1);
	live_expect_last(live, "answer");
	cr_assert_eq(hail_send(live->socket, "thanks!", 7, &live->last_remote),
		     0);
	cr_assert_eq(far_receive(fd, got, sizeof(got), deadline, NULL, NULL),
		     7);
}

Test(ipv6, datagrams_cross_the_link_in_both_directions)
{
	struct hail_addr far;
	struct live live = {0};
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V6, 0, &far);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V6, 0)));
	assert_talk(&live, fd, &far);
	cr_assert(hail_addr_equal(&live.last_remote, &far));
	pair_end(&pair);
	close(fd);
}

Test(ipv6, a_connected_socket_crosses_the_link)
{
	struct hail_addr far, remote;
	struct live live = {0};
	struct pair pair;
	char got[8];
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V6, 0, &far);
	live_open(&live, pair.engine, &HAIL_SOCKET_OPTIONS(.remote = far));
	cr_assert_eq(hail_socket_remote(live.socket, &remote), 0);
	cr_assert(hail_addr_equal(&remote, &far));
	cr_assert_eq(live_send(&live, "yes", NULL), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, NULL),
		     3);
	pair_end(&pair);
	close(fd);
}

/* A plain socket of the far end that takes what comes to any of its addresses,
 * and where it is as the near end names it. */
static int open_far_any(const struct pair *pair, struct hail_addr *out)
{
	struct hail_addr bound;
	int fd = pair_far(pair, "::", 0, &bound);

	*out = live_addr(FAR_LINK_LOCAL "%near", hail_addr_port(&bound));
	return fd;
}

Test(ipv6, a_link_local_address_with_its_interface_is_read_and_written)
{
	char text[HAIL_ADDR_TEXT_MAX], by_number[64];
	struct hail_addr named, numbered, none;
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	named = live_addr(FAR_LINK_LOCAL "%near", 53);
	cr_assert_eq(named.v6.sin6_scope_id, if_nametoindex("near"));
	snprintf(by_number, sizeof(by_number), FAR_LINK_LOCAL "%%%u",
		 if_nametoindex("near"));
	numbered = live_addr(by_number, 53);
	cr_assert(hail_addr_equal(&named, &numbered));
	cr_assert_gt(hail_addr_format(&named, text, sizeof(text)), 0);
	cr_assert_str_eq(text, "[" FAR_LINK_LOCAL "%near]:53");
	cr_assert_eq(hail_addr_parse(&none, FAR_LINK_LOCAL "%nowhere", 53),
		     -ENODEV);
	pair_end(&pair);
}

Test(ipv6, link_local_peers_talk_and_are_told_with_their_interface)
{
	struct hail_addr far;
	struct live live = {0};
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = open_far_any(&pair, &far);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	assert_talk(&live, fd, &far);
	cr_assert(hail_addr_equal(&live.last_remote, &far));
	cr_assert_eq(live.last_remote.v6.sin6_scope_id, if_nametoindex("near"));
	pair_end(&pair);
	close(fd);
}

Test(ipv6, a_socket_is_bound_and_connected_to_link_local_addresses)
{
	const struct hail_message message = {"batch", 5, NULL};
	struct hail_addr far, local;
	struct live live = {0};
	struct pair pair;
	char got[8];
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = open_far_any(&pair, &far);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(
					       NEAR_LINK_LOCAL "%near", 0),
				       .remote = far));
	local = live_local(&live);
	cr_assert_eq(local.v6.sin6_scope_id, if_nametoindex("near"));
	cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, &far),
		     5);
	cr_assert_eq(far_send(fd, "here", 4, &far), 0);
	live_until(pair.engine, live.datagrams == 1);
	live_expect_last(&live, "here");
	pair_end(&pair);
	close(fd);
}

/* Which link is meant nobody can know; the kernel says so. */
Test(ipv6, connecting_to_a_link_local_address_needs_its_interface)
{
	struct hail_addr far;
	struct live live = {0};
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	far = live_addr(FAR_LINK_LOCAL, 9);
	cr_assert_eq(live_try_open(&live, pair.engine,
				   &HAIL_SOCKET_OPTIONS(.remote = far)),
		     -EINVAL);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	cr_assert_eq(hail_socket_connect(live.socket, &far), -EINVAL);
	far = live_addr(FAR_LINK_LOCAL "%near", 9);
	cr_assert_eq(hail_socket_connect(live.socket, &far), 0);
	pair_end(&pair);
}

Test(ipv6, a_dual_stack_socket_talks_to_both_families_across_the_link)
{
	struct hail_addr far4, far6, mapped;
	struct live live = {0};
	struct pair pair;
	int fd4, fd6;

	pair_start(&pair, NULL, NULL);
	fd4 = pair_far(&pair, FAR_V4, 0, &far4);
	fd6 = pair_far(&pair, FAR_V6, 0, &far6);
	mapped = live_addr("::ffff:" FAR_V4, hail_addr_port(&far4));
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	assert_talk(&live, fd6, &far6);
	cr_assert(hail_addr_equal(&live.last_remote, &far6));
	assert_talk(&live, fd4, &far4);
	cr_assert(hail_addr_equal(&live.last_remote, &mapped));
	assert_talk(&live, fd4, &mapped);
	pair_end(&pair);
	close(fd4);
	close(fd6);
}

/* Larger ones cross in fragments, both ways. */
static void assert_sizes(struct pair *pair, const char *near_ip,
			 const char *far_ip, size_t largest)
{
	const size_t sizes[] = {0, 1, 1232, 1233, 1472, 1473, 9000, largest};
	static unsigned char payload[65536], got[65536];
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;
	struct hail_addr far, near;
	struct live live = {0};
	int fd = pair_far(pair, far_ip, 0, &far);

	live_open(&live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(near_ip, 0),
				       .path_mtu = HAIL_PATH_MTU_WANT));
	near = live_local(&live);
	memset(payload, 0x5a, sizeof(payload));
	for (size_t i = 0; i < live_count(sizes); i++) {
		const ssize_t size = (ssize_t)sizes[i];

		cr_assert_eq(hail_send(live.socket, payload, sizes[i], &far),
			     0);
		cr_assert_eq(
			far_receive(fd, got, sizeof(got), deadline, NULL, NULL),
			size);
		cr_assert_arr_eq(got, payload, sizes[i]);
		cr_assert_eq(far_send(fd, payload, sizes[i], &near), 0);
		live_until(pair->engine, live.datagrams == i + 1);
		cr_assert_eq(live.last_size, sizes[i]);
		cr_assert_arr_eq(live.last, payload, sizes[i]);
	}
	cr_assert_eq(hail_send(live.socket, payload, largest + 1, &far),
		     -EMSGSIZE);
	live_close(&live);
	close(fd);
}

Test(ipv6, datagrams_of_every_size_cross_the_link_as_they_do_with_ipv4)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	assert_sizes(&pair, NEAR_V6, FAR_V6, DATAGRAM_MAX_V6);
	assert_sizes(&pair, NEAR_V4, FAR_V4, DATAGRAM_MAX_V4);
	pair_end(&pair);
}
