/* SPDX-License-Identifier: MIT */
/* socket_open.c: from options, and a descriptor of another's making where it is
 * adopted, to an open socket of an engine. */
#include "custody.h"
#include "net/endpoint.h"
#include "net/sockopt.h"
#include "option.h"
#include "socket.h"
#include "stamp.h"
#include "util/options.h"

#include <errno.h>
#include <hail/option.h>
#include <unistd.h>

#define HL_WINDOW_DEFAULT 1024

/* What the kernel books for a datagram of 1232 bytes, which fits every IPv6
 * path, halved, since it doubles what SO_SNDBUF is set to. */
#define HL_SEND_BUFFER_EACH (2304 / 2)
/* A datagram in fragments is -ENOBUFS for ever where these need more than twice
 * what is booked: with an MTU that makes them dear, 167680 bytes. */
#define HL_SEND_BUFFER_LEAST (64 * 1024)

/* Whether what is promised fits the engine's small buffers. */
static bool fits_small(const struct hail_engine *engine,
		       const struct hail_socket_options *options)
{
	size_t told = options->facts ? HL_CMSG_SPACE : 0;

	return options->datagram_max &&
	       options->datagram_max + told <= engine->options.small_size;
}

/* A small buffer has no room for a piece of many datagrams. */
static enum hail_coalesce
choose_coalesce(const struct hail_engine *engine,
		const struct hail_socket_options *options)
{
	if (options->coalesce == HAIL_COALESCE_AUTO &&
	    fits_small(engine, options))
		return HAIL_COALESCE_OFF;
	return options->coalesce;
}

/* Reads the caller's options and puts the defaults in. */
static int read_options(struct hail_socket_options *out,
			const struct hail_socket_options *given)
{
	int err = hl_options_read(out, sizeof(*out), given);

	if (!err)
		err = hl_sockopt_check(out);
	if (err)
		return err;
	if (!out->window)
		out->window = HL_WINDOW_DEFAULT;
	if (!out->low_water)
		out->low_water = out->window / 2;
	return out->low_water < out->window ? 0 : -EINVAL;
}

static int learn_ipv6_only(struct hail_socket *socket)
{
	int only = 0, err = 0;

	if (socket->local.sa.sa_family == AF_INET6)
		err = hl_sockopt_get(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY,
				     &only);
	socket->ipv6_only = only;
	return err;
}

/* Reads from the descriptor what the kernel made of the options. */
static int learn(struct hail_socket *socket)
{
	int err = hl_endpoint_local(socket->fd, &socket->local);

	if (!err)
		err = learn_ipv6_only(socket);
	if (!err)
		err = hl_option_learn_buffers(socket);
	return err;
}

static void adopt_options(struct hail_socket *socket,
			  const struct hail_socket_options *options)
{
	enum hail_coalesce coalesce = choose_coalesce(socket->engine, options);
	bool whole = coalesce == HAIL_COALESCE_OFF;

	socket->handlers = options->handlers;
	socket->user = options->user;
	socket->window = options->window;
	socket->low_water = options->low_water;
	socket->datagram_max = options->datagram_max;
	socket->control_space = whole ? 0 : HL_CMSG_SEGMENT_SPACE;
	if (options->facts)
		socket->control_space = HL_CMSG_SPACE;
	socket->pool = whole && fits_small(socket->engine, options)
			       ? HL_POOL_SMALL
			       : HL_POOL_LARGE;
	socket->facts = options->facts;
	socket->errors = options->errors;
	hl_coalesce_init(&socket->coalesce, coalesce);
	socket->txtime = options->txtime;
	socket->no_trains = options->no_trains;
	socket->multicast_interface = options->multicast_interface;
	socket->sent = options->sent;
}

/* The socket has a descriptor, and nobody else does. */
static int attach(struct hail_socket *socket)
{
	struct hl_backend *backend = socket->engine->backend;
	int err = learn(socket);

	if (!err)
		err = hl_stamp_init(socket);
	if (!err)
		err = backend->ops->attach(backend, socket->slot, socket->fd,
					   socket->pool, socket->control_space);
	if (err)
		hl_stamp_fini(socket);
	return err;
}

/* The descriptor is as the options want it. */
static int take_over(struct hail_socket *socket, int fd,
		     const struct hail_socket_options *options)
{
	int err = hl_custody_take(fd, &socket->cookie);

	(void)options;
	if (err)
		return err;
	socket->fd = fd;
	err = attach(socket);
	if (err)
		hl_custody_drop(socket->cookie);
	return err;
}

