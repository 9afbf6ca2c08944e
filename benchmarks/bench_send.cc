/* SPDX-License-Identifier: MIT */
/* bench_send.cc: CPU time a datagram of hail_send_many() to 64 destinations,
 * plainly and with a peer for each, against the system's calls, libuv and bare
 * liburing (T1, T2, T10). The system's calls and libuv have the kernel's
 * default path MTU mode, as most programs do; "probing" and bare liburing have
 * hail's. */
#include "support/scene.h"

namespace
{

const std::size_t DESTINATIONS = 64;

const std::vector<way> WAYS = {
	{"sendto", sender_sendto_create},
	{"send, connected", sender_connected_create},
	{"sendmmsg", sender_sendmmsg_create},
	{"sendmmsg, probing", sender_sendmmsg_probe_create},
	{"uv_udp_send", sender_uv_create, NEEDS_LIBUV},
	{"uv_udp_try_send", sender_uv_try_create, NEEDS_LIBUV},
	{"bare liburing", sender_uring_create},
	{"bare liburing, trains", sender_uring_train_create},
	{"hail, trains off", sender_hail_single_create},
	{"hail, peers", sender_hail_peers_create},
	{"hail", sender_hail_create},
};

/* At batch 64 no two datagrams of a batch have the same destination; at 256
 * four have, and may ride together. */
void add(std::size_t size, std::size_t batch)
{
	scene_options options{size, DESTINATIONS, batch};
	const bool trains = batch > DESTINATIONS;
	measurement m;

	m.work = "send " + scene_text(options);
	scene_fill(&m, options, WAYS);
	m.comparisons = {
		{"T1", tells::COST, "hail", "sendmmsg", 1.02},
		{"T1", tells::COST, "hail", "sendto", 0.83},
		/* What of that is hail's choice of path MTU mode. */
		{"T1", tells::COST, "hail", "sendmmsg, probing", 1.02},
		{"T2", tells::COST, "hail, peers", "sendmmsg", 0.88},
		{"", tells::COST, "hail, peers", "sendmmsg, probing", 0},
		{"", tells::COST, "hail", "send, connected", 0},
		{"", tells::COST, "hail", "uv_udp_send", 0},
		{"", tells::COST, "hail", "uv_udp_try_send", 0},
		/* What of that is trains. */
		{"T1", tells::COST, "hail, trains off", "sendmmsg", 1.02},
		{"T10", tells::COST, "hail, trains off", "bare liburing", 1.05},
		{"T10", tells::COST, "hail",
		 trains ? "bare liburing, trains" : "bare liburing", 1.05},
	};
	harness_add("send/" + std::to_string(size) + "B/batch" +
			    std::to_string(batch),
		    m);
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
