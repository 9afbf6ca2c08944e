/* SPDX-License-Identifier: MIT */
/* Addresses with their port in one text: read whole, and cut in two. */
#include "parsed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#define HOST_MAX 64

static const char *const no_host_and_port[] = {
	"",
	":",
	":53",
	"[]:53",
	"[:53",
	"]:53",
	"[",
	"[]",
	"[]:",
	"192.0.2.1",
	"192.0.2.1:",
	"192.0.2.1: 53",
	"192.0.2.1:53 ",
	"192.0.2.1:+53",
	"192.0.2.1:-1",
	"192.0.2.1:0x35",
	"192.0.2.1:5a",
	"192.0.2.1:65536",
	"192.0.2.1:99999",
	"192.0.2.1:18446744073709551669",
	"192.0.2.1:53:53",
	"::1",
	"::1:53",
	"2001:db8::1:53",
	"[::1]",
	"[::1]53",
	"[::1]:",
	"[::1",
	"[::1:53",
	"::1]:53",
	"[::1]:65536",
	"[::1]x:53",
	"x[::1]:53",
	"192.0.2.1]:53",
	"[192.0.2.1:53",
};

static const char *const no_address[] = {
	"localhost:53",    "example.net:53", "192.0.2:53",
	"192.0.2.256:53",  " 192.0.2.1:53",  "192.0.2.1 :53",
	"[192.0.2.1]:53",  "[localhost]:53", "[[::1]]:53",
	"[::1 ]:53",       "[:]:53",         "[::g]:53",
	"[::1%]:53",       "[::1%0]:53",     "[1:2:3:4:5:6:7:8:9]:53",
	"192.0.2.1%lo:53", "[%lo]:53",       "[]]:53",
};

static void assert_text_refused(const char *text, int error)
{
	struct hail_addr addr = untouched(), before = untouched();

	cr_assert_eq(hail_addr_parse_text(&addr, text), error, "\"%s\"", text);
	cr_assert_arr_eq(&addr, &before, sizeof(addr), "\"%s\"", text);
}

static void assert_text(const char *text, const char *ip, uint16_t port)
{
	struct hail_addr addr = untouched(), wanted = parsed(ip, port);

	cr_assert_eq(hail_addr_parse_text(&addr, text), 0, "\"%s\"", text);
	cr_assert(hail_addr_equal(&addr, &wanted), "\"%s\"", text);
}

Test(addr_parse_text, ipv4_stands_before_its_port)
{
	assert_text("192.0.2.1:53", "192.0.2.1", 53);
	assert_text("0.0.0.0:0", "0.0.0.0", 0);
	assert_text("255.255.255.255:65535", "255.255.255.255", 65535);
}

Test(addr_parse_text, ipv6_stands_in_brackets)
{
	assert_text("[::1]:1", "::1", 1);
	assert_text("[::]:0", "::", 0);
	assert_text("[::ffff:192.0.2.1]:53", "::ffff:192.0.2.1", 53);
}

Test(addr_parse_text, a_scope_stands_inside_the_brackets)
{
	assert_text("[fe80::1%lo]:1", "fe80::1%lo", 1);
	assert_text("[fe80::1%4294967295]:1", "fe80::1%4294967295", 1);
}

Test(addr_parse_text, a_port_is_decimal_whatever_zeros_it_begins_with)
{
	assert_text("192.0.2.1:010", "192.0.2.1", 10);
	assert_text("192.0.2.1:000000065535", "192.0.2.1", 65535);
}

Test(addr_parse_text, what_was_written_is_read)
{
	static const char *const ips[] = {
		"127.0.0.1",
		"::",
		"::ffff:1.2.3.4",
		"fe80::1%lo",
		"fe80::1%4000000000",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295",
	};

	for (size_t i = 0; i < sizeof(ips) / sizeof(*ips); i++) {
		struct hail_addr addr = parsed(ips[i], 65535);
		char text[HAIL_ADDR_TEXT_MAX];

		cr_assert_gt(hail_addr_format(&addr, text, sizeof(text)), 0);
		assert_text(text, ips[i], 65535);
	}
}

