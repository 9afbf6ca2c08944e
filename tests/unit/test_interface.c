/* SPDX-License-Identifier: MIT */
/* Interfaces by name, number and address, and scopes from them. */
#include "parsed.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void assert_found(const char *text, unsigned wanted)
{
	uint32_t index = 0;

	cr_assert_eq(hail_interface_find(&index, text), 0, "\"%s\"", text);
	cr_assert_eq(index, wanted, "\"%s\"", text);
}

static void assert_not_found(const char *text, int error)
{
	uint32_t index = 4711;

	cr_assert_eq(hail_interface_find(&index, text), error, "\"%s\"", text);
	cr_assert_eq(index, 4711, "\"%s\"", text);
}

Test(interface_find, by_its_name)
{
	assert_found("lo", if_nametoindex("lo"));
}

Test(interface_find, by_its_number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", if_nametoindex("lo"));
	assert_found(text, if_nametoindex("lo"));
}

Test(interface_find, by_an_address_of_its_own)
{
	assert_found("127.0.0.1", if_nametoindex("lo"));
	assert_found("::ffff:127.0.0.1", if_nametoindex("lo"));
}

Test(interface_find, by_an_ipv6_address_of_its_own)
{
	struct hail_addr addr = parsed("::1", 0);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &addr.sa, sizeof(addr.v6)) < 0)
		cr_skip_test("no ::1 here");
	close(fd);
	assert_found("::1", if_nametoindex("lo"));
}

Test(interface_find, what_names_none_is_enodev_and_writes_nothing)
{
	static const char *const texts[] = {
		"",
		" ",
		"lo ",
		" lo",
		"lo:",
		"lo:1",
		"lo::1",
		"no-such-if",
		"a-name-longer-than-any-interface",
		"0",
		"01",
		"-1",
		"+1",
		"1 ",
		"2147483647",
		"2147483648",
		"4294967295",
		"4294967297",
		"18446744073709551617",
		"203.0.113.77",
		"2001:db8:77::1",
		"0.0.0.0",
		"::",
		"127.0.0.1:53",
		"[::1]",
		"fe80::1%no-such-if",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_not_found(texts[i], -ENODEV);
}

Test(interface_find, null_is_einval)
{
	uint32_t index;

	assert_not_found(NULL, -EINVAL);
	cr_assert_eq(hail_interface_find(NULL, "lo"), -EINVAL);
	cr_assert_eq(hail_interface_find(&index, "lo"), 0);
}

/* Asserting needs descriptors, so they are wanting for the call alone. */
static int find_without_descriptors(uint32_t *out, const char *text)
{
	struct rlimit limit, none;
	int rc;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = hail_interface_find(out, text);
	setrlimit(RLIMIT_NOFILE, &limit);
	return rc;
}

Test(interface_find, want_of_descriptors_is_told)
{
	static const char *const texts[] = {"lo", "1", "127.0.0.1", "::1"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		uint32_t index = 4711;

		cr_assert_eq(find_without_descriptors(&index, texts[i]),
			     -EMFILE, "%s", texts[i]);
		cr_assert_eq(index, 4711);
	}
}

Test(addr_set_scope, is_an_interface_or_none)
{
	struct hail_addr addr = parsed("fe80::1", 53);
	struct hail_addr wanted = parsed("fe80::1%lo", 53);

	cr_assert_eq(hail_addr_set_scope(&addr, "lo"), 0);
	cr_assert(hail_addr_equal(&addr, &wanted));
	cr_assert_eq(hail_addr_set_scope(&addr, "127.0.0.1"), 0);
	cr_assert(hail_addr_equal(&addr, &wanted));
	wanted = parsed("fe80::1", 53);
	cr_assert_eq(hail_addr_set_scope(&addr, NULL), 0);
	cr_assert(hail_addr_equal(&addr, &wanted));
}

static void assert_scope_refused(struct hail_addr addr, const char *interface,
				 int error)
{
	const struct hail_addr before = addr;

	cr_assert_eq(hail_addr_set_scope(&addr, interface), error);
	cr_assert_arr_eq(&addr, &before, sizeof(before));
}

Test(addr_set_scope, what_is_refused_leaves_the_address_as_it_was)
{
	assert_scope_refused(parsed("fe80::1%7", 1), "no-such-if", -ENODEV);
	assert_scope_refused(parsed("fe80::1%7", 1), "", -ENODEV);
	assert_scope_refused(parsed("127.0.0.1", 1), "lo", -EAFNOSUPPORT);
	assert_scope_refused(parsed("127.0.0.1", 1), NULL, -EAFNOSUPPORT);
	assert_scope_refused(of_family(AF_UNSPEC), "lo", -EAFNOSUPPORT);
	cr_assert_eq(hail_addr_set_scope(NULL, "lo"), -EINVAL);
}
