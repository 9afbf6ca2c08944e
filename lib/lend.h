/* SPDX-License-Identifier: MIT */
/*
 * lend.h: large trains of pending messages that the kernel sends without a
 * copy. Such a train is on loan: sent, out of the window, and yet its blocks
 * and receive buffers stay as they are until the kernel gives them back.
 *
 * What is lent is the engine's memory, never a caller's or a socket's. So a
 * socket that closes doesn't wait for its loans, which a stuck link may keep
 * for any time; the engine keeps them until they come back.
 *
 * A loan that is refused is sent plainly in its place. Nothing to the same
 * remote may have left meanwhile, so where something follows in the same
 * submission it is made in two.
 */
#ifndef HL_LEND_H
#define HL_LEND_H

#include "lender.h"
#include "send_memory.h"
#include "util/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hail_engine;
struct hail_socket;
struct hl_pending;

/* At once; what is more is sent plainly. They are numbered from 1. */
#define HL_LOANS_MAX 64

struct hl_loan {
	struct hl_list messages; /* pending ones, sent */
	struct hail_socket *by;  /* NULL: it is closed */
	bool settled;            /* what became of the send is known */
	bool failed;
	bool back;
	bool copied;
};

struct hl_lending {
	bool off;
	uint32_t refused; /* sends that the kernel doesn't know */
	uint32_t least;   /* bytes of a train that is worth it */
	size_t page;
	uint64_t free; /* a bit for each loan */
	struct hl_loan loans[HL_LOANS_MAX];
	uint32_t messages; /* that are out */
	uint64_t sent, copied;
};

void hl_lend_init(struct hl_lending *lending, bool off, bool registered);

/* All memory that anything is lent from. */
#define HL_LEND_REGIONS ((int)HL_POOL_KINDS + (int)HL_BLOCK_KINDS)
uint32_t hl_lend_regions(const struct hail_engine *engine,
			 struct iovec regions[static HL_LEND_REGIONS]);

/* The socket's pending messages are planned: so that trains can be lent, where
 * any may be now. */
void hl_lend_begin(struct hail_socket *socket);
/* They were planned and their sends made: chooses
 * those to be lent. */
void hl_lend_plan(struct hail_socket *socket);
/* How many of the sends may be queued before an enter has to tell what became
 * of a loan. */
uint32_t hl_lend_run(const struct hail_engine *engine, uint32_t from,
		     uint32_t count);

/* The send with this token failed and its memory is back. */
void hl_lend_never(struct hail_engine *engine, uint32_t token);
/* A loan has come back. */
void hl_lend_back(struct hail_engine *engine, uint32_t number, bool copied);

/* Whether the message of this index is to be sent plainly, since `result` may
 * be about the loan alone. */
bool hl_lend_refused(const struct hail_engine *engine, uint32_t index,
		     int result);
/* The message of this index has been sent: keeps it until it is back. False: it
 * isn't lent. */
bool hl_lend_keep(struct hail_engine *engine, uint32_t index,
		  struct hl_pending *pending);
/* The submission is over and its messages were kept. */
void hl_lend_settle(struct hail_engine *engine);

/* The socket goes, its loans stay. */
void hl_lend_forget(struct hail_socket *socket);

#endif
