/* SPDX-License-Identifier: MIT */
/* The error queue: each record is what it is, and what can't be is refused. */
#include "control.h"
#include "net/errqueue.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/errqueue.h>

/* A record as recvmsg() gives it. */
struct record {
	struct hail_addr name;
	size_t name_size;
	struct test_control control;
};

struct parsed {
	struct hail_error error;
	struct hl_errqueue_stamp stamp;
};

static struct hail_addr addr_of(int family, const char *ip, uint16_t port)
{
	struct hail_addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.sa.sa_family = (sa_family_t)family;
	addr.v4.sin_port = htons(port);
	if (family == AF_INET)
		inet_pton(family, ip, &addr.v4.sin_addr);
	else
		inet_pton(family, ip, &addr.v6.sin6_addr);
	return addr;
}

static size_t size_of(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6);
}

static void set_name(struct record *record, int family, const char *ip)
{
	record->name = addr_of(family, ip, 53);
	record->name_size = size_of(family);
}

/* The offender is of the socket's family, whatever the origin; NULL: none, and
 * its space is there all the same. */
static void add_error(struct test_control *control, int family,
		      const struct sock_extended_err *error, const char *ip)
{
	struct {
		struct sock_extended_err error;
		struct hail_addr offender;
	} data = {.error = *error};

	memset(&data.offender, 0, sizeof(data.offender));
	if (ip)
		data.offender = addr_of(family, ip, 9);
	test_control_add(control, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			 family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &data,
			 sizeof(data.error) + size_of(family));
}

static void add_times(struct test_control *control)
{
	const int64_t times[6] = {1, 2, 3, 4, 5, 6};

	test_control_add(control, SOL_SOCKET, SCM_TIMESTAMPING, times,
			 sizeof(times));
}

/* In memory of exact sizes; what a record isn't must stay as it was. */
static int parse(struct parsed *out, const struct record *record, size_t shift)
{
	void *name_memory, *name, *memory, *bytes;
	struct parsed before;
	int kind;

	memset(&before, 0x5a, sizeof(before));
	*out = before;
	name = test_control_exact(&name_memory, &record->name,
				  record->name_size, shift);
	bytes = test_control_exact(&memory, record->control.bytes,
				   record->control.size, shift);
	kind = hl_errqueue_parse(&out->error, &out->stamp, name,
				 record->name_size, bytes,
				 record->control.size);
	free(memory);
	free(name_memory);
	if (kind != HL_ERRQUEUE_ERROR)
		cr_assert_arr_eq(&out->error, &before.error,
				 sizeof(out->error));
	if (kind != HL_ERRQUEUE_STAMP)
		cr_assert_arr_eq(&out->stamp, &before.stamp,
				 sizeof(out->stamp));
	return kind;
}

static struct hail_error error_of(const struct record *record)
{
	struct parsed parsed;

	cr_assert_eq(parse(&parsed, record, 0), HL_ERRQUEUE_ERROR);
	return parsed.error;
}

static void assert_refused(const struct record *record)
{
	struct parsed parsed;

	cr_assert_eq(parse(&parsed, record, 0), -EBADMSG);
}

static void assert_equal(const struct hail_error *a, const struct hail_error *b)
{
	cr_assert_eq(a->code, b->code);
	cr_assert_eq(a->kind, b->kind);
	cr_assert_arr_eq(&a->remote, &b->remote, sizeof(a->remote));
	cr_assert_arr_eq(&a->offender, &b->offender, sizeof(a->offender));
	cr_assert_null(a->data);
	cr_assert_eq(a->size, 0);
	cr_assert_eq(a->icmp_version, b->icmp_version);
	cr_assert_eq(a->icmp_type, b->icmp_type);
	cr_assert_eq(a->icmp_code, b->icmp_code);
	cr_assert_eq(a->mtu, b->mtu);
	cr_assert_eq(a->time_ns, b->time_ns);
}

static const struct sock_extended_err refused_v4 = {
	.ee_errno = ECONNREFUSED,
	.ee_origin = SO_EE_ORIGIN_ICMP,
	.ee_type = 3,
	.ee_code = 3,
};
static const struct sock_extended_err refused_v6 = {
	.ee_errno = ECONNREFUSED,
	.ee_origin = SO_EE_ORIGIN_ICMP6,
	.ee_type = 1,
	.ee_code = 4,
};
static const struct sock_extended_err stamped = {
	.ee_errno = ENOMSG,
	.ee_origin = SO_EE_ORIGIN_TIMESTAMPING,
	.ee_info = SCM_TSTAMP_SND,
	.ee_data = 4711,
};

