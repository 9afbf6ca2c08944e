/* SPDX-License-Identifier: MIT */
/* extras.h: the facts of a message on its way, as the kernel wants them. */
#ifndef HL_EXTRAS_H
#define HL_EXTRAS_H

#include "net/cmsg.h"

#include <stdbool.h>

struct hail_socket;

struct hl_extras {
	struct hl_cmsg control;
	bool timestamp;
	uint32_t stamp_id; /* where the socket names them, see stamp.h */
	uint64_t tag;
};

/* Reads what the caller says of a message that hl_send_check_message() has
 * found good. -EINVAL, -E2BIG, -EAFNOSUPPORT: see hail_send_with(). */
int hl_extras_read(struct hl_extras *out, const struct hail_socket *socket,
		   const struct hail_message *message,
		   const struct hail_message_facts *facts);

#endif
