/* SPDX-License-Identifier: MIT */
/* sim_train.c: the bytes of a send, which may lie in many places. */
#include "sim_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sim_request_fill(struct sim *sim, struct request *r,
		      const struct hl_backend_send *send)
{
	size_t bytes = sizeof(*send->pieces) * send->piece_count;
	size_t size = 0;

	for (uint32_t i = 0; i < send->piece_count; i++)
		size += send->pieces[i].iov_len;
	r->message = (struct hail_message){send->pieces->iov_base, size,
					   send->remote};
	r->control = send->control;
	r->segment = send->segment;
	r->loan = send->loan;
	if (r->loan)
		sim_lend_check(sim, r);
	r->piece_count = send->piece_count;
	r->pieces = malloc(bytes);
	if (!r->pieces)
		abort();
	memcpy(r->pieces, send->pieces, bytes);
	if (send->piece_count > 1 && !send->segment)
		sim_fault(sim, "a send in pieces that is no train");
	if (send->segment && size > (size_t)send->segment * SIM_SEGMENTS_MAX)
		sim_fault(sim, "a train of too many segments");
}

uint64_t sim_request_checksum(const struct request *r)
{
	uint64_t sum = 0;

	if (!r->pieces)
		return sim_checksum(&r->message);
	for (uint32_t i = 0; i < r->piece_count; i++) {
		struct hail_message piece = {
			.data = r->pieces[i].iov_base,
			.size = r->pieces[i].iov_len,
			.remote = r->message.remote,
		};

		sum = sum * 31 + sim_checksum(&piece);
	}
	return sum;
}

/* What is too long for a path is not the segment size alone: a message that
 * isn't cut by it may be shorter. */
bool sim_request_too_long(const struct sim *sim, const struct request *r)
{
	size_t size = r->segment;

	if (!size)
		return false;
	if (sim->segment_code == -EMSGSIZE && r->message.size < size)
		size = r->message.size;
	return size > sim->segment_max;
}

bool sim_request_too_many(const struct sim *sim, const struct request *r)
{
	return r->message.size > (size_t)r->segment * sim->segments_max &&
	       r->segment;
}

bool sim_request_given_back(const struct sim *sim, const struct request *r)
{
	if (!r->pieces)
		return r->message.size && sim_provided(sim, r->message.data);
	for (uint32_t i = 0; i < r->piece_count; i++)
		if (r->pieces[i].iov_len &&
		    sim_provided(sim, r->pieces[i].iov_base))
			return true;
	return false;
}

const void *sim_request_copy(const struct request *r, size_t offset,
			     size_t size, unsigned char *out)
{
	const struct iovec whole = {(void *)(uintptr_t)r->message.data,
				    r->message.size};
	const struct iovec *piece = r->pieces ? r->pieces : &whole;
	const unsigned char *origin;

	while (offset && offset >= piece->iov_len) {
		offset -= piece->iov_len;
		piece++;
	}
	origin = (const unsigned char *)piece->iov_base + offset;
	while (size) {
		size_t part = piece->iov_len - offset;

		if (part > size)
			part = size;
		if (part)
			memcpy(out,
			       (const unsigned char *)piece->iov_base + offset,
			       part);
		out += part;
		size -= part;
		offset = 0;
		piece++;
	}
	return origin;
}

void sim_forget_requests(struct sim *sim)
{
	for (size_t i = 0; i < sim->requests.count; i++)
		free(sim->requests.items[i].pieces);
	sim->requests.count = 0;
}
