/* SPDX-License-Identifier: MIT */
/* adopt.c: descriptors of another's making become sockets, as they are, or stay
 * the caller's. */
#include "support/descriptor.h"

#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <time.h>

/* Younger than some headers. */
#define RCVPRIORITY 82
#define TIMESTAMP_NEW 63
#define TIMESTAMPNS_NEW 64

static void bind_to(int fd, const char *ip)
{
	const struct hail_addr local = live_addr(ip, 0);

	cr_assert_eq(bind(fd, &local.sa,
			  local.sa.sa_family == AF_INET ? sizeof(local.v4)
							: sizeof(local.v6)),
		     0, "%s: %s", ip, strerror(errno));
}

static void connect_to(int fd, const struct hail_addr *remote)
{
	cr_assert_eq(connect(fd, &remote->sa,
			     remote->sa.sa_family == AF_INET
				     ? sizeof(remote->v4)
				     : sizeof(remote->v6)),
		     0);
}

static void adopt(struct live *live, struct hail_engine *engine, int fd,
		  const struct hail_socket_options *options)
{
	int err = descriptor_try_adopt(live, engine, fd, options);

	cr_assert_eq(err, 0, "%s", hail_strerror(err));
}

/* Asserts that a plain socket of `ip` and the socket reach each other. */
static void assert_reached(struct live *live, const char *ip)
{
	int fd = plain_open(ip, 0);
	size_t before = live->datagrams;

	cr_assert_geq(fd, 0);
	cr_assert(plain_send(fd, "there", 5, live_port(live)));
	live_until(live->engine, live->datagrams > before);
	live_expect_last(live, "there");
	cr_assert_eq(live_send(live, "and back", &live->last_remote), 0);
	live_expect(fd, "and back");
	close(fd);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(adopt, a_bound_socket_keeps_its_address)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr bound = live_v4(plain_port(fd)), local;

	adopt(&live, engine, fd, NULL);
	local = live_local(&live);
	cr_assert(hail_addr_equal(&local, &bound));
	cr_assert_eq(hail_socket_remote(live.socket, &local), -ENOTCONN);
	assert_reached(&live, "127.0.0.1");
	live_end(engine);
}

Test(adopt, an_unbound_socket_is_bound_as_the_options_say)
{
	static const struct {
		enum descriptor_kind kind;
		const char *given, *got;
	} cases[] = {
		{DESCRIPTOR_V4, NULL, "0.0.0.0"},
		{DESCRIPTOR_V4, "127.0.0.1", "127.0.0.1"},
		{DESCRIPTOR_V6_ONLY, NULL, "::"},
		{DESCRIPTOR_DUAL, NULL, "::"},
		{DESCRIPTOR_DUAL, "::1", "::1"},
		{DESCRIPTOR_DUAL, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
	};
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(cases); i++) {
		struct hail_socket_options options =
			HAIL_SOCKET_OPTIONS(.window = 0);
		struct hail_addr local, expected;
		struct live live = {0};

		if (cases[i].given)
			options.local = live_addr(cases[i].given, 0);
		adopt(&live, engine, descriptor_open(cases[i].kind), &options);
		local = live_local(&live);
		cr_assert_neq(live_port(&live), 0);
		expected = live_addr(cases[i].got, live_port(&live));
		cr_assert(hail_addr_equal(&local, &expected), "case %zu", i);
		live_close(&live);
	}
	live_end(engine);
}

/* Reads what came before the adoption, too. */
Test(adopt, what_waits_in_a_descriptor_is_received)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain(), sender = live_plain();

	live_plain_send(sender, "early", plain_port(fd));
	adopt(&live, engine, fd, NULL);
	live_until(engine, live.datagrams == 1);
	live_expect_last(&live, "early");
	close(sender);
	live_end(engine);
}

/* As systemd hands them over. */
Test(adopt, a_nonblocking_descriptor_serves_as_any)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	adopt(&live, engine, fd, NULL);
	live_settle(engine);
	for (int i = 0; i < 10; i++)
		assert_reached(&live, "127.0.0.1");
	cr_assert_eq(live_traffic(&live).rearm_error, 0);
	cr_assert_eq(live.errors, 0);
	live_end(engine);
}