static struct record record_v4(const struct sock_extended_err *error)
{
	struct record record = {.name_size = 0};

	set_name(&record, AF_INET, "192.0.2.1");
	add_error(&record.control, AF_INET, error, "198.51.100.7");
	return record;
}

static struct record record_v6(const struct sock_extended_err *error)
{
	struct record record = {.name_size = 0};

	set_name(&record, AF_INET6, "2001:db8::1");
	add_error(&record.control, AF_INET6, error, "2001:db8::7");
	return record;
}

Test(errqueue, an_icmp_message_of_ipv4_is_told_with_who_sent_it)
{
	struct record record = record_v4(&refused_v4);
	struct hail_error error = error_of(&record);
	const struct hail_error wanted = {
		.code = -ECONNREFUSED,
		.kind = HAIL_ERROR_REMOTE,
		.remote = addr_of(AF_INET, "192.0.2.1", 53),
		.offender = addr_of(AF_INET, "198.51.100.7", 0),
		.icmp_version = 4,
		.icmp_type = 3,
		.icmp_code = 3,
	};

	assert_equal(&error, &wanted);
}

Test(errqueue, an_icmp_message_of_ipv6_is_told_with_who_sent_it)
{
	struct record record = record_v6(&refused_v6);
	struct hail_error error = error_of(&record);
	const struct hail_error wanted = {
		.code = -ECONNREFUSED,
		.kind = HAIL_ERROR_REMOTE,
		.remote = addr_of(AF_INET6, "2001:db8::1", 53),
		.offender = addr_of(AF_INET6, "2001:db8::7", 0),
		.icmp_version = 6,
		.icmp_type = 1,
		.icmp_code = 4,
	};

	assert_equal(&error, &wanted);
}

Test(errqueue, a_dual_stack_socket_has_mapped_addresses_and_icmp_of_ipv4)
{
	struct record record = {.name_size = 0};
	struct hail_error error;

	set_name(&record, AF_INET6, "::ffff:192.0.2.1");
	add_error(&record.control, AF_INET6, &refused_v4, "::ffff:192.0.2.9");
	error = error_of(&record);
	cr_assert_eq(error.icmp_version, 4);
	cr_assert(hail_addr_equal(&error.remote, &record.name));
	cr_assert(IN6_IS_ADDR_V4MAPPED(&error.offender.v6.sin6_addr));
	cr_assert_eq(error.offender.v6.sin6_port, 0);
}

Test(errqueue, a_scope_stays)
{
	struct record record = record_v6(&refused_v6);

	record.name.v6.sin6_scope_id = 7;
	cr_assert_eq(error_of(&record).remote.v6.sin6_scope_id, 7);
}

static struct sock_extended_err too_big(bool v4, uint32_t mtu)
{
	struct sock_extended_err error = {
		.ee_errno = EMSGSIZE,
		.ee_origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
		.ee_type = v4 ? 3 : 2,
		.ee_code = v4 ? 4 : 0,
		.ee_info = mtu,
	};

	return error;
}

Test(errqueue, a_router_tells_the_path_mtu)
{
	static const uint32_t mtus[2][3] = {{1280, 1500, UINT32_MAX},
					    {68, 1500, UINT32_MAX}};

	for (size_t i = 0; i < 6; i++) {
		bool v4 = i % 2;
		struct sock_extended_err too = too_big(v4, mtus[v4][i / 2]);
		struct record record = v4 ? record_v4(&too) : record_v6(&too);
		struct hail_error error = error_of(&record);

		cr_assert_eq(error.kind, HAIL_ERROR_PATH_MTU);
		cr_assert_eq(error.code, -EMSGSIZE);
		cr_assert_eq(error.mtu, mtus[v4][i / 2]);
		cr_assert_eq(error.icmp_version, v4 ? 4 : 6);
		cr_assert_neq(error.offender.sa.sa_family, AF_UNSPEC);
	}
}

Test(errqueue, a_path_mtu_that_no_link_has_is_not_told)
{
	static const uint32_t mtus[2][3] = {{0, 68, 1279}, {0, 1, 67}};

	for (size_t i = 0; i < 6; i++) {
		bool v4 = i % 2;
		struct sock_extended_err too = too_big(v4, mtus[v4][i / 2]);
		struct record record = v4 ? record_v4(&too) : record_v6(&too);
		struct hail_error error = error_of(&record);

		cr_assert_eq(error.kind, HAIL_ERROR_REMOTE);
		cr_assert_eq(error.code, -EMSGSIZE);
		cr_assert_eq(error.mtu, 0);
	}
}

