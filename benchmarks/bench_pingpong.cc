/* SPDX-License-Identifier: MIT */
/* bench_pingpong.cc: the round trip of one datagram between two threads, hail
 * against epoll and bare liburing, asleep in between and spinning (T9,
 * T10). */
#include "harness.h"
#include "pingpong.h"

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
enum { EPOLL, BARE, HAIL, EPOLL_SPINNING, BARE_SPINNING, HAIL_SPINNING };

int build(struct interleave *it, const std::vector<way> &ways)
{
	pingpong_pin_client();
	for (const way &w : ways) {
		struct contender contender;
		int error = w.create(&contender, &w.options);

		if (error)
			return error;
		interleave_add(it, &contender);
	}
	return 0;
}

void add(const std::string &name, const std::string &work, enum metric metric,
	 const std::vector<way> &ways,
	 const std::vector<comparison> &comparisons)
{
	measurement m;

	m.work = "round trip of 160 B, " + work;
	m.metric = metric;
	m.slices = 1;
	m.build = [=](struct interleave *it) { return build(it, ways); };
	m.cleanup = pingpong_unpin;
	m.comparisons = comparisons;
	harness_add("pingpong/" + name, m);
}

void add_all()
{
	const std::vector<comparison> asleep = {
		{"T9", HAIL, EPOLL, 1.0},
		{"T10", HAIL, BARE, 1.05},
	};
	const std::vector<comparison> both = {
		{"T9", HAIL, EPOLL, 1.0},
		{"T10", HAIL, BARE, 1.05},
		{"T9", HAIL_SPINNING, EPOLL, 0.40},
		{"T9", HAIL_SPINNING, EPOLL_SPINNING, 0},
		{"T10", HAIL_SPINNING, BARE_SPINNING, 1.05},
	};
	const std::vector<comparison> tail = {
		{"–", HAIL, EPOLL, 0},
		{"–", HAIL_SPINNING, EPOLL, 0},
	};

	add("one-core/p50", "one core, median", METRIC_P50, ON_ONE_CORE,
	    asleep);
	add("two-cores/p50", "two cores, median", METRIC_P50, ON_TWO_CORES,
	    both);
	add("two-cores/p99", "two cores, 99th percentile", METRIC_P99,
	    ON_TWO_CORES, tail);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