Test(adopt, a_connected_socket_keeps_its_remote)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int peer = live_plain(), stranger = live_plain(), fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(peer)), told;

	connect_to(fd, &remote);
	adopt(&live, engine, fd, NULL);
	cr_assert_eq(hail_socket_remote(live.socket, &told), 0);
	cr_assert(hail_addr_equal(&told, &remote));
	cr_assert_eq(live_send(&live, "to it", NULL), 0);
	live_expect(peer, "to it");
	cr_assert_eq(live_send(&live, "x", &remote), -EISCONN);
	live_plain_send(stranger, "strange", live_port(&live));
	live_plain_send(peer, "known", live_port(&live));
	live_until(engine, live.datagrams == 1);
	live_expect_last(&live, "known");
	cr_assert_eq(hail_socket_disconnect(live.socket), 0);
	close(peer);
	close(stranger);
	live_end(engine);
}

Test(adopt, a_remote_that_is_given_is_connected_to)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0}, dual = {0};
	int peer = live_plain();
	const struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.remote = live_v4(plain_port(peer)));

	adopt(&live, engine, live_plain(), &options);
	cr_assert_eq(live_send(&live, "bound", NULL), 0);
	live_expect(peer, "bound");
	adopt(&dual, engine, descriptor_open(DESCRIPTOR_DUAL), &options);
	cr_assert_eq(live_send(&dual, "unbound", NULL), 0);
	live_expect(peer, "unbound");
	close(peer);
	live_end(engine);
}

/* A port that the kernel has chosen it takes back with a connection, unless
 * it was asked for by number. */
static void assert_port_stays(struct hail_engine *engine, int fd,
			      const char *ip)
{
	int peer = plain_open(ip, 0);
	const struct hail_addr remote = live_addr(ip, plain_port(peer));
	const uint16_t port = plain_port(fd);
	struct live live = {0};

	cr_assert_neq(port, 0);
	adopt(&live, engine, fd, NULL);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(hail_socket_connect(live.socket, &remote), 0);
		cr_assert_eq(live_port(&live), port);
		cr_assert_eq(live_send(&live, "to it", NULL), 0);
		live_expect(peer, "to it");
		cr_assert_eq(hail_socket_disconnect(live.socket), 0);
		cr_assert_eq(live_port(&live), port);
		assert_reached(&live, ip);
	}
	close(peer);
	live_close(&live);
}

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

Test(adopt, a_port_that_the_kernel_chose_stays_after_a_connection)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(loopbacks); i++)
		assert_port_stays(engine, plain_open(loopbacks[i], 0),
				  loopbacks[i]);
	live_end(engine);
}

Test(adopt, a_port_that_only_a_connection_chose_stays_after_it)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(loopbacks); i++) {
		int peer = plain_open(loopbacks[i], 0);
		const struct hail_addr remote =
			live_addr(loopbacks[i], plain_port(peer));
		int fd = socket(remote.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC,
				0);

		cr_assert_geq(fd, 0);
		connect_to(fd, &remote);
		assert_port_stays(engine, fd, loopbacks[i]);
		close(peer);
	}
	live_end(engine);
}

Test(adopt, whether_ipv4_can_be_reached_is_the_descriptors_own)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live only = {0}, dual = {0}, asked = {0};
	struct hail_addr remote = live_v4(9);
	int fd = descriptor_open(DESCRIPTOR_V6_ONLY);

	bind_to(fd, "::1");
	/* It has that already, and it can't be set on a bound one. */
	adopt(&only, engine, fd, &HAIL_SOCKET_OPTIONS(.ipv6_only = true));
	cr_assert_eq(live_send(&only, "x", &remote), -EAFNOSUPPORT);
	assert_reached(&only, "::1");
	adopt(&dual, engine, descriptor_open(DESCRIPTOR_DUAL), NULL);
	assert_reached(&dual, "127.0.0.1");
	assert_reached(&dual, "::1");
	adopt(&asked, engine, descriptor_open(DESCRIPTOR_DUAL),
	      &HAIL_SOCKET_OPTIONS(.ipv6_only = true));
	cr_assert_eq(live_send(&asked, "x", &remote), -EAFNOSUPPORT);
	live_end(engine);
}

