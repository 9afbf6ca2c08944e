/* SPDX-License-Identifier: MIT */
/* options.c: what Bun sets by setBroadcast, setTTL (1 to 255), setMulticastTTL
 * (which refuses 0 there), setMulticastLoopback, setMulticastInterface, and the
 * groups of addMembership, dropMembership and their source-specific kin: IPv4
 * by an interface's address, IPv6 by its scope. Groups are heard here by the
 * machine that speaks, on one of its two links. */
#include "netns/pair.h"

#include <net/if.h>
#include <stdio.h>

static const char *const any[] = {"0.0.0.0", "::"};
static const char *const groups[] = {"239.1.2.3", "ff15::1:3"};
static const char *const hosts[] = {NEAR_V4, NEAR_V6};
static const char *const seconds[] = {"10.2.0.1", "fd02::1"};

/* A socket that sends to a group and one that may hear it. */
struct group {
	struct pair pair;
	struct hail_engine *engine;
	struct live sender, hearer;
	struct hail_addr group, to, source, last;
	uint32_t near;
};

static void set(struct live *live, uint32_t option, uint32_t value)
{
	cr_assert_eq(hail_socket_set(live->socket, option, value), 0);
}

static void group_start(struct group *group)
{
	memset(group, 0, sizeof(*group));
	pair_start(&group->pair, NULL, NULL);
	group->engine = group->pair.engine;
	group->near = if_nametoindex("near");
}

static void group_open(struct group *group, int family)
{
	uint16_t port;

	group->hearer = group->sender = (struct live){0};
	live_open(&group->hearer, group->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(any[family], 0),
				       .facts = HAIL_FACT_ALL));
	live_open(&group->sender, group->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(any[family], 0),
				       .multicast_interface = group->near));
	port = live_port(&group->hearer);
	group->group = live_addr(groups[family], 0);
	group->to = live_addr(groups[family], port);
	group->source = live_addr(hosts[family], 0);
	group->last = live_addr(hosts[family], port);
}

static void group_close(struct group *group)
{
	live_close(&group->hearer);
	live_close(&group->sender);
}

/* One pair of sockets after the other, of each family. */
#define for_each_group(group, f)                                               \
	for (int f = 0; f < 2 && (group_open(group, f), true);                 \
	     group_close(group), f++)

static void group_join(struct group *group, uint32_t interface)
{
	cr_assert_eq(hail_multicast_join(group->hearer.socket, &group->group,
					 interface),
		     0);
}

static void assert_hears(struct group *group)
{
	size_t before = group->hearer.datagrams;

	cr_assert_eq(live_send(&group->sender, "group", &group->to), 0);
	live_until(group->engine, group->hearer.datagrams > before);
	live_expect_last(&group->hearer, "group");
}

static void assert_deaf(struct group *group)
{
	size_t before = group->hearer.datagrams;

	cr_assert_eq(live_send(&group->sender, "group", &group->to), 0);
	cr_assert_eq(live_send(&group->sender, "last", &group->last), 0);
	live_until(group->engine, group->hearer.datagrams > before);
	live_settle(group->engine);
	cr_assert_eq(group->hearer.datagrams, before + 1);
	live_expect_last(&group->hearer, "last");
}

Test(bun_options, broadcasting_has_to_be_set)
{
	struct hail_addr local = live_addr("0.0.0.0", 0), all;
	struct live_talk talk = {0};

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.local = local));
	all = live_addr("127.255.255.255", live_port(&talk.live));
	cr_assert_eq(live_send(&talk.live, "no", &all), -EACCES);
	set(&talk.live, HAIL_OPTION_BROADCAST, 1);
	cr_assert_eq(live_send(&talk.live, "to all", &all), 0);
	live_until(talk.engine, talk.live.datagrams == 1);
	live_expect_last(&talk.live, "to all");
	set(&talk.live, HAIL_OPTION_BROADCAST, 0);
	cr_assert_eq(live_send(&talk.live, "no", &all), -EACCES);
	live_talk_end(&talk);
}

static void assert_ttls(const char *ip)
{
	static const uint32_t ttls[] = {1, 64, 255};
	struct live_talk talk = {.ip = ip};
	struct hail_addr self;

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_TTL));
	self = live_local(&talk.live);
	for (size_t i = 0; i < live_count(ttls); i++) {
		set(&talk.live, HAIL_OPTION_TTL, ttls[i]);
		cr_assert_eq(live_send(&talk.live, "x", &self), 0);
		live_until(talk.engine, talk.live.datagrams == i + 1);
		cr_assert_eq(talk.live.last_facts.ttl, ttls[i]);
	}
	cr_assert_eq(hail_socket_set(talk.live.socket, HAIL_OPTION_TTL, 0),
		     -EINVAL);
	cr_assert_eq(hail_socket_set(talk.live.socket, HAIL_OPTION_TTL, 256),
		     -EINVAL);
	live_talk_end(&talk);
}

