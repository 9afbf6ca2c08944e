/* SPDX-License-Identifier: MIT */
/* bench_send.cc: CPU time a datagram of hail_send_many() to 64 destinations,
 * against sendto, sendmmsg and bare liburing (T1, T10). The first two have the
 * kernel's default path MTU mode, as most programs do; those that say "probing"
 * and bare liburing have hail's. */
#include "harness.h"
#include "work.h"

#include <memory>
#include <string>

namespace
{

const std::size_t DESTINATIONS = 64;
/* A slice of about 4 ms. */
const std::size_t SLICE_DATAGRAMS = 2048;

const sender_create SENDERS[] = {
	sender_sendto_create,         sender_sendmmsg_create,
	sender_sendmmsg_probe_create, sender_uring_create,
	sender_hail_create,
};
enum { SENDTO, SENDMMSG, PROBING, BARE, HAIL };

/* What the contenders share, and what outlives them. */
struct setting {
	struct sinks sinks {
	};
	struct load load {
	};
};

int build(struct interleave *it, setting &s, std::size_t size,
	  std::size_t batch)
{
	int error = sinks_open(&s.sinks, DESTINATIONS);

	if (!error)
		error = load_init(&s.load, size, batch, s.sinks.addrs,
				  s.sinks.count);
	for (sender_create create : SENDERS) {
		struct contender contender;

		if (error)
			break;
		error = work_send(&contender, create, &s.load, &s.sinks,
				  SLICE_DATAGRAMS / batch);
		if (!error)
			interleave_add(it, &contender);
	}
	return error;
}

void add(std::size_t size, std::size_t batch)
{
	auto s = std::make_shared<setting>();
	std::string bytes = std::to_string(size);
	std::string many = std::to_string(batch);
	measurement m;

	m.work = "send " + bytes + " B to 64 destinations, batch " + many;
	m.metric = METRIC_CPU;
	m.slices = 1;
	m.build = [=](struct interleave *it) {
		return build(it, *s, size, batch);
	};
	m.cleanup = [=] {
		load_fini(&s->load);
		sinks_close(&s->sinks);
	};
	m.comparisons = {
		{"T1", HAIL, SENDMMSG, 1.02},
		{"T1", HAIL, SENDTO, 0.83},
		/* What of that is hail's choice of path MTU mode. */
		{"T1", HAIL, PROBING, 1.02},
		{"T10", HAIL, BARE, 1.05},
	};
	harness_add("send/" + bytes + "B/batch" + many, m);
}

void add_all()
{
	for (std::size_t size : {160, 1200})
		for (std::size_t batch : {64, 256})
			add(size, batch);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
