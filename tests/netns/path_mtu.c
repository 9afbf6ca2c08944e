/* SPDX-License-Identifier: MIT */
/* path_mtu.c: how wide a way is, and what becomes of datagrams that are too
 * long for it. Behind the far end there is a narrower link, 10.3.0.0/24 and
 * fd03::/64. */
#include "pair.h"

#include <net/if.h>

TestSuite(path_mtu, .timeout = 90);

#define WIDE 1500
#define NARROW 1300
#define BEYOND_V4 "10.3.0.2"
#define BEYOND_V6 "fd03::2"

struct narrow {
	struct pair pair;
	int beyond;
};

static void start(struct narrow *narrow)
{
	static const char *const far[] = {
		"ip addr add 10.3.0.1/24 dev in",
		"ip addr add fd03::1/64 dev in",
		"ip link set in mtu 1300 up",
	};
	static const char *const beyond[] = {
		"ip addr add " BEYOND_V4 "/24 dev out",
		"ip addr add " BEYOND_V6 "/64 dev out",
		"ip link set out mtu 1300 up",
		"ip route add default via 10.3.0.1",
		"ip -6 route add default via fd03::1",
	};
	struct pair *pair = &narrow->pair;

	pair_start(pair, NULL, NULL);
	narrow->beyond = network_open();
	cr_assert_geq(narrow->beyond, 0);
	cr_assert_eq(network_link(pair->far, "in", narrow->beyond, "out"), 0);
	for (size_t i = 0; i < live_count(far); i++)
		pair_run(pair->far, "%s", far[i]);
	for (size_t i = 0; i < live_count(beyond); i++)
		pair_run(narrow->beyond, "%s", beyond[i]);
	cr_assert_eq(network_set(pair->far, "ipv4/ip_forward", "1"), 0);
	cr_assert_eq(network_set(pair->far, "ipv6/conf/all/forwarding", "1"),
		     0);
	cr_assert_eq(network_set(pair->far, "ipv4/icmp_ratelimit", "0"), 0);
	cr_assert_eq(network_set(pair->far, "ipv6/icmp/ratelimit", "0"), 0);
	cr_assert_eq(network_await(pair->far, "in"), 0);
	cr_assert_eq(network_await(narrow->beyond, "out"), 0);
	pair_run(pair->near, "ip route add 10.3.0.0/24 via " FAR_V4);
	pair_run(pair->near, "ip -6 route add fd03::/64 via " FAR_V6);
}

static void end(struct narrow *narrow)
{
	pair_end(&narrow->pair);
	close(narrow->beyond);
}

static uint32_t mtu_of(const struct live *live, const struct hail_addr *remote)
{
	uint32_t mtu = 0;
	int err = hail_socket_path_mtu(live->socket, remote, &mtu);

	cr_assert_eq(err, 0, "%s", hail_strerror(err));
	return mtu;
}

static struct hail_socket_options any_of(const char *ip)
{
	return HAIL_SOCKET_OPTIONS(.local = live_addr(
					   strchr(ip, ':') ? "::" : "0.0.0.0",
					   0));
}

/* A socket of `any` sends; others are asked. */
static void assert_learned(const char *any, const char *ip)
{
	static const unsigned char payload[WIDE - 100];
	struct hail_socket_options options = any_of(any);
	struct live sender = {0}, other = {0}, connected = {0};
	const struct hail_addr remote = live_addr(ip, 9);
	const struct hail_addr portless = live_addr(ip, 0);
	struct narrow narrow;

	start(&narrow);
	live_open(&sender, narrow.pair.engine, &options);
	live_open(&other, narrow.pair.engine, &options);
	options.remote = remote;
	live_open(&connected, narrow.pair.engine, &options);
	cr_assert_eq(mtu_of(&sender, &remote), WIDE);
	cr_assert_eq(mtu_of(&connected, NULL), WIDE);
	cr_assert_eq(
		hail_send(sender.socket, payload, sizeof(payload), &remote), 0);
	live_until(narrow.pair.engine, mtu_of(&sender, &remote) == NARROW);
	cr_assert_eq(mtu_of(&other, &remote), NARROW);
	cr_assert_eq(mtu_of(&other, &portless), NARROW);
	cr_assert_eq(mtu_of(&connected, NULL), NARROW);
	cr_assert_eq(mtu_of(&connected, &remote), NARROW);
	end(&narrow);
}

