/* SPDX-License-Identifier: MIT */
/* option_values.c: each option, given when a socket is opened or adopted or
 * changed later, is what the kernel has then, on sockets of each kind, and what
 * is read of it. */
#include "support/descriptor.h"

#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <time.h>

/* A constant, other than the compound literal. */
#define OPTIONS(...)                                                           \
	{                                                                      \
		.size = sizeof(struct hail_socket_options), __VA_ARGS__        \
	}

/* An option of the kernel; name 0: none. */
struct kernel {
	int level, name, value;
};

static const struct option_case {
	struct hail_socket_options options;
	uint32_t option, value;
	struct kernel v4; /* SOL_SOCKET: of every kind */
	struct kernel v6;
	bool fixed;      /* can't be changed later */
	bool privileged; /* needs rights */
} cases[] = {
	{OPTIONS(.reuse_addr = true), HAIL_OPTION_REUSE_ADDR, 1,
	 .v4 = {SOL_SOCKET, SO_REUSEADDR, 1}},
	{OPTIONS(.reuse_port = true), HAIL_OPTION_REUSE_PORT, 1,
	 .v4 = {SOL_SOCKET, SO_REUSEPORT, 1}},
	{OPTIONS(.exclusive = true), HAIL_OPTION_EXCLUSIVE, 1,
	 .v4 = {SOL_SOCKET, SO_REUSEADDR, 0}},
	{OPTIONS(.exclusive = true), HAIL_OPTION_EXCLUSIVE, 1,
	 .v4 = {SOL_SOCKET, SO_REUSEPORT, 0}},
	{OPTIONS(.broadcast = true), HAIL_OPTION_BROADCAST, 1,
	 .v4 = {SOL_SOCKET, SO_BROADCAST, 1}},
	{OPTIONS(.free_bind = true), HAIL_OPTION_FREE_BIND, 1,
	 .v4 = {IPPROTO_IP, IP_FREEBIND, 1},
	 .v6 = {IPPROTO_IPV6, IPV6_FREEBIND, 1}},
	{OPTIONS(.receive_buffer = 100000), HAIL_OPTION_RECEIVE_BUFFER, 100000,
	 .v4 = {SOL_SOCKET, SO_RCVBUF, 200000}},
	{OPTIONS(.send_buffer = 50000), HAIL_OPTION_SEND_BUFFER, 50000,
	 .v4 = {SOL_SOCKET, SO_SNDBUF, 100000}},
	{OPTIONS(.ttl = 1), HAIL_OPTION_TTL, 1, .v4 = {IPPROTO_IP, IP_TTL, 1},
	 .v6 = {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1}},
	{OPTIONS(.ttl = 255), HAIL_OPTION_TTL, 255,
	 .v4 = {IPPROTO_IP, IP_TTL, 255},
	 .v6 = {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255}},
	{OPTIONS(.multicast_ttl = HAIL_ZERO), HAIL_OPTION_MULTICAST_TTL, 0,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_TTL, 0},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0}},
	{OPTIONS(.multicast_ttl = 255), HAIL_OPTION_MULTICAST_TTL, 255,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_TTL, 255},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255}},
	{OPTIONS(.no_multicast_loop = true), HAIL_OPTION_MULTICAST_LOOP, 0,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_LOOP, 0},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0}},
	/* 1 is the loopback's index in every namespace. */
	{OPTIONS(.multicast_interface = 1), HAIL_OPTION_MULTICAST_INTERFACE, 1,
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_IF, 1}},
	{OPTIONS(.device = 1), HAIL_OPTION_DEVICE, 1,
	 .v4 = {SOL_SOCKET, SO_BINDTOIFINDEX, 1}},
	{OPTIONS(.tos = 255), HAIL_OPTION_TOS, 255,
	 .v4 = {IPPROTO_IP, IP_TOS, 255},
	 .v6 = {IPPROTO_IPV6, IPV6_TCLASS, 255}},
	{OPTIONS(.priority = 5), HAIL_OPTION_PRIORITY, 5,
	 .v4 = {SOL_SOCKET, SO_PRIORITY, 5}},
	/* Of itself this TOS is of priority 6. */
	{OPTIONS(.tos = 0x10, .priority = 1), HAIL_OPTION_PRIORITY, 1,
	 .v4 = {SOL_SOCKET, SO_PRIORITY, 1}},
	{OPTIONS(.mark = UINT32_MAX), HAIL_OPTION_MARK, UINT32_MAX,
	 .v4 = {SOL_SOCKET, SO_MARK, -1}, .privileged = true},
	{OPTIONS(.busy_poll_us = 50), HAIL_OPTION_BUSY_POLL, 50,
	 .v4 = {SOL_SOCKET, SO_BUSY_POLL, 50}, .privileged = true},
	{OPTIONS(.path_mtu = HAIL_PATH_MTU_WANT), HAIL_OPTION_PATH_MTU,
	 HAIL_PATH_MTU_WANT,
	 .v4 = {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
	 .v6 = {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT}},
	{OPTIONS(.path_mtu = HAIL_PATH_MTU_DONT), HAIL_OPTION_PATH_MTU,
	 HAIL_PATH_MTU_DONT,
	 .v4 = {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
	 .v6 = {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT}},
	{OPTIONS(.path_mtu = HAIL_PATH_MTU_INTERFACE), HAIL_OPTION_PATH_MTU,
	 HAIL_PATH_MTU_INTERFACE,
	 .v4 = {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE},
	 .v6 = {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_INTERFACE}},
	{OPTIONS(.path_mtu = HAIL_PATH_MTU_OMIT), HAIL_OPTION_PATH_MTU,
	 HAIL_PATH_MTU_OMIT,
	 .v4 = {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT},
	 .v6 = {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT}},
	{OPTIONS(.errors = true), HAIL_OPTION_ERRORS, 1,
	 .v4 = {IPPROTO_IP, IP_RECVERR, 1},
	 .v6 = {IPPROTO_IPV6, IPV6_RECVERR, 1}, .fixed = true},
	{OPTIONS(.coalesce = true), HAIL_OPTION_COALESCE, 1,
	 .v4 = {IPPROTO_UDP, UDP_GRO, 1}, .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_TTL), HAIL_OPTION_FACTS, HAIL_FACT_TTL,
	 .v4 = {IPPROTO_IP, IP_RECVTTL, 1},
	 .v6 = {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1}, .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_TOS), HAIL_OPTION_FACTS, HAIL_FACT_TOS,
	 .v4 = {IPPROTO_IP, IP_RECVTOS, 1},
	 .v6 = {IPPROTO_IPV6, IPV6_RECVTCLASS, 1}, .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_DROPS), HAIL_OPTION_FACTS, HAIL_FACT_DROPS,
	 .v4 = {SOL_SOCKET, SO_RXQ_OVFL, 1}, .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_TIME), HAIL_OPTION_FACTS, HAIL_FACT_TIME,
	 .v4 = {SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE},
	 .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_DEVICE_TIME), HAIL_OPTION_FACTS,
	 HAIL_FACT_DEVICE_TIME,
	 .v4 = {SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE},
	 .fixed = true},
	{OPTIONS(.facts = HAIL_FACT_ALL), HAIL_OPTION_FACTS, HAIL_FACT_ALL,
	 .v4 = {SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
			SOF_TIMESTAMPING_RX_HARDWARE |
			SOF_TIMESTAMPING_RAW_HARDWARE},
	 .fixed = true},
};

