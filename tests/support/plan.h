/* SPDX-License-Identifier: MIT */
/*
 * plan.h: messages made of any bytes, and whether the plan of their trains is
 * what the rules call for: found out by the plainest means, which look at all
 * earlier messages for each. For the unit test and for the fuzz target.
 */
#ifndef TEST_PLAN_H
#define TEST_PLAN_H

#include "net/gso.h"

#include <stddef.h>
#include <stdint.h>

#define PLAN_MESSAGES_MAX 1024
/* Bytes that say what holds for all, and bytes a message. */
#define PLAN_HEADER_SIZE 2
#define PLAN_MESSAGE_SIZE 4

/* A set of messages to be planned. */
struct plan {
	uint32_t count;
	uint32_t segments_max;
	bool once;
	struct hail_message messages[PLAN_MESSAGES_MAX];
	struct hl_gso_message asked[PLAN_MESSAGES_MAX];
	/* What the rules call for. */
	struct hl_gso_place places[PLAN_MESSAGES_MAX];
};

/* Reads a set, of as many messages as there are bytes for. */
void plan_read(struct plan *plan, const uint8_t *bytes, size_t size);

/* Plans it, also in parts where a plan ends early, and compares. NULL, or which
 * rule is broken. */
const char *plan_check(struct plan *plan, struct hl_gso *gso);

#endif
