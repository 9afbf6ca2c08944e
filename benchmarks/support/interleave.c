/* SPDX-License-Identifier: MIT */
/* interleave.c: runs contenders in turns and keeps what each round cost. */
#include "interleave.h"

#include "clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct total {
	double cpu_ns;
	double wall_ns;
	double datagrams;
	struct slice last;
};

static double *cell(const struct interleave *it, enum metric metric,
		    size_t which, size_t round)
{
	size_t row = (size_t)metric * INTERLEAVE_CONTENDERS_MAX + which;

	return &it->values[row * it->rounds_max + round];
}

int interleave_init(struct interleave *it, unsigned slices, size_t rounds_max)
{
	size_t rows = (size_t)METRIC_COUNT * INTERLEAVE_CONTENDERS_MAX;

	memset(it, 0, sizeof(*it));
	it->values = calloc(rows * rounds_max, sizeof(*it->values));
	if (!it->values)
		return -ENOMEM;
	it->slices = slices;
	it->rounds_max = rounds_max;
	return 0;
}

void interleave_add(struct interleave *it, const struct contender *contender)
{
	assert(it->count < INTERLEAVE_CONTENDERS_MAX);
	it->contenders[it->count++] = *contender;
}

static int run_slice(const struct contender *contender, struct total *total)
{
	struct slice slice = {0};
	uint64_t cpu, wall;
	int error = 0;

	if (contender->prepare)
		error = contender->prepare(contender->self);
	if (error)
		return error;
	wall = clock_wall_ns();
	cpu = clock_cpu_ns();
	error = contender->run(contender->self, &slice);
	cpu = clock_cpu_ns() - cpu;
	wall = clock_wall_ns() - wall;
	if (error)
		return error;
	total->cpu_ns += (double)(slice.cpu_ns ? slice.cpu_ns : cpu);
	total->wall_ns += (double)wall;
	total->datagrams += (double)slice.datagrams;
	total->last = slice;
	return contender->settle ? contender->settle(contender->self) : 0;
}

/* The order rotates with the rounds: who comes after whom must not matter. */
static int run_round(struct interleave *it, struct total *totals)
{
	for (unsigned slice = 0; slice < it->slices; slice++) {
		for (size_t i = 0; i < it->count; i++) {
			size_t which = (i + it->rounds + slice) % it->count;
			const struct contender *contender;
			int error;

			contender = &it->contenders[which];
			error = run_slice(contender, &totals[which]);
			if (error) {
				it->failed = contender->name;
				return error;
			}
		}
	}
	return 0;
}

int interleave_warm(struct interleave *it)
{
	struct total totals[INTERLEAVE_CONTENDERS_MAX] = {0};

	return run_round(it, totals);
}

int interleave_round(struct interleave *it)
{
	struct total totals[INTERLEAVE_CONTENDERS_MAX] = {0};
	int error;

	if (it->rounds == it->rounds_max)
		return -ENOSPC;
	error = run_round(it, totals);
	if (error)
		return error;
	for (size_t i = 0; i < it->count; i++) {
		const struct total *t = &totals[i];
		size_t round = it->rounds;

		*cell(it, METRIC_CPU, i, round) = t->cpu_ns / t->datagrams;
		*cell(it, METRIC_WALL, i, round) = t->wall_ns / t->datagrams;
		*cell(it, METRIC_P50, i, round) = t->last.p50_ns;
		*cell(it, METRIC_P99, i, round) = t->last.p99_ns;
	}
	it->rounds++;
	return 0;
}

double interleave_last(const struct interleave *it, size_t which,
		       enum metric metric)
{
	assert(it->rounds > 0);
	return *cell(it, metric, which, it->rounds - 1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double interleave_quantile(double *values, size_t count, double q)
{
	double place, part;
	size_t below;

	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	place = q * (double)(count - 1);
	below = (size_t)place;
	part = place - (double)below;
	if (below + 1 == count)
		return values[below];
	return values[below] * (1 - part) + values[below + 1] * part;
}

static struct spread spread_of(double *values, size_t count)
{
	struct spread spread;

	spread.low = interleave_quantile(values, count, 0.25);
	spread.median = interleave_quantile(values, count, 0.5);
	spread.high = interleave_quantile(values, count, 0.75);
	return spread;
}

struct spread interleave_ratio(const struct interleave *it, size_t subject,
			       size_t base, enum metric metric)
{
	struct spread spread = {0, 0, 0};
	double *values = calloc(it->rounds + 1, sizeof(*values));

	if (!values)
		return spread;
	for (size_t i = 0; i < it->rounds; i++) {
		double divisor = *cell(it, metric, base, i);

		if (divisor > 0)
			values[i] = *cell(it, metric, subject, i) / divisor;
	}
	spread = spread_of(values, it->rounds);
	free(values);
	return spread;
}

struct spread interleave_cost(const struct interleave *it, size_t which,
			      enum metric metric)
{
	struct spread spread = {0, 0, 0};
	double *values = calloc(it->rounds + 1, sizeof(*values));

	if (!values)
		return spread;
	memcpy(values, cell(it, metric, which, 0),
	       it->rounds * sizeof(*values));
	spread = spread_of(values, it->rounds);
	free(values);
	return spread;
}

void interleave_fini(struct interleave *it)
{
	for (size_t i = 0; i < it->count; i++)
		it->contenders[i].destroy(it->contenders[i].self);
	free(it->values);
	memset(it, 0, sizeof(*it));
}
