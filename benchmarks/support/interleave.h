/* SPDX-License-Identifier: MIT */
/*
 * interleave.h: measuring contenders against each other in one run.
 *
 * On a shared machine absolute times mean nothing: the clock rate, the
 * neighbours and the state of the kernel's caches drift within a second. So
 * the contenders take turns in slices of milliseconds, A B A B; a round is
 * some slices of each, the order rotates from round to round, and what is
 * reported is the median over the rounds of the ratio within a round.
 */
#ifndef BENCH_INTERLEAVE_H
#define BENCH_INTERLEAVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INTERLEAVE_CONTENDERS_MAX 12
/* Below that a median isn't worth the name. */
#define INTERLEAVE_ROUNDS_MIN 6

enum metric {
	METRIC_CPU,  /* ns of CPU time a datagram */
	METRIC_WALL, /* ns a datagram on the wall clock */
	METRIC_P50,  /* ns a round trip; only where contenders tell it */
	METRIC_P99,
	METRIC_COUNT
};

/* What a contender tells of one slice. */
struct slice {
	uint64_t datagrams;
	/* CPU time of the thread that is measured, where the process has others
	 * that don't count (a paced sender); 0: the whole process counts. */
	uint64_t cpu_ns;
	double p50_ns;
	double p99_ns;
};

/* The calls return 0 or a negative errno, which ends the measurement: a
 * measurement in which something failed is worth nothing. */
struct contender {
	const char *name;
	void *self;
	int (*prepare)(void *self); /* before the slice, not timed; or NULL */
	int (*run)(void *self, struct slice *slice);
	int (*settle)(void *self); /* after the slice, not timed; or NULL */
	void (*destroy)(void *self);
};

/* A median and the middle half around it. */
struct spread {
	double median;
	double low;
	double high;
};

struct interleave {
	struct contender contenders[INTERLEAVE_CONTENDERS_MAX];
	size_t count;
	unsigned slices; /* of each contender in a round */
	size_t rounds;
	size_t rounds_max;
	double *values;     /* by metric, contender, round */
	const char *failed; /* the contender whose call failed, or NULL */
};

/* Makes an empty measurement. -ENOMEM. */
int interleave_init(struct interleave *it, unsigned slices, size_t rounds_max);

/* Hands a contender over; it is destroyed with the measurement. */
void interleave_add(struct interleave *it, const struct contender *contender);

/* One round whose times are thrown away: pools grow, caches fill. */
int interleave_warm(struct interleave *it);

/* One round; -ENOSPC after rounds_max of them. */
int interleave_round(struct interleave *it);

/* The last round's value. */
double interleave_last(const struct interleave *it, size_t which,
		       enum metric metric);

/* Over all rounds so far. */
struct spread interleave_cost(const struct interleave *it, size_t which,
			      enum metric metric);
struct spread interleave_ratio(const struct interleave *it, size_t subject,
			       size_t base, enum metric metric);

/* Destroys the contenders, also of a measurement that was never begun. */
void interleave_fini(struct interleave *it);

/* Sorts `values` and gives the quantile q (0 to 1) of them; 0 for none. */
double interleave_quantile(double *values, size_t count, double q);

#ifdef __cplusplus
}
#endif

#endif
