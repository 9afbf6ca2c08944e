/* SPDX-License-Identifier: MIT */
/* multicast.c: what is heard of groups across a link, by which interface, and
 * that nothing of it is left behind. The far end speaks. */
#include "pair.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

TestSuite(multicast, .timeout = 90);

#define NEAR2_V4 "10.2.0.1"
#define FAR2_V4 "10.2.0.2"
#define FAR_SECOND_V4 "10.1.0.3"
#define FAR_SECOND_V6 "fd01::3"

struct family {
	const char *any; /* what hail's socket is bound to */
	const char *group, *other;
	const char *near;
	const char *far, *second; /* sources */
};

static const struct family families[] = {
	{"0.0.0.0", "239.1.2.3", "239.1.2.4", NEAR_V4, FAR_V4, FAR_SECOND_V4},
	{"::", "ff15::1:3", "ff15::1:4", NEAR_V6, FAR_V6, FAR_SECOND_V6},
	{"::", "ff02::1:3", "ff02::1:4", NEAR_V6, FAR_V6, FAR_SECOND_V6},
	{"::", "239.1.2.3", "239.1.2.4", NEAR_V4, FAR_V4, FAR_SECOND_V4},
};

/* A socket of hail's on the near end, and a voice on the far one. */
struct scene {
	struct pair pair;
	struct live live;
	struct hail_addr group, other, near, far, second;
	uint32_t interface;
	int voice;
};

/* The index of an interface in the socket's namespace. */
static uint32_t interface_of(int fd, const char *name)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	cr_assert_eq(ioctl(fd, SIOCGIFINDEX, &request), 0, "%s", name);
	return (uint32_t)request.ifr_ifindex;
}

/* A plain socket of the far end that speaks to groups by an interface. */
static int open_voice(const struct pair *pair, const char *ip, const char *name)
{
	struct hail_addr bound;
	int fd = pair_far(pair, ip, 0, &bound);
	int index = (int)interface_of(fd, name);
	struct ip_mreqn by4 = {.imr_ifindex = index};

	if (bound.sa.sa_family == AF_INET)
		cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by4,
					sizeof(by4)),
			     0);
	else
		cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF,
					&index, sizeof(index)),
			     0);
	return fd;
}

static void open_socket(struct scene *scene, const struct family *family)
{
	scene->live = (struct live){0};
	live_open(&scene->live, scene->pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(family->any, 0),
				       .reuse_addr = true));
	scene->group = live_addr(family->group, 0);
	scene->other = live_addr(family->other, 0);
	scene->near = live_addr(family->near, live_port(&scene->live));
	scene->far = live_addr(family->far, 0);
	scene->second = live_addr(family->second, 0);
	scene->voice = open_voice(&scene->pair, family->far, "far");
}

static void start(struct scene *scene)
{
	*scene = (struct scene){.voice = -1};
	pair_start(&scene->pair, NULL, NULL);
	pair_run(scene->pair.far,
		 "ip addr add " FAR_SECOND_V4 "/24 dev far && "
		 "ip addr add " FAR_SECOND_V6 "/64 dev far nodad");
	scene->interface = if_nametoindex("near");
	cr_assert_neq(scene->interface, 0);
}

static void close_socket(struct scene *scene)
{
	live_close(&scene->live);
	close(scene->voice);
}

/* A scene with one socket, for each family. */
#define for_each_family(scene)                                                 \
	for (const struct family *family = families;                           \
	     family < families + live_count(families) &&                       \
	     (open_socket(scene, family), true);                               \
	     close_socket(scene), family++)

static void say(int voice, const char *text, const struct hail_addr *group,
		uint16_t port)
{
	struct hail_addr to = *group;

	to.v4.sin_port = htons(port);
	cr_assert_eq(far_send(voice, text, strlen(text), &to), 0);
}

static void assert_hears(struct scene *scene, int voice,
			 const struct hail_addr *group)
{
	const size_t datagrams = scene->live.datagrams;

	say(voice, "to the group", group, hail_addr_port(&scene->near));
	live_until(scene->pair.engine, scene->live.datagrams > datagrams);
	live_expect_last(&scene->live, "to the group");
}

/* What is sent to the host afterwards comes, by the same link, and nothing
 * before it. */
