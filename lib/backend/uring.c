/* SPDX-License-Identifier: MIT */
/*
 * uring.c: the io_uring backend: making and ending a ring, and waking it.
 *
 * The ring starts disabled: its creator registers files and buffers, and the
 * thread that enables it becomes the only one that may submit, which spares
 * the kernel its locks. Completions are made when that thread asks for them
 * and not by interrupting it.
 */
#include "uring.h"

#include "net/recvmsg.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Sockets beyond this many are used by their descriptor. */
#define HL_URING_FILES_MAX 16384

struct io_uring_sqe *hl_uring_sqe(struct hl_uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (sqe || hl_uring_submit(uring))
		return sqe;
	return io_uring_get_sqe(&uring->ring);
}

static int open_ring(struct hl_uring *uring,
		     const struct hl_backend_config *config)
{
	struct io_uring_params params = {
		.flags = HL_URING_FLAGS,
		.cq_entries = config->completions,
	};
	struct io_uring_sq *sq = &uring->ring.sq;
	int err = io_uring_queue_init_params(config->entries, &uring->ring,
					     &params);

	/* A kernel before 6.1 doesn't know one of the flags. */
	if (err == -EINVAL)
		return -EOPNOTSUPP;
	if (err)
		return err;
	uring->ring_open = true;
	if (!(params.features & IORING_FEAT_MIN_TIMEOUT))
		uring->base.batch_error = -EOPNOTSUPP;
	/* Entries are used in order, so the index array is written once;
	 * liburing from 2.5 on makes rings without one where it can. */
	for (unsigned i = 0; sq->array && i < sq->ring_entries; i++)
		sq->array[i] = i;
	return 0;
}

/* A table of files spares each request the look-up of its descriptor. Where
 * there is none, descriptors do as well. */
static void open_files(struct hl_uring *uring)
{
	struct rlimit limit;
	uint32_t files = HL_URING_FILES_MAX;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < files)
		files = (uint32_t)limit.rlim_cur;
	uring->base.files_error =
		io_uring_register_files_sparse(&uring->ring, files);
	if (!uring->base.files_error)
		uring->files = files;
}

/* Of the devices, as far as they have it: the ring learns of each as it serves
 * its sockets. */
static void open_napi(struct hl_uring *uring, uint32_t napi_us)
{
	struct hl_uring_napi napi = {.busy_poll_us = napi_us};
	int err;

	if (!napi_us)
		return;
	err = io_uring_register((unsigned)uring->ring.ring_fd,
				HL_URING_REGISTER_NAPI, &napi, 1);
	/* A kernel before 6.9 doesn't know the request. */
	if (err < 0)
		uring->base.napi_error = err == -EINVAL ? -EOPNOTSUPP : err;
}

static void uring_close(struct hl_backend *backend)
{
	struct hl_uring *uring = hl_uring_of(backend);

	if (uring->ring_open)
		io_uring_queue_exit(&uring->ring);
	hl_uring_close_regions(uring);
	hl_uring_close_pools(uring);
	if (uring->wake_fd >= 0)
		close(uring->wake_fd);
	if (uring->base.fd >= 0)
		close(uring->base.fd);
	hl_memory_release(uring->memory, uring->revoked, uring->message_count,
			  sizeof(*uring->revoked));
	hl_memory_release(uring->memory, uring->messages, uring->message_count,
			  sizeof(*uring->messages));
	hl_memory_release(uring->memory, uring->slots, uring->slot_count,
			  sizeof(*uring->slots));
	hl_memory_release(uring->memory, uring, 1, sizeof(*uring));
}

