/* SPDX-License-Identifier: MIT */
/* Kinds of addresses at their borders, and IPv4 addresses written in IPv6. */
#include "parsed.h"

#include <arpa/inet.h>
#include <errno.h>

enum kind {
	NONE = 0,
	UNSPECIFIED = 1 << 0,
	LOOPBACK = 1 << 1,
	PRIVATE = 1 << 2,
	LINK_LOCAL = 1 << 3,
	MULTICAST = 1 << 4,
};

/* Both sides of each border. */
static const struct {
	const char *ip;
	int kind;
} borders[] = {
	{"0.0.0.0", UNSPECIFIED},
	{"0.0.0.1", NONE},
	{"0.1.0.0", NONE},
	{"9.255.255.255", NONE},
	{"10.0.0.0", PRIVATE},
	{"10.255.255.255", PRIVATE},
	{"11.0.0.0", NONE},
	{"126.255.255.255", NONE},
	{"127.0.0.0", LOOPBACK},
	{"127.255.255.255", LOOPBACK},
	{"128.0.0.0", NONE},
	{"169.253.255.255", NONE},
	{"169.254.0.0", LINK_LOCAL},
	{"169.254.255.255", LINK_LOCAL},
	{"169.255.0.0", NONE},
	{"172.15.255.255", NONE},
	{"172.16.0.0", PRIVATE},
	{"172.31.255.255", PRIVATE},
	{"172.32.0.0", NONE},
	{"192.167.255.255", NONE},
	{"192.168.0.0", PRIVATE},
	{"192.168.255.255", PRIVATE},
	{"192.169.0.0", NONE},
	{"223.255.255.255", NONE},
	{"224.0.0.0", MULTICAST},
	{"239.255.255.255", MULTICAST},
	{"240.0.0.0", NONE},
	{"255.255.255.255", NONE},
	{"::", UNSPECIFIED},
	{"::1", LOOPBACK},
	{"::2", NONE},
	{"::1:0:1", NONE},
	{"1::", NONE},
	{"1::1", NONE},
	{"2001:db8::1", NONE},
	{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NONE},
	{"fc00::", PRIVATE},
	{"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", PRIVATE},
	{"fe00::", NONE},
	{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NONE},
	{"fe80::", LINK_LOCAL},
	{"fe80::1%1", LINK_LOCAL},
	{"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LINK_LOCAL},
	{"fec0::", NONE},
	{"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NONE},
	{"ff00::", MULTICAST},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTICAST},
	/* IPv4 in other forms of IPv6 than the mapped one. */
	{"::127.0.0.1", NONE},
	{"::fffe:127.0.0.1", NONE},
	{"::1:ffff:127.0.0.1", NONE},
	{"64:ff9b::127.0.0.1", NONE},
};

static int kind_of(const struct hail_addr *addr)
{
	return (hail_addr_is_unspecified(addr) ? UNSPECIFIED : 0) |
	       (hail_addr_is_loopback(addr) ? LOOPBACK : 0) |
	       (hail_addr_is_private(addr) ? PRIVATE : 0) |
	       (hail_addr_is_link_local(addr) ? LINK_LOCAL : 0) |
	       (hail_addr_is_multicast(addr) ? MULTICAST : 0);
}

Test(addr_kind, is_right_on_both_sides_of_each_border)
{
	for (size_t i = 0; i < sizeof(borders) / sizeof(*borders); i++) {
		struct hail_addr addr = parsed(borders[i].ip, 1);

		cr_assert_eq(kind_of(&addr), borders[i].kind, "%s",
			     borders[i].ip);
	}
}

Test(addr_kind, a_mapped_address_is_what_it_maps_to)
{
	for (size_t i = 0; i < sizeof(borders) / sizeof(*borders); i++) {
		struct hail_addr addr = parsed(borders[i].ip, 1);

		if (addr.sa.sa_family != AF_INET)
			continue;
		cr_assert_eq(hail_addr_map(&addr), 0);
		cr_assert_eq(addr.sa.sa_family, AF_INET6);
		cr_assert_eq(kind_of(&addr), borders[i].kind, "mapped %s",
			     borders[i].ip);
	}
}

Test(addr_kind, the_port_does_not_count)
{
	struct hail_addr v4 = parsed("0.0.0.0", 65535);
	struct hail_addr v6 = parsed("::", 65535);

	cr_assert(hail_addr_is_unspecified(&v4));
	cr_assert(hail_addr_is_unspecified(&v6));
}

Test(addr_kind, nothing_is_of_no_kind)
{
	struct hail_addr zero = {.sa.sa_family = AF_UNSPEC};
	struct hail_addr other = of_family(AF_UNIX);

	memset(&zero, 0, sizeof(zero));
	cr_assert_eq(kind_of(NULL), NONE);
	cr_assert_eq(kind_of(&zero), NONE);
	cr_assert_eq(kind_of(&other), NONE);
}

Test(addr_v4_mapped, is_only_what_begins_with_ffff)
{
	static const struct {
		const char *ip;
		bool mapped;
	} cases[] = {
		{"::ffff:192.0.2.1", true},  {"::ffff:0.0.0.0", true},
		{"::ffff:ffff:ffff", true},  {"::192.0.2.1", false},
		{"::fffe:192.0.2.1", false}, {"::1:ffff:192.0.2.1", false},
		{"1::ffff:0:0", false},      {"::", false},
		{"192.0.2.1", false},
	};
	struct hail_addr other = of_family(AF_UNSPEC);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hail_addr addr = parsed(cases[i].ip, 1);

		cr_assert_eq(hail_addr_is_v4_mapped(&addr), cases[i].mapped,
			     "%s", cases[i].ip);
	}
	cr_assert_not(hail_addr_is_v4_mapped(NULL));
	cr_assert_not(hail_addr_is_v4_mapped(&other));
}