#define IN_TURN(i, kind)                                                       \
	for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS; kind++)   \
		for (size_t i = 0; i < live_count(cases); i++)                 \
			if (!cases[i].privileged || !geteuid())

static void expect_kernel(const struct kernel *kernel, int fd, size_t i,
			  enum descriptor_kind kind)
{
	int value = descriptor_get(fd, kernel->level, kernel->name);

	cr_expect_eq(value, kernel->value, "case %zu, %s, level %d: %d", i,
		     descriptor_names[kind], kernel->level, value);
}

static void expect_had(struct live *live, int fd, size_t i,
		       enum descriptor_kind kind)
{
	const struct option_case *it = &cases[i];
	uint32_t value = 0;
	int err = hail_socket_get(live->socket, it->option, &value);

	cr_expect_eq(err, 0, "case %zu, %s: %d", i, descriptor_names[kind],
		     err);
	cr_expect_eq(value, it->value, "case %zu, %s: %u", i,
		     descriptor_names[kind], value);
	if (it->v4.name &&
	    (it->v4.level == SOL_SOCKET || descriptor_has_v4(kind)))
		expect_kernel(&it->v4, fd, i, kind);
	if (it->v6.name && descriptor_has_v6(kind))
		expect_kernel(&it->v6, fd, i, kind);
}

