/* SPDX-License-Identifier: MIT */
/* uring_pingpong.c: a ping-pong with liburing and no library above
 * it, one enter for an answer and the wait for what comes next: the least that
 * hail's way can take. */
#include "support/clock.h"
#include "support/pingpong.h"
#include "support/udp.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 8
#define BUFFERS 8u
#define GROUP 0
#define HEAD 64 /* header and address before the payload, at most */
#define RING_FLAGS                                                             \
	(IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |                \
	 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

struct end {
	struct io_uring ring;
	bool ring_open;
	int fd;
	uint64_t spin_ns;
	struct sockaddr_in addr;
	struct sockaddr_in to; /* where the send under way goes */
	struct msghdr shape;
	struct io_uring_buf_ring *pool;
	unsigned char *buffers;
	unsigned char *payload;
	size_t size;
	size_t stride;
};

struct match {
	struct pingpong_options options;
	struct end client;
	struct end server;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	atomic_int ready; /* 0: not yet; 1: serves; negative: errno */
	double trips_ns[PINGPONG_TRIPS];
};

static void give_back(struct end *end, unsigned short buffer)
{
	io_uring_buf_ring_add(end->pool, end->buffers + buffer * end->stride,
			      (unsigned)end->stride, buffer,
			      io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(end->pool, 1);
}

static int arm(struct end *end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&end->ring);

	if (!sqe)
		return -ENOSPC;
	io_uring_prep_recvmsg_multishot(sqe, 0, &end->shape, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	return 0;
}

static int open_ring(struct end *end)
{
	struct io_uring_buf_reg registration = {
		.ring_addr = (uintptr_t)end->pool,
		.ring_entries = BUFFERS,
		.bgid = GROUP,
	};
	int error = io_uring_queue_init(ENTRIES, &end->ring, RING_FLAGS);

	if (error)
		return error;
	end->ring_open = true;
	error = io_uring_register_ring_fd(&end->ring);
	if (error < 0)
		return error;
	error = io_uring_register_files(&end->ring, &end->fd, 1);
	if (!error)
		error = io_uring_register_buf_ring(&end->ring, &registration,
						   0);
	if (error)
		return error;
	io_uring_buf_ring_init(end->pool);
	for (unsigned short i = 0; i < BUFFERS; i++)
		give_back(end, i);
	return arm(end);
}

static int end_open(struct end *end, const struct pingpong_options *options)
{
	int error;

	end->size = options->size;
	end->spin_ns = options->spin_ns;
	end->stride = options->size + HEAD;
	end->shape.msg_namelen = sizeof(struct sockaddr_in6);
	end->payload = calloc(1, end->size + 1);
	end->buffers = calloc(BUFFERS, end->stride);
	/* The kernel wants it on a page of its own. */
	end->pool = aligned_alloc(4096, 4096);
	if (!end->payload || !end->buffers || !end->pool)
		return -ENOMEM;
	end->fd = udp_open(&end->addr);
	error = end->fd < 0 ? end->fd : udp_probe(end->fd);
	return error ? error : open_ring(end);
}

static void end_close(struct end *end)
{
	if (end->ring_open)
		io_uring_queue_exit(&end->ring);
	if (end->fd >= 0)
		close(end->fd);
	free(end->payload);
	free(end->buffers);
	free(end->pool);
}

/* Leaves with the next enter. */
static int end_send(struct end *end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&end->ring);

	if (!sqe)
		return -ENOSPC;
	io_uring_prep_send(sqe, 0, end->payload, end->size, MSG_DONTWAIT);
	io_uring_prep_send_set_addr(sqe, (struct sockaddr *)&end->to,
				    sizeof(end->to));
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	return 0;
}

static bool pending(const struct end *end)
{
	const volatile unsigned *flags = end->ring.sq.kflags;

	return (*flags & IORING_SQ_TASKRUN) || io_uring_cq_ready(&end->ring);
}

/* Submits, and waits for what comes. */
static int end_wait(struct end *end)
{
	uint64_t until;
	int n;

	if (end->spin_ns) {
		io_uring_submit(&end->ring);
		until = clock_wall_ns() + end->spin_ns;
		while (!pending(end) && clock_wall_ns() < until)
			;
	}
	n = io_uring_submit_and_wait(&end->ring, 1);
	return n < 0 ? n : 0;
}

/* Takes one datagram, and remembers who sent it; -EAGAIN: none is there. */
static int end_take(struct end *end)
{
	struct io_uring_recvmsg_out *out;
	struct io_uring_cqe *cqe;
	unsigned short buffer;
	int error = 0;

	if (io_uring_peek_cqe(&end->ring, &cqe))
		return -EAGAIN;
	if (cqe->res < 0)
		return cqe->res;
	buffer = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	out = io_uring_recvmsg_validate(end->buffers + buffer * end->stride,
					cqe->res, &end->shape);
	if (!out)
		return -EBADMSG;
	memcpy(&end->to, io_uring_recvmsg_name(out), sizeof(end->to));
	if (!(cqe->flags & IORING_CQE_F_MORE))
		error = arm(end);
	give_back(end, buffer);
	io_uring_cqe_seen(&end->ring, cqe);
	return error;
}

static int end_receive(struct end *end)
{
	int error = end_take(end);

	while (error == -EAGAIN && !pingpong_deadline_over()) {
		error = end_wait(end);
		if (!error || error == -EINTR)
			error = end_take(end);
	}
	return error == -EAGAIN ? -ETIMEDOUT : error;
}

/* The ring belongs to the thread that opens it. */
static void *serve(void *arg)
{
	struct match *match = arg;
	struct end *end = &match->server;
	int error;

	pingpong_pin_server(match->options.place);
	error = end_open(end, &match->options);
	if (!error)
		error = io_uring_submit(&end->ring);
	atomic_store(&match->ready, error < 0 ? error : 1);
	while (error >= 0 && !atomic_load(&match->stop)) {
		error = end_receive(end);
		if (!error)
			error = end_send(end);
	}
	end_close(end);
	return NULL;
}

static int match_run(void *self, struct slice *slice)
{
	struct match *match = self;
	uint64_t last = clock_wall_ns();

	pingpong_deadline_set(NULL, NULL);
	for (size_t i = 0; i < PINGPONG_TRIPS; i++) {
		int error = end_send(&match->client);
		uint64_t now;

		if (!error)
			error = end_receive(&match->client);
		if (error)
			return error;
		now = clock_wall_ns();
		match->trips_ns[i] = (double)(now - last);
		last = now;
	}
	pingpong_deadline_clear();
	pingpong_sum_up(match->trips_ns, PINGPONG_TRIPS, slice);
	return 0;
}

static void match_destroy(void *self)
{
	struct match *match = self;

	if (match->running) {
		atomic_store(&match->stop, true);
		end_send(&match->client);
		io_uring_submit(&match->client.ring);
		pthread_join(match->thread, NULL);
	}
	end_close(&match->client);
	free(match);
}

static int start_server(struct match *match)
{
	int error = -pthread_create(&match->thread, NULL, serve, match);

	if (error)
		return error;
	while (!atomic_load(&match->ready))
		sched_yield();
	error = atomic_load(&match->ready);
	if (error < 0) {
		pthread_join(match->thread, NULL);
		return error;
	}
	match->running = true;
	match->client.to = match->server.addr;
	return 0;
}

int pingpong_uring_create(struct contender *out,
			  const struct pingpong_options *options)
{
	struct match *match = calloc(1, sizeof(*match));
	int error;

	if (!match)
		return -ENOMEM;
	match->options = *options;
	match->client.fd = match->server.fd = -1;
	error = end_open(&match->client, options);
	if (!error)
		error = start_server(match);
	if (error) {
		match_destroy(match);
		return error;
	}
	*out = (struct contender){
		.name = options->name,
		.self = match,
		.run = match_run,
		.destroy = match_destroy,
	};
	return 0;
}
