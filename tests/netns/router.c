/* SPDX-License-Identifier: MIT */
/* router.c: routes, and no limits to what a router says. */
#include "router.h"

static void run_all(int network, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pair_run(network, "%s", lines[i]);
}

void router_start(const struct pair *pair)
{
	static const char *const far[] = {
		"ip route add unreachable 10.2.1.0/24",
		"ip route add prohibit 10.2.2.0/24",
		"ip route add unreachable fd02:1::/64",
		"ip route add prohibit fd02:2::/64",
	};
	static const char *const settings[][2] = {
		{"ipv4/ip_forward", "1"},
		{"ipv6/conf/all/forwarding", "1"},
		{"ipv4/icmp_ratelimit", "0"},
		{"ipv4/icmp_msgs_per_sec", "100000"},
		{"ipv4/icmp_msgs_burst", "100000"},
		{"ipv6/icmp/ratelimit", "0"},
	};

	run_all(pair->far, far, live_count(far));
	for (size_t i = 0; i < live_count(settings); i++)
		cr_assert_eq(
			network_set(pair->far, settings[i][0], settings[i][1]),
			0);
	pair_run(pair->near, "ip route add 10.2.0.0/15 via " FAR_V4);
	pair_run(pair->near, "ip route add fd02::/15 via " FAR_V6);
}

int router_open_beyond(const struct pair *pair, unsigned mtu)
{
	static const char *const far[] = {
		"ip addr add 10.3.0.1/24 dev in",
		"ip addr add fd03::1/64 dev in",
	};
	static const char *const there[] = {
		"ip addr add " BEYOND_V4 "/24 dev out",
		"ip addr add " BEYOND_V6 "/64 dev out",
	};
	static const char *const ways[] = {
		"ip route add default via 10.3.0.1",
		"ip -6 route add default via fd03::1",
	};
	int beyond = network_open();

	cr_assert_geq(beyond, 0);
	cr_assert_eq(network_link(pair->far, "in", beyond, "out"), 0);
	run_all(pair->far, far, live_count(far));
	run_all(beyond, there, live_count(there));
	pair_run(pair->far, "ip link set in mtu %u up", mtu);
	pair_run(beyond, "ip link set out mtu %u up", mtu);
	cr_assert_eq(network_await(pair->far, "in"), 0);
	cr_assert_eq(network_await(beyond, "out"), 0);
	run_all(beyond, ways, live_count(ways));
	return beyond;
}
