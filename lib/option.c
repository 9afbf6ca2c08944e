/* SPDX-License-Identifier: MIT */
/* option.c: reading and changing the options of an open socket. What they are
 * to the kernel is in net/sockopt.c. */
#include "option.h"

#include "log.h"
#include "peer.h"
#include "socket.h"

#include <errno.h>
#include <hail/option.h>

struct hl_sockopt_target hl_option_target(const struct hail_socket *socket)
{
	return (struct hl_sockopt_target){
		.fd = socket->fd,
		.family = socket->local.sa.sa_family,
		.ipv6_only = socket->ipv6_only,
	};
}

int hl_option_learn_buffers(struct hail_socket *socket)
{
	int send = 0, receive = 0;
	int err = hl_sockopt_get(socket->fd, SOL_SOCKET, SO_SNDBUF, &send);

	if (!err)
		err = hl_sockopt_get(socket->fd, SOL_SOCKET, SO_RCVBUF,
				     &receive);
	if (err)
		return err;
	socket->send_buffer = (uint32_t)send;
	socket->receive_buffer = (uint32_t)receive;
	socket->room = 0; /* the kernel is asked for it anew */
	return 0;
}

static int learn_changed(struct hail_socket *socket, uint32_t option,
			 uint32_t asked)
{
	int err = hl_option_learn_buffers(socket);

	if (err)
		return err;
	if (option == HAIL_OPTION_SEND_BUFFER)
		hl_log_cut(socket, "send_buffer", asked, socket->send_buffer);
	else
		hl_log_cut(socket, "receive_buffer", asked,
			   socket->receive_buffer);
	return 0;
}

/* Of what can be set on a socket, what a peer has too: not what is of groups,
 * which its parent alone sends to and hears. That it shares the port with its
 * parent and the other peers isn't the user's to change. */
static int set_child(struct hail_socket *child, uint32_t option, uint32_t value)
{
	struct hl_sockopt_target target = hl_option_target(child);
	int err;

	switch (option) {
	case HAIL_OPTION_REUSE_ADDR:
	case HAIL_OPTION_MULTICAST_TTL:
	case HAIL_OPTION_MULTICAST_LOOP:
	case HAIL_OPTION_MULTICAST_INTERFACE:
		return 0;
	case HAIL_OPTION_EXCLUSIVE:
		option = HAIL_OPTION_REUSE_PORT;
		value = 0;
	}
	err = hl_sockopt_change(&target, option, value);
	return err ? err : hl_option_learn_buffers(child);
}

static int set_children(struct hail_socket *socket, uint32_t option,
			uint32_t value)
{
	struct hail_socket *child = NULL;
	int err = 0;

	while (!err && (child = hl_peer_next(socket, child)))
		if (!child->leaving)
			err = set_child(child, option, value);
	return err;
}

int hail_socket_set(struct hail_socket *socket, uint32_t option, uint32_t value)
{
	struct hl_sockopt_target target;
	int err = hl_socket_check(socket);

	if (err)
		return err;
	target = hl_option_target(socket);
	err = hl_sockopt_change(&target, option, value);
	if (err)
		return err;
	if (option == HAIL_OPTION_MULTICAST_INTERFACE)
		socket->multicast_interface = value;
	if (option == HAIL_OPTION_SEND_BUFFER ||
	    option == HAIL_OPTION_RECEIVE_BUFFER)
		err = learn_changed(socket, option, value);
	return err ? err : set_children(socket, option, value);
}

int hail_socket_get(const struct hail_socket *socket, uint32_t option,
		    uint32_t *value)
{
	struct hl_sockopt_target target;
	int err = value ? hl_socket_check(socket) : -EINVAL;

	if (err)
		return err;
	target = hl_option_target(socket);
	if (option == HAIL_OPTION_MULTICAST_INTERFACE &&
	    target.family == AF_INET) {
		*value = socket->multicast_interface;
		return 0;
	}
	return hl_sockopt_read(&target, option, value);
}
