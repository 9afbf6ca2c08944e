/* SPDX-License-Identifier: MIT */
/*
 * net/errqueue.h: what lies in a socket's error queue: ICMP messages, errors of
 * the kernel's own, and transmit timestamps. A pure function over bytes.
 */
#ifndef HL_NET_ERRQUEUE_H
#define HL_NET_ERRQUEUE_H

#include <hail/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the control messages of one record: the extended error with the
 * offender's address, in both families for a dual-stack socket, timestamps, and
 * what the facts of the socket bring along. */
#define HL_ERRQUEUE_SPACE 512

struct hl_errqueue_stamp {
	uint32_t id; /* of the message, see SOF_TIMESTAMPING_OPT_ID */
	uint64_t time_ns;
	uint64_t device_time_ns;
};

enum hl_errqueue_kind {
	HL_ERRQUEUE_ERROR = 1,
	HL_ERRQUEUE_STAMP,
};

/* Reads one record: the name (as recvmsg() gives it, `name_size` bytes of it)
 * and the control messages, which need not be aligned. Returns what it is and
 * writes that, or -EBADMSG (cut, forged, of no kind that is known) and writes
 * nothing. An ICMP message of a path MTU below what its protocol allows (68,
 * 1280) becomes HAIL_ERROR_REMOTE with an mtu of 0. Never reads past a size. */
int hl_errqueue_parse(struct hail_error *error, struct hl_errqueue_stamp *stamp,
		      const void *name, size_t name_size, const void *control,
		      size_t control_size);

#endif
