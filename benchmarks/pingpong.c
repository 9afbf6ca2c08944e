/* SPDX-License-Identifier: MIT */
/* pingpong.c: what the contenders of a ping-pong share. */
#include "pingpong.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* As the process was started; the first pin remembers it. */
static cpu_set_t allowed;
static bool allowed_known;

static volatile sig_atomic_t deadline_over;
static void (*deadline_stop)(void *arg);
static void *deadline_arg;

void pingpong_sum_up(double *trips_ns, size_t count, struct slice *slice)
{
	slice->datagrams = 2 * count;
	slice->p50_ns = interleave_quantile(trips_ns, count, 0.5);
	slice->p99_ns = interleave_quantile(trips_ns, count, 0.99);
}

static void pin(unsigned which)
{
	cpu_set_t one;
	unsigned seen = 0;

	if (!allowed_known)
		allowed_known =
			!sched_getaffinity(0, sizeof(allowed), &allowed);
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

void pingpong_pin_client(void)
{
	pin(0);
}

void pingpong_pin_server(enum pingpong_place place)
{
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
	pin(place == PINGPONG_APART ? 1 : 0);
}

static void on_alarm(int signal)
{
	(void)signal;
	deadline_over = 1;
	if (deadline_stop)
		deadline_stop(deadline_arg);
}

void pingpong_deadline_set(void (*stop)(void *arg), void *arg)
{
	const struct sigaction action = {.sa_handler = on_alarm};

	deadline_over = 0;
	deadline_stop = stop;
	deadline_arg = arg;
	sigaction(SIGALRM, &action, NULL);
	alarm(PINGPONG_DEADLINE_S);
}

void pingpong_deadline_clear(void)
{
	alarm(0);
}

bool pingpong_deadline_over(void)
{
	return deadline_over;
}

void pingpong_unpin(void)
{
	if (allowed_known)
		sched_setaffinity(0, sizeof(allowed), &allowed);
}