Test(adopt, options_that_are_zero_leave_what_the_descriptor_has)
{
	static const struct {
		int level, name, value;
		uint32_t option, read;
	} cases[] = {
		{IPPROTO_IP, IP_TTL, 33, HAIL_OPTION_TTL, 33},
		{IPPROTO_IP, IP_TOS, 8, HAIL_OPTION_TOS, 8},
		{IPPROTO_IP, IP_MULTICAST_TTL, 9, HAIL_OPTION_MULTICAST_TTL, 9},
		{IPPROTO_IP, IP_MULTICAST_LOOP, 0, HAIL_OPTION_MULTICAST_LOOP,
		 0},
		{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT,
		 HAIL_OPTION_PATH_MTU, HAIL_PATH_MTU_DONT},
		{SOL_SOCKET, SO_BROADCAST, 1, HAIL_OPTION_BROADCAST, 1},
		{SOL_SOCKET, SO_REUSEPORT, 1, HAIL_OPTION_REUSE_PORT, 1},
		{SOL_SOCKET, SO_PRIORITY, 4, HAIL_OPTION_PRIORITY, 4},
		{SOL_SOCKET, SO_SNDBUF, 30000, HAIL_OPTION_SEND_BUFFER, 30000},
		{SOL_SOCKET, SO_RCVBUF, 40000, HAIL_OPTION_RECEIVE_BUFFER,
		 40000},
	};
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	for (size_t i = 0; i < live_count(cases); i++)
		descriptor_set(fd, cases[i].level, cases[i].name,
			       cases[i].value);
	adopt(&live, engine, fd, NULL);
	for (size_t i = 0; i < live_count(cases); i++) {
		uint32_t value = UINT32_MAX;

		cr_assert_eq(
			hail_socket_get(live.socket, cases[i].option, &value),
			0);
		cr_assert_eq(value, cases[i].read, "case %zu: %u", i, value);
	}
	live_end(engine);
}

/* Where a forged message makes sends fail: hail offers it to nobody. */
Test(adopt, the_mode_that_hail_has_no_name_for_stays_and_is_told_of)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	uint32_t value = 77;

	descriptor_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	adopt(&live, engine, fd, NULL);
	cr_assert_eq(descriptor_get(fd, IPPROTO_IP, IP_MTU_DISCOVER),
		     IP_PMTUDISC_DO);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_PATH_MTU, &value),
		     -ENOTSUP);
	cr_assert_eq(value, 77);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_PATH_MTU,
				     HAIL_PATH_MTU_PROBE),
		     0);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_PATH_MTU, &value),
		     0);
	cr_assert_eq(value, HAIL_PATH_MTU_PROBE);
	live_end(engine);
}

/* What comes with a datagram: hail's own facts, and what it has none of. */
static const struct {
	int level, name;
	bool v6; /* there only */
} told[] = {
	{IPPROTO_IP, IP_RECVERR, false},
	{IPPROTO_IP, IP_PKTINFO, false},
	{IPPROTO_IP, IP_RECVTTL, false},
	{IPPROTO_IP, IP_RECVTOS, false},
	{IPPROTO_IP, IP_RECVOPTS, false},
	{IPPROTO_IP, IP_RETOPTS, false},
	{IPPROTO_IP, IP_PASSSEC, false},
	{IPPROTO_IP, IP_CHECKSUM, false},
	{IPPROTO_IP, IP_RECVORIGDSTADDR, false},
	{IPPROTO_IP, IP_RECVFRAGSIZE, false},
	{IPPROTO_UDP, 104 /* UDP_GRO */, false},
	{SOL_SOCKET, SO_RXQ_OVFL, false},
	{SOL_SOCKET, SO_TIMESTAMPNS, false},
	{SOL_SOCKET, SO_RCVMARK, false},
	{IPPROTO_IPV6, IPV6_RECVERR, true},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, true},
	{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, true},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, true},
	{IPPROTO_IPV6, IPV6_RECVPATHMTU, true},
	{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, true},
	{IPPROTO_IPV6, IPV6_RECVFRAGSIZE, true},
	{IPPROTO_IPV6, IPV6_2292HOPLIMIT, true},
};

