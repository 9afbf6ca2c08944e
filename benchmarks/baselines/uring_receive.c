/* SPDX-License-Identifier: MIT */
/* uring_receive.c: receiving with liburing and no library above it:
 * the least that hail's way of receiving can cost. */
#include "support/payload.h"
#include "support/receiver.h"
#include "support/udp.h"

#include <errno.h>
#include <liburing.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES 256
#define COMPLETIONS 4096
#define GROUP 0
/* A datagram of any size with its header and address, and the starts coloured:
 * at a stride of exactly 64 KiB they all fall into one cache set. */
#define STRIDE (65536u + 192u)
#define RING_FLAGS                                                             \
	(IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |                \
	 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE)

struct bare {
	struct io_uring ring;
	bool ring_open;
	int *fds;
	struct sockaddr_in *addrs;
	size_t count;
	size_t room;
	size_t size;
	struct msghdr shape; /* how a multishot lays its buffers out */
	struct io_uring_buf_ring *pool;
	unsigned char *memory;
	unsigned buffers;
	uint64_t sum;
	bool wrong;
};

static size_t pool_bytes(const struct bare *bare)
{
	return bare->buffers * sizeof(struct io_uring_buf);
}

static size_t memory_bytes(const struct bare *bare)
{
	return (size_t)bare->buffers * STRIDE;
}

/* The ring's own references keep the sockets open, and so a thousand of them
 * take no descriptor. */
static void close_descriptors(struct bare *bare)
{
	for (size_t i = 0; i < bare->count; i++)
		close(bare->fds[i]);
	free(bare->fds);
	bare->fds = NULL;
}

static void bare_destroy(void *self)
{
	struct bare *bare = self;

	if (bare->ring_open)
		io_uring_queue_exit(&bare->ring);
	if (bare->fds)
		close_descriptors(bare);
	if (bare->pool)
		munmap(bare->pool, pool_bytes(bare));
	if (bare->memory)
		munmap(bare->memory, memory_bytes(bare));
	free(bare->fds);
	free(bare->addrs);
	free(bare);
}

static void *reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void give_back(struct bare *bare, unsigned buffer, int place)
{
	io_uring_buf_ring_add(bare->pool, bare->memory + buffer * STRIDE,
			      STRIDE, (unsigned short)buffer,
			      io_uring_buf_ring_mask(bare->buffers), place);
}

static int open_pool(struct bare *bare)
{
	struct io_uring_buf_reg registration = {0};
	int error;

	bare->pool = reserve(pool_bytes(bare));
	bare->memory = reserve(memory_bytes(bare));
	if (!bare->pool || !bare->memory)
		return -ENOMEM;
	registration.ring_addr = (uintptr_t)bare->pool;
	registration.ring_entries = bare->buffers;
	registration.bgid = GROUP;
	error = io_uring_register_buf_ring(&bare->ring, &registration, 0);
	if (error)
		return error;
	io_uring_buf_ring_init(bare->pool);
	for (unsigned i = 0; i < bare->buffers; i++)
		give_back(bare, i, (int)i);
	io_uring_buf_ring_advance(bare->pool, (int)bare->buffers);
	return 0;
}

static int arm(struct bare *bare, size_t index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&bare->ring);

	if (!sqe) {
		io_uring_submit(&bare->ring);
		sqe = io_uring_get_sqe(&bare->ring);
	}
	if (!sqe)
		return -ENOSPC;
	io_uring_prep_recvmsg_multishot(sqe, (int)index, &bare->shape, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	sqe->user_data = index;
	return 0;
}

static int open_ring(struct bare *bare)
{
	struct io_uring_params params = {.flags = RING_FLAGS,
					 .cq_entries = COMPLETIONS};
	int error;

	error = io_uring_queue_init_params(ENTRIES, &bare->ring, &params);
	if (error)
		return error;
	bare->ring_open = true;
	error = io_uring_register_ring_fd(&bare->ring);
	if (error < 0)
		return error;
	return io_uring_register_files(&bare->ring, bare->fds,
				       (unsigned)bare->count);
}

static int open_sockets(struct bare *bare,
			const struct receiver_options *options)
{
	int error = 0;

	for (size_t i = 0; !error && i < options->sockets; i++) {
		int fd = udp_open_at(receiver_local(options), &bare->addrs[i]);

		if (fd < 0)
			return fd;
		bare->fds[bare->count++] = fd;
		udp_grow(fd);
		if (options->coalesce)
			error = udp_coalesce(fd);
	}
	return error;
}

