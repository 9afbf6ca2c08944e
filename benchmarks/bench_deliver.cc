/* SPDX-License-Identifier: MIT */
/* bench_deliver.cc: one flow from end to end: what sending and receiving a
 * datagram costs together, both in one thread, so that none is lost (T6,
 * T10). */
#include "support/harness.h"
#include "support/scene.h"
#include "support/work.h"

#include <string>
#include <vector>

namespace
{

const std::size_t SLICE_DATAGRAMS = 4096;

struct road {
	const char *name;
	sender_create send;
	receiver_create receive;
	bool coalesce;
};

const std::vector<road> ROADS = {
	{"sendto, recvfrom", sender_sendto_create, receiver_recvfrom_create,
	 false},
	{"sendmmsg, recvmmsg", sender_sendmmsg_create, receiver_recvmmsg_create,
	 false},
	{"sendmmsg + UDP_SEGMENT, recvmmsg + UDP_GRO", sender_train_create,
	 receiver_recvmmsg_create, true},
	{"bare liburing, trains, UDP_GRO", sender_uring_train_create,
	 receiver_uring_create, true},
	{"hail", sender_hail_create, receiver_hail_create, false},
	{"hail, coalescing", sender_hail_create, receiver_hail_create, true},
};

entry entry_of(const road &r, std::size_t size, std::size_t batch)
{
	return {r.name, [=](struct contender *out) {
			struct receiver_options options {
			};

			options.sockets = 1;
			options.size = size;
			/* As many as hail begins with; it needs no more. */
			options.buffers = 64;
			options.coalesce = r.coalesce;
			return work_deliver(out, r.name, r.send, r.receive,
					    &options, batch,
					    SLICE_DATAGRAMS / batch);
		}};
}

/* Nine times as much, and as much as 0.95 of what is written by hand. */
void add(std::size_t size, std::size_t batch, bool target)
{
	const std::string name = target ? "T6" : "";
	measurement m;

	m.work = "deliver " + std::to_string(size) + " B, one flow, batch " +
		 std::to_string(batch);
	m.slices = harness_slices(2);
	for (const road &r : ROADS)
		m.entries.push_back(entry_of(r, size, batch));
	m.comparisons = {
		{name, tells::SPEED, "hail, coalescing", "sendmmsg, recvmmsg",
		 target ? 9.0 : 0},
		{name, tells::SPEED, "hail, coalescing",
		 "sendmmsg + UDP_SEGMENT, recvmmsg + UDP_GRO",
		 target ? 0.95 : 0},
		{"T10", tells::COST, "hail, coalescing",
		 "bare liburing, trains, UDP_GRO", 1.05},
		{"", tells::SPEED, "hail", "sendmmsg, recvmmsg", 0},
	};
	harness_add("deliver/" + std::to_string(size) + "B/batch" +
			    std::to_string(batch),
		    m);
}

void add_all()
{
	add(1200, 64, true);
	add(1200, 512, true);
	add(160, 64, false);
	add(160, 512, false);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
