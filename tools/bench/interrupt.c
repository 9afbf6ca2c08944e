/* SPDX-License-Identifier: MIT */
/* interrupt.c: SIGINT and SIGTERM, asked for where it suits. */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static sigset_t signals;
static int came;

void interrupt_block(void)
{
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int interrupt_pending(void)
{
	const struct timespec at_once = {0, 0};

	if (!came) {
		int signal = sigtimedwait(&signals, NULL, &at_once);

		came = signal > 0 ? signal : 0;
	}
	return came;
}