Test(errqueue, only_too_big_tells_a_path_mtu)
{
	struct sock_extended_err errors[] = {
		too_big(true, 1500),  too_big(true, 1500),  too_big(true, 1500),
		too_big(false, 1500), too_big(false, 1500),
	};

	errors[0].ee_type = 2;
	errors[1].ee_code = 3;
	errors[2].ee_errno = EHOSTUNREACH;
	errors[3].ee_type = 3;
	errors[4].ee_errno = EHOSTUNREACH;
	for (size_t i = 0; i < 5; i++) {
		struct record record =
			i < 3 ? record_v4(&errors[i]) : record_v6(&errors[i]);
		struct hail_error error = error_of(&record);

		cr_assert_eq(error.kind, HAIL_ERROR_REMOTE, "%zu", i);
		cr_assert_eq(error.mtu, 0);
	}
}

Test(errqueue, the_kernel_itself_tells_the_path_mtu)
{
	const struct sock_extended_err local = {
		.ee_errno = EMSGSIZE,
		.ee_origin = SO_EE_ORIGIN_LOCAL,
		.ee_info = 1400,
	};
	const struct hail_error wanted = {
		.code = -EMSGSIZE,
		.kind = HAIL_ERROR_PATH_MTU,
		.remote = addr_of(AF_INET, "192.0.2.1", 53),
		.mtu = 1400,
	};
	struct record record = {.name_size = 0};
	struct hail_error error;

	set_name(&record, AF_INET, "192.0.2.1");
	add_error(&record.control, AF_INET, &local, NULL);
	error = error_of(&record);
	assert_equal(&error, &wanted);
}

Test(errqueue, other_errors_of_the_kernel_are_local_ones)
{
	static const struct sock_extended_err errors[] = {
		{.ee_errno = EHOSTUNREACH, .ee_info = 1400},
		{.ee_errno = EMSGSIZE, .ee_info = 0},
	};

	for (size_t i = 0; i < 2; i++) {
		struct sock_extended_err local = errors[i];
		struct record record;
		struct hail_error error;

		local.ee_origin = SO_EE_ORIGIN_LOCAL;
		record = record_v6(&local);
		error = error_of(&record);
		cr_assert_eq(error.kind, HAIL_ERROR_LOCAL);
		cr_assert_eq(error.code, -(int)local.ee_errno);
		cr_assert_eq(error.icmp_version, 0);
		cr_assert_eq(error.mtu, 0);
	}
}

Test(errqueue, a_transmit_time_that_was_not_met_is_told)
{
	static const int codes[][2] = {
		{SO_EE_CODE_TXTIME_MISSED, -ECANCELED},
		{SO_EE_CODE_TXTIME_INVALID_PARAM, -EINVAL},
	};

	for (size_t i = 0; i < 2; i++) {
		const struct sock_extended_err txtime = {
			.ee_errno = EIO,
			.ee_origin = SO_EE_ORIGIN_TXTIME,
			.ee_code = (uint8_t)codes[i][0],
			.ee_data = 0x01020304,
			.ee_info = 0xf5f6f7f8,
		};
		struct record record = {.name_size = 0};
		struct hail_error error;
		const struct hail_error wanted = {
			.code = codes[i][1],
			.kind = HAIL_ERROR_TXTIME,
			.time_ns = 0x01020304f5f6f7f8,
		};

		add_error(&record.control, AF_INET, &txtime, NULL);
		error = error_of(&record);
		assert_equal(&error, &wanted);
	}
}

Test(errqueue, a_transmit_time_of_another_code_is_refused)
{
	const struct sock_extended_err txtime = {
		.ee_errno = EINVAL,
		.ee_origin = SO_EE_ORIGIN_TXTIME,
		.ee_code = 3,
	};
	struct record record = record_v4(&txtime);

	assert_refused(&record);
}

Test(errqueue, a_transmit_timestamp_is_told_before_or_behind_its_record)
{
	for (size_t order = 0; order < 2; order++) {
		struct test_control parts[2] = {{0}};
		struct record record = {.name_size = 0};
		struct parsed parsed;

		add_error(&parts[0], AF_INET6, &stamped, NULL);
		add_times(&parts[1]);
		test_control_join_order(&record.control, parts, 2, order);
		cr_assert_eq(parse(&parsed, &record, 0), HL_ERRQUEUE_STAMP);
		cr_assert_eq(parsed.stamp.id, 4711);
		cr_assert_eq(parsed.stamp.time_ns, 1000000002);
		cr_assert_eq(parsed.stamp.device_time_ns, 5000000006);
	}
}

