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
	 * of its batch, and no send block was left to hold it; or that its
	 * fragments need more than twice the socket's send buffer. */
	HAIL_ERROR_SEND = 1,
	/* The network answered with an ICMP error (most often -ECONNREFUSED:
	 * nobody listens there). A connected socket is told of those that
	 * don't pass by themselves; one with the option `errors` of all, and
	 * only then offender, icmp_... and mtu are set. Of a flood of such
	 * messages some are missing: the kernel holds them in the receive
	 * buffer until a turn reads them. Reception goes on. */
	HAIL_ERROR_REMOTE = 2,
	/* The way to `remote` carries packets of at most `mtu` bytes, headers
	 * included, and a longer one was dropped: the code is -EMSGSIZE. Said
	 * by a router (icmp_version is set) or by the kernel itself. Option
	 * `errors` only. */
	HAIL_ERROR_PATH_MTU = 3,
	/* The kernel dropped a datagram that it had taken, before it left.
	 * Option `errors` only. */
	HAIL_ERROR_LOCAL = 4,
	/* A queueing discipline dropped a datagram for its transmit time:
	 * -ECANCELED, it had passed; -EINVAL, it can't be met. `time_ns` is
	 * that time. Option `txtime` only. */
	HAIL_ERROR_TXTIME = 5,
};

/* Lives until the error handler returns. `data` is the pointer that the
 * message was given with: it tells which message this was and is not to be
 * read through. Members that a kind doesn't speak of are zero. */
struct hail_error {
	int code;      /* a negative errno */
	uint32_t kind; /* enum hail_error_kind */
	/* Where it was to go; the kernel doesn't tell the port of what it says
	 * itself (HAIL_ERROR_PATH_MTU, _LOCAL) of a message that an unconnected
	 * socket sent by IPv4, a dual-stack one too: then that is 0. */
	struct hail_addr remote;
	const void *data;
	size_t size;

	struct hail_addr
		offender;     /* who sent the ICMP message; its port is 0 */
	uint8_t icmp_version; /* 4 or 6: whose types and codes these are */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint32_t mtu;     /* 0: not told, or less than the protocol allows */
	uint64_t time_ns; /* by the clock of the option `txtime` */
};

#ifdef __cplusplus
}
#endif

#endif