Test(bun_options, the_ttl_is_1_to_255)
{
	assert_ttls("127.0.0.1");
	assert_ttls("::1");
}

Test(bun_options, the_multicast_ttl_is_0_to_255)
{
	static const uint32_t ttls[] = {0, 1, 255};
	struct group group;

	group_start(&group);
	for_each_group(&group, f)
	{
		group_join(&group, group.near);
		for (size_t i = 0; i < live_count(ttls); i++) {
			set(&group.sender, HAIL_OPTION_MULTICAST_TTL, ttls[i]);
			assert_hears(&group);
			cr_assert_eq(group.hearer.last_facts.ttl, ttls[i]);
		}
		cr_assert_eq(hail_socket_set(group.sender.socket,
					     HAIL_OPTION_MULTICAST_TTL, 256),
			     -EINVAL);
	}
	pair_end(&group.pair);
}

Test(bun_options, the_multicast_loop_can_be_turned_off)
{
	struct group group;

	group_start(&group);
	for_each_group(&group, f)
	{
		group_join(&group, group.near);
		assert_hears(&group);
		set(&group.sender, HAIL_OPTION_MULTICAST_LOOP, 0);
		assert_deaf(&group);
	}
	pair_end(&group.pair);
}

Test(bun_options, a_group_is_joined_and_left)
{
	struct group group;

	group_start(&group);
	for_each_group(&group, f)
	{
		assert_deaf(&group);
		group_join(&group, group.near);
		assert_hears(&group);
		cr_assert_eq(hail_multicast_leave(group.hearer.socket,
						  &group.group, group.near),
			     0);
		assert_deaf(&group);
	}
	pair_end(&group.pair);
}

Test(bun_options, one_source_of_a_group_is_joined_and_left)
{
	struct group group;

	group_start(&group);
	for_each_group(&group, f)
	{
		struct hail_socket *hearer = group.hearer.socket;
		struct hail_addr other = live_addr(seconds[f], 0);

		cr_assert_eq(hail_multicast_join_source(hearer, &group.group,
							&other, group.near),
			     0);
		assert_deaf(&group);
		cr_assert_eq(hail_multicast_join_source(hearer, &group.group,
							&group.source,
							group.near),
			     0);
		assert_hears(&group);
		cr_assert_eq(hail_multicast_leave_source(hearer, &group.group,
							 &group.source,
							 group.near),
			     0);
		assert_deaf(&group);
	}
	pair_end(&group.pair);
}

/* Another link of the near end, with an address of each family. */
static uint32_t add_link(struct pair *pair)
{
	cr_assert_eq(network_link(pair->near, "second", pair->far, "other"), 0);
	pair_run(pair->near, "ip addr add %s/24 dev second", seconds[0]);
	pair_run(pair->near, "ip addr add %s/64 dev second", seconds[1]);
	pair_run(pair->far, "ip link set other up");
	pair_run(pair->near, "ip link set second up");
	cr_assert_eq(network_await(pair->near, "second"), 0);
	return if_nametoindex("second");
}

/* The interface by which a datagram to the group came back. */
static uint32_t way_of(struct group *group, const char *interface)
{
	uint32_t index;

	cr_assert_eq(hail_interface_find(&index, interface), 0, "%s",
		     interface);
	set(&group->sender, HAIL_OPTION_MULTICAST_INTERFACE, index);
	assert_hears(group);
	return group->hearer.last_facts.interface;
}

Test(bun_options, an_interface_is_given_by_name_index_or_address_of_any_family)
{
	struct group group;
	uint32_t second;
	char index[16];

	group_start(&group);
	second = add_link(&group.pair);
	snprintf(index, sizeof(index), "%u", second);
	for_each_group(&group, f)
	{
		group_join(&group, group.near);
		group_join(&group, second);
		cr_assert_eq(way_of(&group, "second"), second);
		cr_assert_eq(way_of(&group, NEAR_V4), group.near);
		cr_assert_eq(way_of(&group, index), second);
		cr_assert_eq(way_of(&group, NEAR_V6), group.near);
		cr_assert_eq(way_of(&group, seconds[0]), second);
		cr_assert_eq(way_of(&group, "near"), group.near);
		cr_assert_eq(way_of(&group, seconds[1]), second);
	}
	pair_end(&group.pair);
}
