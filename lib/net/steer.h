/* SPDX-License-Identifier: MIT */
/*
 * net/steer.h: which socket of a group that shares a port gets a datagram.
 *
 * The kernel runs a program of classic BPF over the datagram and takes its
 * result as an index into the group, in the order in which the sockets were
 * bound. Writing the program is a pure function. The kernel's own choice is a
 * hash as well, but over all sockets of the group: one more, and flows move.
 */
#ifndef HL_NET_STEER_H
#define HL_NET_STEER_H

#include <hail/shard.h>
#include <linux/filter.h>
#include <stdint.h>

struct hl_steer {
	uint32_t kind;                /* enum hail_steering */
	uint32_t count;               /* of sockets, at least 1 */
	uint32_t offset, width, mask; /* as the options say, no defaults */
	uint32_t seed;                /* of the hash */
	/* Of HAIL_STEERING_CPU: the processors of the first so many sockets,
	 * each of them once. */
	uint32_t processor_count;
	const uint32_t *processors;
};

/* Two instructions for a processor. */
#define HL_STEER_CODE_MAX (2 * HAIL_SHARDS_MAX + 64)

struct hl_steer_program {
	uint16_t size;
	struct sock_filter code[HL_STEER_CODE_MAX];
};

void hl_steer_write(struct hl_steer_program *out, const struct hl_steer *steer);

/* For the group of `fd`, which allows SO_REUSEPORT. One that isn't bound yet
 * begins a group of its own by that, and can't be bound into another's
 * (-EADDRINUSE). */
int hl_steer_attach(int fd, const struct hl_steer_program *program);

/* Whatever comes from now on is dropped; or is not any more. */
int hl_steer_mute(int fd);
int hl_steer_unmute(int fd);

#endif