static void assert_deaf(struct scene *scene, int voice,
			const struct hail_addr *group)
{
	const size_t datagrams = scene->live.datagrams;

	say(voice, "to the group", group, hail_addr_port(&scene->near));
	say(voice, "mark", &scene->near, hail_addr_port(&scene->near));
	live_until(scene->pair.engine, scene->live.datagrams > datagrams);
	live_settle(scene->pair.engine);
	cr_assert_eq(scene->live.datagrams, datagrams + 1);
	live_expect_last(&scene->live, "mark");
}

static int join(const struct scene *scene)
{
	return hail_multicast_join(scene->live.socket, &scene->group,
				   scene->interface);
}

static int leave(const struct scene *scene)
{
	return hail_multicast_leave(scene->live.socket, &scene->group,
				    scene->interface);
}

Test(multicast, a_group_is_heard_from_when_it_is_joined_until_it_is_left)
{
	struct scene scene;

	start(&scene);
	for_each_family(&scene)
	{
		assert_deaf(&scene, scene.voice, &scene.group);
		cr_assert_eq(join(&scene), 0);
		assert_hears(&scene, scene.voice, &scene.group);
		assert_deaf(&scene, scene.voice, &scene.other);
		cr_assert_eq(leave(&scene), 0);
		assert_deaf(&scene, scene.voice, &scene.group);
	}
	pair_end(&scene.pair);
}

Test(multicast, one_source_of_a_group_is_heard_and_no_other)
{
	struct hail_socket *socket;
	struct scene scene;
	int voice;

	start(&scene);
	for_each_family(&scene)
	{
		socket = scene.live.socket;
		voice = open_voice(&scene.pair, family->second, "far");
		cr_assert_eq(hail_multicast_join_source(socket, &scene.group,
							&scene.far,
							scene.interface),
			     0);
		assert_hears(&scene, scene.voice, &scene.group);
		assert_deaf(&scene, voice, &scene.group);
		cr_assert_eq(hail_multicast_join_source(socket, &scene.group,
							&scene.second,
							scene.interface),
			     0);
		assert_hears(&scene, voice, &scene.group);
		cr_assert_eq(hail_multicast_leave_source(socket, &scene.group,
							 &scene.far,
							 scene.interface),
			     0);
		assert_deaf(&scene, scene.voice, &scene.group);
		assert_hears(&scene, voice, &scene.group);
		cr_assert_eq(leave(&scene), 0);
		assert_deaf(&scene, voice, &scene.group);
		close(voice);
	}
	pair_end(&scene.pair);
}

Test(multicast, a_blocked_source_is_not_heard_until_it_is_unblocked)
{
	struct hail_socket *socket;
	struct scene scene;
	int voice;

	start(&scene);
	for_each_family(&scene)
	{
		socket = scene.live.socket;
		voice = open_voice(&scene.pair, family->second, "far");
		cr_assert_eq(join(&scene), 0);
		cr_assert_eq(hail_multicast_block(socket, &scene.group,
						  &scene.far, scene.interface),
			     0);
		assert_deaf(&scene, scene.voice, &scene.group);
		assert_hears(&scene, voice, &scene.group);
		cr_assert_eq(hail_multicast_unblock(socket, &scene.group,
						    &scene.far,
						    scene.interface),
			     0);
		assert_hears(&scene, scene.voice, &scene.group);
		close(voice);
	}
	pair_end(&scene.pair);
}

/* A call that Linux would take, and others be heard no longer. */
Test(multicast, what_is_refused_changes_nothing_of_what_is_heard)
{
	struct scene scene;

	start(&scene);
	for_each_family(&scene)
	{
		cr_assert_eq(join(&scene), 0);
		cr_assert_eq(hail_multicast_join_source(
				     scene.live.socket, &scene.group,
				     &scene.second, scene.interface),
			     -EINVAL);
		assert_hears(&scene, scene.voice, &scene.group);
		cr_assert_eq(hail_multicast_leave_source(
				     scene.live.socket, &scene.group,
				     &scene.second, scene.interface),
			     -EINVAL);
		assert_hears(&scene, scene.voice, &scene.group);
	}
	pair_end(&scene.pair);
}

