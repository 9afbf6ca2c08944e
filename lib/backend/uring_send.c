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

/* One datagram from one place. */
static void prepare_plain(struct io_uring_sqe *sqe,
			  const struct hl_backend_send *send)
{
	io_uring_prep_send(sqe, 0, send->pieces->iov_base,
			   send->pieces->iov_len, MSG_DONTWAIT);
	if (send->remote)
		io_uring_prep_send_set_addr(
			sqe, &send->remote->sa,
			(uint16_t)hl_addr_size(send->remote));
}

static void prepare_message(struct io_uring_sqe *sqe,
			    struct hl_uring_message *message,
			    const struct hl_backend_send *send)
{
	const struct hl_cmsg *control = send->control;

	if (send->segment) {
		message->control.size = 0;
		if (control)
			message->control = *control;
		hl_cmsg_write_segment(&message->control, send->segment);
		control = &message->control;
	}
	message->header = (struct msghdr){
		.msg_iov = (struct iovec *)(uintptr_t)send->pieces,
		.msg_iovlen = send->piece_count,
		.msg_control = (void *)(uintptr_t)control->bytes,
		.msg_controllen = control->size,
	};
	if (send->remote) {
		message->header.msg_name = (void *)(uintptr_t)send->remote;
		message->header.msg_namelen = hl_addr_size(send->remote);
	}
	io_uring_prep_sendmsg(sqe, 0, &message->header, MSG_DONTWAIT);
}

uint32_t hl_uring_send_each(struct hl_backend *backend,
			    const struct hl_backend_send *sends, uint32_t count)
{
	struct hl_uring *uring = hl_uring_of(backend);

	for (uint32_t i = 0; i < count; i++) {
		const struct hl_backend_send *send = &sends[i];
		struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

		if (!sqe)
			return i;
		if (send->segment || send->control)
			prepare_message(sqe, &uring->messages[send->token],
					send);
		else
			prepare_plain(sqe, send);
		hl_uring_use_slot(uring, sqe, send->slot);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = hl_uring_tag(HL_URING_SEND, send->token);
		if (send->loan)
			hl_uring_lend(uring, sqe, send);
	}
	return count;
}
