/* SPDX-License-Identifier: MIT */
/* option.h: what an open socket has of the kernel's options. */
#ifndef HL_OPTION_H
#define HL_OPTION_H

#include "net/sockopt.h"

struct hail_socket;

/* The socket as net/sockopt.h wants it. */
struct hl_sockopt_target hl_option_target(const struct hail_socket *socket);

/* Reads how large the kernel's buffers are now. */
int hl_option_learn_buffers(struct hail_socket *socket);

#endif
