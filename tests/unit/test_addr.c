/* SPDX-License-Identifier: MIT */
/* Addresses: what text is one, what isn't, and how they are written. */
#include "net/addr.h"
#include "parsed.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static void assert_refused(const char *ip, int error)
{
	struct hail_addr addr = untouched(), before = untouched();

	cr_assert_eq(hail_addr_parse(&addr, ip, 53), error, "\"%s\"", ip);
	cr_assert_arr_eq(&addr, &before, sizeof(addr), "\"%s\"", ip);
}

static void assert_format(const struct hail_addr *addr, const char *wanted)
{
	char text[HAIL_ADDR_TEXT_MAX];

	cr_assert_eq(hail_addr_format(addr, text, sizeof(text)),
		     (int)strlen(wanted), "%s", wanted);
	cr_assert_str_eq(text, wanted);
}

Test(addr_parse, ipv4_is_read_with_its_port_in_network_order)
{
	struct hail_addr addr = parsed("192.0.2.1", 53);

	cr_assert_eq(addr.v4.sin_family, AF_INET);
	cr_assert_eq(addr.v4.sin_port, htons(53));
	cr_assert_eq(addr.v4.sin_addr.s_addr, htonl(0xc0000201));
}

Test(addr_parse, ipv6_is_read_without_scope_and_flow)
{
	struct hail_addr addr = parsed("2001:db8::1", 65535);

	cr_assert_eq(addr.v6.sin6_family, AF_INET6);
	cr_assert_eq(addr.v6.sin6_port, htons(65535));
	cr_assert_eq(addr.v6.sin6_addr.s6_addr[0], 0x20);
	cr_assert_eq(addr.v6.sin6_addr.s6_addr[15], 1);
	cr_assert_eq(addr.v6.sin6_scope_id, 0);
	cr_assert_eq(addr.v6.sin6_flowinfo, 0);
}

Test(addr_parse, bytes_that_the_family_does_not_use_are_zero)
{
	struct hail_addr addr = parsed("127.0.0.1", 1), wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.v4.sin_family = AF_INET;
	wanted.v4.sin_port = htons(1);
	wanted.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_arr_eq(&addr, &wanted, sizeof(addr));
}

Test(addr_parse, mapped_ipv4_is_ipv6)
{
	struct hail_addr addr = parsed("::ffff:192.0.2.1", 1);

	cr_assert_eq(addr.sa.sa_family, AF_INET6);
	cr_assert(hl_addr_is_v4(&addr));
}

Test(addr_parse, a_scope_may_be_an_interface_by_name)
{
	struct hail_addr addr = parsed("fe80::1%lo", 1);

	cr_assert_eq(addr.v6.sin6_scope_id, if_nametoindex("lo"));
}

Test(addr_parse, a_scope_may_be_any_number_of_32_bits)
{
	cr_assert_eq(parsed("fe80::1%2", 1).v6.sin6_scope_id, 2);
	cr_assert_eq(parsed("fe80::1%4294967295", 1).v6.sin6_scope_id,
		     UINT32_MAX);
}

Test(addr_parse, an_unknown_interface_is_enodev)
{
	assert_refused("fe80::1%no-such-if", -ENODEV);
	assert_refused("fe80::1%a-name-longer-than-any-interface", -ENODEV);
	assert_refused("fe80::1% lo", -ENODEV);
	assert_refused("fe80::1%2 ", -ENODEV);
	assert_refused("fe80::1%-1", -ENODEV);
}

/* The kernel's own look-up reads a name up to its first colon. */
Test(addr_parse, an_interface_with_something_behind_its_name_is_enodev)
{
	assert_refused("fe80::1%lo:junk", -ENODEV);
	assert_refused("fe80::1%lo:", -ENODEV);
	assert_refused("fe80::1%lo:1", -ENODEV);
}

