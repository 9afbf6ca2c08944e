/* SPDX-License-Identifier: MIT */
/* crowd.c: bursts from one sender to a socket that has many peers. */
#include "crowd.h"

#include "receiver.h"
#include "rotate.h"
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BURST 64
#define BURSTS 16

struct crowd {
	struct receiver receiver;
	int fd; /* the sender's */
	unsigned char *payload;
	struct iovec iovec;
	struct mmsghdr headers[BURST];
};

static int crowd_run(void *self, struct slice *slice)
{
	struct crowd *crowd = self;
	int error = 0;

	for (size_t i = 0; !error && i < BURSTS; i++) {
		error = udp_send_all(crowd->fd, crowd->headers, BURST);
		if (!error)
			error = crowd->receiver.drain(crowd->receiver.self,
						      BURST);
	}
	slice->datagrams = BURST * BURSTS;
	return error;
}

static void crowd_destroy(void *self)
{
	struct crowd *crowd = self;

	if (crowd->receiver.destroy)
		crowd->receiver.destroy(crowd->receiver.self);
	if (crowd->fd >= 0)
		close(crowd->fd);
	free(crowd->payload);
	free(crowd);
}

static int open_receiver(struct crowd *crowd,
			 const struct crowd_options *options,
			 const struct sockaddr_in *sender)
{
	struct receiver_options opening = {
		.sockets = 1,
		.size = options->size,
		.silent_peers = options->peers,
	};
	int error = rotate_allow_files(options->peers);

	if (error)
		return -ENOTSUP;
	if (!options->stranger && options->peers > 0) {
		opening.silent_peers--;
		opening.peer = sender;
	}
	return receiver_hail_create(&crowd->receiver, &opening);
}

static int fill_headers(struct crowd *crowd, size_t size)
{
	crowd->payload = calloc(1, size);
	if (!crowd->payload)
		return -ENOMEM;
	crowd->iovec.iov_base = crowd->payload;
	crowd->iovec.iov_len = size;
	for (size_t i = 0; i < BURST; i++) {
		struct msghdr *header = &crowd->headers[i].msg_hdr;

		header->msg_name = crowd->receiver.addrs;
		header->msg_namelen = sizeof(*crowd->receiver.addrs);
		header->msg_iov = &crowd->iovec;
		header->msg_iovlen = 1;
	}
	return 0;
}

static int crowd_init(struct crowd *crowd, const struct crowd_options *options)
{
	struct sockaddr_in sender;
	int error;

	crowd->fd = udp_open(&sender);
	if (crowd->fd < 0)
		return crowd->fd;
	error = open_receiver(crowd, options, &sender);
	return error ? error : fill_headers(crowd, options->size);
}

int crowd_receive(struct contender *out, const struct crowd_options *options)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	int error;

	if (!crowd)
		return -ENOMEM;
	error = crowd_init(crowd, options);
	if (error) {
		crowd_destroy(crowd);
		return error;
	}
	*out = (struct contender){
		.name = options->name,
		.self = crowd,
		.run = crowd_run,
		.destroy = crowd_destroy,
	};
	return 0;
}
