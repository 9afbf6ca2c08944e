/* SPDX-License-Identifier: MIT */
/* paced_relay.c: contenders that relay what comes at a steady rate. */
#include "arrivals.h"
#include "clock.h"
#include "paced.h"

#include <errno.h>
#include <stdlib.h>

struct paced {
	struct sinks sinks;
	struct relay relay;
	struct pacer *pacer;
	uint64_t count;
	double *late_ns;
};

static int sum_up(const struct paced *paced, struct slice *slice)
{
	size_t count = (size_t)paced->count;

	if (arrivals_take(&paced->sinks, paced->late_ns, count) != count)
		return -EBADMSG;
	slice->p50_ns = interleave_quantile(paced->late_ns, count, 0.5);
	slice->p99_ns = interleave_quantile(paced->late_ns, count, 0.99);
	return 0;
}

static int paced_run(void *self, struct slice *slice)
{
	const struct paced *paced = self;
	uint64_t cpu;
	int error, sent;

	pacer_start(paced->pacer);
	cpu = clock_thread_ns();
	error = paced->relay.run(paced->relay.self, paced->count);
	slice->cpu_ns = clock_thread_ns() - cpu;
	slice->datagrams = paced->count;
	sent = pacer_finish(paced->pacer);
	if (sent || error)
		return sent ? sent : error;
	return sum_up(paced, slice);
}

static void paced_destroy(void *self)
{
	struct paced *paced = self;

	pacer_destroy(paced->pacer);
	if (paced->relay.destroy)
		paced->relay.destroy(paced->relay.self);
	sinks_close(&paced->sinks);
	free(paced->late_ns);
	free(paced);
}

static int paced_init(struct paced *paced, relay_create create,
		      const struct relay_options *options,
		      const struct pace *pace)
{
	int error;

	paced->count = pace->count;
	paced->late_ns = calloc(pace->count, sizeof(*paced->late_ns));
	if (!paced->late_ns)
		return -ENOMEM;
	error = sinks_open(&paced->sinks, options->streams);
	if (!error)
		error = arrivals_note(&paced->sinks);
	if (!error)
		error = create(&paced->relay, paced->sinks.addrs, options);
	if (!error)
		error = pacer_create(&paced->pacer, paced->relay.addrs,
				     options->streams, options->size, pace);
	return error;
}

int paced_relay(struct contender *out, relay_create create,
		const struct relay_options *options, const struct pace *pace)
{
	struct paced *paced = calloc(1, sizeof(*paced));
	int error;

	if (!paced)
		return -ENOMEM;
	error = paced_init(paced, create, options, pace);
	if (error) {
		paced_destroy(paced);
		return error;
	}
	*out = (struct contender){
		.name = "relay",
		.self = paced,
		.run = paced_run,
		.destroy = paced_destroy,
	};
	return 0;
}
