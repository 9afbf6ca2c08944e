/* SPDX-License-Identifier: MIT */
/* Control messages: what the kernel tells of a datagram is read, whatever else
 * lies there. What is told of a message is in test_cmsg_write.c. */
#include "control.h"
#include "net/cmsg.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACE 3

static struct hail_facts read_shifted(const struct test_control *control,
				      size_t size, size_t shift)
{
	struct hail_facts facts;
	void *memory, *bytes;

	memset(&facts, 0x5a, sizeof(facts));
	bytes = test_control_exact(&memory, control->bytes, size, shift);
	hl_cmsg_read(&facts, bytes, size);
	free(memory);
	return facts;
}

static struct hail_facts facts_of(const struct test_control *control)
{
	return read_shifted(control, control->size, 0);
}

static uint32_t segment_size_of(const struct test_control *control, size_t size)
{
	void *memory, *bytes;
	uint32_t segment;

	bytes = test_control_exact(&memory, control->bytes, size, 0);
	segment = hl_cmsg_segment_size(bytes, size);
	free(memory);
	return segment;
}

static void add_local_v4(struct test_control *control)
{
	struct in_pktinfo info = {.ipi_ifindex = INTERFACE};

	info.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK);
	info.ipi_addr.s_addr = htonl(0xc0000201);
	test_control_add(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static void add_local_v6(struct test_control *control, const char *ip)
{
	struct in6_pktinfo info = {.ipi6_ifindex = INTERFACE};

	inet_pton(AF_INET6, ip, &info.ipi6_addr);
	test_control_add(control, IPPROTO_IPV6, IPV6_PKTINFO, &info,
			 sizeof(info));
}

static void add_times(struct test_control *control)
{
	const int64_t times[6] = {1, 2, 3, 4, 5, 6};

	test_control_add(control, SOL_SOCKET, SCM_TIMESTAMPING, times,
			 sizeof(times));
}

static void assert_local(const struct hail_facts *facts, int family,
			 const char *ip, uint32_t scope)
{
	struct hail_addr wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		inet_pton(family, ip, &wanted.v4.sin_addr);
	else
		inet_pton(family, ip, &wanted.v6.sin6_addr);
	if (family == AF_INET6)
		wanted.v6.sin6_scope_id = scope;
	cr_assert(facts->known & HAIL_FACT_LOCAL);
	cr_assert_arr_eq(&facts->local, &wanted, sizeof(wanted), "%s", ip);
	cr_assert_eq(facts->interface, INTERFACE);
}

static void assert_nothing(const struct hail_facts *facts, size_t detail)
{
	struct hail_facts nothing;

	memset(&nothing, 0, sizeof(nothing));
	nothing.size = facts->size;
	cr_assert_arr_eq(facts, &nothing, sizeof(nothing), "%zu", detail);
}

Test(cmsg, the_local_address_of_ipv4_is_where_it_was_sent_to)
{
	struct test_control control = {0};
	struct hail_facts facts;

	add_local_v4(&control);
	facts = facts_of(&control);
	cr_assert_eq(facts.known, HAIL_FACT_LOCAL);
	assert_local(&facts, AF_INET, "192.0.2.1", 0);
}

Test(cmsg, the_local_address_of_ipv6_has_a_scope_only_within_its_link)
{
	static const struct {
		const char *ip;
		uint32_t scope;
	} cases[] = {{"2001:db8::1", 0},
		     {"::1", 0},
		     {"ff05::1", 0},
		     {"fe80::1", INTERFACE},
		     {"ff02::1", INTERFACE}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		add_local_v6(&control, cases[i].ip);
		facts = facts_of(&control);
		cr_assert_eq(facts.known, HAIL_FACT_LOCAL);
		assert_local(&facts, AF_INET6, cases[i].ip, cases[i].scope);
	}
}

Test(cmsg, a_mapped_address_stays_mapped)
{
	struct test_control control = {0};
	struct hail_facts facts;

	add_local_v6(&control, "::ffff:192.0.2.7");
	facts = facts_of(&control);
	assert_local(&facts, AF_INET6, "::ffff:192.0.2.7", 0);
}

Test(cmsg, of_both_forms_the_mapped_one_stays_whichever_comes_first)
{
	for (size_t order = 0; order < 2; order++) {
		struct test_control parts[2] = {{0}}, control = {0};
		struct hail_facts facts;

		add_local_v4(&parts[0]);
		add_local_v6(&parts[1], "::ffff:192.0.2.1");
		test_control_join_order(&control, parts, 2, order);
		facts = facts_of(&control);
		assert_local(&facts, AF_INET6, "::ffff:192.0.2.1", 0);
	}
}

Test(cmsg, the_ttl_is_told_in_both_families)
{
	static const int levels[][2] = {{IPPROTO_IP, IP_TTL},
					{IPPROTO_IPV6, IPV6_HOPLIMIT}};

	for (size_t i = 0; i < 2; i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		test_control_add_int(&control, levels[i][0], levels[i][1], 255);
		facts = facts_of(&control);
		cr_assert_eq(facts.known, HAIL_FACT_TTL);
		cr_assert_eq(facts.ttl, 255);
	}
}

Test(cmsg, the_tos_is_told_as_a_byte_and_as_an_int)
{
	const unsigned char byte = 0xb9;
	struct test_control controls[3] = {{0}};

	test_control_add(&controls[0], IPPROTO_IP, IP_TOS, &byte, 1);
	test_control_add_int(&controls[1], IPPROTO_IP, IP_TOS, byte);
	test_control_add_int(&controls[2], IPPROTO_IPV6, IPV6_TCLASS, byte);
	for (size_t i = 0; i < 3; i++) {
		struct hail_facts facts = facts_of(&controls[i]);

		cr_assert_eq(facts.known, HAIL_FACT_TOS);
		cr_assert_eq(facts.tos, byte);
	}
}

Test(cmsg, a_tos_of_zero_is_one)
{
	struct test_control control = {0};
	struct hail_facts facts;

	test_control_add_int(&control, IPPROTO_IPV6, IPV6_TCLASS, 0);
	facts = facts_of(&control);
	cr_assert_eq(facts.known, HAIL_FACT_TOS);
	cr_assert_eq(facts.tos, 0);
}

Test(cmsg, the_kernels_time_and_the_devices_are_told_apart)
{
	struct test_control control = {0};
	struct hail_facts facts;

	add_times(&control);
	facts = facts_of(&control);
	cr_assert_eq(facts.known, HAIL_FACT_TIME | HAIL_FACT_DEVICE_TIME);
	cr_assert_eq(facts.time_ns, 1000000002);
	cr_assert_eq(facts.device_time_ns, 5000000006);
}

Test(cmsg, a_time_that_is_missing_or_cannot_be_is_none)
{
	static const int64_t times[][2] = {{0, 0},         {-1, 0},
					   {1, -1},        {1, 1000000000},
					   {INT64_MAX, 0}, {18446744073, 0},
					   {INT64_MIN, 1}, {1, INT64_MAX}};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t three[6] = {times[i][0], times[i][1], 0, 0, 7, 8};
		struct test_control control = {0};
		struct hail_facts facts;

		test_control_add(&control, SOL_SOCKET, SCM_TIMESTAMPING, three,
				 sizeof(three));
		facts = facts_of(&control);
		cr_assert_eq(facts.known, HAIL_FACT_DEVICE_TIME, "%zu", i);
		cr_assert_eq(facts.time_ns, 0);
		cr_assert_eq(facts.device_time_ns, 7000000008);
	}
}

