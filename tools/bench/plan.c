/* SPDX-License-Identifier: MIT */
/* plan.c: the works that hail-bench measures, and measuring one. */
#include "plan.h"

#include "interrupt.h"
#include "support/clock.h"
#include "support/pin.h"
#include "support/pingpong.h"
#include "support/work.h"

#include <errno.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A slice of about 4 ms of small datagrams. */
#define SLICE_DATAGRAMS 2048
#define ROUNDS_MAX 20000

/* What the contenders of a work share, and what outlives them. */
struct scene {
	struct sinks sinks;
	struct load load;
};

static void scene_fini(struct scene *scene)
{
	load_fini(&scene->load);
	sinks_close(&scene->sinks);
	pin_release();
}

/* So many batches a slice as every sink can hold; 0: not even one. */
static size_t batches_for(const struct scene *scene, size_t batch)
{
	size_t count = scene->sinks.count;
	size_t each = (batch + count - 1) / count; /* at one sink, a batch */
	size_t fit = sinks_room(&scene->sinks, scene->load.size) / each;
	size_t wanted = batch < SLICE_DATAGRAMS ? SLICE_DATAGRAMS / batch : 1;

	return wanted < fit ? wanted : fit;
}

static int build_send(struct scene *scene, struct interleave *it,
		      const struct options *options, unsigned long size)
{
	static const sender_create creates[] = {
		sender_sendto_create,
		sender_sendmmsg_create,
		sender_hail_create,
	};
	size_t batches;
	int error;

	error = sinks_open(&scene->sinks, options->destinations);
	if (!error)
		error = load_init(&scene->load, size, options->batch,
				  scene->sinks.addrs, scene->sinks.count);
	if (error)
		return error;
	batches = batches_for(scene, options->batch);
	if (batches == 0)
		return -ENOBUFS;
	for (size_t i = 0; !error && i < ARRAY_SIZE(creates); i++) {
		struct contender contender;

		error = work_send(&contender, creates[i], &scene->load,
				  &scene->sinks, batches);
		if (!error)
			interleave_add(it, &contender);
	}
	return error;
}

static int build_deliver(struct scene *scene, struct interleave *it,
			 const struct options *options, unsigned long size)
{
	static const struct {
		const char *name;
		sender_create send;
		receiver_create receive;
	} ways[] = {
		{"sendmmsg, recvmmsg", sender_sendmmsg_create,
		 receiver_recvmmsg_create},
		{"hail, hail", sender_hail_create, receiver_hail_create},
	};
	const struct receiver_options receiving = {.sockets = 1, .size = size};
	size_t batch = options->batch;
	size_t batches = batch < SLICE_DATAGRAMS ? SLICE_DATAGRAMS / batch : 1;
	int error = 0;

	(void)scene;
	for (size_t i = 0; !error && i < ARRAY_SIZE(ways); i++) {
		struct contender contender;

		error = work_deliver(&contender, ways[i].name, ways[i].send,
				     ways[i].receive, &receiving, batch,
				     batches);
		if (!error)
			interleave_add(it, &contender);
	}
	return error;
}

static int add_pingpong(struct interleave *it, pingpong_create create,
			const struct pingpong_options *options)
{
	struct contender contender;
	int error = create(&contender, options);

	if (!error)
		interleave_add(it, &contender);
	return error;
}

static int add_epoll_and_hail(struct interleave *it,
			      struct pingpong_options *way, const char *epoll,
			      const char *hail)
{
	int error;

	way->name = epoll;
	error = add_pingpong(it, pingpong_epoll_create, way);
	way->name = hail;
	return error ? error : add_pingpong(it, pingpong_hail_create, way);
}

static int build_pingpong(struct scene *scene, struct interleave *it,
			  const struct options *options, unsigned long size)
{
	struct pingpong_options way = {.size = size,
				       .place = PINGPONG_TOGETHER};

	(void)scene;
	(void)options;
	pin_first();
	return add_epoll_and_hail(it, &way, "epoll", "hail");
}

static int build_spinning(struct scene *scene, struct interleave *it,
			  const struct options *options, unsigned long size)
{
	struct pingpong_options way = {.size = size, .place = PINGPONG_APART};
	int error;

	(void)scene;
	(void)options;
	pin_first();
	error = add_epoll_and_hail(it, &way, "epoll", "hail");
	way.spin_ns = PINGPONG_SPIN_NS;
	return error ? error
		     : add_epoll_and_hail(it, &way, "epoll, spinning",
					  "hail, spinning");
}

const struct work plan_works[] = {
	{"send", "sending to many destinations", METRIC_CPU, 2, true,
	 build_send},
	{"deliver", "sending and receiving, one thread", METRIC_WALL, 1, true,
	 build_deliver},
	{"pingpong", "round trip, two threads on one core", METRIC_P50, 1,
	 false, build_pingpong},
	{"spinning", "round trip, two threads on two cores", METRIC_P50, 1,
	 false, build_spinning},
};
const size_t plan_count = ARRAY_SIZE(plan_works);

size_t plan_length(const struct options *options)
{
	size_t length = 0;

	for (size_t i = 0; i < plan_count; i++) {
		if (options->works & (1u << i))
			length += plan_works[i].every_size ? options->size_count
							   : 1;
	}
	return length;
}

static void fill_result(struct result *result, const struct interleave *it)
{
	enum metric metric = result->work->metric;

	result->rounds = it->rounds;
	result->count = it->count;
	for (size_t i = 0; i < it->count; i++) {
		struct side *side = &result->sides[i];

		side->name = it->contenders[i].name;
		side->cpu_ns = interleave_cost(it, i, METRIC_CPU);
		side->wall_ns = interleave_cost(it, i, METRIC_WALL);
		side->p50_ns = interleave_cost(it, i, METRIC_P50);
		side->p99_ns = interleave_cost(it, i, METRIC_P99);
		for (size_t base = 0; base < result->work->bases; base++)
			side->ratios[base] =
				interleave_ratio(it, i, base, metric);
	}
}

/* Rounds until the time is over, but enough of them for a median. */
static int run_rounds(struct interleave *it, uint64_t time_ns)
{
	uint64_t end = clock_wall_ns() + time_ns;
	int error = 0;

	for (int i = 0; !error && i < 2; i++)
		error = interleave_warm(it);
	while (!error && !interrupt_pending() && it->rounds < ROUNDS_MAX &&
	       (it->rounds < INTERLEAVE_ROUNDS_MIN || clock_wall_ns() < end))
		error = interleave_round(it);
	return error;
}

int plan_measure(struct result *result, const struct work *work,
		 const struct options *options, unsigned long size,
		 uint64_t time_ns, const char **who)
{
	struct scene scene = {0};
	struct interleave it;
	int error;

	memset(result, 0, sizeof(*result));
	result->work = work;
	result->size = size;
	*who = NULL;
	error = interleave_init(&it, 1, ROUNDS_MAX);
	if (error)
		return error;
	error = work->build(&scene, &it, options, size);
	if (!error)
		error = run_rounds(&it, time_ns);
	*who = it.failed;
	fill_result(result, &it);
	result->complete = !error && !interrupt_pending();
	interleave_fini(&it);
	scene_fini(&scene);
	return error;
}
