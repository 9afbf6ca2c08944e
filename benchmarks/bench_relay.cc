/* SPDX-License-Identifier: MIT */
/* bench_relay.cc: passing datagrams on: 100 streams on 100 sockets at a steady
 * rate (T14), and one received datagram to 63 destinations (T13). */
#include "support/fanout.h"
#include "support/paced.h"
#include "support/pin.h"
#include "support/scene.h"

namespace
{

const std::size_t SIZE = 160;
const std::size_t STREAMS = 100;
const std::size_t DESTINATIONS = 63;
const uint64_t BATCH_WAIT_NS = 1000000;
/* 40 ms. */
const uint64_t SLICES_A_SECOND = 25;

struct relay_kind {
	const char *name;
	relay_create create;
	bool waits = false; /* batch_wait_ns */
	const char *needs = "";
};

const std::vector<relay_kind> RELAYS = {
	{"epoll + recvfrom, sendto", relay_epoll_create},
	{"the same, probing", relay_epoll_probe_create},
	{"hail, waiting for batches", relay_hail_create, true},
	{"hail", relay_hail_create},
};

entry entry_of(const relay_kind &k, uint64_t rate)
{
	return {k.name,
		[=](struct contender *out) {
			struct relay_options options {
			};
			const struct pace pace {
				rate, rate / SLICES_A_SECOND, 1
			};

			options.streams = STREAMS;
			options.size = SIZE;
			options.batch_wait_ns = k.waits ? BATCH_WAIT_NS : 0;
			return paced_relay(out, k.create, &options, &pace);
		},
		k.needs};
}

void add_relay(uint64_t rate)
{
	const char *waiting = "hail, waiting for batches";
	const char *base = "epoll + recvfrom, sendto";
	measurement m;

	m.work = "relay 160 B, 100 streams on 100 sockets, " +
		 std::to_string(rate / 1000) + ",000 datagrams/s";
	m.prepare = [] {
		pin_first();
		return 0;
	};
	for (const relay_kind &k : RELAYS)
		m.entries.push_back(entry_of(k, rate));
	m.cleanup = pin_release;
	m.comparisons = {
		{"T14", tells::COST, waiting, base, 0.70},
		{"T14", tells::VALUE, waiting, "", 2.0, METRIC_P99},
		{"", tells::COST, waiting, "the same, probing", 0},
		{"", tells::COST, "hail", base, 0},
		{"", tells::VALUE, "hail", "", 0, METRIC_P99},
		{"", tells::VALUE, base, "", 0, METRIC_P99},
		{"", tells::COST, "hail", base, 0, METRIC_WALL},
	};
	harness_add("relay/" + std::to_string(rate / 1000) + "k", m);
}

struct fanout_kind {
	const char *name;
	fanout_create create;
	const char *needs = "";
};

const std::vector<fanout_kind> FANOUTS = {
	{"recvmmsg, sendmmsg", fanout_sendmmsg_create},
	{"recvmmsg, sendmmsg, probing", fanout_sendmmsg_probe_create},
	{"hail, trains off", fanout_hail_single_create},
	{"hail, peers", fanout_hail_peers_create},
	{"hail", fanout_hail_create},
};

void add_fanout(std::size_t burst)
{
	const char *probing = "recvmmsg, sendmmsg, probing";
	auto sinks = std::make_shared<struct sinks>();
	measurement m;

	m.work = "fan out 160 B, 1 received to 63 sent, " +
		 std::to_string(burst) + " waiting";
	/* Some 2,000 datagrams. */
	m.slices = harness_slices((unsigned)(32 / burst));
	m.prepare = [=] { return sinks_open(sinks.get(), DESTINATIONS); };
	for (const fanout_kind &k : FANOUTS)
		m.entries.push_back({k.name,
				     [=](struct contender *out) {
					     return work_fanout(out, k.create,
								sinks.get(),
								SIZE, burst);
				     },
				     k.needs});
	m.cleanup = [=] { sinks_close(sinks.get()); };
	m.comparisons = {
		{"T13", tells::COST, "hail", "recvmmsg, sendmmsg", 0.95},
		{"", tells::COST, "hail", probing, 0},
		{"", tells::COST, "hail, trains off", probing, 0},
		{"T13", tells::COST, "hail, peers", "recvmmsg, sendmmsg", 0.95},
		{"", tells::COST, "hail, peers", probing, 0},
	};
	harness_add("fanout/" + std::to_string(burst) + "waiting", m);
}

void add_all()
{
	add_fanout(1);
	add_fanout(16);
	add_relay(25000);
	add_relay(40000);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