Test(cmsg, the_last_time_that_fits_is_told)
{
	const int64_t three[6] = {18446744072, 999999999};
	struct test_control control = {0};

	test_control_add(&control, SOL_SOCKET, SCM_TIMESTAMPING, three,
			 sizeof(three));
	cr_assert_eq(facts_of(&control).time_ns, 18446744072999999999u);
}

Test(cmsg, drops_are_told_with_all_32_bits)
{
	struct test_control control = {0};
	struct hail_facts facts;

	test_control_add_int(&control, SOL_SOCKET, SO_RXQ_OVFL, -1);
	facts = facts_of(&control);
	cr_assert_eq(facts.known, HAIL_FACT_DROPS);
	cr_assert_eq(facts.drops, UINT32_MAX);
}

Test(cmsg, where_nothing_is_told_nothing_is_known)
{
	struct hail_facts facts;

	memset(&facts, 0x5a, sizeof(facts));
	facts.size = 4711;
	hl_cmsg_read(&facts, NULL, 0);
	assert_nothing(&facts, 0);
	cr_assert_eq(facts.size, 4711);
}

Test(cmsg, values_that_cannot_be_are_left_out)
{
	static const int kinds[][2] = {{IPPROTO_IP, IP_TTL},
				       {IPPROTO_IPV6, IPV6_HOPLIMIT},
				       {IPPROTO_IP, IP_TOS},
				       {IPPROTO_IPV6, IPV6_TCLASS}};
	static const int values[] = {-1, 256, INT32_MAX, INT32_MIN};

	for (size_t i = 0; i < 16; i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		test_control_add_int(&control, kinds[i / 4][0], kinds[i / 4][1],
				     values[i % 4]);
		facts = facts_of(&control);
		assert_nothing(&facts, i);
	}
}

