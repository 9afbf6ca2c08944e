/* SPDX-License-Identifier: MIT */
/* option_effects.c: what options do to datagrams and to each other. */
#include "support/descriptor.h"

/* What a plain socket was told of the datagram that came next. */
struct marks {
	int ttl, tos;
};

static struct marks receive_marks(int fd)
{
	char data[64], control[256];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct marks marks = {-1, -1};

	cr_assert_geq(recvmsg(fd, &message, 0), 0, "%s", strerror(errno));
	for (struct cmsghdr *it = CMSG_FIRSTHDR(&message); it;
	     it = CMSG_NXTHDR(&message, it)) {
		bool six = it->cmsg_level == IPPROTO_IPV6;

		if (it->cmsg_type == (six ? IPV6_HOPLIMIT : IP_TTL))
			memcpy(&marks.ttl, CMSG_DATA(it), sizeof(int));
		if (six && it->cmsg_type == IPV6_TCLASS)
			memcpy(&marks.tos, CMSG_DATA(it), sizeof(int));
		if (!six && it->cmsg_type == IP_TOS)
			marks.tos = *CMSG_DATA(it);
	}
	return marks;
}

static int open_marked(const char *ip)
{
	int fd = plain_open(ip, 0);
	bool six = strchr(ip, ':');

	cr_assert_geq(fd, 0);
	if (six) {
		descriptor_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		descriptor_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	} else {
		descriptor_set(fd, IPPROTO_IP, IP_RECVTTL, 1);
		descriptor_set(fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
	return fd;
}

static void expect_marks(struct live *live, int fd, const char *ip, int ttl,
			 int tos)
{
	struct hail_addr remote = live_addr(ip, plain_port(fd));
	struct marks marks;

	cr_assert_eq(live_send(live, "marked", &remote), 0);
	marks = receive_marks(fd);
	cr_expect_eq(marks.ttl, ttl, "%s: %d", ip, marks.ttl);
	cr_expect_eq(marks.tos, tos, "%s: %d", ip, marks.tos);
}

static void assert_marked(enum descriptor_kind kind, const char *ip)
{
	const struct hail_socket_options given =
		HAIL_SOCKET_OPTIONS(.ttl = 7, .tos = 0xb8);
	struct hail_socket_options options = descriptor_options(kind, &given);
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = open_marked(ip);

	live_open(&live, engine, &options);
	expect_marks(&live, fd, ip, 7, 0xb8);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_TTL, 200), 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_TOS, 1), 0);
	expect_marks(&live, fd, ip, 200, 1);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_TOS, 0), 0);
	expect_marks(&live, fd, ip, 200, 0);
	close(fd);
	live_end(engine);
}

Test(option_effects, datagrams_have_the_ttl_and_tos_of_their_socket)
{
	assert_marked(DESCRIPTOR_V4, "127.0.0.1");
	assert_marked(DESCRIPTOR_V6_ONLY, "::1");
	assert_marked(DESCRIPTOR_DUAL, "::1");
	assert_marked(DESCRIPTOR_DUAL, "127.0.0.1");
}

static struct hail_socket_stats stats_of(const struct live *live)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(live->socket, &stats), 0);
	return stats;
}

static uint32_t option_of(const struct live *live, uint32_t option)
{
	uint32_t value = UINT32_MAX;

	cr_assert_eq(hail_socket_get(live->socket, option, &value), 0);
	return value;
}

Test(option_effects, buffers_can_be_made_larger_and_smaller)
{
	const uint32_t sizes[] = {100000, 10000, 50000};
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	for (size_t i = 0; i < live_count(sizes); i++) {
		cr_assert_eq(hail_socket_set(live.socket,
					     HAIL_OPTION_SEND_BUFFER, sizes[i]),
			     0);
		cr_assert_eq(hail_socket_set(live.socket,
					     HAIL_OPTION_RECEIVE_BUFFER,
					     sizes[i] / 2),
			     0);
		cr_assert_eq(stats_of(&live).send_buffer, sizes[i] * 2);
		cr_assert_eq(stats_of(&live).receive_buffer, sizes[i]);
		cr_assert_eq(option_of(&live, HAIL_OPTION_SEND_BUFFER_BOOKED),
			     sizes[i] * 2);
		cr_assert_eq(
			option_of(&live, HAIL_OPTION_RECEIVE_BUFFER_BOOKED),
			sizes[i]);
	}
	live_end(engine);
}

