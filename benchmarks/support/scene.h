/* SPDX-License-Identifier: MIT */
/* scene.h: sinks and the load that is aimed at them, which the senders of a
 * measurement share. */
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include "harness.h"
#include "work.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct scene_options {
	std::size_t size;
	std::size_t destinations;
	std::size_t batch;
	bool coalescing = false; /* the sinks */
	/* A slice of about 4 ms of datagrams that leave one by one. */
	std::size_t slice = 2048;
};

/* A way of sending, by the name that the rows have for it. `create` makes its
 * contender; -ENOTSUP leaves it out. */
using way_create =
	std::function<int(struct contender *, const struct load *,
			  const struct sinks *, std::size_t batches)>;

struct way {
	way(const char *name, sender_create create, const char *needs = "");
	way(const char *name, way_create create, const char *needs = "");

	const char *name;
	way_create create;
	const char *needs;
};

#define NEEDS_LIBUV "libuv (libuv1-dev) was not there when this was built"

/* Fills in how the scene is made and unmade, and the ways as contenders. */
void scene_fill(measurement *m, const scene_options &options,
		const std::vector<way> &ways);

/* "160 B to 64 destinations, batch 64" */
std::string scene_text(const scene_options &options);

#endif
