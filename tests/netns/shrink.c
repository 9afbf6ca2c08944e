/* SPDX-License-Identifier: MIT */
/* shrink.c: a way that becomes narrower while trains are on it. What the router
 * drops is lost, and nothing else; the others come in order and once. */
#include "router.h"
#include "support/haul.h"

#include <stdio.h>

TestSuite(shrink, .timeout = 120);

#define NARROW 1000

struct narrowing {
	struct pair pair;
	int beyond;
};

/* Each frame is dropped by itself, and counted, where trains are cut before. */
static void start(struct narrowing *narrowing)
{
	static const char *const tools[] = {"ethtool", NULL};
	struct pair *pair = &narrowing->pair;

	pair_start(pair, NULL, tools);
	router_start(pair);
	narrowing->beyond = router_open_beyond(pair, 1500);
	pair_run(pair->near, "ethtool -K near tx-udp-segmentation off");
	pair_await(pair);
}

static void end(struct narrowing *narrowing)
{
	close(narrowing->beyond);
	pair_end(&narrowing->pair);
}

static void narrow(void *arg)
{
	struct narrowing *narrowing = arg;

	pair_run(narrowing->pair.far, "ip link set in mtu %d", NARROW);
}

/* The place of a word in a line, counted from 0; -1: it isn't there. */
static int place_of(char *line, const char *word)
{
	char *rest = NULL;
	int place = 0;

	for (char *next = strtok_r(line, " \n", &rest); next;
	     next = strtok_r(NULL, " \n", &rest), place++)
		if (!strcmp(next, word))
			return place;
	return -1;
}

static uint64_t value_at(char *line, int place)
{
	char *rest = NULL;
	char *next = strtok_r(line, " \n", &rest);

	while (next && place--)
		next = strtok_r(NULL, " \n", &rest);
	return next ? strtoull(next, NULL, 10) : 0;
}

/* How many packets the router found too long. */
static uint64_t router_drops(const struct narrowing *narrowing)
{
	char names[1024], values[1024];
	FILE *file;

	cr_assert_eq(network_enter(narrowing->pair.far), 0);
	file = fopen("/proc/thread-self/net/snmp", "r");
	cr_assert_not_null(file);
	/* The first two lines are IP's. */
	cr_assert(fgets(names, sizeof(names), file) &&
		  fgets(values, sizeof(values), file));
	fclose(file);
	cr_assert_eq(network_enter(narrowing->pair.near), 0);
	return value_at(values, place_of(names, "FragFails"));
}

static struct haul_result haul(struct narrowing *narrowing, uint32_t path_mtu,
			       uint32_t batch_max, bool peers)
{
	const struct haul_options options = {
		.seed = plain_now(),
		.datagrams = 6000,
		.path_mtu = path_mtu,
		.batch_max = batch_max,
		.peers = peers,
		.size_min = 16,
		.size_max = 1472,
		.frames_max = 150,
		.near_ip = NEAR_V4,
		.far_ip = BEYOND_V4,
		.near = narrowing->pair.near,
		.far = narrowing->beyond,
		.lossy = true,
		.midway = narrow,
		.arg = narrowing,
	};
	struct haul_result result;
	bool good = haul_run(&options, &result);
	uint64_t drops = router_drops(narrowing);

	cr_assert(good, "seed %llu: %s", (unsigned long long)options.seed,
		  result.failure);
	cr_assert_gt(result.train_sent, 0);
	cr_assert_eq(result.peers > 0, peers);
	cr_assert_gt(drops, 0, "it was never too narrow");
	cr_assert_eq(result.lost, drops, "%llu were lost, %llu dropped",
		     (unsigned long long)result.lost,
		     (unsigned long long)drops);
	return result;
}

/* What is too long from then on is cut, and trains of it leave one by one. */
static void assert_cut(uint32_t batch_max, bool peers)
{
	struct narrowing narrowing;
	struct haul_result result;

	start(&narrowing);
	result = haul(&narrowing, HAIL_PATH_MTU_WANT, batch_max, peers);
	cr_assert_lt(result.lost, 300, "it was never learned");
	if (batch_max > 1)
		cr_assert_gt(result.train_refused, 0);
	end(&narrowing);
}

Test(shrink, once_the_kernel_has_learned_it_what_is_too_long_comes_in_fragments)
{
	assert_cut(1024, false);
}

Test(shrink, small_batches_keep_their_order_too)
{
	assert_cut(7, false);
}

Test(shrink, what_is_too_long_leaves_by_peers_in_fragments_too)
{
	assert_cut(1024, true);
}

/* Nobody acts upon what the router says: all that is too long is lost. */
Test(shrink, a_socket_that_cuts_nothing_loses_what_is_too_long_and_no_more)
{
	struct narrowing narrowing;

	start(&narrowing);
	haul(&narrowing, HAIL_PATH_MTU_PROBE, 1024, false);
	end(&narrowing);
}
