/* SPDX-License-Identifier: MIT */
/* rows.h: what a program has measured, as rows, and the two ways of writing
 * them out. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "harness.h"

#include <string>
#include <vector>

struct ratio_row {
	comparison asked;
	enum metric metric;
	std::string work;
	std::string series;
	double x;
	/* In ns; of a VALUE `ratio` has it in ms. */
	struct spread subject, base, ratio;
};

struct cost_row {
	std::string work, contender;
	enum metric metric;
	std::string series;
	double x;
	struct spread ns;
};

struct figure_row {
	std::string target, work, unit;
	double value, must; /* below 0: no bound */
};

struct left_out_row {
	std::string work, what, why;
};

struct rows {
	int rounds = 0;
	bool brief = false;
	std::vector<ratio_row> ratios;
	std::vector<cost_row> costs;
	std::vector<figure_row> figures;
	std::vector<left_out_row> left_out;
};

/* Adds what the rounds of a measurement tell. */
void rows_keep(struct rows *rows, const measurement &m,
	       const struct interleave &it);

/* For people, to the standard output. */
void rows_print(const struct rows &rows);

/* For programs: benchmarks/compare reads it. 0 or a negative errno. */
int rows_write_json(const struct rows &rows, const std::string &path);

/* Whether a row's bound is met; true where it has none. */
bool rows_met(const ratio_row &row);

const char *rows_metric_name(enum metric metric);

#endif
