/* SPDX-License-Identifier: MIT */
/* bench_receive.cc: CPU time a datagram of receiving 160 bytes from a sendmmsg
 * flood on one socket and on 512, against epoll with recvmmsg or recvfrom and
 * against bare liburing (T7, T10). */
#include "harness.h"
#include "work.h"

#include <string>

namespace
{

const std::size_t SIZE = 160;

const receiver_create RECEIVERS[] = {
	receiver_recvmmsg_create,
	receiver_recvfrom_create,
	receiver_uring_create,
	receiver_hail_create,
};
enum { RECVMMSG, RECVFROM, BARE, HAIL };

struct flood {
	std::size_t sockets;
	std::size_t burst; /* over all sockets */
	std::size_t datagram_max;
	unsigned buffers; /* of the bare ring: as many as hail comes to have */
	unsigned slices;  /* bursts that make up some milliseconds */
	double must;
};

int build(struct interleave *it, const flood &f)
{
	struct receiver_options options {
	};
	int error = 0;

	options.sockets = f.sockets;
	options.size = SIZE;
	options.datagram_max = f.datagram_max;
	options.buffers = f.buffers;
	for (receiver_create create : RECEIVERS) {
		struct contender contender;

		if (error)
			break;
		error = work_receive(&contender, create, &options, f.burst);
		if (!error)
			interleave_add(it, &contender);
	}
	return error;
}

std::string describe(const flood &f)
{
	std::string text = "receive 160 B, " + std::to_string(f.sockets);

	text += f.sockets == 1 ? " socket, " : " sockets, ";
	text += std::to_string(f.burst / f.sockets) + " waiting at each";
	if (f.datagram_max)
		text += ", datagram_max " + std::to_string(f.datagram_max);
	return text;
}

void add(const flood &f)
{
	measurement m;

	m.work = describe(f);
	m.metric = METRIC_CPU;
	m.slices = harness_slices(f.slices);
	m.build = [=](struct interleave *it) { return build(it, f); };
	m.comparisons = {
		{"T7", HAIL, RECVMMSG, f.must},
		{"T7", HAIL, RECVFROM, 0},
		{"T10", HAIL, BARE, 1.05},
	};
	harness_add("receive/" + std::to_string(f.sockets) + "sockets/" +
			    std::to_string(f.burst / f.sockets) + "waiting" +
			    (f.datagram_max ? "/small" : ""),
		    m);
}

void add_all()
{
	for (std::size_t datagram_max : {0, 2048}) {
		add({1, 32, datagram_max, 64, 64, 0.97});
		add({1, 64, datagram_max, 64, 32, 0.97});
		add({512, 512, datagram_max, 1024, 4, 0.90});
	}
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
