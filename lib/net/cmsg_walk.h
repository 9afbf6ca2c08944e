/* SPDX-License-Identifier: MIT */
/*
 * net/cmsg_walk.h: goes through control messages that were received. It reads
 * them where they lie, which need not be aligned, and believes no length:
 * CMSG_NXTHDR() does neither.
 */
#ifndef HL_NET_CMSG_WALK_H
#define HL_NET_CMSG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define HL_CMSG_NS_PER_S UINT64_C(1000000000)

/* What is still to be read. */
struct hl_cmsg_walk {
	const unsigned char *bytes;
	size_t size;
};

/* One message; its data lies in what is walked through. */
struct hl_cmsg_part {
	int level, type;
	const unsigned char *data;
	size_t size;
};

/* False at the end, and where a length is impossible: then nobody knows where
 * the next one would begin. One that the kernel had to cut has the length that
 * is left of it, down to a bare header. */
static inline bool hl_cmsg_walk_next(struct hl_cmsg_walk *walk,
				     struct hl_cmsg_part *out)
{
	struct cmsghdr header;
	size_t step;

	if (walk->size < CMSG_LEN(0))
		return false;
	memcpy(&header, walk->bytes, sizeof(header));
	if (header.cmsg_len < CMSG_LEN(0) || header.cmsg_len > walk->size)
		return false;
	out->level = header.cmsg_level;
	out->type = header.cmsg_type;
	out->data = walk->bytes + CMSG_LEN(0);
	out->size = header.cmsg_len - CMSG_LEN(0);
	/* The last one may lack the bytes that align a next one. */
	step = CMSG_ALIGN(header.cmsg_len);
	if (step > walk->size)
		step = walk->size;
	walk->bytes += step;
	walk->size -= step;
	return true;
}

/* Copies the data, if it is of just this size. */
static inline bool hl_cmsg_walk_copy(void *out, size_t size,
				     const struct hl_cmsg_part *part)
{
	if (part->size != size)
		return false;
	memcpy(out, part->data, size);
	return true;
}

/* The times of an SCM_TIMESTAMPING. */
struct hl_cmsg_times {
	uint64_t time_ns;        /* by software; 0: not there */
	uint64_t device_time_ns; /* by hardware, as its clock told; 0 */
};

/* A time that 64 bits of nanoseconds can't hold is none. */
static inline uint64_t hl_cmsg_walk_time(const int64_t timespec[2])
{
	const uint64_t ns_per_s = HL_CMSG_NS_PER_S;

	if (timespec[0] < 0 || timespec[1] < 0 ||
	    (uint64_t)timespec[0] >= UINT64_MAX / ns_per_s ||
	    (uint64_t)timespec[1] >= ns_per_s)
		return 0;
	return (uint64_t)timespec[0] * ns_per_s + (uint64_t)timespec[1];
}

/* Of the three the second has had no meaning since Linux 3.17. */
static inline bool hl_cmsg_walk_times(struct hl_cmsg_times *out,
				      const struct hl_cmsg_part *part)
{
	int64_t times[3][2];

	if (!hl_cmsg_walk_copy(times, sizeof(times), part))
		return false;
	out->time_ns = hl_cmsg_walk_time(times[0]);
	out->device_time_ns = hl_cmsg_walk_time(times[2]);
	return true;
}

#endif
