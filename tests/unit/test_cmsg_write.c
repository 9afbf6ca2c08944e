/* SPDX-License-Identifier: MIT */
/* Control messages: what is told of a message is as the kernel wants it, to the
 * byte. */
#include "net/cmsg.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <hail/socket.h>
#include <linux/net_tstamp.h>
#include <string.h>

#ifndef SCM_TXTIME
#define SCM_TXTIME 61
#endif
#ifndef SCM_TS_OPT_ID
#define SCM_TS_OPT_ID 81
#endif

static struct hail_addr addr_of(int family, const char *ip)
{
	struct hail_addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.sa.sa_family = (sa_family_t)family;
	addr.v4.sin_port = htons(4711);
	if (family == AF_INET)
		inet_pton(family, ip, &addr.v4.sin_addr);
	else
		inet_pton(family, ip, &addr.v6.sin6_addr);
	return addr;
}

static struct hl_cmsg written(const struct hail_message_facts *facts, bool v4)
{
	struct hl_cmsg out;

	memset(&out, 0x5a, sizeof(out));
	cr_assert_eq(hl_cmsg_write(&out, facts, v4), 0);
	cr_assert_leq(out.size, HL_CMSG_SEND_MAX);
	for (uint32_t i = out.size; i < HL_CMSG_SEND_MAX; i++)
		cr_assert_eq(out.bytes[i], 0x5a);
	return out;
}

static void assert_refused(const struct hail_message_facts *facts, bool v4,
			   int error)
{
	struct hl_cmsg out, before;

	memset(&out, 0x5a, sizeof(out));
	before = out;
	cr_assert_eq(hl_cmsg_write(&out, facts, v4), error);
	cr_assert_arr_eq(&out, &before, sizeof(out));
}

/* Takes the next one off the front: it must be of this kind, and have its
 * bytes that align zeroed. */
static const unsigned char *next(struct hl_cmsg *cmsg, uint32_t *at, int level,
				 int type, size_t size)
{
	const unsigned char *data = cmsg->bytes + *at + 16;
	struct cmsghdr header;

	cr_assert_leq(*at + CMSG_SPACE(size), cmsg->size);
	memcpy(&header, cmsg->bytes + *at, sizeof(header));
	cr_assert_eq(header.cmsg_len, 16 + size);
	cr_assert_eq(header.cmsg_level, level);
	cr_assert_eq(header.cmsg_type, type);
	for (size_t i = size; i % 8 != 0; i++)
		cr_assert_eq(data[i], 0);
	*at += (uint32_t)CMSG_SPACE(size);
	return data;
}

static uint32_t next_int(struct hl_cmsg *cmsg, uint32_t *at, int level,
			 int type)
{
	uint32_t value;

	memcpy(&value, next(cmsg, at, level, type, sizeof(value)),
	       sizeof(value));
	return value;
}

Test(cmsg_write, facts_that_say_nothing_write_nothing)
{
	const struct hail_message_facts facts = {.size = sizeof(facts)};

	cr_assert_eq(written(&facts, true).size, 0);
	cr_assert_eq(written(&facts, false).size, 0);
}

/* Elsewhere the layout is another, and the other tests hold. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && __SIZEOF_POINTER__ == 8
Test(cmsg_write, a_message_of_ipv4_is_this_to_the_byte)
{
	static const unsigned char wanted[] =
		{
			28,   0, 0, 0, 0,   0, 0, 0, 0,  0, 0, 0,
			8,    0, 0, 0, /* PKTINFO */
			3,    0, 0, 0, 192, 0, 2, 7, 0,  0, 0, 0,
			0,    0, 0, 0, 20,  0, 0, 0, 0,  0, 0, 0,
			0,    0, 0, 0, 1,   0, 0, 0, /* TOS */
			0xb9, 0, 0, 0, 0,   0, 0, 0, 20, 0, 0, 0,
			0,    0, 0, 0, 0,   0, 0, 0, 2,  0, 0, 0, /* TTL */
			9,    0, 0, 0, 0,   0, 0, 0, 24, 0, 0, 0,
			0,    0, 0, 0, 1,   0, 0, 0, 61, 0, 0, 0, /* TXTIME */
			8,    7, 6, 5, 4,   3, 2, 1, 20, 0, 0, 0,
			0,    0, 0, 0, 1,   0, 0, 0, 37, 0, 0, 0, /* stamp */
			3,    0, 0, 0, 0,   0, 0, 0,
		};
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET, "192.0.2.7"),
				   .interface = 3, .tos = 0xb9, .ttl = 9,
				   .txtime_ns = 0x0102030405060708,
				   .timestamp = true, .tag = 5);
	struct hl_cmsg cmsg = written(&facts, true);

	cr_assert_eq(cmsg.size, sizeof(wanted));
	cr_assert_arr_eq(cmsg.bytes, wanted, sizeof(wanted));
}

