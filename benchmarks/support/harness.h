/* SPDX-License-Identifier: MIT */
/* harness.h: what the Google Benchmark programs share: options, the
 * interleaved loop, and the rows that are held to targets. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include "interleave.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/* What a row of the table tells of its subject. */
enum class tells {
	COST,   /* its cost over the base's: at most `must` */
	SPEED,  /* how many times the base's work it does: at least `must` */
	GROWTH, /* COST over COST at the series' first x: at most `must` */
	VALUE   /* its own figure in ms, without a base: at most `must` */
};

/* One row. Subject and base are names of contenders; where one of them was left
 * out, so is the row. */
struct comparison {
	std::string target; /* "T1"; empty: for information */
	tells kind;
	std::string subject;
	std::string base;
	double must; /* 0: for information */
	/* METRIC_COUNT: the measurement's own. */
	enum metric metric = METRIC_COUNT;
};

/* One way of doing the work. `create` returns 0 or a negative errno; -ENOTSUP
 * leaves it out, with `needs` as the reason. */
struct entry {
	std::string name;
	std::function<int(struct contender *)> create;
	std::string needs = "";
};

/* What is measured in one benchmark. */
struct measurement {
	std::string work; /* "160 B, 64 destinations, batch 64" */
	enum metric metric = METRIC_CPU;
	unsigned slices = 1; /* of each contender in a round */
	/* Makes what the contenders share, before them; may be empty. Returns
	 * 0 or a negative errno. */
	std::function<int()> prepare;
	std::vector<entry> entries;
	std::vector<comparison> comparisons;
	/* After the contenders are gone; may be empty. */
	std::function<void()> cleanup;
	/* The curve that this is a point of, and where; may be empty. */
	std::string series = "";
	double x = 0;
};

/* Registers it under a name such as "send/160B/batch64". */
void harness_add(const std::string &name, const measurement &measurement);

/* A row that is no ratio: a figure in `unit` and the most that it may be.
 * Unlike times these are exact, so missing one fails the program. */
void harness_figure(const std::string &target, const std::string &work,
		    const std::string &unit, double value, double must);

/* Tells that something was not measured, and why. */
void harness_left_out(const std::string &work, const std::string &what,
		      const std::string &why);

/* Tells that something failed; the program then exits with 1. */
void harness_fail(benchmark::State &state, const std::string &text);

/* The rest of main(): reads --short, --rounds=N and --json=FILE, registers,
 * runs, prints the rows. Exits with 77 (skipped) where io_uring is
 * refused. */
int harness_main(int argc, char **argv, void (*add_all)());

/* How many slices of a round are wanted: fewer in short mode. */
unsigned harness_slices(unsigned wanted);

/* Whether a short run was asked for. */
bool harness_short();

#endif