static int make(struct hail_socket *socket, int none,
		const struct hail_socket_options *options)
{
	int fd = hl_endpoint_open(options, &socket->remote);
	int err;

	(void)none;
	if (fd < 0)
		return fd;
	err = take_over(socket, fd, options);
	if (err)
		close(fd);
	return err;
}

/* Its maker may have chosen a clock, which can't be taken back. */
static int learn_txtime(struct hail_socket *socket)
{
	/* The family doesn't matter, and isn't known yet. */
	const struct hl_sockopt_target target = {.fd = socket->fd};
	uint32_t clock;
	int err = hl_sockopt_read(&target, HAIL_OPTION_TXTIME, &clock);

	if (!err)
		socket->txtime = clock != HAIL_TXTIME_OFF;
	return err;
}

/* Its maker may have turned it on, and pieces may be queued already. */
static int learn_coalesce(struct hail_socket *socket)
{
	const struct hl_sockopt_target target = {.fd = socket->fd};
	uint32_t on;
	int err = hl_sockopt_read(&target, HAIL_OPTION_COALESCE, &on);

	if (!err && on)
		hl_coalesce_turned(&socket->coalesce, true);
	return err;
}

static int adopt(struct hail_socket *socket, int fd,
		 const struct hail_socket_options *options)
{
	int err = hl_custody_take(fd, &socket->cookie);

	if (err)
		return err;
	socket->fd = fd;
	err = hl_endpoint_adopt(fd, options, &socket->remote);
	if (!err)
		err = learn_txtime(socket);
	if (!err)
		err = learn_coalesce(socket);
	if (!err)
		err = attach(socket);
	if (err)
		hl_custody_drop(socket->cookie);
	return err;
}

#define NO_DESCRIPTOR (-1)

/* How a socket comes by its descriptor. */
typedef int acquire_fn(struct hail_socket *socket, int fd,
		       const struct hail_socket_options *options);

static int start(struct hail_socket **out, struct hail_engine *engine,
		 acquire_fn *acquire, int fd,
		 const struct hail_socket_options *options)
{
	struct hail_socket *socket = hl_socket_table_take(&engine->sockets);
	int err;

	if (!socket)
		return -ENOMEM;
	socket->engine = engine;
	adopt_options(socket, options);
	err = acquire(socket, fd, options);
	if (err) {
		hl_socket_table_drop(&engine->sockets, socket);
		return err;
	}
	hl_log_cut(socket, "receive_buffer", options->receive_buffer,
		   socket->receive_buffer);
	socket->state = HL_SOCKET_OPEN;
	engine->keepers++;
	hl_socket_want_armed(socket);
	*out = socket;
	return 0;
}

int hl_socket_read_options(struct hail_socket_options *out,
			   const struct hail_socket_options *given)
{
	int err = read_options(out, given);

	return err ? err : hl_endpoint_check(out);
}

uint32_t hl_socket_send_buffer(const struct hail_engine *engine)
{
	uint32_t bytes = engine->options.entries * HL_SEND_BUFFER_EACH;

	return bytes < HL_SEND_BUFFER_LEAST ? HL_SEND_BUFFER_LEAST : bytes;
}

int hl_socket_open_bound(struct hail_socket **out, struct hail_engine *engine,
			 int fd, const struct hail_socket_options *options)
{
	int err = hl_core_claim(engine);

	return err ? err : start(out, engine, take_over, fd, options);
}

int hail_socket_open(struct hail_socket **out, struct hail_engine *engine,
		     const struct hail_socket_options *given)
{
	struct hail_socket_options options;
	int err = out ? hl_core_claim(engine) : -EINVAL;
	uint32_t asked;

	if (!err)
		err = hl_socket_read_options(&options, given);
	if (err)
		return err;
	asked = options.send_buffer;
	if (!asked)
		options.send_buffer = hl_socket_send_buffer(engine);
	err = start(out, engine, make, NO_DESCRIPTOR, &options);
	/* Nobody asked for the default. */
	if (!err)
		hl_log_cut(*out, "send_buffer", asked, (*out)->send_buffer);
	return err;
}

int hail_socket_adopt(struct hail_socket **out, struct hail_engine *engine,
		      int fd, const struct hail_socket_options *given)
{
	struct hail_socket_options options;
	int err = out ? hl_core_claim(engine) : -EINVAL;

	if (!err)
		err = read_options(&options, given);
	if (!err && fd < 0)
		err = -EBADF;
	if (!err) {
		options.coalesce = choose_coalesce(engine, &options);
		err = start(out, engine, adopt, fd, &options);
	}
	if (!err)
		hl_log_cut(*out, "send_buffer", options.send_buffer,
			   (*out)->send_buffer);
	return err;
}