Test(cmsg_write, a_message_of_ipv6_is_this_to_the_byte)
{
	static const unsigned char wanted[] = {
		36, 0,    0, 0,    0,    0,    0, 0,  41, 0, 0,  0,    50, 0, 0,
		0,  0x20, 1, 0x0d, 0xb8, 0,    0, 0,  0,  0, 0,  0,    0,  0, 0,
		0,  7,    3, 0,    0,    0,    0, 0,  0,  0, 20, 0,    0,  0, 0,
		0,  0,    0, 41,   0,    0,    0, 67, 0,  0, 0,  0xff, 0,  0, 0,
		0,  0,    0, 0,    20,   0,    0, 0,  0,  0, 0,  0,    41, 0, 0,
		0,  52,   0, 0,    0,    0xff, 0, 0,  0,  0, 0,  0,    0,
	};
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6, "2001:db8::7"),
				   .interface = 3, .tos = 255, .ttl = 255);
	struct hl_cmsg cmsg = written(&facts, false);

	cr_assert_eq(cmsg.size, sizeof(wanted));
	cr_assert_arr_eq(cmsg.bytes, wanted, sizeof(wanted));
}
#endif

Test(cmsg_write, all_that_a_message_of_ipv6_can_say_has_room)
{
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6, "::1"),
				   .interface = UINT32_MAX, .tos = HAIL_ZERO,
				   .ttl = 1, .txtime_ns = UINT64_MAX,
				   .timestamp = true);
	struct hl_cmsg cmsg = written(&facts, false);
	uint32_t at = 0;

	next(&cmsg, &at, IPPROTO_IPV6, IPV6_PKTINFO, 20);
	cr_assert_eq(next_int(&cmsg, &at, IPPROTO_IPV6, IPV6_TCLASS), 0);
	cr_assert_eq(next_int(&cmsg, &at, IPPROTO_IPV6, IPV6_HOPLIMIT), 1);
	next(&cmsg, &at, SOL_SOCKET, SCM_TXTIME, 8);
	cr_assert_eq(next_int(&cmsg, &at, SOL_SOCKET, SO_TIMESTAMPING),
		     SOF_TIMESTAMPING_TX_SOFTWARE |
			     SOF_TIMESTAMPING_TX_HARDWARE);
	cr_assert_eq(at, cmsg.size);
}

Test(cmsg_write, each_fact_alone_is_one_message)
{
	const struct hail_message_facts facts[] = {
		HAIL_MESSAGE_FACTS(.tos = 1),
		HAIL_MESSAGE_FACTS(.ttl = 1),
		HAIL_MESSAGE_FACTS(.timestamp = true),
		HAIL_MESSAGE_FACTS(.txtime_ns = 1),
	};
	static const int kinds[][4] = {
		{IPPROTO_IP, IP_TOS, IPPROTO_IPV6, IPV6_TCLASS},
		{IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_HOPLIMIT},
		{SOL_SOCKET, SO_TIMESTAMPING, SOL_SOCKET, SO_TIMESTAMPING},
		{SOL_SOCKET, SCM_TXTIME, SOL_SOCKET, SCM_TXTIME},
	};

	for (size_t i = 0; i < 8; i++) {
		const int *kind = &kinds[i / 2][i % 2 ? 0 : 2];
		struct hl_cmsg cmsg = written(&facts[i / 2], i % 2);
		uint32_t at = 0;

		next(&cmsg, &at, kind[0], kind[1], i / 2 == 3 ? 8 : 4);
		cr_assert_eq(at, cmsg.size);
	}
}

Test(cmsg_write, a_mapped_source_is_one_of_ipv4)
{
	const struct hail_message_facts mapped =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6,
						     "::ffff:192.0.2.7"));
	const struct hail_message_facts plain =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET, "192.0.2.7"));
	struct hl_cmsg one = written(&mapped, true);
	struct hl_cmsg other = written(&plain, true);

	cr_assert_eq(one.size, CMSG_SPACE(sizeof(struct in_pktinfo)));
	cr_assert_arr_eq(&one, &other, sizeof(one));
	assert_refused(&mapped, false, -EAFNOSUPPORT);
}

