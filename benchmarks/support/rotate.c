/* SPDX-License-Identifier: MIT */
/* rotate.c: bursts for one socket after another. */
#include "rotate.h"

#include "sender.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Far from one socket to the next, and prime, so that all have their turn. */
#define STEP 7919

/* Descriptors for what else is opened meanwhile. */
#define FILES_BESIDES 64

struct rotate {
	struct receiver receiver;
	struct sender feeder;
	struct load load; /* aimed anew for each burst */
	size_t next;
};

static int rotate_prepare(void *self)
{
	struct rotate *rotate = self;

	rotate->next = (rotate->next + STEP) % rotate->receiver.count;
	rotate->load.addrs = &rotate->receiver.addrs[rotate->next];
	return rotate->feeder.send(rotate->feeder.self);
}

static int rotate_run(void *self, struct slice *slice)
{
	const struct rotate *rotate = self;

	slice->datagrams = rotate->load.batch;
	return rotate->receiver.drain(rotate->receiver.self,
				      rotate->load.batch);
}

static void rotate_destroy(void *self)
{
	struct rotate *rotate = self;

	if (rotate->feeder.destroy)
		rotate->feeder.destroy(rotate->feeder.self);
	if (rotate->receiver.destroy)
		rotate->receiver.destroy(rotate->receiver.self);
	load_fini(&rotate->load);
	free(rotate);
}

static int rotate_init(struct rotate *rotate, receiver_create create,
		       const struct receiver_options *options, size_t burst)
{
	int error = create(&rotate->receiver, options);

	if (!error)
		error = load_init(&rotate->load, options->size, burst,
				  rotate->receiver.addrs, 1);
	/* sendto() looks at the load's addresses at each send. */
	if (!error)
		error = sender_sendto_create(&rotate->feeder, &rotate->load);
	return error;
}

int rotate_receive(struct contender *out, receiver_create create,
		   const struct receiver_options *options, size_t burst)
{
	struct rotate *rotate = calloc(1, sizeof(*rotate));
	int error;

	if (!rotate)
		return -ENOMEM;
	error = rotate_init(rotate, create, options, burst);
	if (error) {
		rotate_destroy(rotate);
		return error;
	}
	*out = (struct contender){
		.name = rotate->receiver.name,
		.self = rotate,
		.prepare = rotate_prepare,
		.run = rotate_run,
		.destroy = rotate_destroy,
	};
	return 0;
}

static size_t files_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int rotate_allow_files(size_t files)
{
	const rlim_t wanted = (rlim_t)(files_open() + files + FILES_BESIDES);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	if (limit.rlim_cur >= wanted)
		return 0;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}
