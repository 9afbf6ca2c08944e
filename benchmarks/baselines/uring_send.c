/* SPDX-License-Identifier: MIT */
/* uring_send.c: sending with liburing and no library above it: the
 * least that hail's way of sending can cost. */
#include "support/sender.h"
#include "support/train.h"
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
	int fd;
	const struct load *load;
	struct train_set trains; /* sender_uring_train_create() only */
	/* How many requests a batch is, and writing one of them. */
	size_t count;
	void (*prepare)(const struct bare *bare, struct io_uring_sqe *sqe,
			size_t i);
};

static void bare_destroy(void *self)
{
	struct bare *bare = self;

	if (bare->ring_open)
		io_uring_queue_exit(&bare->ring);
	if (bare->fd >= 0)
		close(bare->fd);
	train_set_fini(&bare->trains);
	free(bare);
}

static void prepare_datagram(const struct bare *bare, struct io_uring_sqe *sqe,
			     size_t i)
{
	const struct sockaddr_in *to = load_addr(bare->load, i);

	io_uring_prep_send(sqe, 0, load_data(bare->load, i), bare->load->size,
			   MSG_DONTWAIT);
	io_uring_prep_send_set_addr(sqe, (const struct sockaddr *)to,
				    sizeof(*to));
}

static void prepare_train(const struct bare *bare, struct io_uring_sqe *sqe,
			  size_t i)
{
	io_uring_prep_sendmsg(sqe, 0, &bare->trains.headers[i].msg_hdr,
			      MSG_DONTWAIT);
}

static bool queue(struct bare *bare, size_t i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&bare->ring);

	if (!sqe)
		return false;
	bare->prepare(bare, sqe, i);
	sqe->flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = i;
	return true;
}

static int bare_send(void *self)
{
	struct bare *bare = self;
	size_t batch = bare->count;

	for (size_t done = 0; done < batch;) {
		size_t count = batch - done < ENTRIES ? batch - done : ENTRIES;
		int n;

		for (size_t i = 0; i < count; i++) {
			if (!queue(bare, done + i))
				return -ENOSPC;
		}
		n = io_uring_submit(&bare->ring);
		/* Success posts nothing, so any completion is a failure. */
		if (n != (int)count || io_uring_cq_ready(&bare->ring) > 0)
			return n < 0 ? n : -EIO;
		done += count;
	}
	return 0;
}

static int open_ring(struct bare *bare)
{
	int error;

	error = io_uring_queue_init(ENTRIES, &bare->ring, RING_FLAGS);
	if (error)
		return error;
	bare->ring_open = true;
	error = io_uring_register_ring_fd(&bare->ring);
	if (error < 0)
		return error;
	return io_uring_register_files(&bare->ring, &bare->fd, 1);
}

static int create(struct sender *out, const struct load *load, const char *name,
		  bool trains)
{
	struct bare *bare = calloc(1, sizeof(*bare));
	int error;

	if (!bare)
		return -ENOMEM;
	bare->load = load;
	bare->prepare = trains ? prepare_train : prepare_datagram;
	bare->fd = udp_open(NULL);
	error = bare->fd < 0 ? bare->fd : udp_probe(bare->fd);
	if (!error)
		error = open_ring(bare);
	if (!error && trains)
		error = train_set_init(&bare->trains, load);
	if (error) {
		bare_destroy(bare);
		return error;
	}
	bare->count = trains ? bare->trains.count : load->batch;
	*out = (struct sender){
		.name = name,
		.self = bare,
		.send = bare_send,
		.destroy = bare_destroy,
	};
	return 0;
}

int sender_uring_create(struct sender *out, const struct load *load)
{
	return create(out, load, "bare liburing", false);
}

int sender_uring_train_create(struct sender *out, const struct load *load)
{
	return create(out, load, "bare liburing, trains", true);
}