Test(cmsg, messages_of_a_wrong_length_are_left_out)
{
	static const struct {
		int level, type;
		size_t sizes[2];
	} kinds[] = {
		{IPPROTO_IP, IP_PKTINFO, {12, 12}},
		{IPPROTO_IPV6, IPV6_PKTINFO, {20, 20}},
		{IPPROTO_IP, IP_TTL, {4, 4}},
		{IPPROTO_IPV6, IPV6_HOPLIMIT, {4, 4}},
		{IPPROTO_IP, IP_TOS, {1, 4}},
		{IPPROTO_IPV6, IPV6_TCLASS, {1, 4}},
		{SOL_SOCKET, SCM_TIMESTAMPING, {48, 48}},
		{SOL_SOCKET, SO_RXQ_OVFL, {4, 4}},
	};
	unsigned char data[64];

	memset(data, 0, sizeof(data));
	data[0] = 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) * 65; i++) {
		struct test_control control = {0};
		size_t kind = i / 65, size = i % 65;
		struct hail_facts facts;

		test_control_add(&control, kinds[kind].level, kinds[kind].type,
				 data, size);
		facts = facts_of(&control);
		if (size == kinds[kind].sizes[0] ||
		    size == kinds[kind].sizes[1])
			cr_assert_neq(facts.known, 0, "%zu", i);
		else
			assert_nothing(&facts, i);
	}
}

/* All that a socket of IPv6 can be told at once. */
static size_t all_parts(struct test_control parts[7])
{
	memset(parts, 0, 7 * sizeof(*parts));
	add_times(&parts[0]);
	test_control_add_int(&parts[1], SOL_SOCKET, SO_RXQ_OVFL, 9);
	test_control_add_int(&parts[2], IPPROTO_UDP, UDP_GRO, 1200);
	add_local_v6(&parts[3], "fe80::7");
	test_control_add_int(&parts[4], IPPROTO_IPV6, IPV6_HOPLIMIT, 64);
	test_control_add_int(&parts[5], IPPROTO_IPV6, IPV6_TCLASS, 3);
	test_control_add(&parts[6], SOL_SOCKET, SCM_RIGHTS, "unknown", 7);
	return 7;
}

Test(cmsg, the_order_does_not_matter)
{
	struct test_control parts[7];
	size_t count = all_parts(parts);
	struct hail_facts wanted;

	for (size_t i = 0; i < test_control_orders(count); i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		test_control_join_order(&control, parts, count, i);
		facts = facts_of(&control);
		if (i == 0)
			wanted = facts;
		cr_assert_eq(facts.known, HAIL_FACT_ALL);
		cr_assert_arr_eq(&facts, &wanted, sizeof(facts), "%zu", i);
		cr_assert_eq(segment_size_of(&control, control.size), 1200);
	}
}

