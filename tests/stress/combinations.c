/* SPDX-License-Identifier: MIT */
/*
 * combinations.c: contents, order and number of datagrams through every
 * combination of what makes hail fast, over loopback. A plain program:
 *
 *	combinations [--datagrams N] [--seed N] [--only N] [--verbose]
 *
 * hauls N datagrams in all (and what relays send on), a part by each
 * combination, or by one of them.
 */
#include "support/haul.h"
#include "support/network.h"
#include "support/plain.h"

#include <getopt.h>
#include <hail/hail.h>
#include <stdio.h>
#include <stdlib.h>

#define DATAGRAMS 300000

static const uint32_t batches[] = {1, 7, 64, 1024};
/* The longest datagrams of IPv6 are longer than the loopback's packets. */
static const struct {
	const char *ip;
	uint32_t size_max, path_mtu;
} families[] = {
	{"127.0.0.1", 65507, HAIL_PATH_MTU_PROBE},
	{"::1", 65527, HAIL_PATH_MTU_WANT},
};
/* The values of the option. */
static const uint32_t coalesces[] = {HAIL_COALESCE_AUTO, HAIL_COALESCE_ON,
				     HAIL_COALESCE_OFF};

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

struct run {
	uint64_t datagrams, seed;
	long only; /* the number of a combination, or 0 */
	bool verbose;
};

/* Takes the next of so many values out of a combination's number. */
static unsigned take(unsigned *number, unsigned count)
{
	unsigned value = *number % count;

	*number /= count;
	return value;
}

static unsigned combinations(void)
{
	return 2 * 2 * 2 * COUNT(coalesces) * COUNT(batches) * COUNT(families);
}

static struct haul_options combination(unsigned number)
{
	struct haul_options options = {0};
	unsigned family;

	options.batch_max = batches[take(&number, COUNT(batches))];
	options.no_trains = take(&number, 2);
	options.coalesce = coalesces[take(&number, COUNT(coalesces))];
	options.errors = take(&number, 2);
	family = take(&number, COUNT(families));
	options.near_ip = options.far_ip = families[family].ip;
	options.size_max = families[family].size_max;
	options.path_mtu = families[family].path_mtu;
	options.peers = number;
	return options;
}

static void print_result(const struct haul_result *result)
{
	printf("# sent %llu, came %llu: %llu coalesced, %llu retained, "
	       "%llu in %llu trains; %llu batches in handlers, %llu refused, "
	       "%llu peers\n",
	       (unsigned long long)result->sent,
	       (unsigned long long)result->received,
	       (unsigned long long)result->coalesced,
	       (unsigned long long)result->kept,
	       (unsigned long long)result->train_sent,
	       (unsigned long long)result->trains,
	       (unsigned long long)result->inside,
	       (unsigned long long)result->refused,
	       (unsigned long long)result->peers);
}

/* What the combination is about has to have happened. */
static bool tried(const struct haul_options *options,
		  const struct haul_result *result)
{
	bool trains = !options->no_trains && options->batch_max > 1;

	if (options->datagrams < 1000)
		return true;
	return result->kept && result->inside &&
	       (!options->peers || result->peers) &&
	       (!trains || result->train_sent) &&
	       (!trains || options->coalesce != HAIL_COALESCE_ON ||
		result->coalesced);
}

static bool haul_one(const struct run *run, unsigned number)
{
	struct haul_options options = combination(number);
	struct haul_result result;
	bool good;

	options.datagrams = run->datagrams;
	options.seed = run->seed + number;
	good = haul_run(&options, &result) && tried(&options, &result);
	printf("%s %u - %s of at most %u, trains %s, coalescing %u, peers %s, "
	       "errors %s\n",
	       good ? "ok" : "not ok", number + 1, options.near_ip,
	       options.batch_max, options.no_trains ? "off" : "on",
	       options.coalesce, options.peers ? "on" : "off",
	       options.errors ? "on" : "off");
	if (run->verbose || !good)
		print_result(&result);
	if (!good)
		printf("# --seed %llu --only %u: %s\n",
		       (unsigned long long)run->seed, number + 1,
		       result.failure[0] ? result.failure
					 : "it wasn't what was tried");
	fflush(stdout);
	return good;
}

static bool read_arguments(int argc, char **argv, struct run *run)
{
	static const struct option names[] = {
		{"datagrams", required_argument, NULL, 'd'},
		{"seed", required_argument, NULL, 's'},
		{"only", required_argument, NULL, 'o'},
		{"verbose", no_argument, NULL, 'v'},
		{0},
	};
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (name == 'd')
			run->datagrams = strtoull(optarg, NULL, 0);
		else if (name == 's')
			run->seed = strtoull(optarg, NULL, 0);
		else if (name == 'o')
			run->only = strtol(optarg, NULL, 0);
		else if (name == 'v')
			run->verbose = true;
		else
			return false;
	}
	return optind == argc && run->datagrams;
}

int main(int argc, char **argv)
{
	struct run run = {.datagrams = DATAGRAMS, .seed = plain_now()};
	const unsigned count = combinations();
	unsigned bad = 0;

	if (!read_arguments(argc, argv, &run)) {
		fprintf(stderr,
			"%s [--datagrams N] [--seed N] [--only N] "
			"[--verbose]\n",
			argv[0]);
		return 2;
	}
	network_enter_own();
	run.datagrams = (run.datagrams + count - 1) / count;
	printf("1..%u\n# --seed %llu\n", run.only ? 1 : count,
	       (unsigned long long)run.seed);
	for (unsigned i = 0; i < count; i++)
		if (!run.only || run.only == (long)i + 1)
			bad += !haul_one(&run, i);
	return bad ? 1 : 0;
}