Test(addr_parse, what_is_no_numeric_address_is_einval)
{
	static const char *const texts[] = {
		"",
		"localhost",
		"example.com",
		" 127.0.0.1",
		"127.0.0.1 ",
		"127.0.0.1\n",
		"127.0.0",
		"127.1",
		"127.0.0.1.1",
		"127.0.0.256",
		"127.0.0.01",
		"0x7f.0.0.1",
		"2130706433",
		"127.0.0.1:53",
		"127.0.0.1%lo",
		"[::1]",
		"::1 ",
		" ::1",
		":::1",
		"1:2:3:4:5:6:7:8:9",
		"12345::1",
		"::g",
		":",
		"%lo",
		"::1%",
		"::1%0",
		"::1%01",
		"::1%4294967296",
		"::1%99999999999999999999999999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
		/* Just too long for any, with its zero. */
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_refused(texts[i], -EINVAL);
}

Test(addr_parse, null_is_einval)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(NULL, "::1", 1), -EINVAL);
	cr_assert_eq(hail_addr_parse(&addr, NULL, 1), -EINVAL);
}

Test(addr_resolve, numeric_addresses_need_no_name_server)
{
	struct hail_addr addr = untouched(), wanted;

	wanted = parsed("192.0.2.7", 99);
	cr_assert_eq(hail_addr_resolve(&addr, "192.0.2.7", 99), 0);
	cr_assert(hail_addr_equal(&addr, &wanted));
	wanted = parsed("2001:db8::7", 99);
	cr_assert_eq(hail_addr_resolve(&addr, "2001:db8::7", 99), 0);
	cr_assert(hail_addr_equal(&addr, &wanted));
}

Test(addr_resolve, a_scope_is_kept)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_resolve(&addr, "fe80::1%lo", 99), 0);
	cr_assert_eq(addr.v6.sin6_scope_id, if_nametoindex("lo"));
	cr_assert_eq(hail_addr_port(&addr), 99);
}

Test(addr_resolve, localhost_is_an_address_of_this_host)
{
	struct hail_addr addr, v4 = parsed("127.0.0.1", 7);
	struct hail_addr v6 = parsed("::1", 7);

	cr_assert_eq(hail_addr_resolve(&addr, "localhost", 7), 0);
	cr_assert(hail_addr_equal(&addr, &v4) || hail_addr_equal(&addr, &v6));
}

Test(addr_resolve, what_can_be_no_name_is_enoent_and_writes_nothing)
{
	struct hail_addr addr = untouched(), before = untouched();

	cr_assert_eq(hail_addr_resolve(&addr, "", 7), -ENOENT);
	cr_assert_eq(hail_addr_resolve(&addr, "fe80::1%no-such-if", 7),
		     -ENOENT);
	cr_assert_arr_eq(&addr, &before, sizeof(addr));
}

Test(addr_resolve, null_is_einval)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_resolve(NULL, "::1", 1), -EINVAL);
	cr_assert_eq(hail_addr_resolve(&addr, NULL, 1), -EINVAL);
}

Test(addr_format, ipv4_is_written_plainly)
{
	struct hail_addr addr = parsed("127.0.0.1", 53);

	assert_format(&addr, "127.0.0.1:53");
}

Test(addr_format, ipv6_is_written_in_brackets)
{
	struct hail_addr addr = parsed("::1", 0);

	assert_format(&addr, "[::1]:0");
}

Test(addr_format, a_scope_is_written_by_name_where_it_has_one)
{
	struct hail_addr addr = parsed("fe80::1%lo", 53);

	assert_format(&addr, "[fe80::1%lo]:53");
	addr.v6.sin6_scope_id = 4000000000;
	assert_format(&addr, "[fe80::1%4000000000]:53");
}

