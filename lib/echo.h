/* SPDX-License-Identifier: MIT */
/*
 * echo.h: what the kernel says of one message several times.
 *
 * A message that exceeds the interface's MTU is refused, and a record of it is
 * put into the error queue. Since an ICMP message of another remote's may look
 * the same to who sends, hail tries again, and each time there is one more
 * record. They don't name their message: one that is like the last, while more
 * of them are expected, is an echo.
 */
#ifndef HL_ECHO_H
#define HL_ECHO_H

#include <hail/error.h>
#include <stdbool.h>

struct hl_echo {
	uint32_t expected;
	uint32_t mtu;            /* of the last record */
	struct hail_addr remote; /* and where its message was to go */
};

/* A message that the kernel said EMSGSIZE of is tried again. */
void hl_echo_expect(struct hl_echo *echo);
/* Whether a record is to be left out. */
bool hl_echo_is(struct hl_echo *echo, const struct hail_error *error);

#endif
