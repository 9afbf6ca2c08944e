/* SPDX-License-Identifier: MIT */
/* harness.cc: options and the interleaved loop of the Google Benchmark
 * programs. */
#include "harness.h"

#include "rows.h"

#include <hail/hail.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

const int EXIT_SKIPPED = 77; /* as meson understands it */
const int ROUNDS_DEFAULT = 200;
const int ROUNDS_SHORT = INTERLEAVE_ROUNDS_MIN;
const int ROUNDS_LIMIT = 100000;
const int WARM_ROUNDS = 3;

struct {
	struct rows rows {
	};
	std::string json;
	bool failed = false;
} harness;

int build(const measurement &m, struct interleave *it)
{
	int error = m.prepare ? m.prepare() : 0;

	for (const entry &e : m.entries) {
		struct contender contender {
		};

		if (error)
			break;
		error = e.create(&contender);
		if (error == -ENOTSUP) {
			harness_left_out(m.work, e.name, e.needs);
			error = 0;
			continue;
		}
		if (error) {
			it->failed = e.name.c_str();
			break;
		}
		contender.name = e.name.c_str();
		interleave_add(it, &contender);
	}
	return error;
}

void fail_of(benchmark::State &state, const struct interleave &it, int error)
{
	std::string who = it.failed ? it.failed : "set-up";

	harness_fail(state, who + ": " + std::strerror(-error));
}

/* One iteration is one round, and its time is the last contender's, which is
 * hail by custom. */
void measure(benchmark::State &state, const measurement &m,
	     struct interleave &it)
{
	int error = build(m, &it);

	if (!error && it.count == 0) {
		state.SkipWithError("left out");
		return;
	}
	for (int i = 0; i < WARM_ROUNDS && !error; i++)
		error = interleave_warm(&it);
	for (auto _ : state) {
		if (!error)
			error = interleave_round(&it);
		if (error) {
			fail_of(state, it, error);
			return;
		}
		state.SetIterationTime(
			1e-9 * interleave_last(&it, it.count - 1, m.metric));
	}
	rows_keep(&harness.rows, m, it);
}

void run_benchmark(benchmark::State &state, const measurement &m)
{
	struct interleave it;

	if (interleave_init(&it, m.slices, (std::size_t)harness.rows.rounds)) {
		harness_fail(state, "no memory");
		return;
	}
	measure(state, m, it);
	interleave_fini(&it);
	if (m.cleanup)
		m.cleanup();
}

[[noreturn]] void usage(const char *program, const char *argument)
{
	std::fprintf(stderr,
		     "%s: not understood: %s\n"
		     "options: --short, --rounds=%d..%d, --json=FILE, and "
		     "Google Benchmark's own (--help)\n",
		     program, argument, INTERLEAVE_ROUNDS_MIN, ROUNDS_LIMIT);
	std::exit(2);
}

int parse_rounds(const char *program, const char *argument, const char *text)
{
	char *end;
	long rounds = std::strtol(text, &end, 10);

	if (end == text || *end || rounds < INTERLEAVE_ROUNDS_MIN ||
	    rounds > ROUNDS_LIMIT)
		usage(program, argument);
	return (int)rounds;
}

/* Takes hail's own options out, and leaves the rest to Google Benchmark. */
int take_options(int argc, char **argv)
{
	int kept = 1;

	harness.rows.rounds = ROUNDS_DEFAULT;
	for (int i = 1; i < argc; i++) {
		if (!std::strcmp(argv[i], "--short")) {
			harness.rows.brief = true;
			harness.rows.rounds = ROUNDS_SHORT;
		} else if (!std::strncmp(argv[i], "--json=", 7)) {
			harness.json = argv[i] + 7;
		} else if (!std::strncmp(argv[i], "--rounds=", 9)) {
			harness.rows.rounds =
				parse_rounds(argv[0], argv[i], argv[i] + 9);
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = nullptr;
	return kept;
}

/* The rows, and how it ended. */
int finish(const char *program)
{
	int error = 0;

	rows_print(harness.rows);
	if (!harness.json.empty())
		error = rows_write_json(harness.rows, harness.json);
	if (error) {
		std::fprintf(stderr, "%s: %s: %s\n", program,
			     harness.json.c_str(), std::strerror(-error));
		return 1;
	}
	std::fflush(stdout);
	return harness.failed ? 1 : 0;
}

} // namespace

bool harness_short()
{
	return harness.rows.brief;
}

unsigned harness_slices(unsigned wanted)
{
	return harness.rows.brief ? 1 : wanted;
}

void harness_fail(benchmark::State &state, const std::string &text)
{
	harness.failed = true;
	std::fprintf(stderr, "failed: %s\n", text.c_str());
	state.SkipWithError(text.c_str());
}

void harness_left_out(const std::string &work, const std::string &what,
		      const std::string &why)
{
	harness.rows.left_out.push_back({work, what, why});
}

void harness_figure(const std::string &target, const std::string &work,
		    const std::string &unit, double value, double must)
{
	harness.rows.figures.push_back({target, work, unit, value, must});
	if (must >= 0 && value > must)
		harness.failed = true;
}

void harness_add(const std::string &name, const measurement &m)
{
	benchmark::RegisterBenchmark(name.c_str(), run_benchmark, m)
		->Iterations(harness.rows.rounds)
		->UseManualTime()
		->Unit(benchmark::kNanosecond);
}

int harness_main(int argc, char **argv, void (*add_all)())
{
	struct hail_probe probe;

	argc = take_options(argc, argv);
	benchmark::Initialize(&argc, argv);
	if (argc > 1)
		usage(argv[0], argv[1]);
	std::memset(&probe, 0, sizeof(probe));
	probe.size = sizeof(probe);
	if (hail_probe(&probe) || probe.uring) {
		std::fprintf(stderr, "%s: io_uring does not serve here: %s\n",
			     argv[0], probe.reason);
		return EXIT_SKIPPED;
	}
	add_all();
	benchmark::RunSpecifiedBenchmarks();
	return finish(argv[0]);
}
