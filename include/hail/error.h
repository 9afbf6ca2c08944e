/* SPDX-License-Identifier: MIT */
/* error.h: what the error handler of a socket is told. */
#ifndef HAIL_ERROR_H
#define HAIL_ERROR_H

#include <hail/addr.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hail_error_kind {
	/* A message that was taken could not be sent; `remote`, `data` and
	 * `size` are the message's. The code is the kernel's; -ENOBUFS may
	 * also mean that the kernel had refused it for now, taken later ones
	 * of its batch, and no send block was left to hold it. */
	HAIL_ERROR_SEND = 1,
	/* The network answered a connected socket with an ICMP error (most
	 * often -ECONNREFUSED: nobody listens there). Reception goes on. What
	 * may pass, such as an unreachable host, the kernel doesn't tell; of a
	 * flood of such messages some are only counted. */
	HAIL_ERROR_REMOTE = 2,
};

/* Lives until the error handler returns. `data` is the pointer that the
 * message was given with: it tells which message this was and is not to be
 * read through. */
struct hail_error {
	int code;                /* a negative errno */
	uint32_t kind;           /* enum hail_error_kind */
	struct hail_addr remote; /* where it was to go */
	const void *data;
	size_t size;
};

#ifdef __cplusplus
}
#endif

#endif
