/* SPDX-License-Identifier: MIT */
/* bench_train.cc: CPU time a datagram of batches in which several go to one
 * destination, so that they may leave as trains (UDP_SEGMENT), against single
 * sends and trains by hand (T3, T4, T5, T10). Trains by hand and bare liburing
 * have hail's path MTU mode. */
#include "support/scene.h"

namespace
{

const std::vector<way> WAYS = {
	{"sendmmsg", sender_sendmmsg_create},
	{"sendmmsg + UDP_SEGMENT", sender_train_create},
	{"bare liburing, trains", sender_uring_train_create},
	{"hail, trains off", sender_hail_single_create},
	{"hail, peers", sender_hail_peers_create},
	{"hail", sender_hail_create},
};

void add(const std::string &target, const scene_options &options, double must)
{
	measurement m;

	m.work = "send " + scene_text(options);
	m.slices = harness_slices(2);
	scene_fill(&m, options, WAYS);
	m.comparisons = {
		{target, tells::COST, "hail", "sendmmsg", must},
		{"", tells::COST, "hail, trains off", "sendmmsg", 0},
		{"", tells::COST, "hail, peers", "sendmmsg", 0},
		{"", tells::COST, "sendmmsg + UDP_SEGMENT", "sendmmsg", 0},
		{"", tells::COST, "hail", "sendmmsg + UDP_SEGMENT", 0},
		{"T10", tells::COST, "hail", "bare liburing, trains", 1.05},
	};
	harness_add("train/" + std::to_string(options.size) + "B/to" +
			    std::to_string(options.destinations) +
			    (options.coalescing ? "/coalescing" : ""),
		    m);
}

void add_all()
{
	add("T3", {160, 1, 64, false, 4096}, 0.20);
	add("T4", {160, 1, 64, true, 4096}, 0.045);
	add("T5", {160, 8, 64, false, 2048}, 0.36);
	add("", {1200, 1, 64, false, 1024}, 0);
	add("", {1200, 1, 64, true, 1024}, 0);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
