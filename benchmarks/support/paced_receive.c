/* SPDX-License-Identifier: MIT */
/* paced_receive.c: contenders that receive what comes at a steady rate. */
#include "clock.h"
#include "paced.h"

#include <errno.h>
#include <stdlib.h>

struct paced {
	struct receiver receiver;
	struct pacer *pacer;
	uint64_t count;
};

static int paced_run(void *self, struct slice *slice)
{
	const struct paced *paced = self;
	uint64_t cpu;
	int error, sent;

	pacer_start(paced->pacer);
	cpu = clock_thread_ns();
	error = paced->receiver.drain(paced->receiver.self, paced->count);
	slice->cpu_ns = clock_thread_ns() - cpu;
	slice->datagrams = paced->count;
	sent = pacer_finish(paced->pacer);
	return sent ? sent : error;
}

static void paced_destroy(void *self)
{
	struct paced *paced = self;

	pacer_destroy(paced->pacer);
	if (paced->receiver.destroy)
		paced->receiver.destroy(paced->receiver.self);
	free(paced);
}

static int paced_init(struct paced *paced, receiver_create create,
		      const struct receiver_options *options,
		      const struct pace *pace)
{
	const struct receiver *receiver = &paced->receiver;
	int error = create(&paced->receiver, options);

	if (error)
		return error;
	paced->count = pace->count;
	/* However late the receiver is, nothing is dropped. */
	if (pace->count > receiver->room * receiver->count)
		return -ENOBUFS;
	return pacer_create(&paced->pacer, receiver->addrs, receiver->count,
			    options->size, pace);
}

int paced_receive(struct contender *out, receiver_create create,
		  const struct receiver_options *options,
		  const struct pace *pace)
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
		.name = paced->receiver.name,
		.self = paced,
		.run = paced_run,
		.destroy = paced_destroy,
	};
	return 0;
}
