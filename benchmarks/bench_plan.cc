/* SPDX-License-Identifier: MIT */
/* bench_plan.cc: what planning trains costs a message, by how the messages of a
 * submission are mixed and how many there are. */
#include <benchmark/benchmark.h>

extern "C" {
#include "net/gso.h"
}

#include <cstdint>
#include <vector>

namespace
{

const std::size_t SIZE = 160;
const std::size_t GROUP = 8;

/* Which remote a message goes to. */
std::size_t distinct(std::size_t i)
{
	return i;
}

std::size_t same(std::size_t)
{
	return 0;
}

/* Eight to each of eight, by turns. */
std::size_t mixed(std::size_t i)
{
	return i / (GROUP * GROUP) * GROUP + i % GROUP;
}

struct batch {
	std::vector<struct hail_addr> remotes;
	std::vector<struct hail_message> messages;
};

batch make_batch(std::size_t count, std::size_t (*remote_of)(std::size_t))
{
	batch made;

	made.remotes.resize(count);
	for (std::size_t i = 0; i < count; i++) {
		hail_addr_parse(&made.remotes[i], "192.0.2.1",
				(std::uint16_t)(1 + i));
	}
	for (std::size_t i = 0; i < count; i++)
		made.messages.push_back(
			{nullptr, SIZE, &made.remotes[remote_of(i)]});
	return made;
}

/* The hash is what train.c asks for before; it counts too. */
void plan(struct hl_gso *gso, const batch &batch)
{
	hl_gso_begin(gso, HL_GSO_SEGMENTS_MAX, false);
	for (std::uint32_t i = 0; i < batch.messages.size(); i++) {
		const struct hail_addr *remote = batch.messages[i].remote;
		struct hl_gso_message message = {};

		message.messages = batch.messages.data();
		message.remote = remote;
		message.hash = hail_addr_hash(remote, 1);
		message.segment_max = UINT32_MAX;
		hl_gso_add(gso, i, &message);
	}
}

void measure(benchmark::State &state, std::size_t (*remote_of)(std::size_t))
{
	const struct hl_memory memory = {};
	std::size_t count = (std::size_t)state.range(0);
	batch batch = make_batch(count, remote_of);
	struct hl_gso gso = {};

	if (hl_gso_init(&gso, &memory, (std::uint32_t)count)) {
		state.SkipWithError("no memory");
		return;
	}
	for (auto _ : state) {
		plan(&gso, batch);
		benchmark::DoNotOptimize(gso.trains);
		benchmark::ClobberMemory();
	}
	hl_gso_fini(&gso);
	state.SetItemsProcessed((std::int64_t)state.iterations() *
				(std::int64_t)count);
	state.counters["a message"] = benchmark::Counter(
		(double)state.iterations() * (double)count,
		benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

#define COUNTS Arg(64)->Arg(256)->Arg(1024)

BENCHMARK_CAPTURE(measure, all_distinct, distinct)->COUNTS;
BENCHMARK_CAPTURE(measure, one_remote, same)->COUNTS;
BENCHMARK_CAPTURE(measure, eight_of_eight, mixed)->COUNTS;

} // namespace

BENCHMARK_MAIN();
