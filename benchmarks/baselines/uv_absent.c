/* SPDX-License-Identifier: MIT */
/* uv_absent.c: in place of libuv's baselines where it isn't
 * installed. */
#include "support/receiver.h"
#include "support/sender.h"

#include <errno.h>

int sender_uv_create(struct sender *out, const struct load *load)
{
	(void)out;
	(void)load;
	return -ENOTSUP;
}

int sender_uv_try_create(struct sender *out, const struct load *load)
{
	(void)out;
	(void)load;
	return -ENOTSUP;
}

int receiver_uv_create(struct receiver *out,
		       const struct receiver_options *options)
{
	(void)out;
	(void)options;
	return -ENOTSUP;
}
