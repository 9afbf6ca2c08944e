/* SPDX-License-Identifier: MIT */
/* interface_find.c: interfaces whose names and addresses could be taken for
 * something else. */
#include "pair.h"

#include <net/if.h>
#include <stdio.h>

TestSuite(interface_find, .timeout = 90);

static void assert_found(const char *text, const char *name)
{
	uint32_t index = 0;
	int rc = hail_interface_find(&index, text);

	cr_assert_eq(rc, 0, "%s: %s", text, strerror(-rc));
	cr_assert_eq(index, if_nametoindex(name), "%s", text);
}

static void assert_not_found(const char *text)
{
	uint32_t index = 0;

	cr_assert_eq(hail_interface_find(&index, text), -ENODEV, "%s", text);
	cr_assert_eq(index, 0, "%s", text);
}

Test(interface_find, by_name_number_and_each_of_its_addresses)
{
	struct pair pair;
	char number[16];

	pair_start(&pair, NULL, NULL);
	snprintf(number, sizeof(number), "%u", if_nametoindex("near"));
	assert_found("near", "near");
	assert_found(number, "near");
	assert_found(NEAR_V4, "near");
	assert_found("::ffff:" NEAR_V4, "near");
	assert_found(NEAR_V6, "near");
	assert_found(NEAR_LINK_LOCAL, "near");
	assert_found(NEAR_LINK_LOCAL "%near", "near");
	assert_not_found(NEAR_LINK_LOCAL "%lo");
	assert_not_found(FAR_V4);
	assert_not_found(FAR_V6);
	assert_not_found("far");
	pair_end(&pair);
}

Test(interface_find, a_name_goes_before_a_number)
{
	struct pair pair;
	char number[16];

	pair_start(&pair, NULL, NULL);
	snprintf(number, sizeof(number), "%u", if_nametoindex("lo"));
	pair_run(pair.near, "ip link add %s type veth peer name other", number);
	cr_assert_neq(if_nametoindex(number), if_nametoindex("lo"));
	assert_found(number, number);
	pair_end(&pair);
}

Test(interface_find, a_name_that_an_address_begins_with_is_not_meant_by_it)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	pair_run(pair.near, "ip link add fd01 type veth peer name fe80");
	assert_found("fd01", "fd01");
	assert_found(NEAR_V6, "near");
	assert_not_found("fe80::77");
	pair_end(&pair);
}

Test(interface_find, an_address_with_a_label_is_its_interfaces)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	pair_run(pair.near, "ip addr add 10.1.0.7/32 dev near label near:sevn");
	assert_found("10.1.0.7", "near");
	pair_end(&pair);
}

Test(interface_find, a_scope_tells_which_of_two_with_one_address)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	pair_run(pair.near, "ip link add one type veth peer name two");
	pair_run(pair.near, "ip link set one up && ip link set two up");
	pair_run(pair.near, "ip addr add fe80::7/64 dev one nodad");
	pair_run(pair.near, "ip addr add fe80::7/64 dev two nodad");
	assert_found("fe80::7%one", "one");
	assert_found("fe80::7%two", "two");
	assert_not_found("fe80::7%near");
	pair_end(&pair);
}
