/* SPDX-License-Identifier: MIT */
/* fanout.c: contenders that fan out, and what feeds them. */
#include "fanout.h"

#include "sender.h"

#include <errno.h>
#include <stdlib.h>

struct fanout_work {
	struct fanout fanout;
	struct sender feeder;
	struct load load; /* what the feeder sends */
	const struct sinks *sinks;
	size_t burst;
};

static int work_prepare(void *self)
{
	const struct fanout_work *work = self;

	return work->feeder.send(work->feeder.self);
}

static int work_run(void *self, struct slice *slice)
{
	const struct fanout_work *work = self;

	slice->datagrams = work->burst * work->sinks->count;
	return work->fanout.run(work->fanout.self, work->burst);
}

static int work_settle(void *self)
{
	const struct fanout_work *work = self;
	uint64_t due = work->burst * work->sinks->count;

	return sinks_drain(work->sinks) == due ? 0 : -EBADMSG;
}

static void work_destroy(void *self)
{
	struct fanout_work *work = self;

	if (work->feeder.destroy)
		work->feeder.destroy(work->feeder.self);
	if (work->fanout.destroy)
		work->fanout.destroy(work->fanout.self);
	load_fini(&work->load);
	free(work);
}

static int work_init(struct fanout_work *work, fanout_create create,
		     const struct sinks *sinks, size_t size, size_t burst)
{
	int error = create(&work->fanout, sinks, burst);

	work->sinks = sinks;
	work->burst = burst;
	if (!error)
		error = load_init(&work->load, size, burst, &work->fanout.addr,
				  1);
	if (!error)
		error = sender_sendmmsg_create(&work->feeder, &work->load);
	return error;
}

int work_fanout(struct contender *out, fanout_create create,
		const struct sinks *sinks, size_t size, size_t burst)
{
	struct fanout_work *work = calloc(1, sizeof(*work));
	int error;

	if (!work)
		return -ENOMEM;
	error = work_init(work, create, sinks, size, burst);
	if (error) {
		work_destroy(work);
		return error;
	}
	*out = (struct contender){
		.name = "fan-out",
		.self = work,
		.prepare = work_prepare,
		.run = work_run,
		.settle = work_settle,
		.destroy = work_destroy,
	};
	return 0;
}