/* The kernel holds more than none in any case. */
Test(option_effects, a_buffer_of_nothing_is_as_small_as_the_kernel_has_it)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_SEND_BUFFER, 0),
		     0);
	cr_assert_gt(option_of(&live, HAIL_OPTION_SEND_BUFFER), 0);
	cr_assert_eq(live_send(&live, "small", &remote), 0);
	live_expect(fd, "small");
	close(fd);
	live_end(engine);
}

Test(option_effects, exclusive_turns_off_what_shares_a_port)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.reuse_addr = true, .reuse_port = true));
	cr_assert_eq(option_of(&live, HAIL_OPTION_EXCLUSIVE), 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_REUSE_ADDR, 0),
		     0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_EXCLUSIVE), 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_REUSE_ADDR, 1),
		     0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_EXCLUSIVE, 1), 0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_EXCLUSIVE), 1);
	cr_assert_eq(option_of(&live, HAIL_OPTION_REUSE_ADDR), 0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_REUSE_PORT), 0);
	live_end(engine);
}

Test(option_effects, a_free_bind_has_an_address_that_is_not_there)
{
	const char *const ips[] = {"192.0.2.1", "2001:db8::1"};
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(ips); i++) {
		struct live live = {0};
		struct hail_addr local = live_addr(ips[i], 0);
		struct hail_socket_options options =
			HAIL_SOCKET_OPTIONS(.local = local, .free_bind = true);

		live_open(&live, engine, &options);
		local = live_addr(ips[i], live_port(&live));
		cr_assert_neq(live_port(&live), 0);
		live_close(&live);
		options.local = local;
		live_open(&live, engine, &options);
		local = live_local(&live);
		cr_assert(hail_addr_equal(&local, &options.local));
		live_close(&live);
	}
	live_end(engine);
}

Test(option_effects, a_socket_of_a_device_sends_by_it_alone)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr here = live_v4(plain_port(fd));

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.device = 1));
	cr_assert_eq(live_send(&live, "by lo", &here), 0);
	live_expect(fd, "by lo");
	cr_assert_eq(option_of(&live, HAIL_OPTION_DEVICE), 1);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_DEVICE, 0),
		     geteuid() ? -EPERM : 0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_DEVICE), geteuid() ? 1 : 0);
	cr_assert_eq(live_send(&live, "by any", &here), 0);
	live_expect(fd, "by any");
	close(fd);
	live_end(engine);
}

/* The loopback's MTU less the headers of IPv6 and UDP. */
#define LOOPBACK_LARGEST (65536 - 48)

Test(option_effects, unless_asked_to_hail_has_nothing_cut)
{
	static const unsigned char payload[LOOPBACK_LARGEST + 1];
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = plain_open("::1", 0);
	struct hail_addr remote = live_v6(plain_port(fd));

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.local = live_v6(0)));
	cr_assert_eq(hail_send(live.socket, payload, LOOPBACK_LARGEST, &remote),
		     0);
	cr_assert_eq(
		hail_send(live.socket, payload, LOOPBACK_LARGEST + 1, &remote),
		-EMSGSIZE);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_PATH_MTU,
				     HAIL_PATH_MTU_WANT),
		     0);
	cr_assert_eq(
		hail_send(live.socket, payload, LOOPBACK_LARGEST + 1, &remote),
		0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_DONT_FRAGMENT, 1),
		     0);
	cr_assert_eq(
		hail_send(live.socket, payload, LOOPBACK_LARGEST + 1, &remote),
		-EMSGSIZE);
	close(fd);
	live_end(engine);
}

