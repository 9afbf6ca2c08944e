/* SPDX-License-Identifier: MIT */
/* interrupt.h: SIGINT and SIGTERM, asked for where it suits. */
#ifndef TOOL_INTERRUPT_H
#define TOOL_INTERRUPT_H

/* Blocks both in this thread and those it starts, so that no slice is cut
 * short: a round takes milliseconds, and then the signal is asked for. */
void interrupt_block(void);

/* The signal that has come, or 0. Once told it stays. */
int interrupt_pending(void);

#endif
