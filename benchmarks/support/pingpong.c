/* SPDX-License-Identifier: MIT */
/* pingpong.c: what the contenders of a ping-pong share. */
#include "pingpong.h"

#include "pin.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t deadline_over;
static void (*deadline_stop)(void *arg);
static void *deadline_arg;

void pingpong_sum_up(double *trips_ns, size_t count, struct slice *slice)
{
	slice->datagrams = 2 * count;
	slice->p50_ns = interleave_quantile(trips_ns, count, 0.5);
	slice->p99_ns = interleave_quantile(trips_ns, count, 0.99);
}

void pingpong_pin_server(enum pingpong_place place)
{
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
	if (place == PINGPONG_APART)
		pin_second();
	else
		pin_first();
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
