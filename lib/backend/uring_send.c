/* SPDX-License-Identifier: MIT */
/*
 * uring_send.c: sends as submission entries.
 *
 * MSG_DONTWAIT makes the kernel try each one before the enter returns, in
 * order; without it those that meet a full buffer would be armed and leave out
 * of order. CQE_SKIP_SUCCESS leaves only failures to be told. Both together
 * free the caller's memory with the enter.
 */
#include "uring.h"

#include "net/addr.h"

uint32_t hl_uring_send(struct hl_backend *backend, uint32_t slot,
		       const struct hail_message *messages, uint32_t count,
		       uint32_t token)
{
	struct hl_uring *uring = hl_uring_of(backend);

	for (uint32_t i = 0; i < count; i++) {
		const struct hail_message *message = &messages[i];
		struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

		if (!sqe)
			return i;
		io_uring_prep_send(sqe, 0, message->data, message->size,
				   MSG_DONTWAIT);
		hl_uring_use_slot(uring, sqe, slot);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = hl_uring_tag(HL_URING_SEND, token + i);
		if (message->remote)
			io_uring_prep_send_set_addr(
				sqe, &message->remote->sa,
				(uint16_t)hl_addr_size(message->remote));
	}
	return count;
}

bool hl_uring_send_with(struct hl_backend *backend, uint32_t slot,
			const struct hail_message *message,
			const struct hl_cmsg *control, uint32_t token)
{
	struct hl_uring *uring = hl_uring_of(backend);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
	struct hl_uring_message *entry = &uring->messages[token];

	if (!sqe)
		return false;
	entry->payload.iov_base = (void *)(uintptr_t)message->data;
	entry->payload.iov_len = message->size;
	entry->header = (struct msghdr){
		.msg_iov = &entry->payload,
		.msg_iovlen = 1,
		.msg_control = (void *)(uintptr_t)control->bytes,
		.msg_controllen = control->size,
	};
	if (message->remote) {
		entry->header.msg_name = (void *)(uintptr_t)message->remote;
		entry->header.msg_namelen = hl_addr_size(message->remote);
	}
	io_uring_prep_sendmsg(sqe, 0, &entry->header, MSG_DONTWAIT);
	hl_uring_use_slot(uring, sqe, slot);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = hl_uring_tag(HL_URING_SEND, token);
	return true;
}
