/* SPDX-License-Identifier: MIT */
/*
 * failure.h: errors that no call could return, until `error` was told.
 *
 * Records are made beforehand, as many as a few submissions can bring, and no
 * more is submitted than could be recorded: what is taken has an outcome, and
 * memory has a bound.
 */
#ifndef HL_FAILURE_H
#define HL_FAILURE_H

#include "util/list.h"
#include "util/memory.h"

#include <hail/error.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;

struct hl_failure {
	struct hl_list link;
	struct hail_error error;
};

struct hl_failures {
	const struct hl_memory *memory;
	struct hl_failure *records;
	uint32_t count;
	uint32_t available;
	struct hl_list free;
};

/* -ENOMEM. */
int hl_failures_init(struct hl_failures *failures,
		     const struct hl_memory *memory, uint32_t count);
void hl_failures_fini(struct hl_failures *failures);

/* Has `error` told in this or the next turn, if the socket has such a handler.
 * What the network says of a remote may be lost where records are short. */
void hl_failure_report(struct hail_socket *socket,
		       const struct hail_error *error);
/* Calls the error handlers that are due; returns how many calls. */
uint32_t hl_failure_tell(struct hail_engine *engine);
/* Forgets what the socket was to be told. */
void hl_failure_forget(struct hail_socket *socket);

#endif
