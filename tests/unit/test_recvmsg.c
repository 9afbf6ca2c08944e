/* SPDX-License-Identifier: MIT */
/* Receive buffers: what is there is told, and nothing that isn't. */
#include "net/recvmsg.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE 512

/* A buffer as the kernel fills it. */
struct filled {
	struct hl_recvmsg_header header;
	struct hail_addr name;
	size_t control_space;
	size_t size; /* bytes that were written in all */
	size_t datagram_max;
};

static struct filled filled_v4(uint32_t payload)
{
	struct filled filled = {
		.header = {.name_size = sizeof(struct sockaddr_in),
			   .payload_size = payload},
		.name.v4 = {.sin_family = AF_INET, .sin_port = htons(53)},
		.size = HL_RECVMSG_OVERHEAD + payload,
	};

	filled.name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return filled;
}

static struct filled filled_v6(uint32_t payload)
{
	struct filled filled = filled_v4(payload);

	filled.header.name_size = sizeof(struct sockaddr_in6);
	filled.name.v6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(53),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_scope_id = 7,
	};
	return filled;
}

/* Parses such a buffer in memory of its exact size, so that a sanitizer sees
 * any read past it, and leaves `out->data` as an offset into it. */
static int parse(struct hail_datagram *out, const struct filled *filled)
{
	unsigned char bytes[BUFFER_SIZE] = {0};
	unsigned char *exact = malloc(filled->size);
	int rc;

	memcpy(bytes, &filled->header, sizeof(filled->header));
	memcpy(bytes + sizeof(filled->header), &filled->name,
	       sizeof(filled->name));
	memcpy(exact, bytes, filled->size);
	rc = hl_recvmsg_parse(out, exact, filled->size, filled->control_space,
			      filled->datagram_max);
	if (rc == 0)
		out->data = (void *)((const unsigned char *)out->data - exact);
	free(exact);
	return rc;
}

static struct hail_datagram parsed(const struct filled *filled)
{
	struct hail_datagram out;

	memset(&out, 0x5a, sizeof(out));
	cr_assert_eq(parse(&out, filled), 0);
	return out;
}

Test(recvmsg, the_payload_begins_at_a_multiple_of_16)
{
	struct filled filled = filled_v4(0);

	cr_assert_eq(HL_RECVMSG_OVERHEAD % 16, 0);
	cr_assert_eq((uintptr_t)parsed(&filled).data, HL_RECVMSG_OVERHEAD);
	filled.control_space = 64;
	filled.size += 64;
	cr_assert_eq((uintptr_t)parsed(&filled).data, HL_RECVMSG_OVERHEAD + 64);
}

Test(recvmsg, a_datagram_of_ipv4_is_told_whole)
{
	struct filled filled = filled_v4(100);
	struct hail_datagram out = parsed(&filled);

	cr_assert_eq(out.size, 100);
	cr_assert_eq(out.true_size, 100);
	cr_assert_eq(out.flags, 0);
	cr_assert(hail_addr_equal(&out.remote, &filled.name));
}

Test(recvmsg, a_datagram_of_ipv6_keeps_its_scope)
{
	struct filled filled = filled_v6(1);
	struct hail_datagram out = parsed(&filled);

	cr_assert(hail_addr_equal(&out.remote, &filled.name));
	cr_assert_eq(out.remote.v6.sin6_scope_id, 7);
}

Test(recvmsg, bytes_that_the_name_does_not_have_are_zero)
{
	struct filled filled = filled_v4(1);
	struct hail_datagram out = parsed(&filled);
	struct hail_addr wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.v4 = filled.name.v4;
	cr_assert_arr_eq(&out.remote, &wanted, sizeof(wanted));
}

Test(recvmsg, the_buffer_member_is_left_alone)
{
	struct filled filled = filled_v4(1);
	struct hail_buffer *buffer;

	memset(&buffer, 0x5a, sizeof(buffer));
	cr_assert_eq(parsed(&filled).buffer, buffer);
}