Test(option_values, what_is_asked_for_at_opening_the_kernel_has)
{
	struct hail_engine *engine = live_engine(NULL);

	IN_TURN(i, kind)
	{
		struct hail_socket_options options =
			descriptor_options(kind, &cases[i].options);
		struct live live = {0};

		live_open(&live, engine, &options);
		expect_had(&live, descriptor_of(&live), i, kind);
		live_close(&live);
	}
	live_end(engine);
}

Test(option_values, what_is_asked_for_at_adoption_the_kernel_has)
{
	struct hail_engine *engine = live_engine(NULL);

	IN_TURN(i, kind)
	{
		int fd = descriptor_open(kind), err;
		struct live live = {0};

		err = descriptor_try_adopt(&live, engine, fd,
					   &cases[i].options);
		cr_assert_eq(err, 0, "case %zu, %s: %d", i,
			     descriptor_names[kind], err);
		expect_had(&live, fd, i, kind);
		live_close(&live);
	}
	live_end(engine);
}

Test(option_values, what_is_changed_later_the_kernel_has)
{
	struct hail_engine *engine = live_engine(NULL);
	const struct hail_socket_options none =
		HAIL_SOCKET_OPTIONS(.window = 0);

	IN_TURN(i, kind)
	{
		struct hail_socket_options options =
			descriptor_options(kind, &none);
		struct live live = {0};
		int err;

		live_open(&live, engine, &options);
		err = hail_socket_set(live.socket, cases[i].option,
				      cases[i].value);
		cr_expect_eq(err, cases[i].fixed ? -ENOTSUP : 0,
			     "case %zu, %s: %d", i, descriptor_names[kind],
			     err);
		if (!err)
			expect_had(&live, descriptor_of(&live), i, kind);
		live_close(&live);
	}
	live_end(engine);
}

static const struct {
	uint32_t option, value;
} defaults[] = {
	{HAIL_OPTION_REUSE_ADDR, 0},
	{HAIL_OPTION_REUSE_PORT, 0},
	{HAIL_OPTION_EXCLUSIVE, 1},
	{HAIL_OPTION_BROADCAST, 0},
	{HAIL_OPTION_FREE_BIND, 0},
	{HAIL_OPTION_TTL, 64},
	{HAIL_OPTION_MULTICAST_TTL, 1},
	{HAIL_OPTION_MULTICAST_LOOP, 1},
	{HAIL_OPTION_MULTICAST_INTERFACE, 0},
	{HAIL_OPTION_TOS, 0},
	{HAIL_OPTION_PRIORITY, 0},
	{HAIL_OPTION_MARK, 0},
	{HAIL_OPTION_DEVICE, 0},
	{HAIL_OPTION_PATH_MTU, HAIL_PATH_MTU_PROBE},
	{HAIL_OPTION_ERRORS, 0},
	{HAIL_OPTION_COALESCE, 0},
	{HAIL_OPTION_FACTS, 0},
	{HAIL_OPTION_TXTIME, HAIL_TXTIME_OFF},
};

