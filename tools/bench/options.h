/* SPDX-License-Identifier: MIT */
/* options.h: what the command line of hail-bench asks for. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_SIZES_MAX 16

struct options {
	unsigned long seconds;
	unsigned long sizes[OPTIONS_SIZES_MAX];
	size_t size_count;
	unsigned long destinations;
	unsigned long batch;
	unsigned works; /* bit i: the work at place i of the plan */
	bool json;
};

/* Exit codes; a signal's is 128 and its number, as a shell has it. */
enum {
	OPTIONS_OK = 0,
	OPTIONS_FAILED = 1, /* a measurement failed, or io_uring is refused */
	OPTIONS_WRONG = 2,  /* the arguments are wrong */
};

/* Reads the command line. Where the program is over with that (--help, or an
 * argument that is wrong, which is then told on stderr) it returns false and
 * *code is what to exit with. */
bool options_parse(struct options *options, int argc, char **argv, int *code);

#endif
