/* SPDX-License-Identifier: MIT */
/* report_json.c: prints what was measured as one JSON object. */
#include "report.h"

#include <hail/hail.h>
#include <stdio.h>

/* Control characters and what JSON keeps for itself are escaped. */
static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_pair(const char *key, const char *value, const char *after)
{
	printf("    \"%s\": ", key);
	print_string(value);
	printf("%s\n", after);
}

static void print_spread(const char *key, const struct spread *spread)
{
	printf(", ");
	print_string(key);
	printf(": {\"median\": %.6g, \"low\": %.6g, \"high\": %.6g}",
	       spread->median, spread->low, spread->high);
}

static void print_side(const struct result *result, const struct side *side)
{
	double wall_ns = side->wall_ns.median;

	printf("        {\"name\": ");
	print_string(side->name);
	if (result->work->metric == METRIC_P50) {
		print_spread("p50_ns", &side->p50_ns);
		print_spread("p99_ns", &side->p99_ns);
	} else {
		print_spread("cpu_ns", &side->cpu_ns);
		print_spread("wall_ns", &side->wall_ns);
		printf(", \"datagrams_per_second\": %.0f",
		       wall_ns > 0 ? 1e9 / wall_ns : 0);
	}
	for (size_t base = 0; base < result->work->bases; base++) {
		char key[64];

		snprintf(key, sizeof(key), "ratio to %s",
			 result->sides[base].name);
		print_spread(key, &side->ratios[base]);
	}
	printf("}");
}

static void print_result(const struct result *result)
{
	static const char *const of[METRIC_COUNT] = {
		[METRIC_CPU] = "cpu_ns",
		[METRIC_WALL] = "wall_ns",
		[METRIC_P50] = "p50_ns",
		[METRIC_P99] = "p99_ns",
	};
	size_t count = result->rounds ? result->count : 0;

	printf("    {\"work\": ");
	print_string(result->work->name);
	printf(", \"size\": %lu, \"rounds\": %zu, \"complete\": %s, "
	       "\"ratios_of\": \"%s\",\n      \"contenders\": [",
	       result->size, result->rounds,
	       result->complete ? "true" : "false", of[result->work->metric]);
	for (size_t i = 0; i < count; i++) {
		printf("%s\n", i ? "," : "");
		print_side(result, &result->sides[i]);
	}
	printf("]}");
}

static void print_machine(const struct machine *machine)
{
	printf("  \"date\": ");
	print_string(machine->date);
	printf(",\n  \"machine\": {\n");
	print_pair("cpu", machine->cpu, ",");
	print_pair("kernel", machine->kernel, ",");
	print_pair("mitigations", machine->mitigations, ",");
	printf("    \"cores\": %ld,\n    \"load_average\": %.2f\n  },\n",
	       machine->cores, machine->load);
}

static void print_options(const struct options *options)
{
	printf("  \"options\": {\"seconds\": %lu, \"destinations\": %lu, "
	       "\"batch\": %lu, \"sizes\": [",
	       options->seconds, options->destinations, options->batch);
	for (size_t i = 0; i < options->size_count; i++)
		printf("%s%lu", i ? ", " : "", options->sizes[i]);
	printf("]},\n");
}

void report_json(const struct report *report)
{
	printf("{\n  \"program\": \"hail-bench\",\n"
	       "  \"version\": \"" HAIL_VERSION "\",\n  \"library\": ");
	print_string(hail_version());
	printf(",\n");
	print_machine(report->machine);
	print_options(report->options);
	printf("  \"interrupted\": %s,\n", report->signal ? "true" : "false");
	printf("  \"failure\": ");
	if (report->failure)
		print_string(report->failure);
	else
		printf("null");
	printf(",\n  \"results\": [");
	for (size_t i = 0; i < report->count; i++) {
		printf("%s\n", i ? "," : "");
		print_result(&report->results[i]);
	}
	printf("\n  ]\n}\n");
}
