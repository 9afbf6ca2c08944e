/* SPDX-License-Identifier: MIT */
/* harness.h: what the Google Benchmark programs share: options, the
 * interleaved loop, and the table of ratios with the targets they are held
 * to. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include "interleave.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/* One row of the table: the subject's ratio to the base, and the most that it
 * may be. `must` 0 makes it a row for information. Both are places in the
 * order in which the contenders were added. */
struct comparison {
	std::string target; /* "T1" */
	std::size_t subject;
	std::size_t base;
	double must;
};

/* What is measured in one benchmark. */
struct measurement {
	std::string work; /* "160 B, 64 destinations, batch 64" */
	enum metric metric;
	unsigned slices; /* of each contender in a round */
	/* Adds the contenders: 0 or a negative errno. */
	std::function<int(struct interleave *)> build;
	std::vector<comparison> comparisons;
	/* After the contenders are gone; may be empty. */
	std::function<void()> cleanup;
};

/* Registers it under a name such as "send/160B/batch64". */
void harness_add(const std::string &name, const measurement &measurement);

/* A row that is no ratio: a figure in `unit` and the most that it may be.
 * Unlike times these are exact, so missing one fails the program. */
void harness_figure(const std::string &target, const std::string &work,
		    const std::string &unit, double value, double must);

/* Tells that something failed; the program then exits with 1. */
void harness_fail(benchmark::State &state, const std::string &text);

/* The rest of main(): reads --short, --rounds=N and --markdown, registers,
 * runs, prints the tables. Exits with 77 (skipped) where io_uring is
 * refused. */
int harness_main(int argc, char **argv, void (*add_all)());

/* How many slices of a round are wanted: fewer in short mode. */
unsigned harness_slices(unsigned wanted);

#endif