static int bare_init(struct bare *bare, const struct receiver_options *options)
{
	int error;

	bare->size = options->size;
	bare->buffers = options->buffers;
	bare->shape.msg_namelen = sizeof(struct sockaddr_in6);
	if (options->coalesce)
		bare->shape.msg_controllen = CMSG_SPACE(sizeof(int));
	bare->fds = calloc(options->sockets, sizeof(*bare->fds));
	bare->addrs = calloc(options->sockets, sizeof(*bare->addrs));
	if (!bare->fds || !bare->addrs)
		return -ENOMEM;
	error = open_sockets(bare, options);
	if (error)
		return error;
	bare->room = udp_room(bare->fds[0], options->size);
	error = open_ring(bare);
	if (!error)
		close_descriptors(bare);
	if (!error)
		error = open_pool(bare);
	for (size_t i = 0; !error && i < bare->count; i++)
		error = arm(bare, i);
	if (!error)
		error = io_uring_submit(&bare->ring);
	return error < 0 ? error : 0;
}

/* The bytes of each datagram that came in one piece; 0: it is a single one.
 * Nothing in the buffer is aligned. */
static size_t segment_of(struct bare *bare, struct io_uring_recvmsg_out *out)
{
	const unsigned char *bytes;
	struct cmsghdr control;
	int size;

	if (!bare->shape.msg_controllen)
		return 0;
	bytes = (unsigned char *)io_uring_recvmsg_cmsg_firsthdr(out,
								&bare->shape);
	if (!bytes)
		return 0;
	memcpy(&control, bytes, sizeof(control));
	if (control.cmsg_level != SOL_UDP || control.cmsg_type != UDP_GRO)
		return 0;
	memcpy(&size, bytes + CMSG_LEN(0), sizeof(size));
	return (size_t)size;
}

/* Returns how many datagrams came in the buffer. */
static int look(struct bare *bare, unsigned buffer, int length)
{
	struct io_uring_recvmsg_out *out;
	const unsigned char *data;
	size_t left, segment;
	int pieces = 0;

	out = io_uring_recvmsg_validate(bare->memory + buffer * STRIDE, length,
					&bare->shape);
	if (!out) {
		bare->wrong = true;
		return 1;
	}
	data = io_uring_recvmsg_payload(out, &bare->shape);
	left = io_uring_recvmsg_payload_length(out, length, &bare->shape);
	segment = segment_of(bare, out);
	do {
		size_t size = segment && segment < left ? segment : left;

		bare->wrong |= size != bare->size;
		bare->sum +=
			payload_touch(data, size, io_uring_recvmsg_name(out));
		data += size;
		left -= size;
		pieces++;
	} while (left > 0);
	return pieces;
}

/* Takes the completions that are there and returns how many datagrams. */
static int take(struct bare *bare)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;
	int got = 0, freed = 0;

	io_uring_for_each_cqe(&bare->ring, head, cqe)
	{
		seen++;
		if (cqe->res >= 0) {
			unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

			got += look(bare, buffer, cqe->res);
			give_back(bare, buffer, freed++);
		} else if (cqe->res != -ENOBUFS) {
			return cqe->res;
		}
		if (!(cqe->flags & IORING_CQE_F_MORE) &&
		    arm(bare, (size_t)cqe->user_data))
			return -ENOSPC;
	}
	io_uring_buf_ring_advance(bare->pool, freed);
	io_uring_cq_advance(&bare->ring, seen);
	return got;
}

static int bare_drain(void *self, uint64_t datagrams)
{
	struct __kernel_timespec timeout = {.tv_sec = RECEIVER_WAIT_MS / 1000};
	struct bare *bare = self;
	uint64_t got = 0;

	while (got < datagrams) {
		struct io_uring_cqe *cqe;
		int n = io_uring_submit_and_wait_timeout(&bare->ring, &cqe, 1,
							 &timeout, NULL);

		if (n < 0 && n != -EINTR)
			return n == -ETIME ? -ETIMEDOUT : n;
		n = take(bare);
		if (n < 0)
			return n;
		got += (uint64_t)n;
	}
	return bare->wrong || got != datagrams ? -EBADMSG : 0;
}

int receiver_uring_create(struct receiver *out,
			  const struct receiver_options *options)
{
	struct bare *bare = calloc(1, sizeof(*bare));
	int error;

	if (!bare)
		return -ENOMEM;
	error = bare_init(bare, options);
	if (error) {
		bare_destroy(bare);
		return error;
	}
	*out = (struct receiver){
		.name = "bare liburing",
		.self = bare,
		.addrs = bare->addrs,
		.count = bare->count,
		.room = bare->room,
		.drain = bare_drain,
		.destroy = bare_destroy,
	};
	return 0;
}