Test(multicast, what_another_socket_of_the_port_joined_is_not_heard)
{
	struct live live = {0};
	struct scene scene;

	start(&scene);
	for_each_family(&scene)
	{
		live = (struct live){0};
		live_open(&live, scene.pair.engine,
			  &HAIL_SOCKET_OPTIONS(.local = live_local(&scene.live),
					       .reuse_addr = true));
		cr_assert_eq(hail_multicast_join(live.socket, &scene.other,
						 scene.interface),
			     0);
		cr_assert_eq(join(&scene), 0);
		say(scene.voice, "not his", &scene.other, live_port(&live));
		live_until(scene.pair.engine, live.datagrams == 1);
		assert_hears(&scene, scene.voice, &scene.group);
		cr_assert_eq(scene.live.datagrams, 1);
		say(scene.voice, "his", &scene.other, live_port(&live));
		live_until(scene.pair.engine, live.datagrams == 2);
		live_expect_last(&live, "his");
		live_close(&live);
	}
	pair_end(&scene.pair);
}

Test(multicast, a_dual_stack_socket_hears_both_families_at_once)
{
	struct hail_addr group4 = live_addr("::ffff:239.1.2.3", 0);
	struct hail_addr plain4 = live_addr("239.1.2.3", 0);
	struct hail_addr mapped = live_addr("::ffff:" FAR_V4, 0);
	struct scene scene;
	int voice;

	start(&scene);
	open_socket(&scene, &families[1]);
	voice = open_voice(&scene.pair, FAR_V4, "far");
	cr_assert_eq(join(&scene), 0);
	cr_assert_eq(hail_multicast_join(scene.live.socket, &group4,
					 scene.interface),
		     0);
	assert_hears(&scene, scene.voice, &scene.group);
	assert_hears(&scene, voice, &plain4);
	mapped.v6.sin6_port = htons(plain_port(voice));
	cr_assert(hail_addr_equal(&scene.live.last_remote, &mapped));
	cr_assert_eq(leave(&scene), 0);
	assert_deaf(&scene, scene.voice, &scene.group);
	assert_hears(&scene, voice, &plain4);
	close(voice);
	close_socket(&scene);
	pair_end(&scene.pair);
}

/* A second link between the two. */
static void add_link(const struct pair *pair)
{
	cr_assert_eq(network_link(pair->near, "near2", pair->far, "far2"), 0);
	pair_run(pair->near, "ip addr add " NEAR2_V4 "/24 dev near2 && "
			     "ip addr add fd02::1/64 dev near2 nodad && "
			     "ip link set dev near2 up");
	pair_run(pair->far, "ip addr add " FAR2_V4 "/24 dev far2 && "
			    "ip addr add fd02::2/64 dev far2 nodad && "
			    "ip link set dev far2 up");
	cr_assert_eq(network_await(pair->near, "near2"), 0);
	cr_assert_eq(network_await(pair->far, "far2"), 0);
}

static int open_second_voice(const struct scene *scene)
{
	bool four = scene->group.sa.sa_family == AF_INET;

	return open_voice(&scene->pair, four ? FAR2_V4 : "fd02::2", "far2");
}

Test(multicast, a_group_is_heard_on_the_interface_where_it_was_joined_only)
{
	struct scene scene;
	int voice;

	start(&scene);
	add_link(&scene.pair);
	for_each_family(&scene)
	{
		voice = open_second_voice(&scene);
		scene.interface = if_nametoindex("near2");
		cr_assert_eq(join(&scene), 0);
		assert_hears(&scene, voice, &scene.group);
		assert_deaf(&scene, scene.voice, &scene.group);
		scene.interface = if_nametoindex("near");
		cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
		cr_assert_eq(join(&scene), 0);
		assert_hears(&scene, voice, &scene.group);
		assert_hears(&scene, scene.voice, &scene.group);
		scene.interface = if_nametoindex("near2");
		cr_assert_eq(leave(&scene), 0);
		assert_hears(&scene, scene.voice, &scene.group);
		close(voice);
	}
	pair_end(&scene.pair);
}

