/* SPDX-License-Identifier: MIT */
/* load.c: the batch of datagrams that every sender of a measurement sends. */
#include "load.h"

#include <errno.h>
#include <stdlib.h>

int load_init(struct load *load, size_t size, size_t batch,
	      const struct sockaddr_in *addrs, size_t addr_count)
{
	size_t bytes = size * batch;

	load->payload = malloc(bytes + 1);
	if (!load->payload)
		return -ENOMEM;
	for (size_t i = 0; i < bytes; i++)
		load->payload[i] = (unsigned char)i;
	load->size = size;
	load->batch = batch;
	load->addrs = addrs;
	load->addr_count = addr_count;
	return 0;
}

void load_fini(struct load *load)
{
	free(load->payload);
	load->payload = NULL;
}
