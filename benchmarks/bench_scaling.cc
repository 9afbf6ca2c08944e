/* SPDX-License-Identifier: MIT */
/* bench_scaling.cc: how the cost of a datagram goes with the number of open
 * sockets (T11), of destinations, of bytes, of datagrams in a batch, of shards,
 * and of peers. Each is a curve; docs/BENCHMARKS.md tells what the points
 * are. */
#include "support/crowd.h"
#include "support/rotate.h"
#include "support/scene.h"
#include "support/sharded.h"

#include <arpa/inet.h>
#include <cerrno>

namespace
{

const std::size_t SIZE = 160;
const std::size_t DESTINATIONS = 64;

/* Open sockets: bursts of 16 on one of them, and then on the next. */

struct receiver_kind {
	const char *name;
	receiver_create create;
	/* Its own loopback address: 10,000 ports each would not fit one. */
	const char *local;
};

/* epoll is made last: where there are too few descriptors it is left out. */
const std::vector<receiver_kind> RECEIVERS = {
	{"bare liburing", receiver_uring_create, "127.0.1.1"},
	{"hail", receiver_hail_create, "127.0.1.2"},
	{"epoll + recvmmsg", receiver_recvmmsg_create, "127.0.1.3"},
};

#define NEEDS_FILES                                                            \
	"more descriptors than this process may have (RLIMIT_NOFILE)"

const std::size_t SOCKETS_BURST = 16;

int create_receiver(struct contender *out, const receiver_kind &k,
		    std::size_t sockets)
{
	struct receiver_options options {
	};

	if (rotate_allow_files(sockets))
		return -ENOTSUP;
	options.sockets = sockets;
	options.size = SIZE;
	options.buffers = 64;
	inet_pton(AF_INET, k.local, &options.local);
	return rotate_receive(out, k.create, &options, SOCKETS_BURST);
}

void add_sockets(std::size_t sockets)
{
	measurement m;

	m.work = "receive 160 B, 16 waiting at one of " +
		 std::to_string(sockets) + " open sockets";
	m.series = "open sockets, receiving";
	m.x = (double)sockets;
	m.slices = harness_slices(64);
	for (const receiver_kind &k : RECEIVERS)
		m.entries.push_back({k.name,
				     [=](struct contender *out) {
					     return create_receiver(out, k,
								    sockets);
				     },
				     NEEDS_FILES});
	m.comparisons = {
		{"", tells::COST, "hail", "bare liburing", 0},
		{"", tells::COST, "hail", "epoll + recvmmsg", 0},
	};
	if (sockets > 1)
		m.comparisons.push_back(
			{"T11", tells::GROWTH, "hail", "bare liburing", 1.10});
	harness_add("scaling/sockets/" + std::to_string(sockets), m);
}

/* The same of sending: batches of 16 from one of them, and then from the
 * next. */

struct many_kind {
	const char *name;
	many_create create;
	const char *local;
};

const std::vector<many_kind> MANY_SENDERS = {
	{"bare liburing", many_uring_create, "127.0.1.1"},
	{"hail", many_hail_create, "127.0.1.2"},
	{"sendmmsg, probing", many_sendmmsg_create, "127.0.1.3"},
};

way many_way(const many_kind &k, std::size_t sockets)
{
	struct many_options options {
	};

	options.sockets = sockets;
	inet_pton(AF_INET, k.local, &options.local);
	return {k.name,
		[=](struct contender *out, const struct load *load,
		    const struct sinks *sinks, std::size_t batches) {
			if (rotate_allow_files(sockets))
				return -ENOTSUP;
			return work_send_many(out, k.create, &options, load,
					      sinks, batches);
		},
		NEEDS_FILES};
}

void add_sending_sockets(std::size_t sockets)
{
	const scene_options options{SIZE, SOCKETS_BURST, SOCKETS_BURST};
	std::vector<way> ways;
	measurement m;

	m.work = "send " + scene_text(options) + ", from one of " +
		 std::to_string(sockets) + " open sockets";
	m.series = "open sockets, sending";
	m.x = (double)sockets;
	for (const many_kind &k : MANY_SENDERS)
		ways.push_back(many_way(k, sockets));
	scene_fill(&m, options, ways);
	m.comparisons = {
		{"", tells::COST, "hail", "bare liburing", 0},
		{"", tells::COST, "hail", "sendmmsg, probing", 0},
	};
	if (sockets > 1)
		m.comparisons.push_back(
			{"T11", tells::GROWTH, "hail", "bare liburing", 1.10});
	harness_add("scaling/sending_sockets/" + std::to_string(sockets), m);
}

/* Sending: three curves over one set of ways. */

const std::vector<way> SENDERS = {
	{"sendmmsg", sender_sendmmsg_create},
	{"sendmmsg, probing", sender_sendmmsg_probe_create},
	{"bare liburing", sender_uring_create},
	{"hail, trains off", sender_hail_single_create},
	{"hail, peers", sender_hail_peers_create},
	{"hail", sender_hail_create},
};

void add_send(const std::string &series, double x, const scene_options &options)
{
	measurement m;

	m.work = "send " + scene_text(options);
	m.series = series;
	m.x = x;
	scene_fill(&m, options, SENDERS);
	m.comparisons = {
		{"", tells::COST, "hail", "sendmmsg", 0},
		{"", tells::COST, "hail", "bare liburing", 0},
	};
	harness_add("scaling/" + series + "/" + std::to_string((long)x), m);
}

void add_destinations()
{
	for (std::size_t count : {1, 4, 16, 64, 256, 1024})
		add_send("destinations", (double)count, {SIZE, count, 256});
}

void add_batches()
{
	for (std::size_t batch : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})
		add_send("batch", (double)batch, {SIZE, DESTINATIONS, batch});
}

