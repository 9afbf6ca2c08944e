/* SPDX-License-Identifier: MIT */
/* train.c: sending trains by hand, with sendmmsg() and
 * UDP_SEGMENT. */
#include "support/sender.h"
#include "support/train.h"
#include "support/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct plain {
	int fd;
	struct train_set set;
};

static void plain_destroy(void *self)
{
	struct plain *plain = self;

	if (plain->fd >= 0)
		close(plain->fd);
	train_set_fini(&plain->set);
	free(plain);
}

static int plain_send(void *self)
{
	const struct plain *plain = self;

	return udp_send_all(plain->fd, plain->set.headers, plain->set.count);
}

int sender_train_create(struct sender *out, const struct load *load)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int error;

	if (!plain)
		return -ENOMEM;
	plain->fd = udp_open(NULL);
	error = plain->fd < 0 ? plain->fd : udp_probe(plain->fd);
	if (!error)
		error = train_set_init(&plain->set, load);
	if (error) {
		plain_destroy(plain);
		return error;
	}
	*out = (struct sender){
		.name = "sendmmsg + UDP_SEGMENT",
		.self = plain,
		.send = plain_send,
		.destroy = plain_destroy,
	};
	return 0;
}