/* Whether a socket of a kind can have both. */
static const struct {
	enum descriptor_kind kind;
	uint32_t path_mtu;
	int error;
} whole[] = {
	{DESCRIPTOR_V4, HAIL_PATH_MTU_PROBE, 0},
	{DESCRIPTOR_V4, HAIL_PATH_MTU_WANT, -EINVAL},
	{DESCRIPTOR_V4, HAIL_PATH_MTU_DONT, -EINVAL},
	{DESCRIPTOR_V4, HAIL_PATH_MTU_INTERFACE, -EINVAL},
	{DESCRIPTOR_V4, HAIL_PATH_MTU_OMIT, -EINVAL},
	{DESCRIPTOR_V6_ONLY, HAIL_PATH_MTU_PROBE, 0},
	{DESCRIPTOR_V6_ONLY, HAIL_PATH_MTU_WANT, 0},
	{DESCRIPTOR_V6_ONLY, HAIL_PATH_MTU_OMIT, 0},
	{DESCRIPTOR_DUAL, HAIL_PATH_MTU_PROBE, 0},
	{DESCRIPTOR_DUAL, HAIL_PATH_MTU_WANT, -EINVAL},
	{DESCRIPTOR_DUAL, HAIL_PATH_MTU_DONT, -EINVAL},
};

Test(option_effects, whole_datagrams_go_with_what_keeps_them_whole)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(whole); i++) {
		const struct hail_socket_options given =
			HAIL_SOCKET_OPTIONS(.path_mtu = whole[i].path_mtu,
					    .dont_fragment = true);
		struct hail_socket_options options =
			descriptor_options(whole[i].kind, &given);
		struct live live = {0};
		int err = live_try_open(&live, engine, &options);

		cr_expect_eq(err, whole[i].error, "case %zu: %d", i, err);
		if (err)
			continue;
		cr_expect_eq(option_of(&live, HAIL_OPTION_DONT_FRAGMENT), 1);
		live_close(&live);
	}
	live_end(engine);
}

/* Nothing changes the kernel's mode there unless it is asked for. */
Test(option_effects, adopted_whole_datagrams_go_with_what_keeps_them_whole)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(whole); i++) {
		bool probe = whole[i].path_mtu == HAIL_PATH_MTU_PROBE;
		bool only = whole[i].kind == DESCRIPTOR_V6_ONLY;
		int fd = descriptor_open(whole[i].kind);
		struct live live = {0};
		int err = descriptor_try_adopt(
			&live, engine, fd,
			&HAIL_SOCKET_OPTIONS(.path_mtu = whole[i].path_mtu,
					     .dont_fragment = true));

		cr_expect_eq(err, probe && !only ? -EINVAL : whole[i].error,
			     "case %zu: %d", i, err);
		if (err)
			close(fd);
	}
	live_end(engine);
}

/* The same, one after the other, in both orders. */
Test(option_effects, whole_datagrams_stay_whole_when_options_change)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(whole); i++) {
		const struct hail_socket_options none =
			HAIL_SOCKET_OPTIONS(.window = 0);
		struct hail_socket_options options =
			descriptor_options(whole[i].kind, &none);
		bool four = whole[i].kind == DESCRIPTOR_V4;
		struct live live = {0};

		live_open(&live, engine, &options);
		cr_expect_eq(hail_socket_set(live.socket, HAIL_OPTION_PATH_MTU,
					     whole[i].path_mtu),
			     0);
		cr_expect_eq(hail_socket_set(live.socket,
					     HAIL_OPTION_DONT_FRAGMENT, 1),
			     whole[i].error);
		live_close(&live);

		live_open(&live, engine, &options);
		cr_expect_eq(hail_socket_set(live.socket,
					     HAIL_OPTION_DONT_FRAGMENT, 1),
			     0);
		/* In IPv4 there is nothing but the mode. */
		cr_expect_eq(hail_socket_set(live.socket, HAIL_OPTION_PATH_MTU,
					     whole[i].path_mtu),
			     four ? 0 : whole[i].error);
		live_close(&live);
	}
	live_end(engine);
}

Test(option_effects, in_ipv4_probing_alone_keeps_datagrams_whole)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(option_of(&live, HAIL_OPTION_DONT_FRAGMENT), 1);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_DONT_FRAGMENT, 0),
		     -EINVAL);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_PATH_MTU,
				     HAIL_PATH_MTU_WANT),
		     0);
	cr_assert_eq(option_of(&live, HAIL_OPTION_DONT_FRAGMENT), 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_DONT_FRAGMENT, 0),
		     0);
	live_end(engine);
}