Test(cmsg, messages_may_begin_anywhere_in_memory)
{
	struct test_control parts[7], control = {0};
	size_t count = all_parts(parts);
	struct hail_facts wanted, facts;

	test_control_join_order(&control, parts, count, 0);
	wanted = facts_of(&control);
	for (size_t shift = 1; shift < 16; shift++) {
		facts = read_shifted(&control, control.size, shift);
		cr_assert_arr_eq(&facts, &wanted, sizeof(facts));
	}
}

/* How many of these lie wholly within the first `size` bytes of all. */
static size_t whole_parts(const struct test_control *parts, size_t count,
			  size_t size)
{
	size_t begin = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length;

		memcpy(&length, parts[i].bytes, sizeof(length));
		if (begin + length > size)
			return i;
		begin += parts[i].size;
	}
	return count;
}

Test(cmsg, what_is_cut_anywhere_tells_what_is_whole_before)
{
	static const uint32_t told[] = {0,
					HAIL_FACT_TIME | HAIL_FACT_DEVICE_TIME,
					HAIL_FACT_DROPS,
					0,
					HAIL_FACT_LOCAL,
					HAIL_FACT_TTL,
					HAIL_FACT_TOS,
					0};
	struct test_control parts[7], control = {0};
	size_t count = all_parts(parts);

	for (size_t i = 0; i < count; i++)
		test_control_join(&control, &parts[i]);
	for (size_t size = 0; size <= control.size; size++) {
		size_t whole = whole_parts(parts, count, size);
		uint32_t known = 0;

		for (size_t i = 0; i <= whole; i++)
			known |= told[i];
		cr_assert_eq(read_shifted(&control, size, 0).known, known,
			     "%zu", size);
		cr_assert_eq(segment_size_of(&control, size),
			     whole >= 3 ? 1200 : 0);
	}
}

Test(cmsg, a_bare_header_is_left_out_and_the_next_one_read)
{
	static const int kinds[][2] = {
		{IPPROTO_IP, IP_PKTINFO},     {IPPROTO_IPV6, IPV6_PKTINFO},
		{IPPROTO_IP, IP_TTL},         {IPPROTO_IP, IP_TOS},
		{SOL_SOCKET, SO_RXQ_OVFL},    {SOL_SOCKET, SCM_TIMESTAMPING},
		{IPPROTO_UDP, UDP_GRO},       {IPPROTO_IPV6, IPV6_TCLASS},
		{IPPROTO_IPV6, IPV6_HOPLIMIT}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		test_control_add_header(&control, kinds[i][0], kinds[i][1],
					CMSG_LEN(0));
		facts = facts_of(&control);
		assert_nothing(&facts, i);
		cr_assert_eq(segment_size_of(&control, control.size), 0);
		test_control_add_int(&control, IPPROTO_IP, IP_TTL, 1);
		cr_assert_eq(facts_of(&control).known, HAIL_FACT_TTL);
	}
}

Test(cmsg, an_impossible_length_ends_the_reading)
{
	static const size_t lengths[] = {
		0,         1,          CMSG_LEN(0) - 1, 1024,
		INT32_MAX, UINT32_MAX, SIZE_MAX / 2,    SIZE_MAX - 7,
		SIZE_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct test_control control = {0};

		test_control_add_int(&control, IPPROTO_IP, IP_TTL, 1);
		test_control_add_header(&control, IPPROTO_IP, IP_TTL,
					lengths[i]);
		test_control_add_int(&control, IPPROTO_IP, IP_TTL, 2);
		test_control_add_int(&control, IPPROTO_UDP, UDP_GRO, 3);
		cr_assert_eq(facts_of(&control).ttl, 1, "%zu", i);
		cr_assert_eq(segment_size_of(&control, control.size), 0);
	}
}

