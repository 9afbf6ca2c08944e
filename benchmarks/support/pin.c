/* SPDX-License-Identifier: MIT */
/* pin.c: binding threads to the first two cores of the process. */
#include "pin.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* As the process was started; the first pin remembers it. */
static cpu_set_t allowed;
static bool allowed_known;

static void remember(void)
{
	allowed_known = !sched_getaffinity(0, sizeof(allowed), &allowed);
}

static void pin(unsigned which)
{
	cpu_set_t one;
	unsigned seen = 0;

	pthread_once(&once, remember);
	if (!allowed_known)
		return;
	if (CPU_COUNT(&allowed) < 2)
		which = 0;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || seen++ != which)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void pin_first(void)
{
	pin(0);
}

void pin_second(void)
{
	pin(1);
}

void pin_release(void)
{
	if (allowed_known)
		sched_setaffinity(0, sizeof(allowed), &allowed);
}