Test(errqueue, a_timestamp_without_times_or_of_another_kind_is_refused)
{
	for (size_t i = 0; i < 4; i++) {
		struct sock_extended_err error = stamped;
		struct record record = {.name_size = 0};

		if (i == 1)
			error.ee_info = SCM_TSTAMP_SCHED;
		if (i == 2)
			error.ee_info = SCM_TSTAMP_ACK;
		if (i == 3)
			error.ee_errno = EAGAIN;
		add_error(&record.control, AF_INET, &error, NULL);
		if (i > 0)
			add_times(&record.control);
		assert_refused(&record);
	}
}

Test(errqueue, records_of_no_known_origin_are_refused)
{
	for (unsigned origin = 0; origin < 256; origin++) {
		struct sock_extended_err error = refused_v4;
		struct record record;

		error.ee_origin = (uint8_t)origin;
		record = record_v4(&error);
		if (origin < SO_EE_ORIGIN_LOCAL || origin > SO_EE_ORIGIN_ICMP6)
			assert_refused(&record);
		else
			error_of(&record);
	}
}

Test(errqueue, a_number_that_is_no_errno_is_refused)
{
	static const uint32_t numbers[] = {0, 4096, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct sock_extended_err error = refused_v4;
		struct record record;

		error.ee_errno = numbers[i];
		record = record_v4(&error);
		assert_refused(&record);
	}
}

Test(errqueue, the_facts_of_the_socket_may_lie_around_it)
{
	struct test_control parts[5] = {{0}};
	struct record record = {.name_size = 0};
	struct hail_error wanted;

	set_name(&record, AF_INET6, "::ffff:192.0.2.1");
	add_error(&parts[0], AF_INET6, &refused_v4, "::ffff:192.0.2.9");
	record.control = parts[0];
	wanted = error_of(&record);
	add_times(&parts[1]);
	test_control_add_int(&parts[2], IPPROTO_IP, IP_TTL, 64);
	test_control_add(&parts[3], IPPROTO_IPV6, IPV6_PKTINFO,
			 "twenty bytes of info", 20);
	test_control_add_header(&parts[4], SOL_SOCKET, SO_RXQ_OVFL,
				CMSG_LEN(0));
	for (size_t i = 0; i < test_control_orders(5); i++) {
		struct hail_error error;

		record.control.size = 0;
		test_control_join_order(&record.control, parts, 5, i);
		error = error_of(&record);
		assert_equal(&error, &wanted);
	}
}

Test(errqueue, records_may_begin_anywhere_in_memory)
{
	struct record record = record_v6(&refused_v6);
	struct hail_error wanted = error_of(&record);
	struct parsed parsed;

	for (size_t shift = 1; shift < 16; shift++) {
		cr_assert_eq(parse(&parsed, &record, shift), HL_ERRQUEUE_ERROR);
		assert_equal(&parsed.error, &wanted);
	}
}

Test(errqueue, a_name_that_is_cut_or_of_another_family_is_none)
{
	struct record record = record_v6(&refused_v6);

	for (size_t size = 0; size < sizeof(struct sockaddr_in6); size++) {
		record.name_size = size;
		cr_assert_eq(error_of(&record).remote.sa.sa_family, AF_UNSPEC);
	}
	record.name_size = sizeof(struct sockaddr_in6);
	record.name.sa.sa_family = AF_UNIX;
	cr_assert_eq(error_of(&record).remote.sa.sa_family, AF_UNSPEC);
	record = record_v4(&refused_v4);
	for (size_t size = 0; size < sizeof(struct sockaddr_in); size++) {
		record.name_size = size;
		cr_assert_eq(error_of(&record).remote.sa.sa_family, AF_UNSPEC);
	}
}

/* As the kernel cuts: the length says how much is left. */
Test(errqueue, a_record_that_the_kernel_cut_loses_the_offender_at_most)
{
	const size_t whole = CMSG_LEN(sizeof(struct sock_extended_err));
	struct record record = record_v6(&refused_v6);
	const size_t all = record.control.size - 4;

	for (size_t size = CMSG_LEN(0); size <= all; size++) {
		struct hail_error error;

		memcpy(record.control.bytes, &size, sizeof(size));
		record.control.size = size;
		if (size < whole) {
			assert_refused(&record);
			continue;
		}
		error = error_of(&record);
		cr_assert_eq(error.code, -ECONNREFUSED);
		cr_assert_eq(error.offender.sa.sa_family,
			     size < all ? AF_UNSPEC : AF_INET6);
	}
}

