/* SPDX-License-Identifier: MIT */
/* main.c: hail-bench measures hail against plain system calls on this
 * machine, and prints the ratios. */
#include "interrupt.h"
#include "options.h"
#include "plan.h"
#include "report.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct options options;
	struct machine machine;
	struct result *results;
	size_t count;
	char failure[256]; /* empty: none */
	uint64_t time_ns;  /* for each measurement */
};

static bool uring_serves(void)
{
	struct hail_probe probe = {.size = sizeof(probe)};
	int error = hail_probe(&probe);

	if (!error && !probe.uring)
		return true;
	fprintf(stderr, "hail-bench: io_uring doesn't serve here: %s\n",
		error ? hail_strerror(error) : probe.reason);
	return false;
}

/* What is wrong, and where there is one, what helps. */
static void tell_failure(struct run *run, const struct work *work,
			 unsigned long size, const char *who, int error)
{
	const char *hint = "";

	if (error == -ENOBUFS)
		hint = ": a batch doesn't fit the receive buffers; smaller "
		       "--batch or --sizes, or more net.core.rmem_max";
	else if (error == -EMFILE)
		hint = ": fewer --destinations, or a higher 'ulimit -n'";
	else if (error == -EBADMSG)
		hint = ": what arrived is not what was sent";
	snprintf(run->failure, sizeof(run->failure), "%s, %lu bytes: %s%s%s%s",
		 work->name, size, who ? who : "", who ? ": " : "",
		 hail_strerror(error), hint);
	fprintf(stderr, "hail-bench: %s\n", run->failure);
}

/* False: enough, because of a failure or a signal. */
static bool measure(struct run *run, const struct work *work,
		    unsigned long size)
{
	struct result *result = &run->results[run->count];
	const char *who;
	int error = plan_measure(result, work, &run->options, size,
				 run->time_ns, &who);

	if (error) {
		tell_failure(run, work, size, who, error);
		return false;
	}
	run->count++;
	if (!run->options.json)
		report_result(result, &run->options);
	return !interrupt_pending();
}

static void measure_all(struct run *run)
{
	for (size_t i = 0; i < plan_count; i++) {
		const struct work *work = &plan_works[i];
		size_t sizes = work->every_size ? run->options.size_count : 1;

		if (!(run->options.works & (1u << i)))
			continue;
		for (size_t s = 0; s < sizes; s++) {
			if (!measure(run, work, run->options.sizes[s]))
				return;
		}
	}
}

static int finish(const struct run *run)
{
	int signal = interrupt_pending();
	const struct report report = {
		.machine = &run->machine,
		.options = &run->options,
		.results = run->results,
		.count = run->count,
		.failure = run->failure[0] ? run->failure : NULL,
		.signal = signal,
	};

	if (run->options.json)
		report_json(&report);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "hail-bench: can't write the results\n");
		return OPTIONS_FAILED;
	}
	if (report.failure)
		return OPTIONS_FAILED;
	return signal ? 128 + signal : OPTIONS_OK;
}

int main(int argc, char **argv)
{
	struct run run = {0};
	size_t length;
	int code;

	if (!options_parse(&run.options, argc, argv, &code))
		return code;
	if (!uring_serves())
		return OPTIONS_FAILED;
	interrupt_block();
	length = plan_length(&run.options);
	run.time_ns = run.options.seconds * UINT64_C(1000000000) / length;
	run.results = calloc(length, sizeof(*run.results));
	if (!run.results) {
		fprintf(stderr, "hail-bench: %s\n", strerror(ENOMEM));
		return OPTIONS_FAILED;
	}
	machine_read(&run.machine);
	if (!run.options.json)
		report_header(&run.machine);
	measure_all(&run);
	code = finish(&run);
	free(run.results);
	return code;
}
