/* SPDX-License-Identifier: MIT */
/*
 * custody.h: which of the kernel's sockets hail has, in all engines of the
 * process, so that none is adopted twice.
 *
 * A descriptor's number says little: dup() makes another for the same socket.
 * The kernel's cookie of a socket (SO_COOKIE) is its own as long as the system
 * runs. Any thread.
 */
#ifndef HL_CUSTODY_H
#define HL_CUSTODY_H

#include <stdint.h>

/* 0, and the socket of `fd` is hail's under *cookie; -EBUSY: it is already;
 * -ENOMEM; -EBADF, -ENOTSOCK. */
int hl_custody_take(int fd, uint64_t *cookie);
/* From now on it may be taken again. */
void hl_custody_drop(uint64_t cookie);

#endif