Test(errqueue, what_is_cut_without_saying_so_is_refused)
{
	struct record record = {.name_size = 0};
	size_t size;

	add_times(&record.control);
	add_error(&record.control, AF_INET, &stamped, NULL);
	size = record.control.size;
	for (record.control.size = 0; record.control.size < size;
	     record.control.size++)
		assert_refused(&record);
}

Test(errqueue, an_impossible_length_is_refused)
{
	static const size_t lengths[] = {
		0, 1, 15, 1000, UINT32_MAX, SIZE_MAX - 7, SIZE_MAX, 16, 17};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct record record = record_v4(&refused_v4);

		memcpy(record.control.bytes, &lengths[i], sizeof(lengths[i]));
		assert_refused(&record);
	}
}

Test(errqueue, without_its_own_message_there_is_no_record)
{
	struct record record = {.name_size = 0};

	assert_refused(&record);
	add_times(&record.control);
	assert_refused(&record);
	test_control_add(&record.control, SOL_SOCKET, IP_RECVERR, &refused_v4,
			 sizeof(refused_v4));
	test_control_add(&record.control, IPPROTO_IP, IPV6_RECVERR, &refused_v4,
			 sizeof(refused_v4));
	assert_refused(&record);
}

/* Those of a machine of another kind have another layout. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && __SIZEOF_POINTER__ == 8
static void load(struct record *record, const char *name)
{
	char path[512];
	FILE *file;
	int size;

	snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "rb");
	cr_assert(file, "%s", path);
	size = fgetc(file);
	cr_assert(size >= 0 && (size_t)size <= sizeof(record->name));
	record->name_size = fread(&record->name, 1, (size_t)size, file);
	record->control.size =
		fread(record->control.bytes, 1, TEST_CONTROL_MAX, file);
	fclose(file);
}

/* Written by Linux 6.18 on x86-64. */
Test(errqueue, what_a_kernel_wrote_is_understood)
{
	static const struct {
		const char *name;
		int family; /* of the offender */
		struct hail_error wanted;
	} cases[] = {
#define REMOTE HAIL_ERROR_REMOTE, .code = -ECONNREFUSED
#define PATH_MTU HAIL_ERROR_PATH_MTU, .code = -EMSGSIZE
		{"kernel-v4-refused-v4-facts",
		 AF_INET,
		 {.kind = REMOTE, .icmp_version = 4, .icmp_type = 3}},
		{"kernel-v6-refused-v6-facts",
		 AF_INET6,
		 {.kind = REMOTE, .icmp_version = 6, .icmp_type = 1}},
		{"kernel-dual-refused-v4-facts",
		 AF_INET6,
		 {.kind = REMOTE, .icmp_version = 4, .icmp_type = 3}},
		{"kernel-v4-local-v4", 0, {.kind = PATH_MTU, .mtu = 1400}},
		{"kernel-v6-local-v6", 0, {.kind = PATH_MTU, .mtu = 1400}},
		{"kernel-v4-too-big-v4",
		 AF_INET,
		 {.kind = PATH_MTU,
		  .mtu = 1300,
		  .icmp_version = 4,
		  .icmp_type = 3}},
		{"kernel-v6-too-big-v6",
		 AF_INET6,
		 {.kind = PATH_MTU,
		  .mtu = 1300,
		  .icmp_version = 6,
		  .icmp_type = 2}},
#undef REMOTE
#undef PATH_MTU
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct hail_error *wanted = &cases[i].wanted;
		struct record record = {.name_size = 0};
		struct hail_error error;

		load(&record, cases[i].name);
		error = error_of(&record);
		cr_assert_eq(error.kind, wanted->kind, "%s", cases[i].name);
		cr_assert_eq(error.code, wanted->code);
		cr_assert_eq(error.mtu, wanted->mtu);
		cr_assert_eq(error.icmp_version, wanted->icmp_version);
		cr_assert_eq(error.icmp_type, wanted->icmp_type);
		cr_assert_eq(error.offender.sa.sa_family, cases[i].family);
		cr_assert(hail_addr_equal(&error.remote, &record.name));
	}
}

Test(errqueue, timestamps_that_a_kernel_wrote_are_understood)
{
	static const char *const names[] = {
		"kernel-v4-stamp", "kernel-v6-stamp", "kernel-dual-stamp"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct record record = {.name_size = 0};
		struct parsed parsed;

		load(&record, names[i]);
		cr_assert_eq(parse(&parsed, &record, 0), HL_ERRQUEUE_STAMP);
		cr_assert_eq(parsed.stamp.id, 0);
		cr_assert_neq(parsed.stamp.time_ns, 0);
		cr_assert_eq(parsed.stamp.device_time_ns, 0);
	}
}
#endif