/* The longest is what IPv4 can bear. */
void add_sizes()
{
	for (std::size_t size :
	     {1, 160, 512, 1200, 4096, 9000, 16384, 32768, 65507}) {
		std::size_t slice = size > 4096 ? 256 : 1024;

		add_send("bytes", (double)size,
			 {size, DESTINATIONS, 64, false, slice});
	}
}

/* Shards: what many flows to one port cost, and how long they take. */
void add_shards(unsigned count)
{
	measurement m;

	m.work = "receive 160 B of 64 flows to one port, " +
		 std::to_string(count) + (count == 1 ? " shard" : " shards");
	m.series = "shards";
	m.x = count;
	m.metric = METRIC_WALL;
	m.entries.push_back({"hail", [=](struct contender *out) {
				     return sharded_create(out, count, SIZE);
			     }});
	m.comparisons = {
		{"", tells::VALUE, "hail", "", 0},
		{"", tells::VALUE, "hail", "", 0, METRIC_CPU},
	};
	harness_add("scaling/shards/" + std::to_string(count), m);
}

/* Peers: what a datagram costs from end to end that comes from one of them, or
 * from a stranger, for whom the kernel looks at them all. */
void add_peers(std::size_t peers)
{
	const std::vector<crowd_options> options = {
		{"no peers", SIZE, 0, true},
		{"from a peer", SIZE, peers, false},
		{"from a stranger", SIZE, peers, true},
	};
	measurement m;

	m.work = "160 B from end to end, " + std::to_string(peers) +
		 (peers == 1 ? " peer" : " peers");
	m.series = "peers";
	m.x = (double)peers;
	for (const crowd_options &o : options)
		m.entries.push_back({o.name,
				     [=](struct contender *out) {
					     return crowd_receive(out, &o);
				     },
				     NEEDS_FILES});
	m.comparisons = {
		{"", tells::COST, "from a peer", "no peers", 0},
		{"", tells::COST, "from a stranger", "no peers", 0},
	};
	harness_add("scaling/peers/" + std::to_string(peers), m);
}

void add_all()
{
	for (std::size_t sockets : {1, 10, 100, 1000, 10000})
		add_sockets(sockets);
	for (std::size_t sockets : {1, 10, 100, 1000, 10000})
		add_sending_sockets(sockets);
	add_destinations();
	add_sizes();
	add_batches();
	add_shards(1);
	add_shards(2);
	for (std::size_t peers : {1, 10, 100, 1000})
		add_peers(peers);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