Test(multicast, the_scope_of_a_group_is_the_interface_where_it_is_heard)
{
	struct scene scene;
	int voice;

	start(&scene);
	add_link(&scene.pair);
	open_socket(&scene, &families[2]);
	voice = open_second_voice(&scene);
	scene.interface = 0;
	scene.group = live_addr("ff02::1:3%near2", 0);
	cr_assert_eq(join(&scene), 0);
	scene.group = live_addr("ff02::1:3", 0);
	assert_hears(&scene, voice, &scene.group);
	assert_deaf(&scene, scene.voice, &scene.group);
	scene.group = live_addr("ff02::1:3%near", 0);
	cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
	scene.group = live_addr("ff02::1:3%near2", 0);
	cr_assert_eq(leave(&scene), 0);
	close(voice);
	close_socket(&scene);
	pair_end(&scene.pair);
}

Test(multicast, without_an_interface_a_group_is_heard_where_its_route_leads)
{
	struct scene scene;
	int voice;

	start(&scene);
	add_link(&scene.pair);
	pair_run(scene.pair.near, "ip route add 239.0.0.0/8 dev near2 && "
				  "ip route add multicast ff15::/16 dev near2 "
				  "table local metric 1");
	for_each_family(&scene)
	{
		if (scene.group.sa.sa_family == AF_INET6)
			scene.group = live_addr("ff15::1:3", 0);
		voice = open_second_voice(&scene);
		scene.interface = 0;
		cr_assert_eq(join(&scene), 0);
		assert_hears(&scene, voice, &scene.group);
		assert_deaf(&scene, scene.voice, &scene.group);
		scene.interface = if_nametoindex("near2");
		cr_assert_eq(join(&scene), -EADDRINUSE);
		scene.interface = 0;
		cr_assert_eq(leave(&scene), 0);
		close(voice);
	}
	pair_end(&scene.pair);
}

/* The link-local address comes a while after the link. */
static void await_link_local(int network, const char *name)
{
	pair_run(network,
		 "for i in $(seq 1000); do "
		 "ip -6 addr show dev %s scope link -tentative | "
		 "grep -q fe80 && exit 0; done; exit 1",
		 name);
}

/* A plain socket of the far end that hears a group on both links. */
static int open_listener(const struct pair *pair, const struct hail_addr *group,
			 uint16_t *port)
{
	bool four = group->sa.sa_family == AF_INET;
	struct hail_addr bound;
	int fd = pair_far(pair, four ? "0.0.0.0" : "::", 0, &bound);
	static const char *const names[] = {"far", "far2"};

	for (size_t i = 0; i < live_count(names); i++) {
		struct group_req request = {.gr_interface =
						    interface_of(fd, names[i])};

		memcpy(&request.gr_group, group, sizeof(*group));
		cr_assert_eq(setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6,
					MCAST_JOIN_GROUP, &request,
					sizeof(request)),
			     0);
	}
	*port = hail_addr_port(&bound);
	return fd;
}

/* Sends by hail; from whom it comes at the far end. */
static struct hail_addr send_to_group(struct scene *scene, const char *group)
{
	struct hail_addr to = live_addr(group, 0), from = {0};
	uint16_t port;
	int fd = open_listener(&scene->pair, &to, &port);
	char got[8];

	to.v4.sin_port = htons(port);
	cr_assert_eq(live_send(&scene->live, "hello", &to), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, &from),
		     5);
	close(fd);
	return from;
}

Test(multicast, what_is_sent_to_a_group_leaves_where_scope_and_routes_say)
{
	struct hail_addr from, near2 = live_addr(NEAR2_V4, 0);
	struct scene scene;

	start(&scene);
	add_link(&scene.pair);
	pair_run(scene.pair.near, "ip route add 239.2.0.0/16 dev near2 && "
				  "ip route add 239.1.0.0/16 dev near");
	await_link_local(scene.pair.near, "near");
	await_link_local(scene.pair.near, "near2");
	open_socket(&scene, &families[3]);
	from = send_to_group(&scene, "ff02::1:3%near");
	cr_assert_eq(from.v6.sin6_scope_id, interface_of(scene.voice, "far"));
	from = send_to_group(&scene, "ff02::1:3%near2");
	cr_assert_eq(from.v6.sin6_scope_id, interface_of(scene.voice, "far2"));
	from = send_to_group(&scene, "239.1.2.3");
	cr_assert_neq(from.v4.sin_addr.s_addr, near2.v4.sin_addr.s_addr);
	from = send_to_group(&scene, "239.2.2.3");
	cr_assert_eq(from.v4.sin_addr.s_addr, near2.v4.sin_addr.s_addr);
	close_socket(&scene);
	pair_end(&scene.pair);
}