Test(addr_v4_mapped, conversion_keeps_address_and_port_both_ways)
{
	const struct hail_addr plain = parsed("192.0.2.1", 53);
	const struct hail_addr mapped = parsed("::ffff:192.0.2.1", 53);
	struct hail_addr addr = plain;

	cr_assert_eq(hail_addr_map(&addr), 0);
	cr_assert_arr_eq(&addr.v6, &mapped.v6, sizeof(addr.v6));
	cr_assert_eq(hail_addr_unmap(&addr), 0);
	cr_assert_arr_eq(&addr.v4, &plain.v4, sizeof(addr.v4));
}

Test(addr_v4_mapped, what_has_the_form_already_is_left_as_it_is)
{
	struct hail_addr plain = parsed("192.0.2.1", 53), before;
	struct hail_addr mapped = parsed("::ffff:192.0.2.1%7", 53);

	before = plain;
	cr_assert_eq(hail_addr_unmap(&plain), 0);
	cr_assert_arr_eq(&plain, &before, sizeof(before));
	before = mapped;
	cr_assert_eq(hail_addr_map(&mapped), 0);
	cr_assert_arr_eq(&mapped, &before, sizeof(before));
}

static void assert_no_form(struct hail_addr addr)
{
	const struct hail_addr before = addr;

	if (addr.sa.sa_family != AF_INET)
		cr_assert_eq(hail_addr_map(&addr), -EAFNOSUPPORT);
	cr_assert_eq(hail_addr_unmap(&addr), -EAFNOSUPPORT);
	cr_assert_arr_eq(&addr, &before, sizeof(before));
}

Test(addr_v4_mapped, what_has_no_such_form_is_eafnosupport_and_stays)
{
	assert_no_form(parsed("::1", 53));
	assert_no_form(parsed("::192.0.2.1", 53));
	assert_no_form(of_family(AF_UNSPEC));
	assert_no_form(of_family(AF_UNIX));
}

Test(addr_v4_mapped, null_is_einval)
{
	cr_assert_eq(hail_addr_map(NULL), -EINVAL);
	cr_assert_eq(hail_addr_unmap(NULL), -EINVAL);
}
