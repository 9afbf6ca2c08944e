/* SPDX-License-Identifier: MIT */
/* support/far.h: UDP sockets without hail, for the other end. */
#ifndef TEST_FAR_H
#define TEST_FAR_H

#include <hail/addr.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens a socket in a namespace (-1: in this thread's), bound to an address
 * and a port of the kernel's choice where it is 0, with a receive buffer that
 * tests don't fill, and tells the address. A descriptor, or a negative errno.
 * Arrivals are stamped by the kernel. */
int far_open(int network, const char *ip, uint16_t port, struct hail_addr *out);

/* Waits up to a deadline, a plain_now(), for a datagram; returns its size,
 * -ETIMEDOUT, or another negative errno. `stamp_ns` and `from`, where given,
 * are when it arrived and from whom. */
ssize_t far_receive(int fd, void *out, size_t size, uint64_t deadline,
		    uint64_t *stamp_ns, struct hail_addr *from);
/* 0 or a negative errno. */
int far_send(int fd, const void *data, size_t size,
	     const struct hail_addr *remote);

#endif
