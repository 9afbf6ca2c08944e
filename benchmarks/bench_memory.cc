/* SPDX-License-Identifier: MIT */
/* bench_memory.cc: what a socket takes of the process's memory, and how often
 * anything is allocated while datagrams flow (T12). */
#include "support/allocations.h"
#include "support/harness.h"
#include "support/work.h"

#include <hail/hail.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace
{

const std::size_t SOCKETS = 1000;
const double SOCKET_BYTES_MUST = 1024;
const std::size_t BATCH = 64;
const std::size_t BATCHES_WARM = 100;
const std::size_t BATCHES = 1000;

struct footprint {
	double heap;     /* bytes handed out by malloc */
	double resident; /* bytes of the process that are in memory */
};

footprint footprint_now()
{
	struct mallinfo2 info = mallinfo2();
	std::FILE *file = std::fopen("/proc/self/statm", "r");
	unsigned long total = 0, resident = 0;

	if (file) {
		if (std::fscanf(file, "%lu %lu", &total, &resident) != 2)
			resident = 0;
		std::fclose(file);
	}
	return {(double)info.uordblks + (double)info.hblkhd,
		(double)resident * (double)sysconf(_SC_PAGESIZE)};
}

void on_data(struct hail_socket *, const struct hail_datagram *, size_t)
{
}

int open_one(struct hail_engine *engine)
{
	struct hail_socket_options options;
	struct hail_socket *socket;
	int error;

	std::memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.handlers.data = on_data;
	error = hail_addr_parse(&options.local, "127.0.0.1", 0);
	return error ? error : hail_socket_open(&socket, engine, &options);
}

int open_many(struct hail_engine *engine, std::size_t count)
{
	int error = 0;

	for (std::size_t i = 0; !error && i < count; i++)
		error = open_one(engine);
	/* Until all of them are armed. */
	for (std::size_t i = 0; error >= 0 && i < 2 + count / 64; i++)
		error = hail_engine_turn(engine, 0);
	return error < 0 ? error : 0;
}

/* The first socket makes what all others share. */
void measure_sockets(benchmark::State &state)
{
	struct hail_engine *engine = nullptr;
	footprint before{}, after{};
	int error = hail_engine_create(&engine, nullptr);

	if (!error)
		error = open_many(engine, 1);
	before = footprint_now();
	for (auto _ : state) {
		if (!error)
			error = open_many(engine, SOCKETS);
	}
	after = footprint_now();
	hail_engine_destroy(engine);
	if (error) {
		harness_fail(state,
			     std::string("sockets: ") + hail_strerror(error));
		return;
	}
	double heap = (after.heap - before.heap) / (double)SOCKETS;
	double resident = (after.resident - before.resident) / (double)SOCKETS;

	state.counters["heap"] = heap;
	state.counters["resident"] = resident;
	harness_figure("T12", "1,000 sockets of one engine, heap",
		       "bytes a socket", heap, SOCKET_BYTES_MUST);
	harness_figure("T12", "1,000 sockets of one engine, resident",
		       "bytes a socket", resident, SOCKET_BYTES_MUST);
}

int deliver(const struct contender &contender, std::size_t times)
{
	struct slice slice;
	int error = 0;

	for (std::size_t i = 0; !error && i < times; i++)
		error = contender.run(contender.self, &slice);
	return error;
}

/* hail to hail, sent and received. The first batches may let pools grow. */
void measure_allocations(benchmark::State &state)
{
	struct receiver_options options {
	};
	struct contender contender {
	};
	uint64_t count = 0;
	int error;

	options.sockets = 1;
	options.size = 160;
	error = work_deliver(&contender, "hail", sender_hail_create,
			     receiver_hail_create, &options, BATCH, 1);
	if (!error)
		error = deliver(contender, BATCHES_WARM);
	for (auto _ : state) {
		uint64_t before = allocations_count();

		if (!error)
			error = deliver(contender, BATCHES);
		count = allocations_count() - before;
	}
	if (contender.destroy)
		contender.destroy(contender.self);
	if (error) {
		harness_fail(state,
			     std::string("deliver: ") + hail_strerror(error));
		return;
	}
	state.counters["allocations"] = (double)count;
	harness_figure("T12", "64,000 datagrams sent and received",
		       "allocations", (double)count, 0);
}

void add_all()
{
	benchmark::RegisterBenchmark("memory/sockets", measure_sockets)
		->Iterations(1);
	benchmark::RegisterBenchmark("memory/allocations", measure_allocations)
		->Iterations(1);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
