/* SPDX-License-Identifier: MIT */
/* lingering.h: how tests of sockets that close with patience begin and end. */
#ifndef LINGERING_H
#define LINGERING_H

#include "world.h"

#define FOR_EVER (-1)
#define LONG ((int64_t)(20000 * MS))
#define SHORT ((int64_t)(2 * MS))

/* A world with one socket. */
void lingering_start(struct world *world, struct seen *seen,
		     const struct hail_socket_options *options);
/* With five messages in flight that the kernel takes none of. */
void lingering_start_full(struct world *world, struct seen *seen,
			  const struct hail_socket_options *options);
/* The engine has nothing more to do, and the close handler was the last. */
void lingering_finish(struct world *world, const struct seen *seen);
void lingering_counted(const struct world *world, uint64_t sent,
		       uint64_t failed, uint64_t cancelled);

#endif
