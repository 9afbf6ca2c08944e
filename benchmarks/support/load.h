/* SPDX-License-Identifier: MIT */
/* load.h: the batch of datagrams that every sender of a measurement sends. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `batch` datagrams of `size` bytes, dealt to the destinations in turn. The
 * addresses are the caller's and must outlive the load. */
struct load {
	unsigned char *payload;
	size_t size;
	size_t batch;
	const struct sockaddr_in *addrs;
	size_t addr_count;
};

/* -ENOMEM. */
int load_init(struct load *load, size_t size, size_t batch,
	      const struct sockaddr_in *addrs, size_t addr_count);
void load_fini(struct load *load);

static inline unsigned char *load_data(const struct load *load, size_t i)
{
	return load->payload + i * load->size;
}

static inline const struct sockaddr_in *load_addr(const struct load *load,
						  size_t i)
{
	return &load->addrs[i % load->addr_count];
}

#ifdef __cplusplus
}
#endif

#endif