Test(adopt, nothing_is_told_that_was_not_asked_for)
{
	struct hail_engine *engine = live_engine(NULL);

	for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
		bool six = descriptor_has_v6(kind);
		int fd = descriptor_open(kind);
		struct live live = {0};

		for (size_t i = 0; i < live_count(told); i++) {
			const int on = 1;

			/* Some need rights. */
			if (six || !told[i].v6)
				setsockopt(fd, told[i].level, told[i].name, &on,
					   sizeof(on));
		}
		descriptor_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
			       SOF_TIMESTAMPING_OPT_ID |
				       SOF_TIMESTAMPING_RX_SOFTWARE |
				       SOF_TIMESTAMPING_SOFTWARE);
		adopt(&live, engine, fd,
		      &HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_OFF));
		for (size_t i = 0; i < live_count(told); i++) {
			/* Of IPv6 alone, nothing comes by IPv4's error queue.
			 */
			if (kind == DESCRIPTOR_V6_ONLY &&
			    told[i].level == IPPROTO_IP)
				continue;
			if (six || !told[i].v6)
				cr_expect_eq(descriptor_get(fd, told[i].level,
							    told[i].name),
					     0, "case %zu, %s", i,
					     descriptor_names[kind]);
		}
		cr_expect_eq(descriptor_get(fd, SOL_SOCKET, SO_TIMESTAMPING),
			     0);
		live_close(&live);
	}
	live_end(engine);
}

struct told_facts {
	uint32_t known;   /* of any so far */
	uint32_t missing; /* of what each must have, from any */
};

#define ALWAYS_TOLD (HAIL_FACT_LOCAL | HAIL_FACT_TTL | HAIL_FACT_TOS)

static void note_facts(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct told_facts *told_facts = live->arg;

	for (size_t i = 0; i < count; i++) {
		struct hail_facts facts = {.size = sizeof(facts)};

		cr_assert_eq(hail_datagram_facts(&batch[i], &facts), 0);
		told_facts->known |= facts.known;
		told_facts->missing |= ALWAYS_TOLD & ~facts.known;
	}
}

/* More than it holds, so that drops are told too, in trains, so that a size
 * is. */
static void overrun(struct live *live, const char *ip)
{
	static const unsigned char train[16000];
	int fd = plain_open(ip, 0);

	cr_assert_geq(fd, 0);
	for (int i = 0; i < 10; i++)
		cr_assert(plain_send_train(fd, train, sizeof(train), 1000,
					   live_port(live)));
	live_settle(live->engine);
	cr_assert(plain_send_train(fd, train, sizeof(train), 1000,
				   live_port(live)));
	live_settle(live->engine);
	close(fd);
}

/* With what its maker has turned on the kernel would write more than there is
 * room for. */
static void assert_nothing_is_lost(int name, const char *ip)
{
	struct hail_engine *engine = live_engine(NULL);
	struct told_facts told_facts = {0};
	struct live live = {.arg = &told_facts, .on_data = note_facts};
	int fd = plain_open(ip, 0);
	const int on = 1;

	cr_assert_geq(fd, 0);
	/* The kernel may not know it. */
	if (name && setsockopt(fd, SOL_SOCKET, name, &on, sizeof(on)))
		cr_assert_eq(errno, ENOPROTOOPT);
	adopt(&live, engine, fd,
	      &HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_ALL, .coalesce = true,
				   .receive_buffer = 20000));
	overrun(&live, ip);
	cr_expect_eq(told_facts.missing, 0, "option %d, %s: 0x%x", name, ip,
		     told_facts.missing);
	cr_expect_eq(told_facts.known, HAIL_FACT_ALL & ~HAIL_FACT_DEVICE_TIME,
		     "option %d, %s: 0x%x", name, ip, told_facts.known);
	live_end(engine);
}

