/* SPDX-License-Identifier: MIT */
/* report.c: prints what was measured as tables for people. */
#include "report.h"

#include <hail/hail.h>
#include <stdio.h>

void report_header(const struct machine *machine)
{
	printf("hail-bench " HAIL_VERSION ", library %s, %s\n"
	       "%s, %ld cores, %s, load average %.2f\n"
	       "Medians; ratios with their middle half; below 1 is less.\n",
	       hail_version(), machine->date, machine->cpu, machine->cores,
	       machine->kernel, machine->load);
	fflush(stdout);
}

static void print_ratio(const struct spread *ratio)
{
	printf("     %5.3f (%5.3f-%5.3f)", ratio->median, ratio->low,
	       ratio->high);
}

static void format_rate(char *text, size_t size, double wall_ns)
{
	double rate = wall_ns > 0 ? 1e9 / wall_ns : 0;

	if (rate >= 1e6)
		snprintf(text, size, "%.2f M", rate / 1e6);
	else
		snprintf(text, size, "%.0f k", rate / 1e3);
}

static void print_title(const struct result *result,
			const struct options *options)
{
	static const char *const of[METRIC_COUNT] = {
		[METRIC_CPU] = "CPU time",
		[METRIC_WALL] = "time",
		[METRIC_P50] = "p50",
		[METRIC_P99] = "p99",
	};

	printf("\n%s: %s, %lu bytes", result->work->name, result->work->title,
	       result->size);
	if (result->work->metric != METRIC_P50)
		printf(", batch %lu", options->batch);
	if (result->work->metric == METRIC_CPU)
		printf(", %lu destinations", options->destinations);
	printf("; ratios of %s (%zu rounds%s)\n", of[result->work->metric],
	       result->rounds, result->complete ? "" : ", interrupted");
}

static void print_heads(const struct result *result)
{
	bool trips = result->work->metric == METRIC_P50;

	printf("  %-20s %11s %11s", "", trips ? "p50 us" : "CPU ns each",
	       trips ? "p99 us" : "datagrams/s");
	for (size_t base = 0; base < result->work->bases; base++) {
		char head[48];

		snprintf(head, sizeof(head), "to %s", result->sides[base].name);
		printf("   %21.21s", head);
	}
	printf("\n");
}

void report_result(const struct result *result, const struct options *options)
{
	print_title(result, options);
	if (result->rounds == 0)
		return;
	print_heads(result);
	for (size_t i = 0; i < result->count; i++) {
		const struct side *side = &result->sides[i];
		char rate[32];

		format_rate(rate, sizeof(rate), side->wall_ns.median);
		if (result->work->metric == METRIC_P50)
			printf("  %-20s %11.1f %11.1f", side->name,
			       side->p50_ns.median / 1e3,
			       side->p99_ns.median / 1e3);
		else
			printf("  %-20s %11.0f %11s", side->name,
			       side->cpu_ns.median, rate);
		for (size_t base = 0; base < result->work->bases; base++)
			print_ratio(&side->ratios[base]);
		printf("\n");
	}
	fflush(stdout);
}