Test(path_mtu, what_one_socket_has_learned_every_socket_tells_in_ipv4)
{
	assert_learned("0.0.0.0", BEYOND_V4);
}

Test(path_mtu, what_one_socket_has_learned_every_socket_tells_in_ipv6)
{
	assert_learned("::", BEYOND_V6);
}

Test(path_mtu, a_dual_stack_socket_tells_it_of_ipv4)
{
	assert_learned("::", BEYOND_V4);
	assert_learned("::", "::ffff:" BEYOND_V4);
}

/* The near end has another way to 10.4.0.0/24, for those who choose it. */
Test(path_mtu, it_is_that_of_the_way_that_the_socket_takes)
{
	static const char *const lines[] = {
		"ip link add other type veth peer name end",
		"ip link set other mtu 1400 up",
		"ip link set end up",
		"ip addr add 10.5.0.1/24 dev other",
		"ip route add 10.4.0.0/24 via " FAR_V4 " metric 10",
		"ip route add 10.4.0.0/24 dev other metric 20",
		"ip route add 239.0.0.0/8 dev near",
		"ip route add 10.4.0.0/24 via " FAR_V4 " mtu lock 1100 table 7",
		"ip rule add fwmark 7 table 7",
		"ip route add 10.4.0.0/24 via " FAR_V4 " mtu lock 1200 table 8",
		"ip rule add from 10.5.0.1 table 8",
		"ip route add 10.4.0.0/24 via " FAR_V4 " mtu lock 1250 table 9",
		"ip rule add tos 0x10 table 9",
	};
	const struct hail_addr remote = live_addr("10.4.0.2", 9);
	const struct hail_addr group = live_addr("239.1.1.1", 9);
	struct pair pair;
	uint32_t other;

	pair_start(&pair, NULL, NULL);
	for (size_t i = 0; i < live_count(lines); i++)
		pair_run(pair.near, "%s", lines[i]);
	other = if_nametoindex("other");
	cr_assert_gt(other, 0);

	const struct {
		struct hail_socket_options options;
		const struct hail_addr *remote;
		uint32_t mtu;
	} cases[] = {
		{HAIL_SOCKET_OPTIONS(.window = 0), &remote, WIDE},
		{HAIL_SOCKET_OPTIONS(.device = other), &remote, 1400},
		{HAIL_SOCKET_OPTIONS(.mark = 7), &remote, 1100},
		{HAIL_SOCKET_OPTIONS(.local = live_addr("10.5.0.1", 0)),
		 &remote, 1200},
		{HAIL_SOCKET_OPTIONS(.tos = 0x10), &remote, 1250},
		{HAIL_SOCKET_OPTIONS(.window = 0), &group, WIDE},
		{HAIL_SOCKET_OPTIONS(.multicast_interface = other), &group,
		 1400},
	};
	for (size_t i = 0; i < live_count(cases); i++) {
		struct hail_socket_options options = cases[i].options;
		unsigned descriptors;
		struct live live = {0};

		if (!options.local.sa.sa_family)
			options.local = live_addr("0.0.0.0", 0);
		live_open(&live, pair.engine, &options);
		descriptors = plain_descriptors();
		cr_expect_eq(mtu_of(&live, cases[i].remote), cases[i].mtu,
			     "case %zu: %u", i, mtu_of(&live, cases[i].remote));
		cr_expect_eq(plain_descriptors(), descriptors);
		live_close(&live);
	}
	pair_end(&pair);
}

Test(path_mtu, there_is_none_where_there_is_no_way)
{
	const struct {
		struct hail_addr remote;
		int error;
	} cases[] = {
		{live_addr("192.0.2.1", 9), -ENETUNREACH},
		{live_addr("2001:db8::1", 9), -EAFNOSUPPORT},
		{live_addr("::ffff:" FAR_V4, 9), -EAFNOSUPPORT},
		{live_addr("10.1.0.255", 9), -EACCES}, /* broadcast */
		{{.sa.sa_family = AF_UNSPEC}, -EINVAL},
		{{.sa.sa_family = AF_UNIX}, -EAFNOSUPPORT},
	};
	const struct hail_addr remote = live_addr(FAR_V4, 9);
	struct hail_socket_options options = any_of("0.0.0.0");
	struct live live = {0};
	struct pair pair;
	uint32_t mtu = 77;

	pair_start(&pair, NULL, NULL);
	live_open(&live, pair.engine, &options);
	for (size_t i = 0; i < live_count(cases); i++) {
		int err = hail_socket_path_mtu(live.socket, &cases[i].remote,
					       &mtu);

		cr_expect_eq(err, cases[i].error, "case %zu: %d", i, err);
	}
	cr_assert_eq(hail_socket_path_mtu(live.socket, NULL, &mtu), -ENOTCONN);
	cr_assert_eq(hail_socket_path_mtu(NULL, &remote, &mtu), -EINVAL);
	cr_assert_eq(hail_socket_path_mtu(live.socket, &remote, NULL), -EINVAL);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(hail_socket_path_mtu(live.socket, &remote, &mtu), -EBADF);
	cr_assert_eq(mtu, 77);
	pair_end(&pair);
}