Test(cmsg_write, an_interface_alone_leaves_the_source_to_the_kernel)
{
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.interface = 9);
	struct hl_cmsg v4 = written(&facts, true);
	struct hl_cmsg v6 = written(&facts, false);
	const struct in_pktinfo wanted_v4 = {.ipi_ifindex = 9};
	const struct in6_pktinfo wanted_v6 = {.ipi6_ifindex = 9};
	uint32_t at = 0;

	cr_assert_arr_eq(next(&v4, &at, IPPROTO_IP, IP_PKTINFO, 12), &wanted_v4,
			 12);
	at = 0;
	cr_assert_arr_eq(next(&v6, &at, IPPROTO_IPV6, IPV6_PKTINFO, 20),
			 &wanted_v6, 20);
}

Test(cmsg_write, a_scope_is_the_interface_where_none_is_given)
{
	struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6, "fe80::1"));
	struct in6_pktinfo info;
	struct hl_cmsg cmsg;
	uint32_t at = 0;

	facts.source.v6.sin6_scope_id = 4;
	cmsg = written(&facts, false);
	memcpy(&info, next(&cmsg, &at, IPPROTO_IPV6, IPV6_PKTINFO, 20), 20);
	cr_assert_eq(info.ipi6_ifindex, 4);
	facts.interface = 5;
	at = 0;
	cmsg = written(&facts, false);
	memcpy(&info, next(&cmsg, &at, IPPROTO_IPV6, IPV6_PKTINFO, 20), 20);
	cr_assert_eq(info.ipi6_ifindex, 5);
}

Test(cmsg_write, what_a_datagram_told_can_be_said_of_an_answer)
{
	struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6, "fe80::1"),
				   .interface = 6, .tos = 2, .ttl = 3);
	struct hl_cmsg cmsg = written(&facts, false), again;
	struct hail_facts read = {.size = sizeof(read)};

	hl_cmsg_read(&read, cmsg.bytes, cmsg.size);
	cr_assert_eq(read.known,
		     HAIL_FACT_LOCAL | HAIL_FACT_TTL | HAIL_FACT_TOS);
	facts.source = read.local;
	facts.interface = 0;
	facts.tos = read.tos;
	facts.ttl = read.ttl;
	again = written(&facts, false);
	cr_assert_arr_eq(&again, &cmsg, sizeof(cmsg));
}

Test(cmsg_write, a_tos_or_ttl_out_of_range_is_einval_and_writes_nothing)
{
	static const uint32_t values[] = {256, 0x80000000, UINT32_MAX - 1};
	struct hail_message_facts facts;

	for (size_t i = 0; i < 3; i++) {
		facts = HAIL_MESSAGE_FACTS(.tos = values[i]);
		assert_refused(&facts, i % 2, -EINVAL);
		facts = HAIL_MESSAGE_FACTS(.ttl = values[i]);
		assert_refused(&facts, i % 2, -EINVAL);
	}
	facts = HAIL_MESSAGE_FACTS(.ttl = HAIL_ZERO);
	assert_refused(&facts, true, -EINVAL);
}

Test(cmsg_write, a_source_of_another_family_is_eafnosupport)
{
	struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET, "192.0.2.7"));

	assert_refused(&facts, false, -EAFNOSUPPORT);
	facts.source = addr_of(AF_INET6, "2001:db8::7");
	assert_refused(&facts, true, -EAFNOSUPPORT);
	facts.source.sa.sa_family = AF_UNIX;
	assert_refused(&facts, true, -EAFNOSUPPORT);
	assert_refused(&facts, false, -EAFNOSUPPORT);
}

Test(cmsg_write, the_number_of_a_timestamp_comes_last)
{
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.ttl = 7, .timestamp = true);
	struct hl_cmsg out = written(&facts, true);
	uint32_t at = 0;

	hl_cmsg_write_stamp_id(&out, 0x12345678);
	cr_assert_eq(next_int(&out, &at, IPPROTO_IP, IP_TTL), 7);
	next_int(&out, &at, SOL_SOCKET, SO_TIMESTAMPING);
	cr_assert_eq(next_int(&out, &at, SOL_SOCKET, SCM_TS_OPT_ID),
		     0x12345678);
	cr_assert_eq(at, out.size);
}

Test(cmsg_write, all_that_can_be_said_has_room)
{
	const struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.source = addr_of(AF_INET6, "2001:db8::1"),
				   .interface = 1, .tos = 1, .ttl = 1,
				   .txtime_ns = 1, .timestamp = true);
	struct hl_cmsg out = written(&facts, false);

	hl_cmsg_write_stamp_id(&out, 1);
	hl_cmsg_write_segment(&out, 1);
	cr_assert_eq(out.size, HL_CMSG_SEND_MAX);
}
