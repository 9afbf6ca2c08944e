/* SPDX-License-Identifier: MIT */
/* net/stamp_id.c: asks the kernel by a message that may not be sent. */
#include "net/stamp_id.h"

#include "net/cmsg.h"
#include "net/sockopt.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* Control messages come first: one that isn't known is EINVAL. Behind a known
 * one comes the question who may send to everybody, or by which way. */
static bool try_on(int fd)
{
	struct hl_cmsg control = {0};
	struct hail_addr everybody = {
		.v4 = {.sin_family = AF_INET, .sin_port = htons(9)},
	};
	struct msghdr message = {
		.msg_name = &everybody,
		.msg_namelen = sizeof(everybody.v4),
		.msg_control = control.bytes,
	};

	everybody.v4.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	hl_cmsg_write_stamp_id(&control, 0);
	message.msg_controllen = control.size;
	if (hl_sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
			   SOF_TIMESTAMPING_OPT_ID))
		return false;
	return sendmsg(fd, &message, MSG_DONTWAIT) < 0 && errno != EINVAL;
}

/* 0: nobody has asked yet. Two threads that ask at once get the same answer. */
static atomic_int answer;
enum { SERVED = 1, NOT_SERVED };

bool hl_stamp_id_served(void)
{
	int known = atomic_load(&answer);
	int fd;

	if (known)
		return known == SERVED;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	known = try_on(fd) ? SERVED : NOT_SERVED;
	close(fd);
	atomic_store(&answer, known);
	return known == SERVED;
}