Test(recvmsg, a_datagram_of_no_bytes_is_one)
{
	struct filled filled = filled_v4(0);
	struct hail_datagram out = parsed(&filled);

	cr_assert_eq(out.size, 0);
	cr_assert_eq(out.flags, 0);
	cr_assert_not_null(out.data);
}

Test(recvmsg, what_did_not_fit_is_flagged_with_its_true_size)
{
	struct filled filled = filled_v4(100);
	struct hail_datagram out;

	filled.size -= 40;
	filled.header.flags = MSG_TRUNC;
	out = parsed(&filled);
	cr_assert_eq(out.size, 60);
	cr_assert_eq(out.true_size, 100);
	cr_assert_eq(out.flags, HAIL_DATAGRAM_TRUNCATED);
}

Test(recvmsg, a_length_that_is_not_there_is_never_believed)
{
	struct filled filled = filled_v4(100);
	struct hail_datagram out;

	filled.header.payload_size = UINT32_MAX;
	out = parsed(&filled);
	cr_assert_eq(out.size, 100);
	cr_assert_eq(out.true_size, UINT32_MAX);
	cr_assert_eq(out.flags, HAIL_DATAGRAM_TRUNCATED);
}

Test(recvmsg, the_kernels_flag_alone_flags_it)
{
	struct filled filled = filled_v4(100);

	filled.header.flags = MSG_TRUNC;
	cr_assert_eq(parsed(&filled).flags, HAIL_DATAGRAM_TRUNCATED);
}

Test(recvmsg, other_flags_of_the_kernel_flag_nothing)
{
	struct filled filled = filled_v4(100);

	filled.header.flags = ~(uint32_t)MSG_TRUNC;
	cr_assert_eq(parsed(&filled).flags, 0);
}

Test(recvmsg, bytes_past_the_payload_do_not_count)
{
	struct filled filled = filled_v4(100);

	filled.header.payload_size = 60;
	cr_assert_eq(parsed(&filled).size, 60);
	cr_assert_eq(parsed(&filled).flags, 0);
}

Test(recvmsg, what_is_longer_than_the_socket_takes_is_cut)
{
	struct filled filled = filled_v4(100);
	struct hail_datagram out;

	filled.datagram_max = 99;
	out = parsed(&filled);
	cr_assert_eq(out.size, 99);
	cr_assert_eq(out.true_size, 100);
	cr_assert_eq(out.flags, HAIL_DATAGRAM_TRUNCATED);
}

Test(recvmsg, what_is_just_as_long_is_not_cut)
{
	struct filled filled = filled_v4(100);

	filled.datagram_max = 100;
	cr_assert_eq(parsed(&filled).size, 100);
	cr_assert_eq(parsed(&filled).flags, 0);
}

Test(recvmsg, a_name_of_another_length_or_family_is_none)
{
	static const uint32_t sizes[] = {0,  1,  2,  15, 17,        24,
					 27, 29, 32, 33, UINT32_MAX};
	struct filled filled = filled_v6(1);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		filled.header.name_size = sizes[i];
		cr_assert_eq(parsed(&filled).remote.sa.sa_family, AF_UNSPEC);
	}
	filled.header.name_size = sizeof(struct sockaddr_in);
	cr_assert_eq(parsed(&filled).remote.sa.sa_family, AF_UNSPEC);
	filled.header.name_size = sizeof(struct sockaddr_in6);
	filled.name.sa.sa_family = AF_UNIX;
	cr_assert_eq(parsed(&filled).remote.sa.sa_family, AF_UNSPEC);
}

Test(recvmsg, a_buffer_without_its_spaces_is_ebadmsg_and_writes_nothing)
{
	struct hail_datagram out, before;
	struct filled filled = filled_v4(0);

	memset(&out, 0x5a, sizeof(out));
	before = out;
	filled.control_space = 32;
	for (size_t size = 1; size < HL_RECVMSG_OVERHEAD + 32; size++) {
		filled.size = size;
		cr_assert_eq(parse(&out, &filled), -EBADMSG);
	}
	filled.control_space = SIZE_MAX;
	cr_assert_eq(parse(&out, &filled), -EBADMSG);
	cr_assert_arr_eq(&out, &before, sizeof(out));
}
