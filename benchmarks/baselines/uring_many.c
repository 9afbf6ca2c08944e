/* SPDX-License-Identifier: MIT */
/* uring_many.c: sending with liburing and no library above it, from
 * many sockets. */
#include "support/many.h"
#include "support/udp.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRIES 256 /* hail's default */
#define RING_FLAGS                                                             \
	(IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |                \
	 IORING_SETUP_DEFER_TASKRUN)

struct bare {
	struct io_uring ring;
	bool ring_open;
	size_t count;
	size_t next;
	const struct load *load;
};

static void bare_destroy(void *self)
{
	struct bare *bare = self;

	if (bare->ring_open)
		io_uring_queue_exit(&bare->ring);
	free(bare);
}

static int bare_send(void *self)
{
	struct bare *bare = self;
	const struct load *load = bare->load;
	int n;

	for (size_t i = 0; i < load->batch; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&bare->ring);

		if (!sqe)
			return -ENOSPC;
		io_uring_prep_send(sqe, (int)bare->next, load_data(load, i),
				   load->size, MSG_DONTWAIT);
		io_uring_prep_send_set_addr(
			sqe, (const struct sockaddr *)load_addr(load, i),
			sizeof(struct sockaddr_in));
		sqe->flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	}
	bare->next = (bare->next + MANY_STEP) % bare->count;
	n = io_uring_submit(&bare->ring);
	/* Success posts nothing, so any completion is a failure. */
	if (n != (int)load->batch || io_uring_cq_ready(&bare->ring) > 0)
		return n < 0 ? n : -EIO;
	return 0;
}

/* The ring's own references keep the sockets open. */
static int register_sockets(struct bare *bare,
			    const struct many_options *options)
{
	int *fds = calloc(options->sockets, sizeof(*fds));
	int error = fds ? 0 : -ENOMEM;

	while (!error && bare->count < options->sockets) {
		int fd = udp_open_at(options->local, NULL);

		if (fd < 0) {
			error = fd;
			break;
		}
		fds[bare->count++] = fd;
		error = udp_probe(fd);
	}
	if (!error)
		error = io_uring_register_files(&bare->ring, fds,
						(unsigned)bare->count);
	for (size_t i = 0; i < bare->count; i++)
		close(fds[i]);
	free(fds);
	return error;
}

static int bare_init(struct bare *bare, const struct many_options *options)
{
	int error;

	if (bare->load->batch > ENTRIES)
		return -EINVAL;
	error = io_uring_queue_init(ENTRIES, &bare->ring, RING_FLAGS);
	if (error)
		return error;
	bare->ring_open = true;
	error = io_uring_register_ring_fd(&bare->ring);
	if (error < 0)
		return error;
	return register_sockets(bare, options);
}

int many_uring_create(struct sender *out, const struct load *load,
		      const struct many_options *options)
{
	struct bare *bare = calloc(1, sizeof(*bare));
	int error;

	if (!bare)
		return -ENOMEM;
	bare->load = load;
	error = bare_init(bare, options);
	if (error) {
		bare_destroy(bare);
		return error;
	}
	*out = (struct sender){
		.name = "bare liburing",
		.self = bare,
		.send = bare_send,
		.destroy = bare_destroy,
	};
	return 0;
}
