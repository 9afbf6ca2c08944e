/* SPDX-License-Identifier: MIT */
/* support/descriptor.h: the descriptors below sockets of hail, to see what the
 * kernel has, and descriptors to be adopted. */
#ifndef TEST_DESCRIPTOR_H
#define TEST_DESCRIPTOR_H

#include "support/live.h"

/* The kinds of UDP sockets, and addresses for them. */
enum descriptor_kind {
	DESCRIPTOR_V4,
	DESCRIPTOR_V6_ONLY,
	DESCRIPTOR_DUAL,
	DESCRIPTOR_KINDS,
};

extern const char *const descriptor_names[DESCRIPTOR_KINDS];

static inline bool descriptor_has_v4(enum descriptor_kind kind)
{
	return kind != DESCRIPTOR_V6_ONLY;
}

static inline bool descriptor_has_v6(enum descriptor_kind kind)
{
	return kind != DESCRIPTOR_V4;
}

/* The options with the address, and what else makes a socket of this kind. */
struct hail_socket_options
descriptor_options(enum descriptor_kind kind,
		   const struct hail_socket_options *options);

/* A plain socket of this kind that isn't bound. */
int descriptor_open(enum descriptor_kind kind);
/* hail's own descriptor of a socket; it stays hail's. */
int descriptor_of(const struct live *live);

/* Adopts, with the handlers of live.h. */
int descriptor_try_adopt(struct live *live, struct hail_engine *engine, int fd,
			 const struct hail_socket_options *options);

/* An integer option of the kernel; asserts that it can be read, or set. */
int descriptor_get(int fd, int level, int name);
void descriptor_set(int fd, int level, int name, int value);

#endif
