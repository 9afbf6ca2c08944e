/* SPDX-License-Identifier: MIT */
/* bench_pingpong.cc: the round trip of one datagram between two threads, hail
 * against epoll and bare liburing, asleep in between and spinning (T9,
 * T10). */
#include "support/harness.h"
#include "support/pin.h"
#include "support/pingpong.h"

#include <string>
#include <vector>

namespace
{

const std::size_t SIZE = 160;

struct way {
	pingpong_create create;
	struct pingpong_options options;
};

const uint64_t SPIN = PINGPONG_SPIN_NS;

const std::vector<way> ON_ONE_CORE = {
	{pingpong_epoll_create, {"epoll", SIZE, 0, PINGPONG_TOGETHER}},
	{pingpong_uring_create, {"bare liburing", SIZE, 0, PINGPONG_TOGETHER}},
	{pingpong_hail_create, {"hail", SIZE, 0, PINGPONG_TOGETHER}},
};
const std::vector<way> ON_TWO_CORES = {
	{pingpong_epoll_create, {"epoll", SIZE, 0, PINGPONG_APART}},
	{pingpong_uring_create, {"bare liburing", SIZE, 0, PINGPONG_APART}},
	{pingpong_hail_create, {"hail", SIZE, 0, PINGPONG_APART}},
	{pingpong_epoll_create, {"epoll spinning", SIZE, SPIN, PINGPONG_APART}},
	{pingpong_uring_create,
	 {"bare liburing spinning", SIZE, SPIN, PINGPONG_APART}},
	{pingpong_hail_create, {"hail spinning", SIZE, SPIN, PINGPONG_APART}},
};

int pin_client()
{
	pin_first();
	return 0;
}

void add(const std::string &name, const std::string &work,
	 const std::vector<way> &ways,
	 const std::vector<comparison> &comparisons)
{
	measurement m;

	m.work = "round trip of 160 B, " + work;
	m.metric = METRIC_P50;
	m.prepare = pin_client;
	for (const way &w : ways)
		m.entries.push_back(
			{w.options.name, [&w](struct contender *out) {
				 return w.create(out, &w.options);
			 }});
	m.cleanup = pin_release;
	m.comparisons = comparisons;
	harness_add("pingpong/" + name, m);
}

void add_all()
{
	const std::string bare = "bare liburing";
	const std::string spinning = "hail spinning";

	add("one-core", "one core", ON_ONE_CORE,
	    {{"T9", tells::COST, "hail", "epoll", 1.0},
	     {"T10", tells::COST, "hail", bare, 1.05}});
	add("two-cores", "two cores", ON_TWO_CORES,
	    {{"T9", tells::COST, "hail", "epoll", 1.0},
	     {"T10", tells::COST, "hail", bare, 1.05},
	     {"T9", tells::COST, spinning, "epoll", 0.40},
	     {"", tells::COST, spinning, "epoll spinning", 0},
	     {"T10", tells::COST, spinning, bare + " spinning", 1.05},
	     {"", tells::COST, "hail", "epoll", 0, METRIC_P99},
	     {"", tells::COST, spinning, "epoll", 0, METRIC_P99}});
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