Test(cmsg, the_last_one_needs_no_bytes_that_align_a_next)
{
	const unsigned char byte = 5;
	struct test_control control = {0};

	test_control_add_int(&control, IPPROTO_IP, IP_TTL, 1);
	test_control_add(&control, IPPROTO_IP, IP_TOS, &byte, 1);
	control.size -= CMSG_SPACE(1) - CMSG_LEN(1);
	cr_assert_eq(facts_of(&control).tos, 5);
}

Test(cmsg, the_same_type_of_another_level_is_another_message)
{
	struct test_control control = {0};
	struct hail_facts facts;

	test_control_add_int(&control, IPPROTO_IPV6, IP_TTL, 1);
	test_control_add_int(&control, SOL_SOCKET, IPV6_TCLASS, 1);
	test_control_add_int(&control, SOL_SOCKET, UDP_GRO, 1);
	facts = facts_of(&control);
	assert_nothing(&facts, 0);
	cr_assert_eq(segment_size_of(&control, control.size), 0);
}

Test(cmsg, the_segment_size_is_told_as_an_int_and_as_16_bits)
{
	static const uint32_t sizes[] = {1, 1200, 65535};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const uint16_t narrow = (uint16_t)sizes[i];
		struct test_control wide = {0}, control = {0};

		test_control_add_int(&wide, IPPROTO_UDP, UDP_GRO,
				     (int)sizes[i]);
		test_control_add(&control, IPPROTO_UDP, UDP_GRO, &narrow, 2);
		cr_assert_eq(segment_size_of(&wide, wide.size), sizes[i]);
		cr_assert_eq(segment_size_of(&control, control.size), sizes[i]);
	}
}

Test(cmsg, a_segment_size_that_cannot_be_is_none)
{
	static const int sizes[] = {0, -1, 65536, INT32_MAX, INT32_MIN};
	static const unsigned char data[16] = {1};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct test_control control = {0};

		test_control_add_int(&control, IPPROTO_UDP, UDP_GRO, sizes[i]);
		cr_assert_eq(segment_size_of(&control, control.size), 0);
	}
	for (size_t size = 0; size <= sizeof(data); size++) {
		struct test_control control = {0};

		test_control_add(&control, IPPROTO_UDP, UDP_GRO, data, size);
		cr_assert_eq(segment_size_of(&control, control.size),
			     size == 2 || size == 4 ? 1 : 0);
	}
	cr_assert_eq(hl_cmsg_segment_size(NULL, 0), 0);
}

/* Those of a machine of another kind have another layout. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && __SIZEOF_POINTER__ == 8
static void load(struct test_control *control, const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "rb");
	cr_assert(file, "%s", path);
	control->size = fread(control->bytes, 1, TEST_CONTROL_MAX, file);
	fclose(file);
}

/* Written by Linux 6.18 on x86-64. */
Test(cmsg, what_a_kernel_wrote_is_understood)
{
	static const struct {
		const char *name, *ip;
		int family;
		uint32_t known, segment;
	} cases[] = {
		{"kernel-v4-v4", "127.0.0.1", AF_INET, 0x2f, 0},
		{"kernel-v6-v6", "::1", AF_INET6, 0x2f, 0},
		{"kernel-dual-v4", "::ffff:127.0.0.1", AF_INET6, 0x2f, 0},
		{"kernel-dual-v6", "::1", AF_INET6, 0x2f, 0},
		{"kernel-v4-gro", "127.0.0.1", AF_INET, 0x07, 100},
		{"kernel-v6-gro", "::1", AF_INET6, 0x07, 100},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct test_control control = {0};
		struct hail_facts facts;

		load(&control, cases[i].name);
		facts = facts_of(&control);
		cr_assert_eq(facts.known, cases[i].known, "%s", cases[i].name);
		facts.interface += INTERFACE - 1;
		assert_local(&facts, cases[i].family, cases[i].ip, 0);
		cr_assert_eq(facts.ttl, cases[i].segment ? 64 : 9);
		cr_assert_eq(facts.tos, cases[i].segment ? 0 : 0xb9);
		cr_assert_eq(facts.drops, cases[i].segment ? 0 : 18);
		cr_assert_eq(segment_size_of(&control, control.size),
			     cases[i].segment);
	}
}
#endif
