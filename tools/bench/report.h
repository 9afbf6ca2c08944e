/* SPDX-License-Identifier: MIT */
/* report.h: prints what was measured, as tables or as one JSON object. */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include "options.h"
#include "plan.h"
#include "support/machine.h"

/* Tables: the header first, then each result as soon as it is there. */
void report_header(const struct machine *machine);
void report_result(const struct result *result, const struct options *options);

/* Everything at once. `failure` in words, or NULL; `signal` 0 for none. */
struct report {
	const struct machine *machine;
	const struct options *options;
	const struct result *results;
	size_t count;
	const char *failure;
	int signal;
};

void report_json(const struct report *report);

#endif