static int open_parts(struct hl_uring *uring,
		      const struct hl_backend_config *config)
{
	int err = open_ring(uring, config);

	if (err)
		return err;
	uring->message_count = config->entries;
	uring->messages = hl_memory_allocate(
		uring->memory, uring->message_count, sizeof(*uring->messages));
	uring->revoked = hl_memory_allocate(uring->memory, uring->message_count,
					    sizeof(*uring->revoked));
	if (!uring->messages || !uring->revoked)
		return -ENOMEM;
	uring->base.fd = epoll_create1(EPOLL_CLOEXEC);
	if (uring->base.fd < 0)
		return -errno;
	open_files(uring);
	open_napi(uring, config->napi_us);
	for (enum hl_pool_kind kind = 0; kind < HL_POOL_KINDS && !err; kind++)
		err = hl_uring_open_pool(uring, kind, &config->pools[kind]);
	if (!err)
		err = hl_uring_use_pool(uring, HL_POOL_LARGE);
	if (!err)
		err = hl_uring_open_regions(uring, config);
	if (err)
		return err;
	/* Nobody reads it: the ring sees each write, and 64 bits of them never
	 * fill up. */
	uring->wake_fd = eventfd(0, EFD_CLOEXEC);
	return uring->wake_fd < 0 ? -errno : 0;
}

static int uring_open(struct hl_backend **out,
		      const struct hl_backend_config *config, void *arg)
{
	struct hl_uring *uring =
		hl_memory_allocate(config->memory, 1, sizeof(*uring));
	int err;

	(void)arg;
	if (!uring)
		return -ENOMEM;
	uring->base.ops = &hl_uring_ops;
	uring->memory = config->memory;
	uring->wake_fd = -1;
	uring->base.fd = -1;
	uring->spin_ns = config->spin_ns;
	for (int i = 0; i < HL_URING_SPACES; i++)
		uring->spaces[i].msg_namelen = HL_RECVMSG_NAME_SPACE;
	uring->spaces[HL_URING_SEGMENT_SPACE].msg_controllen =
		HL_CMSG_SEGMENT_SPACE;
	uring->spaces[HL_URING_FULL_SPACE].msg_controllen = HL_CMSG_SPACE;
	err = open_parts(uring, config);
	if (err) {
		uring_close(&uring->base);
		return err;
	}
	*out = &uring->base;
	return 0;
}

static int uring_start(struct hl_backend *backend)
{
	struct hl_uring *uring = hl_uring_of(backend);
	int err = io_uring_register((unsigned)uring->ring.ring_fd,
				    IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (err < 0)
		return err;
	/* Spares each enter the look-up of the descriptor; good to have. */
	uring->registered = io_uring_register_ring_fd(&uring->ring) == 1;
	return 0;
}

int hl_uring_arm_wake(struct hl_uring *uring)
{
	struct io_uring_sqe *sqe;

	if (uring->wake_armed)
		return 0;
	sqe = hl_uring_sqe(uring);
	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
	sqe->user_data = hl_uring_tag(HL_URING_WAKE, 0);
	uring->wake_armed = true;
	return 0;
}

void hl_uring_wake(struct hl_backend *backend)
{
	struct hl_uring *uring = hl_uring_of(backend);
	const uint64_t one = 1;
	int saved = errno; /* a signal handler may be calling */

	if (!atomic_exchange(&uring->waking, true) &&
	    write(uring->wake_fd, &one, sizeof(one)) < 0)
		atomic_store(&uring->waking, false);
	errno = saved;
}

const struct hl_backend_ops hl_uring_ops = {
	.name = "io_uring",
	.open = uring_open,
	.close = uring_close,
	.start = uring_start,
	.attach = hl_uring_attach,
	.detach = hl_uring_detach,
	.arm = hl_uring_arm,
	.disarm = hl_uring_disarm,
	.provide = hl_uring_provide,
	.send = hl_uring_send,
	.send_each = hl_uring_send_each,
	.wait = hl_uring_wait,
	.reap = hl_uring_reap,
	.queued = hl_uring_queued,
	.watch = hl_uring_watch,
	.wake = hl_uring_wake,
	.outstanding = hl_uring_outstanding,
	.take_error = hl_uring_take_error,
};
