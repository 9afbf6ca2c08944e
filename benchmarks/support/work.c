/* SPDX-License-Identifier: MIT */
/* work.c: makes contenders for a measurement of senders and receivers. */
#include "work.h"

#include <errno.h>
#include <stdlib.h>

struct send_work {
	struct sender sender;
	const struct load *load;
	const struct sinks *sinks;
	size_t batches;
};

static int send_run(void *self, struct slice *slice)
{
	const struct send_work *work = self;

	for (size_t i = 0; i < work->batches; i++) {
		int error = work->sender.send(work->sender.self);

		if (error)
			return error;
	}
	slice->datagrams = work->batches * work->load->batch;
	return 0;
}

static int send_settle(void *self)
{
	const struct send_work *work = self;
	uint64_t sent = work->batches * work->load->batch;

	return sinks_drain(work->sinks) == sent ? 0 : -EBADMSG;
}

static void send_destroy(void *self)
{
	struct send_work *work = self;

	work->sender.destroy(work->sender.self);
	free(work);
}

static struct send_work *send_work_make(const struct load *load,
					const struct sinks *sinks,
					size_t batches)
{
	struct send_work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->load = load;
	work->sinks = sinks;
	work->batches = batches;
	return work;
}

/* Hands out what has its sender, or has failed to get one. */
static int send_work_finish(struct contender *out, struct send_work *work,
			    int error)
{
	if (error) {
		free(work);
		return error;
	}
	*out = (struct contender){
		.name = work->sender.name,
		.self = work,
		.run = send_run,
		.settle = send_settle,
		.destroy = send_destroy,
	};
	return 0;
}

int work_send(struct contender *out, sender_create create,
	      const struct load *load, const struct sinks *sinks,
	      size_t batches)
{
	struct send_work *work = send_work_make(load, sinks, batches);

	if (!work)
		return -ENOMEM;
	return send_work_finish(out, work, create(&work->sender, load));
}

int work_send_many(struct contender *out, many_create create,
		   const struct many_options *options, const struct load *load,
		   const struct sinks *sinks, size_t batches)
{
	struct send_work *work = send_work_make(load, sinks, batches);

	if (!work)
		return -ENOMEM;
	return send_work_finish(out, work,
				create(&work->sender, load, options));
}

/* A receiver, and a sender whose load is aimed at it. */
struct pair {
	struct sender sender;
	struct receiver receiver;
	struct load load;
	size_t batches; /* deliver only */
};

static void pair_destroy(void *self)
{
	struct pair *pair = self;

	if (pair->sender.destroy)
		pair->sender.destroy(pair->sender.self);
	if (pair->receiver.destroy)
		pair->receiver.destroy(pair->receiver.self);
	load_fini(&pair->load);
	free(pair);
}

static int pair_create(struct pair **out, sender_create send,
		       receiver_create receive,
		       const struct receiver_options *options, size_t batch)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int error;

	if (!pair)
		return -ENOMEM;
	error = receive(&pair->receiver, options);
	/* More than fits would be dropped, and never arrive. */
	if (!error && batch > pair->receiver.room * pair->receiver.count)
		error = -ENOBUFS;
	if (!error)
		error = load_init(&pair->load, options->size, batch,
				  pair->receiver.addrs, pair->receiver.count);
	if (!error)
		error = send(&pair->sender, &pair->load);
	if (error) {
		pair_destroy(pair);
		return error;
	}
	*out = pair;
	return 0;
}

static int receive_prepare(void *self)
{
	const struct pair *pair = self;

	return pair->sender.send(pair->sender.self);
}

static int receive_run(void *self, struct slice *slice)
{
	const struct pair *pair = self;

	slice->datagrams = pair->load.batch;
	return pair->receiver.drain(pair->receiver.self, pair->load.batch);
}

int work_receive(struct contender *out, receiver_create create,
		 const struct receiver_options *options, size_t burst)
{
	struct pair *pair;
	int error = pair_create(&pair, sender_sendmmsg_create, create, options,
				burst);

	if (error)
		return error;
	*out = (struct contender){
		.name = pair->receiver.name,
		.self = pair,
		.prepare = receive_prepare,
		.run = receive_run,
		.destroy = pair_destroy,
	};
	return 0;
}

static int deliver_run(void *self, struct slice *slice)
{
	const struct pair *pair = self;

	for (size_t i = 0; i < pair->batches; i++) {
		int error = pair->sender.send(pair->sender.self);

		if (!error)
			error = pair->receiver.drain(pair->receiver.self,
						     pair->load.batch);
		if (error)
			return error;
	}
	slice->datagrams = pair->batches * pair->load.batch;
	return 0;
}

int work_deliver(struct contender *out, const char *name, sender_create send,
		 receiver_create receive,
		 const struct receiver_options *options, size_t batch,
		 size_t batches)
{
	struct pair *pair;
	int error = pair_create(&pair, send, receive, options, batch);

	if (error)
		return error;
	pair->batches = batches;
	*out = (struct contender){
		.name = name,
		.self = pair,
		.run = deliver_run,
		.destroy = pair_destroy,
	};
	return 0;
}
