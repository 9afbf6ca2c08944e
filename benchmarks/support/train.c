/* SPDX-License-Identifier: MIT */
/* train.c: plans trains over a load's batch. */
#include "train.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct train_control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
};

static size_t segments_max(const struct load *load)
{
	size_t fit = load->size ? TRAIN_BYTES_MAX / load->size : 1;

	return fit < TRAIN_SEGMENTS_MAX ? fit : TRAIN_SEGMENTS_MAX;
}

static void write_control(struct msghdr *header, struct train_control *control,
			  size_t size)
{
	const uint16_t segment = (uint16_t)size;
	struct cmsghdr *message;

	header->msg_control = control->bytes;
	header->msg_controllen = sizeof(control->bytes);
	message = CMSG_FIRSTHDR(header);
	message->cmsg_level = SOL_UDP;
	message->cmsg_type = UDP_SEGMENT;
	message->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(message), &segment, sizeof(segment));
}

/* The next free parts of the set's arrays. */
struct cursor {
	struct train_set *set;
	const struct load *load;
	size_t iovecs;
};

/* A train of `count` datagrams, every addr_count-th from `first` on. To a
 * single destination they lie side by side and are one piece. */
static void add_train(struct cursor *cursor, size_t first, size_t count)
{
	struct train_set *set = cursor->set;
	const struct load *load = cursor->load;
	struct msghdr *header = &set->headers[set->count].msg_hdr;
	size_t pieces = load->addr_count == 1 ? 1 : count;

	/* The kernel doesn't write there. */
	header->msg_name = (void *)(uintptr_t)load_addr(load, first);
	header->msg_namelen = sizeof(struct sockaddr_in);
	header->msg_iov = &set->iovecs[cursor->iovecs];
	header->msg_iovlen = pieces;
	for (size_t i = 0; i < pieces; i++)
		header->msg_iov[i] = (struct iovec){
			.iov_base =
				load_data(load, first + i * load->addr_count),
			.iov_len = load->size * (count / pieces),
		};
	if (count > 1)
		write_control(header, &set->controls[set->count], load->size);
	cursor->iovecs += pieces;
	set->count++;
}

static void plan_destination(struct cursor *cursor, size_t first)
{
	const struct load *load = cursor->load;
	size_t step = load->addr_count;
	size_t left = (load->batch - first + step - 1) / step;
	size_t most = segments_max(load);

	while (left > 0) {
		size_t count = left < most ? left : most;

		add_train(cursor, first, count);
		first += count * step;
		left -= count;
	}
}

int train_set_init(struct train_set *set, const struct load *load)
{
	struct cursor cursor = {.set = set, .load = load};

	memset(set, 0, sizeof(*set));
	set->headers = calloc(load->batch, sizeof(*set->headers));
	set->iovecs = calloc(load->batch, sizeof(*set->iovecs));
	set->controls = calloc(load->batch, sizeof(*set->controls));
	if (!set->headers || !set->iovecs || !set->controls) {
		train_set_fini(set);
		return -ENOMEM;
	}
	for (size_t i = 0; i < load->addr_count && i < load->batch; i++)
		plan_destination(&cursor, i);
	return 0;
}

void train_set_fini(struct train_set *set)
{
	free(set->headers);
	free(set->iovecs);
	free(set->controls);
	memset(set, 0, sizeof(*set));
}
