/* SPDX-License-Identifier: MIT */
/* bench_receive.cc: CPU time a datagram of receiving 160 bytes from a sendmmsg
 * flood on one socket and on 512, against epoll with recvmmsg or recvfrom,
 * libuv and bare liburing (T7, T10); and what comes at a steady rate (T8). */
#include "support/paced.h"
#include "support/pin.h"
#include "support/scene.h"

namespace
{

const std::size_t SIZE = 160;
const uint64_t BATCH_WAIT_NS = 1000000;
const uint64_t RATE = 300000;

struct kind {
	const char *name;
	receiver_create create;
	bool waits = false; /* batch_wait_ns */
	const char *needs = "";
};

const std::vector<kind> FLOODED = {
	{"epoll + recvmmsg", receiver_recvmmsg_create},
	{"epoll + recvfrom", receiver_recvfrom_create},
	{"libuv, recvmmsg", receiver_uv_create, false, NEEDS_LIBUV},
	{"bare liburing", receiver_uring_create},
	{"hail", receiver_hail_create},
};

const std::vector<kind> PACED = {
	{"epoll + recvmmsg", receiver_recvmmsg_create},
	{"epoll + recvfrom", receiver_recvfrom_create},
	{"libuv, recvmmsg", receiver_uv_create, false, NEEDS_LIBUV},
	{"bare liburing", receiver_uring_create},
	{"hail, waiting for batches", receiver_hail_create, true},
	{"hail", receiver_hail_create},
};

struct flood {
	std::size_t sockets;
	std::size_t burst; /* over all sockets */
	std::size_t datagram_max;
	unsigned buffers; /* of the bare ring: as many as hail comes to have */
	unsigned slices;  /* bursts that make up some milliseconds */
	double must;
};

struct receiver_options options_of(const flood &f)
{
	struct receiver_options options {
	};

	options.sockets = f.sockets;
	options.size = SIZE;
	options.datagram_max = f.datagram_max;
	options.buffers = f.buffers;
	return options;
}

std::string sockets_text(std::size_t sockets)
{
	return std::to_string(sockets) +
	       (sockets == 1 ? " socket" : " sockets");
}

std::string describe(const flood &f)
{
	std::string text = "receive 160 B, " + sockets_text(f.sockets) + ", " +
			   std::to_string(f.burst / f.sockets) +
			   " waiting at each";

	if (f.datagram_max)
		text += ", datagram_max " + std::to_string(f.datagram_max);
	return text;
}

void add_flood(const flood &f)
{
	measurement m;

	m.work = describe(f);
	m.slices = harness_slices(f.slices);
	for (const kind &k : FLOODED)
		m.entries.push_back({k.name,
				     [=](struct contender *out) {
					     struct receiver_options options =
						     options_of(f);

					     return work_receive(out, k.create,
								 &options,
								 f.burst);
				     },
				     k.needs});
	m.comparisons = {
		{"T7", tells::COST, "hail", "epoll + recvmmsg", f.must},
		{"", tells::COST, "hail", "epoll + recvfrom", 0},
		{"", tells::COST, "hail", "libuv, recvmmsg", 0},
		{"T10", tells::COST, "hail", "bare liburing", 1.05},
	};
	harness_add("receive/" + std::to_string(f.sockets) + "sockets/" +
			    std::to_string(f.burst / f.sockets) + "waiting" +
			    (f.datagram_max ? "/small" : ""),
		    m);
}

entry paced_entry(const kind &k, std::size_t sockets)
{
	return {k.name,
		[=](struct contender *out) {
			struct receiver_options options {
			};
			const struct pace pace {
				RATE, RATE / 100, 4
			};

			options.sockets = sockets;
			options.size = SIZE;
			options.buffers = 1024;
			options.batch_wait_ns = k.waits ? BATCH_WAIT_NS : 0;
			return paced_receive(out, k.create, &options, &pace);
		},
		k.needs};
}

/* What the sender's thread takes isn't counted. */
void add_paced(std::size_t sockets, const std::string &target, double must)
{
	measurement m;

	m.work = "receive 160 B at 300,000 datagrams/s, " +
		 sockets_text(sockets);
	m.prepare = [] {
		pin_first();
		return 0;
	};
	for (const kind &k : PACED)
		m.entries.push_back(paced_entry(k, sockets));
	m.cleanup = pin_release;
	m.comparisons = {
		{target, tells::COST, "hail, waiting for batches",
		 "epoll + recvmmsg", must},
		{"", tells::COST, "hail", "epoll + recvmmsg", 0},
		{"", tells::COST, "hail", "bare liburing", 0},
		/* Where the machine is too slow for the rate it shows here. */
		{"", tells::COST, "hail", "epoll + recvmmsg", 0, METRIC_WALL},
	};
	harness_add("receive/paced/" + std::to_string(sockets) + "sockets", m);
}

void add_all()
{
	for (std::size_t datagram_max : {0, 2048}) {
		add_flood({1, 32, datagram_max, 64, 64, 0.97});
		add_flood({1, 64, datagram_max, 64, 32, 0.97});
		add_flood({512, 512, datagram_max, 1024, 4, 0.90});
	}
	add_paced(1, "T8", 0.6);
	add_paced(64, "", 0);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
