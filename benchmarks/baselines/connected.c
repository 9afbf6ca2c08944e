/* SPDX-License-Identifier: MIT */
/* connected.c: sending with send() on a connected socket for each
 * destination. */
#include "support/sender.h"
#include "support/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connected {
	const struct load *load;
	int *fds; /* by destination */
	size_t count;
};

static void connected_destroy(void *self)
{
	struct connected *connected = self;

	for (size_t i = 0; i < connected->count; i++)
		close(connected->fds[i]);
	free(connected->fds);
	free(connected);
}

static int connected_send(void *self)
{
	const struct connected *connected = self;
	const struct load *load = connected->load;

	for (size_t i = 0; i < load->batch;) {
		int fd = connected->fds[i % connected->count];
		int error;

		if (send(fd, load_data(load, i), load->size, 0) >= 0) {
			i++;
			continue;
		}
		error = udp_wait_writable(fd);
		if (error)
			return error;
	}
	return 0;
}

static int connect_all(struct connected *connected, const struct load *load)
{
	connected->load = load;
	connected->fds = calloc(load->addr_count, sizeof(*connected->fds));
	if (!connected->fds)
		return -ENOMEM;
	for (size_t i = 0; i < load->addr_count; i++) {
		int fd = udp_connect(&load->addrs[i]);

		if (fd < 0)
			return fd;
		connected->fds[connected->count++] = fd;
	}
	return 0;
}

int sender_connected_create(struct sender *out, const struct load *load)
{
	struct connected *connected = calloc(1, sizeof(*connected));
	int error;

	if (!connected)
		return -ENOMEM;
	error = connect_all(connected, load);
	if (error) {
		connected_destroy(connected);
		return error;
	}
	*out = (struct sender){
		.name = "send, connected",
		.self = connected,
		.send = connected_send,
		.destroy = connected_destroy,
	};
	return 0;
}