/* Its routes can't be asked for from here. */
Test(path_mtu, it_is_not_told_of_another_network)
{
	const struct hail_addr remote = live_addr(NEAR_V4, 9);
	struct hail_socket *socket = NULL;
	struct hail_addr at;
	struct pair pair;
	uint32_t mtu = 77;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &at);
	cr_assert_eq(hail_socket_adopt(&socket, pair.engine, fd, NULL), 0);
	cr_assert_eq(hail_socket_path_mtu(socket, &remote, &mtu), -ENOTSUP);
	cr_assert_eq(mtu, 77);
	pair_end(&pair);
}

#define ABOVE_WIDE 3000
#define ABOVE_NARROW 1400

static const struct mode {
	uint32_t path_mtu;
	int above_wide; /* what sending that answers */
	/* How many of two above the narrow link's MTU arrive in IPv4, where
	 * routers may cut, and in IPv6; the first, and what a router says of
	 * it, decides over the second. */
	uint32_t arrive_v4, arrive_v6;
	bool learns_v4, learns_v6;
} modes[] = {
	{HAIL_PATH_MTU_PROBE, -EMSGSIZE, 0, 0, true, true},
	{HAIL_PATH_MTU_WANT, 0, 1, 1, true, true},
	{HAIL_PATH_MTU_DONT, 0, 2, 1, false, true},
	{HAIL_PATH_MTU_INTERFACE, -EMSGSIZE, 2, 0, false, false},
	{HAIL_PATH_MTU_OMIT, 0, 2, 0, false, false},
};

static void send_two(struct narrow *narrow, struct live *live,
		     const struct hail_addr *remote, bool learns)
{
	unsigned char payload[ABOVE_NARROW];

	for (uint32_t i = 0; i < 2; i++) {
		numbered_write(payload, sizeof(payload), 0, i);
		cr_assert_eq(hail_send(live->socket, payload, sizeof(payload),
				       remote),
			     0);
		if (learns)
			live_until(narrow->pair.engine,
				   mtu_of(live, remote) == NARROW);
	}
}

static void assert_mode(const struct mode *mode, bool six)
{
	const char *ip = six ? BEYOND_V6 : BEYOND_V4;
	const char *far_ip = six ? FAR_V6 : FAR_V4;
	const uint32_t arrive = six ? mode->arrive_v6 : mode->arrive_v4;
	static const unsigned char large[ABOVE_WIDE];
	const struct hail_addr far = live_addr(far_ip, 9);
	struct hail_socket_options options = any_of(ip);
	struct arrivals arrivals = {0};
	struct live live = {0};
	struct narrow narrow;
	struct hail_addr remote;
	int fd;

	start(&narrow);
	fd = far_open(narrow.beyond, ip, 0, &remote);
	cr_assert_geq(fd, 0);
	options.path_mtu = mode->path_mtu;
	live_open(&live, narrow.pair.engine, &options);
	cr_expect_eq(hail_send(live.socket, large, sizeof(large), &far),
		     mode->above_wide, "mode %u, %s", mode->path_mtu, ip);
	send_two(&narrow, &live, &remote,
		 six ? mode->learns_v6 : mode->learns_v4);
	pair_read_all(fd, &remote, &arrivals);
	cr_expect_eq(arrivals.count[0], arrive, "mode %u, %s: %u",
		     mode->path_mtu, ip, arrivals.count[0]);
	cr_expect_eq(live.errors, 0);
	end(&narrow);
	close(fd);
}

Test(path_mtu, each_mode_does_with_ipv4_what_it_says)
{
	for (size_t i = 0; i < live_count(modes); i++)
		assert_mode(&modes[i], false);
}

Test(path_mtu, each_mode_does_with_ipv6_what_it_says)
{
	for (size_t i = 0; i < live_count(modes); i++)
		assert_mode(&modes[i], true);
}
