/* SPDX-License-Identifier: MIT */
/*
 * echo.h: what the kernel says of one message twice.
 *
 * A message that exceeds the interface's MTU is refused, and a record of it is
 * put into the error queue. Since an ICMP message of another remote's may look
 * the same to who sends, hail tries again, and there is one more record. The
 * record of an attempt that was followed by another is left out.
 */
#ifndef HL_ECHO_H
#define HL_ECHO_H

#include <hail/error.h>
#include <stdbool.h>

struct hail_socket;

/* So many are remembered in an engine; of more the user is told twice. */
#define HL_ECHOES_MAX 64

/* They live for a turn: when a queue was read empty, all that belongs to an
 * attempt has been read. */
struct hl_echoes {
	uint32_t count;
	struct hl_echo {
		const struct hail_socket *socket;
		struct hail_addr remote;
	} entries[HL_ECHOES_MAX];
};

/* A message to this remote met EMSGSIZE and is tried again. */
void hl_echo_expect(const struct hail_socket *socket,
		    const struct hail_addr *remote);
/* Whether a record is of such an attempt: each is so only once. */
bool hl_echo_take(const struct hail_socket *socket,
		  const struct hail_error *error);
/* The socket's error queue is empty, or nobody reads it any more. */
void hl_echo_forget(const struct hail_socket *socket);

#endif