/* What hail sets without being asked. */
static const struct kernel always[][2] = {
	{{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
	 {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE}},
	{{IPPROTO_IP, IP_MULTICAST_ALL, 0},
	 {IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0}},
};

static void expect_defaults(struct live *live, enum descriptor_kind kind)
{
	int fd = descriptor_of(live);

	for (size_t i = 0; i < live_count(defaults); i++) {
		uint32_t value = UINT32_MAX;

		cr_expect_eq(hail_socket_get(live->socket, defaults[i].option,
					     &value),
			     0);
		cr_expect_eq(value, defaults[i].value, "option %u, %s: %u",
			     defaults[i].option, descriptor_names[kind], value);
	}
	for (size_t i = 0; i < live_count(always); i++) {
		if (descriptor_has_v4(kind))
			expect_kernel(&always[i][0], fd, i, kind);
		if (descriptor_has_v6(kind))
			expect_kernel(&always[i][1], fd, i, kind);
	}
}

Test(option_values, a_socket_has_hails_defaults)
{
	const struct hail_socket_options none =
		HAIL_SOCKET_OPTIONS(.window = 0);
	struct hail_engine *engine = live_engine(NULL);

	for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
		struct hail_socket_options options =
			descriptor_options(kind, &none);
		struct live live = {0};

		live_open(&live, engine, &options);
		expect_defaults(&live, kind);
		live_close(&live);
	}
	live_end(engine);
}

/* Both ways round on a dual-stack socket: IPv6's way tells of IPv4 too. */
Test(option_values, the_local_address_is_asked_for_once)
{
	const struct hail_socket_options asking =
		HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_LOCAL);
	struct hail_engine *engine = live_engine(NULL);

	for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
		struct hail_socket_options options =
			descriptor_options(kind, &asking);
		bool six = descriptor_has_v6(kind);
		struct live live = {0};
		uint32_t facts = 0;
		int fd;

		live_open(&live, engine, &options);
		fd = descriptor_of(&live);
		cr_expect_eq(descriptor_get(fd, IPPROTO_IP, IP_PKTINFO), !six);
		if (six)
			cr_expect_eq(descriptor_get(fd, IPPROTO_IPV6,
						    IPV6_RECVPKTINFO),
				     1);
		cr_expect_eq(
			hail_socket_get(live.socket, HAIL_OPTION_FACTS, &facts),
			0);
		cr_expect_eq(facts, HAIL_FACT_LOCAL);
		live_close(&live);
	}
	live_end(engine);
}

static void ignore_sent(struct hail_socket *socket,
			const struct hail_sent *sent)
{
	(void)socket;
	(void)sent;
}

/* Which message a timestamp is of the kernel tells by its number. */
Test(option_values, a_sent_handler_has_timestamps_numbered)
{
	const int flags = SOF_TIMESTAMPING_SOFTWARE |
			  SOF_TIMESTAMPING_RAW_HARDWARE |
			  SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	uint32_t facts = UINT32_MAX;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.sent = ignore_sent));
	cr_assert_eq(descriptor_get(descriptor_of(&live), SOL_SOCKET,
				    SO_TIMESTAMPING),
		     flags);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_FACTS, &facts),
		     0);
	cr_assert_eq(facts, 0);
	live_end(engine);
}

static void assert_clock(uint32_t txtime, clockid_t clock)
{
	struct hail_engine *engine = live_engine(NULL);
	struct sock_txtime found = {0};
	socklen_t size = sizeof(found);
	struct live live = {0};
	uint32_t value = UINT32_MAX;

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.txtime = txtime));
	cr_assert_eq(getsockopt(descriptor_of(&live), SOL_SOCKET, SO_TXTIME,
				&found, &size),
		     0);
	cr_assert_eq(found.clockid, clock);
	cr_assert_eq(found.flags, SOF_TXTIME_REPORT_ERRORS);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_TXTIME, &value),
		     0);
	cr_assert_eq(value, txtime);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_TXTIME, 0),
		     -ENOTSUP);
	live_end(engine);
}

Test(option_values, transmit_times_have_the_clock_that_was_asked_for)
{
	assert_clock(HAIL_TXTIME_MONOTONIC, CLOCK_MONOTONIC);
	if (geteuid())
		cr_skip_test("other clocks are for root");
	assert_clock(HAIL_TXTIME_TAI, CLOCK_TAI);
}