Test(addr_format, the_longest_text_fits_into_text_max)
{
	struct hail_addr addr =
		parsed("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535);
	char text[HAIL_ADDR_TEXT_MAX];

	addr.v6.sin6_scope_id = UINT32_MAX;
	cr_assert_gt(hail_addr_format(&addr, text, sizeof(text)), 0);
}

Test(addr_format, text_that_does_not_fit_is_enospc_and_writes_nothing)
{
	struct hail_addr addr = parsed("127.0.0.1", 53);
	char text[] = "untouched text";
	size_t needed = sizeof("127.0.0.1:53");

	for (size_t size = 0; size < needed; size++) {
		cr_assert_eq(hail_addr_format(&addr, text, size), -ENOSPC);
		cr_assert_str_eq(text, "untouched text");
	}
	cr_assert_eq(hail_addr_format(&addr, text, needed), (int)needed - 1);
	cr_assert_str_eq(text, "127.0.0.1:53");
}

Test(addr_format, another_family_is_eafnosupport)
{
	struct hail_addr addr = {.sa.sa_family = AF_UNSPEC};
	char text[HAIL_ADDR_TEXT_MAX];

	cr_assert_eq(hail_addr_format(&addr, text, sizeof(text)),
		     -EAFNOSUPPORT);
	addr.sa.sa_family = AF_UNIX;
	cr_assert_eq(hail_addr_format(&addr, text, sizeof(text)),
		     -EAFNOSUPPORT);
}

Test(addr_format, null_is_einval)
{
	struct hail_addr addr = parsed("::1", 1);
	char text[HAIL_ADDR_TEXT_MAX];

	cr_assert_eq(hail_addr_format(NULL, text, sizeof(text)), -EINVAL);
	cr_assert_eq(hail_addr_format(&addr, NULL, 80), -EINVAL);
}

Test(addr_port, is_in_host_order_for_both_families)
{
	struct hail_addr v4 = parsed("127.0.0.1", 0x1234);
	struct hail_addr v6 = parsed("::1", 0x1234);

	cr_assert_eq(hail_addr_port(&v4), 0x1234);
	cr_assert_eq(hail_addr_port(&v6), 0x1234);
}

Test(addr_port, is_zero_for_nothing)
{
	struct hail_addr none = untouched();

	none.sa.sa_family = AF_UNSPEC;
	cr_assert_eq(hail_addr_port(NULL), 0);
	cr_assert_eq(hail_addr_port(&none), 0);
}

Test(addr_equal, compares_family_address_port_and_scope)
{
	static const char *const texts[] = {
		"127.0.0.1", "127.0.0.2",   "::1",     "::2", "fe80::1%1",
		"fe80::1%2", "::127.0.0.1", "0.0.0.0", "::",
	};
	const size_t count = sizeof(texts) / sizeof(*texts);

	for (size_t i = 0; i < count * count; i++) {
		struct hail_addr a = parsed(texts[i / count], 1);
		struct hail_addr b = parsed(texts[i % count], 1);
		struct hail_addr c = parsed(texts[i % count], 2);

		cr_assert_eq(hail_addr_equal(&a, &b), i / count == i % count,
			     "%s, %s", texts[i / count], texts[i % count]);
		cr_assert_not(hail_addr_equal(&a, &c));
	}
}

Test(addr_equal, does_not_look_at_padding_and_flow_label)
{
	struct hail_addr a = parsed("127.0.0.1", 1), b = a;

	memset(b.v4.sin_zero, UNTOUCHED, sizeof(b.v4.sin_zero));
	cr_assert(hail_addr_equal(&a, &b));
	a = b = parsed("::1", 1);
	b.v6.sin6_flowinfo = 7;
	cr_assert(hail_addr_equal(&a, &b));
}

Test(addr_equal, no_address_equals_no_address_and_null_equals_nothing)
{
	struct hail_addr a = untouched(), b = {.sa.sa_family = AF_UNSPEC};

	a.sa.sa_family = AF_UNSPEC;
	cr_assert(hail_addr_equal(&a, &b));
	cr_assert_not(hail_addr_equal(NULL, &a));
	cr_assert_not(hail_addr_equal(&a, NULL));
	cr_assert_not(hail_addr_equal(NULL, NULL));
	a.sa.sa_family = b.sa.sa_family = AF_UNIX;
	cr_assert_not(hail_addr_equal(&a, &b));
}

Test(addr_internal, size_is_what_the_kernel_wants)
{
	struct hail_addr v4 = parsed("127.0.0.1", 1), v6 = parsed("::1", 1);
	struct hail_addr none = {.sa.sa_family = AF_UNIX};

	cr_assert_eq(hl_addr_size(&v4), sizeof(struct sockaddr_in));
	cr_assert_eq(hl_addr_size(&v6), sizeof(struct sockaddr_in6));
	cr_assert_eq(hl_addr_size(&none), 0);
	cr_assert(hl_addr_is_v4(&v4));
	cr_assert_not(hl_addr_is_v4(&v6));
	cr_assert_not(hl_addr_is_v4(&none));
}
