/* SPDX-License-Identifier: MIT */
/* txtime_served.c: whether transmit times are honoured on an interface, for
 * queueing disciplines that are really there. */
#include "pair.h"

#include <hail/facts.h>
#include <net/if.h>
#include <stdio.h>

TestSuite(txtime_served, .timeout = 90);

static const char *const tools[] = {"tc", NULL};

static int served(const char *name)
{
	return hail_txtime_served(if_nametoindex(name));
}

/* Skips the test where this kernel doesn't know one of them. */
static void add_or_skip(struct pair *pair, const char *line)
{
	if (network_run(pair->near, "tc qdisc add dev near %s", line)) {
		pair_end(pair);
		cr_skip_test("not in this kernel: %s", line);
	}
}

Test(txtime_served, not_by_what_an_interface_has_of_itself)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	cr_assert_eq(served("lo"), 0);
	cr_assert_eq(served("near"), 0);
	pair_end(&pair);
}

Test(txtime_served, not_where_the_interface_is_gone)
{
	struct pair pair;
	unsigned index;

	pair_start(&pair, NULL, NULL);
	pair_run(pair.near, "ip link add gone type dummy || "
			    "ip link add gone type veth peer name other");
	index = if_nametoindex("gone");
	cr_assert_neq(index, 0);
	pair_run(pair.near, "ip link del gone");
	cr_assert_eq(hail_txtime_served(index), -ENODEV);
	pair_end(&pair);
}

Test(txtime_served, not_by_a_shaper)
{
	struct pair pair;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root tbf rate 1gbit burst 64k latency 1s");
	cr_assert_eq(served("near"), 0);
	pair_end(&pair);
}

/* As many as take several answers. */
#define CLASSES 300
static void add_tree(struct pair *pair)
{
	char path[] = "/tmp/hail-tc-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	cr_assert(file);
	for (int i = 1; i <= CLASSES; i++) {
		fprintf(file,
			"class add dev near parent 1: classid 1:%x "
			"htb rate 1mbit\n",
			i);
		fprintf(file,
			"qdisc add dev near parent 1:%x handle %x: "
			"pfifo limit 10\n",
			i, 0x1000 + i);
	}
	fclose(file);
	pair_run(pair->near, "tc -batch %s", path);
	unlink(path);
}

Test(txtime_served, not_by_a_tree_that_takes_many_answers_to_tell)
{
	struct pair pair;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root handle 1: htb");
	add_tree(&pair);
	cr_assert_eq(served("near"), 0);
	cr_assert_eq(served("lo"), 0);
	pair_end(&pair);
}

Test(txtime_served, by_fq_at_the_root)
{
	struct pair pair;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root fq");
	cr_assert_eq(served("near"), 1);
	cr_assert_eq(served("lo"), 0);
	pair_end(&pair);
}

/* What a discipline serves is kept until its time. */
Test(txtime_served, by_fq_keeps_a_message_until_its_time)
{
	const uint64_t later_ns = 50 * (uint64_t)MS;
	struct hail_message_facts facts = HAIL_MESSAGE_FACTS(.ttl = 0);
	struct live live = {0};
	struct hail_addr far;
	struct pair pair;
	char got[8];
	int fd;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root fq");
	fd = pair_far(&pair, FAR_V4, 0, &far);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .txtime = HAIL_TXTIME_MONOTONIC));
	facts.txtime_ns = plain_now() + later_ns;
	cr_assert_eq(hail_send_with(live.socket, "later", 5, &far, &facts), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, NULL),
		     5);
	cr_assert_geq(plain_now(), facts.txtime_ns);
	close(fd);
	pair_end(&pair);
}

Test(txtime_served, by_fq_at_the_end_of_a_large_tree)
{
	struct pair pair;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root handle 1: htb");
	add_tree(&pair);
	pair_run(pair.near, "tc class add dev near parent 1: classid 1:fff "
			    "htb rate 1mbit");
	add_or_skip(&pair, "parent 1:fff fq");
	cr_assert_eq(served("near"), 1);
	pair_end(&pair);
}

Test(txtime_served, by_etf)
{
	struct pair pair;

	pair_start(&pair, NULL, tools);
	add_or_skip(&pair, "root etf clockid CLOCK_TAI delta 200000");
	cr_assert_eq(served("near"), 1);
	pair_end(&pair);
}