/* Whether the near end's kernel has the group for anybody, as it would tell
 * others by IGMP and MLD. */
static bool is_member(const struct scene *scene)
{
	const unsigned char *byte = scene->group.v6.sin6_addr.s6_addr;
	char text[40];

	if (scene->group.sa.sa_family == AF_INET)
		snprintf(text, sizeof(text), "%08X",
			 scene->group.v4.sin_addr.s_addr);
	else
		for (int i = 0; i < 16; i++)
			snprintf(text + 2 * i, 3, "%02x", byte[i]);
	return !network_run(scene->pair.near,
			    "cat /proc/net/igmp /proc/net/igmp6 | grep -q %s",
			    text);
}

Test(multicast, closing_a_socket_leaves_its_groups)
{
	struct scene scene;

	start(&scene);
	for (size_t i = 0; i < live_count(families); i++) {
		open_socket(&scene, &families[i]);
		cr_assert_not(is_member(&scene));
		cr_assert_eq(join(&scene), 0);
		cr_assert(is_member(&scene));
		close_socket(&scene);
		cr_assert_not(is_member(&scene));
	}
	pair_end(&scene.pair);
}

Test(multicast, destroying_an_engine_leaves_its_sockets_groups)
{
	struct scene scene;

	start(&scene);
	open_socket(&scene, &families[0]);
	cr_assert_eq(join(&scene), 0);
	cr_assert(is_member(&scene));
	live_end(scene.pair.engine);
	scene.pair.engine = NULL;
	cr_assert_not(is_member(&scene));
	close(scene.voice);
	pair_end(&scene.pair);
}

Test(multicast, a_group_can_be_left_when_its_interface_is_gone)
{
	struct scene scene;

	start(&scene);
	for_each_family(&scene)
	{
		add_link(&scene.pair);
		scene.interface = if_nametoindex("near2");
		cr_assert_eq(join(&scene), 0);
		pair_run(scene.pair.near, "ip link del near2");
		cr_assert_eq(leave(&scene), 0);
		cr_assert_eq(leave(&scene), -ENODEV);
		cr_assert_eq(join(&scene), -ENODEV);
	}
	pair_end(&scene.pair);
}

/* Without IPv6 on it: its MTU is too small. */
Test(multicast, an_interface_without_the_family_of_the_group_is_told)
{
	struct scene scene;

	start(&scene);
	add_link(&scene.pair);
	pair_run(scene.pair.near, "ip link set dev near2 mtu 1000");
	open_socket(&scene, &families[1]);
	scene.interface = if_nametoindex("near2");
	cr_assert_eq(join(&scene), -ENODEV);
	cr_assert_eq(leave(&scene), -ENODEV);
	close_socket(&scene);
	pair_end(&scene.pair);
}

Test(multicast, a_socket_bound_to_a_host_hears_no_group_one_bound_to_it_does)
{
	struct scene scene;
	struct live live;

	start(&scene);
	for_each_family(&scene)
	{
		struct hail_addr at_group = scene.group;

		at_group.v4.sin_port = scene.near.v4.sin_port;
		if (at_group.sa.sa_family == AF_INET6)
			at_group.v6.sin6_scope_id = scene.interface;
		live = (struct live){0};
		live_open(&live, scene.pair.engine,
			  &HAIL_SOCKET_OPTIONS(.local = scene.near,
					       .reuse_addr = true));
		cr_assert_eq(hail_multicast_join(live.socket, &scene.group,
						 scene.interface),
			     0);
		cr_assert_eq(join(&scene), 0);
		assert_hears(&scene, scene.voice, &scene.group);
		live_close(&live);
		cr_assert_eq(live.datagrams, 0);
		live_open(&live, scene.pair.engine,
			  &HAIL_SOCKET_OPTIONS(.local = at_group,
					       .reuse_addr = true));
		cr_assert_eq(hail_multicast_join(live.socket, &scene.group,
						 scene.interface),
			     0);
		assert_hears(&scene, scene.voice, &scene.group);
		live_until(scene.pair.engine, live.datagrams == 1);
		live_close(&live);
	}
	pair_end(&scene.pair);
}
