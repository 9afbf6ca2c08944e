/* SPDX-License-Identifier: MIT */
/* harness.cc: options, the interleaved loop and the tables of the Google
 * Benchmark programs. */
#include "harness.h"

#include "machine.h"

#include <hail/hail.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

const int EXIT_SKIPPED = 77; /* as meson understands it */
const int ROUNDS_DEFAULT = 200;
const int ROUNDS_SHORT = INTERLEAVE_ROUNDS_MIN;
const int ROUNDS_LIMIT = 100000;

struct ratio_row {
	std::string target, work, subject, base;
	struct spread subject_ns, base_ns, ratio;
	double must;
};

struct figure_row {
	std::string target, work, unit;
	double value, must;
};

struct {
	int rounds = ROUNDS_DEFAULT;
	bool brief = false;
	bool markdown = false;
	bool failed = false;
	std::vector<ratio_row> ratios;
	std::vector<figure_row> figures;
} harness;

/* With --markdown only the tables are wanted. */
class silent_reporter : public benchmark::BenchmarkReporter
{
      public:
	bool ReportContext(const Context &) override
	{
		return true;
	}

	void ReportRuns(const std::vector<Run> &) override
	{
	}
};

const char *verdict(double value, double must)
{
	if (must <= 0)
		return "–";
	return value <= must ? "yes" : "**no**";
}

void keep_ratios(const measurement &m, const struct interleave &it)
{
	for (const comparison &c : m.comparisons) {
		ratio_row row;

		row.target = c.target;
		row.work = m.work;
		row.subject = it.contenders[c.subject].name;
		row.base = it.contenders[c.base].name;
		row.subject_ns = interleave_cost(&it, c.subject, m.metric);
		row.base_ns = interleave_cost(&it, c.base, m.metric);
		row.ratio = interleave_ratio(&it, c.subject, c.base, m.metric);
		row.must = c.must;
		harness.ratios.push_back(row);
	}
}

void count_ratios(benchmark::State &state, const measurement &m,
		  const struct interleave &it)
{
	for (std::size_t i = 0; i < it.count; i++)
		state.counters[std::string("ns:") + it.contenders[i].name] =
			interleave_cost(&it, i, m.metric).median;
	for (const comparison &c : m.comparisons)
		state.counters[std::string("ratio:") +
			       it.contenders[c.base].name] =
			interleave_ratio(&it, c.subject, c.base, m.metric)
				.median;
}

/* One iteration is one round, and its time is the first subject's. */
void measure(benchmark::State &state, const measurement &m,
	     struct interleave &it)
{
	int error = m.build(&it);

	if (error) {
		harness_fail(state,
			     std::string("set-up: ") + std::strerror(-error));
		return;
	}
	for (int i = 0; i < 3 && !error; i++)
		error = interleave_warm(&it);
	for (auto _ : state) {
		if (!error)
			error = interleave_round(&it);
		if (error) {
			harness_fail(state, std::string(it.failed) + ": " +
						    std::strerror(-error));
			return;
		}
		state.SetIterationTime(
			1e-9 * interleave_last(&it, m.comparisons[0].subject,
					       m.metric));
	}
	count_ratios(state, m, it);
	keep_ratios(m, it);
}

void run_benchmark(benchmark::State &state, const measurement &m)
{
	struct interleave it;

	if (interleave_init(&it, m.slices, (std::size_t)harness.rounds)) {
		harness_fail(state, "no memory");
		return;
	}
	measure(state, m, it);
	interleave_fini(&it);
	if (m.cleanup)
		m.cleanup();
}

void print_machine()
{
	struct machine machine;

	machine_read(&machine);
	std::printf("hail %s, %s, %ld cores, %s, %s, load average %.2f, "
		    "%d rounds.\nMitigations: %s.\n\n",
		    hail_version(), machine.cpu, machine.cores, machine.kernel,
		    machine.date, machine.load, harness.rounds,
		    machine.mitigations);
}

void print_ratios()
{
	if (harness.ratios.empty())
		return;
	std::printf("| target | work | subject | ns | against | ns | ratio "
		    "| middle half | must be | reached |\n"
		    "|---|---|---|---:|---|---:|---:|---|---:|---|\n");
	for (const ratio_row &row : harness.ratios) {
		char must[32] = "–";

		if (row.must > 0)
			std::snprintf(must, sizeof(must), "≤ %.2f", row.must);
		std::printf("| %s | %s | %s | %.0f | %s | %.0f | %.3f "
			    "| %.3f–%.3f | %s | %s |\n",
			    row.target.c_str(), row.work.c_str(),
			    row.subject.c_str(), row.subject_ns.median,
			    row.base.c_str(), row.base_ns.median,
			    row.ratio.median, row.ratio.low, row.ratio.high,
			    must, verdict(row.ratio.median, row.must));
	}
	std::printf("\n");
}

void print_figures()
{
	if (harness.figures.empty())
		return;
	std::printf("| target | work | unit | figure | must be | reached |\n"
		    "|---|---|---|---:|---:|---|\n");
	for (const figure_row &row : harness.figures) {
		char must[32] = "–";

		if (row.must >= 0)
			std::snprintf(must, sizeof(must), "≤ %g", row.must);
		std::printf("| %s | %s | %s | %.6g | %s | %s |\n",
			    row.target.c_str(), row.work.c_str(),
			    row.unit.c_str(), row.value, must,
			    row.must < 0            ? "–"
			    : row.value <= row.must ? "yes"
						    : "**no**");
	}
	std::printf("\n");
}

[[noreturn]] void usage(const char *program, const char *argument)
{
	std::fprintf(stderr,
		     "%s: not understood: %s\n"
		     "options: --short, --rounds=%d..%d, --markdown, and "
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

	for (int i = 1; i < argc; i++) {
		if (!std::strcmp(argv[i], "--short")) {
			harness.brief = true;
			harness.rounds = ROUNDS_SHORT;
		} else if (!std::strcmp(argv[i], "--markdown")) {
			harness.markdown = true;
		} else if (!std::strncmp(argv[i], "--rounds=", 9)) {
			harness.rounds =
				parse_rounds(argv[0], argv[i], argv[i] + 9);
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = nullptr;
	return kept;
}

} // namespace

unsigned harness_slices(unsigned wanted)
{
	return harness.brief ? 1 : wanted;
}

void harness_fail(benchmark::State &state, const std::string &text)
{
	harness.failed = true;
	std::fprintf(stderr, "failed: %s\n", text.c_str());
	state.SkipWithError(text.c_str());
}

void harness_figure(const std::string &target, const std::string &work,
		    const std::string &unit, double value, double must)
{
	harness.figures.push_back({target, work, unit, value, must});
	if (must >= 0 && value > must)
		harness.failed = true;
}

void harness_add(const std::string &name, const measurement &m)
{
	benchmark::RegisterBenchmark(name.c_str(), run_benchmark, m)
		->Iterations(harness.rounds)
		->UseManualTime()
		->Unit(benchmark::kNanosecond);
}

int harness_main(int argc, char **argv, void (*add_all)())
{
	struct hail_probe probe;
	silent_reporter silent;

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
	if (harness.markdown)
		benchmark::RunSpecifiedBenchmarks(&silent);
	else
		benchmark::RunSpecifiedBenchmarks();
	print_machine();
	print_ratios();
	print_figures();
	std::fflush(stdout);
	return harness.failed ? 1 : 0;
}
