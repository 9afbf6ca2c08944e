/* SPDX-License-Identifier: MIT */
/*
 * uring_lend.c: sends without a copy, and registered memory for them.
 *
 * Such a request has two answers, so it can't go without one for success: first
 * what became of the send, as soon as it was tried and in order like all; then,
 * whenever the last device has let go of the pages, a notification. Also one
 * that failed has both, unless the kernel didn't know how to begin.
 */
#include "uring.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

/* Since Linux 6.2; liburing 2.3 doesn't know them. */
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif

/* Where the loan stands in the user data, above the token. */
#define LOAN_SHIFT 24
#define TOKEN_MASK ((UINT32_C(1) << LOAN_SHIFT) - 1)

/* The kernel registers no more than 1 GiB as one. */
#define REGION_MAX ((size_t)1 << 30)

static uint32_t slices_of(const struct iovec *region)
{
	return (uint32_t)((region->iov_len + REGION_MAX - 1) / REGION_MAX);
}

static void slice(struct iovec *out, const struct iovec *region)
{
	size_t left = region->iov_len;

	for (uint32_t i = 0; i < slices_of(region); i++) {
		out[i].iov_base = (char *)region->iov_base + i * REGION_MAX;
		out[i].iov_len = left < REGION_MAX ? left : REGION_MAX;
		left -= out[i].iov_len;
	}
}

int hl_uring_open_regions(struct hl_uring *uring,
			  const struct hl_backend_config *config)
{
	uint32_t count = 0, next = 0;

	for (uint32_t i = 0; i < config->region_count; i++)
		count += slices_of(&config->regions[i]);
	if (!count)
		return 0;
	uring->regions = hl_memory_allocate(uring->memory, count,
					    sizeof(*uring->regions));
	if (!uring->regions)
		return -ENOMEM;
	uring->region_count = count;
	for (uint32_t i = 0; i < config->region_count; i++) {
		const struct iovec *region = &config->regions[i];

		/* Of a send from a huge page the kernel books the whole page,
		 * which fills any send buffer. Not all kernels have them. */
		madvise(region->iov_base, region->iov_len, MADV_NOHUGEPAGE);
		slice(&uring->regions[next], region);
		next += slices_of(region);
	}
	return io_uring_register_buffers(&uring->ring, uring->regions, count);
}

void hl_uring_close_regions(struct hl_uring *uring)
{
	hl_memory_release(uring->memory, uring->regions, uring->region_count,
			  sizeof(*uring->regions));
}

static bool contains(const struct iovec *region, const struct iovec *piece)
{
	uintptr_t offset =
		(uintptr_t)piece->iov_base - (uintptr_t)region->iov_base;

	return offset < region->iov_len &&
	       piece->iov_len <= region->iov_len - offset;
}

/* The registered memory that all of the send lies in; -1: there is none. */
static int find_region(const struct hl_uring *uring,
		       const struct hl_backend_send *send)
{
	for (uint32_t i = 0; i < uring->region_count; i++) {
		const struct iovec *region = &uring->regions[i];
		uint32_t inside = 0;

		while (inside < send->piece_count &&
		       contains(region, &send->pieces[inside]))
			inside++;
		if (inside == send->piece_count)
			return (int)i;
	}
	return -1;
}

void hl_uring_lend(struct hl_uring *uring, struct io_uring_sqe *sqe,
		   const struct hl_backend_send *send)
{
	int region = uring->regions_refused ? -1 : find_region(uring, send);

	sqe->opcode = IORING_OP_SENDMSG_ZC;
	sqe->flags &= (uint8_t)~IOSQE_CQE_SKIP_SUCCESS;
	sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE;
	sqe->user_data =
		hl_uring_tag(HL_URING_LENT,
			     send->token | (uint32_t)send->loan << LOAN_SHIFT);
	if (region < 0)
		return;
	sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = (uint16_t)region;
	uring->base.counters.registered++;
}

uint32_t hl_uring_token(uint64_t user_data)
{
	return (uint32_t)user_data & TOKEN_MASK;
}

/* The kernel may not know how: before 6.2 to report, and before 6.15 to take
 * vectors in registered memory. Then it is tried without; a train that is
 * really at fault is so without, too. */
static int refuse(struct hl_uring *uring)
{
	uring->regions_refused = true;
	return -EOPNOTSUPP;
}

bool hl_uring_take_lent(struct hl_uring *uring, const struct io_uring_cqe *cqe,
			struct hl_completion *out)
{
	bool more = cqe->flags & IORING_CQE_F_MORE;
	bool back = cqe->flags & IORING_CQE_F_NOTIF;

	*out = (struct hl_completion){.buffer = HL_BUFFER_NONE};
	if (!back && cqe->res < 0) {
		out->kind = HL_COMPLETION_SEND;
		out->id = hl_uring_token(cqe->user_data);
		out->more = more;
		out->result = cqe->res == -EINVAL ? refuse(uring) : cqe->res;
		return true;
	}
	if (more)
		return false; /* sent, and its notification comes */
	out->kind = HL_COMPLETION_BACK;
	out->id = (uint32_t)cqe->user_data >> LOAN_SHIFT;
	out->result =
		!back || (uint32_t)cqe->res & IORING_NOTIF_USAGE_ZC_COPIED;
	return true;
}
