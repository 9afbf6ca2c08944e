/* SPDX-License-Identifier: MIT */
/* hauls.c: contents, order and number of datagrams over a link of an MTU of
 * 1500, whatever its two ends do for themselves: cut trains or not, reckon
 * checksums or not, coalesce or not, and through a shaper that holds them back.
 */
#include "pair.h"
#include "support/haul.h"

#include <sched.h>

TestSuite(hauls, .timeout = 120);

/* A veth holds 256 frames. */
#define FRAMES_MAX 150
#define COUNT 4000
#define PAYLOAD_MAX 1472

#define ALL_OFF "tx off tso off gso off gro off tx-udp-segmentation off"

/* Without GRO each processor has a queue of its own at the far end, and frames
 * overtake each other where this thread is moved from one to another. */
static void stay_here(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sched_getcpu(), &cpus);
	cr_assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static void start(struct pair *pair, const char *offloads)
{
	static const char *const tools[] = {"ethtool", "tc", NULL};

	pair_start(pair, NULL, tools);
	stay_here();
	if (!offloads)
		return;
	pair_run(pair->near, "ethtool -K near %s", offloads);
	pair_run(pair->far, "ethtool -K far %s", offloads);
	pair_await(pair);
}

static struct haul_result haul(const struct pair *pair,
			       struct haul_options options)
{
	struct haul_result result;

	options.near_ip = NEAR_V4;
	options.far_ip = FAR_V4;
	options.near = pair->near;
	options.far = pair->far;
	options.frames_max = FRAMES_MAX;
	if (!options.datagrams)
		options.datagrams = COUNT;
	if (!options.size_max)
		options.size_max = PAYLOAD_MAX;
	options.seed = plain_now();
	cr_assert(haul_run(&options, &result),
		  "seed %llu, trains %d, coalescing %u, peers %d: %s",
		  (unsigned long long)options.seed, !options.no_trains,
		  options.coalesce, options.peers, result.failure);
	cr_assert_eq(result.peers > 0, options.peers);
	return result;
}

/* One of eight combinations of what may be on or off. */
static struct haul_options options_of(unsigned number)
{
	return (struct haul_options){
		.no_trains = number & 1,
		.coalesce = number & 2 ? HAIL_COALESCE_ON : HAIL_COALESCE_OFF,
		.peers = number & 4,
	};
}

/* `trains` surely leave by this link, and `pieces` come by it. (Not all
 * kernels send trains by a device that reckons no checksums.) */
static void assert_all_come(const char *offloads, bool trains, bool pieces)
{
	static const uint32_t batches[] = {1, 7, 64, 1024};
	uint64_t train_sent = 0, coalesced = 0;
	struct pair pair;

	start(&pair, offloads);
	for (unsigned i = 0; i < 8 * live_count(batches); i++) {
		struct haul_options options = options_of(i);
		struct haul_result result;

		options.batch_max = batches[i / 8];
		/* Every third has fragments, too. */
		if (i % 3 == 0) {
			options.path_mtu = HAIL_PATH_MTU_WANT;
			options.size_max = 65507;
		}
		result = haul(&pair, options);
		train_sent += result.train_sent;
		coalesced += result.coalesced;
	}
	cr_assert(train_sent || !trains, "no train left");
	cr_assert(coalesced || !pieces, "nothing came coalesced");
	pair_end(&pair);
}

Test(hauls, all_come_in_order_where_the_link_takes_trains_as_they_are)
{
	assert_all_come(NULL, true, true);
}

Test(hauls, all_come_in_order_with_what_the_kernel_has_by_default)
{
	assert_all_come("tso on gro off", true, true);
}

Test(hauls, all_come_in_order_where_neither_end_has_any_offload)
{
	assert_all_come(ALL_OFF, false, false);
}

Test(hauls, all_come_in_order_where_only_the_receiver_coalesces)
{
	assert_all_come(ALL_OFF " gro on", false, true);
}

static void start_shaped(struct pair *pair, const char *offloads)
{
	start(pair, offloads);
	if (network_run(pair->near, "tc qdisc add dev near root tbf "
				    "rate 200mbit burst 32k limit 50000000"))
		cr_skip_test("no tbf in this kernel");
}

/* The send buffers hold less than may be under way. None is empty, since the
 * kernel hands over an empty one before those that it is still joining. */
static struct haul_result haul_slowly(const struct pair *pair,
				      struct haul_options options)
{
	options.window = 24;
	options.size_min = 1;
	options.send_buffer = 16384;
	return haul(pair, options);
}

static void assert_held_back(const char *offloads)
{
	uint64_t refused = 0;
	struct pair pair;

	start_shaped(&pair, offloads);
	for (unsigned i = 0; i < 8; i++) {
		struct haul_options options = options_of(i);

		options.batch_max = 64;
		refused += haul_slowly(&pair, options).refused;
	}
	cr_assert_gt(refused, 0, "the link was never full");
	pair_end(&pair);
}

Test(hauls, a_shaper_holds_them_back_and_loses_and_mixes_none)
{
	assert_held_back(NULL);
}

Test(hauls, a_shaper_that_has_to_cut_trains_loses_and_mixes_none)
{
	assert_held_back(ALL_OFF " gro on");
}

/* The far end keeps what has come for a millisecond, to join what follows. */
static void start_patient(struct pair *pair)
{
	start(pair, ALL_OFF " gro on");
	if (network_run(pair->far,
			"unshare -m sh -c 'mount -t sysfs none /sys && "
			"cd /sys/class/net/far && echo 100 > "
			"napi_defer_hard_irqs && "
			"echo 1000000 > gro_flush_timeout'"))
		cr_skip_test("an interface can't be told to wait");
}

Test(hauls, what_was_not_sent_as_trains_is_coalesced_and_cut_again)
{
	struct haul_options options = {
		.no_trains = true,
		.coalesce = HAIL_COALESCE_ON,
		.batch_max = 64,
		.size_min = 1,
	};
	uint64_t coalesced = 0;
	struct pair pair;

	start_patient(&pair);
	for (int i = 0; i < 4; i++) {
		options.peers = i & 1;
		coalesced += haul(&pair, options).coalesced;
	}
	cr_assert_gt(coalesced, COUNT / 4);
	pair_end(&pair);
}
