/* SPDX-License-Identifier: MIT */
/* plan.h: the works that hail-bench measures, and what comes of one. */
#ifndef TOOL_PLAN_H
#define TOOL_PLAN_H

#include "options.h"
#include "support/interleave.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_BASES_MAX 2

struct side {
	const char *name;
	struct spread cpu_ns;  /* a datagram */
	struct spread wall_ns; /* a datagram */
	struct spread p50_ns;  /* a round trip; 0 where there is none */
	struct spread p99_ns;
	/* To each base, by the work's metric. */
	struct spread ratios[PLAN_BASES_MAX];
};

struct result {
	const struct work *work;
	unsigned long size;
	size_t rounds;
	bool complete; /* not interrupted */
	size_t count;
	/* The first work->bases of them are what the others are held to. */
	struct side sides[INTERLEAVE_CONTENDERS_MAX];
};

/* What the contenders of a work share: see plan.c. */
struct scene;

struct work {
	const char *name;
	const char *title;
	enum metric metric;
	size_t bases;
	bool every_size; /* otherwise the first size alone */
	int (*build)(struct scene *scene, struct interleave *it,
		     const struct options *options, unsigned long size);
};

extern const struct work plan_works[];
extern const size_t plan_count;

/* How many measurements the options ask for. */
size_t plan_length(const struct options *options);

/* Measures one work at one size for so long, or until a signal comes. A
 * negative errno: the measurement failed, and *who is who failed, or NULL. */
int plan_measure(struct result *result, const struct work *work,
		 const struct options *options, unsigned long size,
		 uint64_t time_ns, const char **who);

#endif