Test(adopt, what_its_maker_had_told_takes_no_room_of_the_facts)
{
	static const int names[] = {0, RCVPRIORITY, TIMESTAMP_NEW,
				    TIMESTAMPNS_NEW};
	int stamping = plain_stamping();

	cr_assert_geq(stamping, 0);
	for (size_t i = 0; i < live_count(names); i++) {
		for (size_t j = 0; j < live_count(loopbacks); j++)
			assert_nothing_is_lost(names[i], loopbacks[j]);
	}
	close(stamping);
}

Test(adopt, a_clock_of_transmit_times_that_its_maker_chose_serves)
{
	struct sock_txtime clock = {.clockid = CLOCK_MONOTONIC};
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain(), peer = live_plain();
	const struct hail_addr remote = live_v4(plain_port(peer));
	struct live live = {0};
	uint32_t value = 77;

	cr_assert_eq(
		setsockopt(fd, SOL_SOCKET, SO_TXTIME, &clock, sizeof(clock)),
		0);
	adopt(&live, engine, fd, NULL);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_TXTIME, &value),
		     0);
	cr_assert_eq(value, HAIL_TXTIME_MONOTONIC);
	cr_assert_eq(
		hail_send_with(live.socket, "now", 3, &remote,
			       &HAIL_MESSAGE_FACTS(.txtime_ns = plain_now())),
		0);
	live_expect(peer, "now");
	close(peer);
	live_end(engine);
}

Test(adopt, a_program_that_is_executed_does_not_get_the_descriptor)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	cr_assert_eq(fcntl(fd, F_SETFD, 0), 0);
	adopt(&live, engine, fd, NULL);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	live_end(engine);
}

Test(adopt, exclusive_turns_off_what_a_descriptor_shares)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = descriptor_open(DESCRIPTOR_V4);

	descriptor_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	descriptor_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	adopt(&live, engine, fd, &HAIL_SOCKET_OPTIONS(.exclusive = true));
	cr_assert_eq(descriptor_get(fd, SOL_SOCKET, SO_REUSEADDR), 0);
	cr_assert_eq(descriptor_get(fd, SOL_SOCKET, SO_REUSEPORT), 0);
	live_end(engine);
}

Test(adopt, a_descriptor_that_may_be_bound_anywhere_is)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = descriptor_open(DESCRIPTOR_V4);

	descriptor_set(fd, IPPROTO_IP, IP_FREEBIND, 1);
	adopt(&live, engine, fd,
	      &HAIL_SOCKET_OPTIONS(.local = live_addr("192.0.2.1", 0)));
	live_end(engine);
}

Test(adopt, closing_closes_the_descriptor)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	const struct hail_addr local = live_v4(plain_port(fd));
	int again;

	adopt(&live, engine, fd, NULL);
	live_close(&live);
	cr_assert(!is_open(fd));
	again = plain_open_at(&local.sa, sizeof(local.v4), 0);
	cr_assert_geq(again, 0);
	close(again);
	live_end(engine);
}

/* Linux has a socket hear what others on the machine have joined. */
Test(adopt, hears_no_groups_but_its_own)
{
	for (int kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
		struct hail_engine *engine = live_engine(NULL);
		struct live live = {0};
		int fd = descriptor_open(kind);

		adopt(&live, engine, fd, NULL);
		if (descriptor_has_v4(kind))
			cr_assert_eq(descriptor_get(fd, IPPROTO_IP,
						    IP_MULTICAST_ALL),
				     0);
		if (descriptor_has_v6(kind))
			cr_assert_eq(descriptor_get(fd, IPPROTO_IPV6,
						    IPV6_MULTICAST_ALL),
				     0);
		live_end(engine);
	}
}
