/* SPDX-License-Identifier: MIT */
/* hail_load.c: a load as hail's messages. */
#include "hail_load.h"

#include <errno.h>
#include <stdlib.h>

int hail_load_init(struct hail_load *out, const struct load *load)
{
	out->batch = load->batch;
	out->messages = calloc(load->batch, sizeof(*out->messages));
	out->addrs = calloc(load->batch, sizeof(*out->addrs));
	if (!out->messages || !out->addrs)
		return -ENOMEM;
	for (size_t i = 0; i < load->batch; i++) {
		out->addrs[i].v4 = *load_addr(load, i);
		out->messages[i] = (struct hail_message){
			.data = load_data(load, i),
			.size = load->size,
			.remote = &out->addrs[i],
		};
	}
	return 0;
}

void hail_load_fini(struct hail_load *load)
{
	free(load->messages);
	free(load->addrs);
}
