/* SPDX-License-Identifier: MIT */
/* uring_socket.c: sockets of the ring, and what is armed on them. */
#include "uring.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

static int reserve_slot(struct hl_uring *uring, uint32_t slot)
{
	uint32_t count = uring->slot_count ? uring->slot_count : 64;
	struct hl_uring_slot *slots;

	if (slot < uring->slot_count)
		return 0;
	while (count <= slot)
		count *= 2;
	slots = hl_memory_grow(uring->memory, uring->slots, uring->slot_count,
			       count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = uring->slot_count; i < count; i++)
		slots[i].fd = -1;
	uring->slots = slots;
	uring->slot_count = count;
	return 0;
}

static enum hl_uring_spaces spaces_of(size_t control_space)
{
	if (control_space > HL_CMSG_SEGMENT_SPACE)
		return HL_URING_FULL_SPACE;
	return control_space ? HL_URING_SEGMENT_SPACE : HL_URING_NO_SPACE;
}

int hl_uring_attach(struct hl_backend *backend, uint32_t slot, int fd,
		    enum hl_pool_kind pool, size_t control_space)
{
	struct hl_uring *uring = hl_uring_of(backend);
	struct hl_uring_slot *entry;
	int err = reserve_slot(uring, slot);

	if (!err)
		err = hl_uring_use_pool(uring, pool);
	if (err)
		return err;
	entry = &uring->slots[slot];
	entry->fd = fd;
	entry->pool = (uint8_t)pool;
	entry->spaces = (uint8_t)spaces_of(control_space);
	entry->fixed =
		slot < uring->files &&
		io_uring_register_files_update(&uring->ring, slot, &fd, 1) == 1;
	hl_uring_watch_slot(uring, slot, false);
	return 0;
}

void hl_uring_detach(struct hl_backend *backend, uint32_t slot)
{
	struct hl_uring *uring = hl_uring_of(backend);
	struct hl_uring_slot *entry = &uring->slots[slot];
	int none = -1;

	hl_uring_forget_slot(uring, slot);
	if (entry->fixed)
		io_uring_register_files_update(&uring->ring, slot, &none, 1);
	entry->fd = -1;
}

void hl_uring_use_slot(const struct hl_uring *uring, struct io_uring_sqe *sqe,
		       uint32_t slot)
{
	const struct hl_uring_slot *entry = &uring->slots[slot];

	sqe->fd = entry->fixed ? (int)slot : entry->fd;
	if (entry->fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
}

/* MSG_TRUNC makes the kernel tell the true length of what it cuts. */
static int arm_receive(struct hl_uring *uring, uint32_t slot)
{
	const struct hl_uring_slot *entry = &uring->slots[slot];
	struct io_uring_sqe *sqe = hl_uring_sqe(uring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_recvmsg_multishot(sqe, 0, &uring->spaces[entry->spaces],
					MSG_TRUNC);
	hl_uring_use_slot(uring, sqe, slot);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = entry->pool;
	sqe->user_data = hl_uring_tag(HL_URING_RECEIVE, slot);
	return 0;
}

static int arm_writable(struct hl_uring *uring, uint32_t slot)
{
	struct io_uring_sqe *sqe = hl_uring_sqe(uring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_add(sqe, 0, POLLOUT);
	hl_uring_use_slot(uring, sqe, slot);
	sqe->user_data = hl_uring_tag(HL_URING_WRITABLE, slot);
	hl_uring_watch_slot(uring, slot, true);
	return 0;
}

/* A poll for errors alone: what is asked for is always told besides, and data
 * doesn't wake it. A reception of the error queue would be woken, and end. */
static int arm_error(struct hl_uring *uring, uint32_t slot)
{
	struct io_uring_sqe *sqe = hl_uring_sqe(uring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, 0, POLLERR);
	hl_uring_use_slot(uring, sqe, slot);
	sqe->user_data = hl_uring_tag(HL_URING_ERROR, slot);
	return 0;
}

int hl_uring_arm(struct hl_backend *backend, uint32_t slot, unsigned what)
{
	struct hl_uring *uring = hl_uring_of(backend);

	switch (what) {
	case HL_ARM_RECEIVE:
		return arm_receive(uring, slot);
	case HL_ARM_WRITABLE:
		return arm_writable(uring, slot);
	default:
		return arm_error(uring, slot);
	}
}

/* The cancel's own answer says nothing that the request's last one doesn't
 * say better, so it is ignored. */
static int cancel(struct hl_uring *uring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = hl_uring_sqe(uring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_cancel64(sqe, user_data, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = hl_uring_tag(HL_URING_IGNORE, 0);
	return 0;
}

int hl_uring_disarm(struct hl_backend *backend, uint32_t slot, unsigned what)
{
	static const enum hl_uring_kind kinds[] = {
		[HL_ARM_RECEIVE] = HL_URING_RECEIVE,
		[HL_ARM_WRITABLE] = HL_URING_WRITABLE,
		[HL_ARM_ERROR] = HL_URING_ERROR,
	};

	return cancel(hl_uring_of(backend), hl_uring_tag(kinds[what], slot));
}

int64_t hl_uring_outstanding(struct hl_backend *backend, uint32_t slot)
{
	int bytes = 0;

	if (ioctl(hl_uring_of(backend)->slots[slot].fd, SIOCOUTQ, &bytes))
		return -errno;
	return bytes;
}

int hl_uring_take_error(struct hl_backend *backend, uint32_t slot,
			struct msghdr *record)
{
	int fd = hl_uring_of(backend)->slots[slot].fd;

	if (recvmsg(fd, record, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}