Test(addr_parse_text, what_is_no_address_with_its_port_is_einval)
{
	for (size_t i = 0; i < sizeof(no_host_and_port) / sizeof(char *); i++)
		assert_text_refused(no_host_and_port[i], -EINVAL);
	for (size_t i = 0; i < sizeof(no_address) / sizeof(char *); i++)
		assert_text_refused(no_address[i], -EINVAL);
}

Test(addr_parse_text, a_text_longer_than_any_address_is_einval)
{
	char text[1024];

	memset(text, '1', sizeof(text));
	memcpy(text + sizeof(text) - 4, ":53", 4);
	assert_text_refused(text, -EINVAL);
	memcpy(text, "[::", 3);
	memcpy(text + sizeof(text) - 5, "]:53", 5);
	assert_text_refused(text, -EINVAL);
}

Test(addr_parse_text, an_unknown_interface_is_enodev)
{
	assert_text_refused("[fe80::1%no-such-if]:53", -ENODEV);
}

Test(addr_parse_text, an_interface_with_something_behind_its_name_is_enodev)
{
	assert_text_refused("[fe80::1%lo:1]:5", -ENODEV);
	assert_text_refused("[fe80::1%lo:]:5", -ENODEV);
}

Test(addr_parse_text, null_is_einval)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse_text(NULL, "[::1]:53"), -EINVAL);
	cr_assert_eq(hail_addr_parse_text(&addr, NULL), -EINVAL);
}

static void assert_split(const char *text, const char *wanted, uint16_t port)
{
	char host[HOST_MAX];
	uint16_t got = (uint16_t)~port;

	cr_assert_eq(hail_addr_split(host, sizeof(host), &got, text), 0,
		     "\"%s\"", text);
	cr_assert_str_eq(host, wanted);
	cr_assert_eq(got, port);
}

Test(addr_split, cuts_at_the_port_and_takes_brackets_away)
{
	assert_split("example.net:53", "example.net", 53);
	assert_split("192.0.2.1:0", "192.0.2.1", 0);
	assert_split("[::1]:65535", "::1", 65535);
	assert_split("[fe80::1%eth0]:1", "fe80::1%eth0", 1);
	assert_split("a:1", "a", 1);
}

/* The kernel allows them in names. */
Test(addr_split, an_interface_may_have_brackets_in_its_name)
{
	assert_split("[fe80::1%a]b]:1", "fe80::1%a]b", 1);
	assert_split("[fe80::1%[]]:1", "fe80::1%[]", 1);
}

static void assert_not_split(const char *text, size_t size, int error)
{
	char host[HOST_MAX] = "untouched";
	uint16_t port = 4711;

	cr_assert_eq(hail_addr_split(host, size, &port, text), error,
		     "\"%s\", %zu", text, size);
	cr_assert_str_eq(host, "untouched");
	cr_assert_eq(port, 4711);
}

Test(addr_split, without_host_or_port_it_is_einval_and_writes_nothing)
{
	for (size_t i = 0; i < sizeof(no_host_and_port) / sizeof(char *); i++)
		assert_not_split(no_host_and_port[i], HOST_MAX, -EINVAL);
}

Test(addr_split, a_host_that_does_not_fit_is_enospc_and_writes_nothing)
{
	static const char *const texts[] = {"abc:53", "[::1]:53"};
	char host[4];
	uint16_t port;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t size = 0; size < sizeof(host); size++)
			assert_not_split(texts[i], size, -ENOSPC);
		cr_assert_eq(
			hail_addr_split(host, sizeof(host), &port, texts[i]),
			0);
	}
}

Test(addr_split, null_is_einval)
{
	char host[HOST_MAX];
	uint16_t port;

	cr_assert_eq(hail_addr_split(NULL, 9, &port, "a:1"), -EINVAL);
	cr_assert_eq(hail_addr_split(host, sizeof(host), NULL, "a:1"), -EINVAL);
	cr_assert_eq(hail_addr_split(host, sizeof(host), &port, NULL), -EINVAL);
}
