/* SPDX-License-Identifier: MIT */
/* retained.c: a train is received once, retained, and sent on in every turn. */
#include "support/retained.h"

#include "support/sinks.h"

#include <errno.h>
#include <hail/hail.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE 1400
#define COUNT 45
#define TURNS 10 /* of a slice */
#define PORT 20000
#define WAIT_NS 10000000000

struct retained {
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct hail_message messages[COUNT];
	struct hail_addr to[RETAINED_PORTS];
	size_t kept;
	struct sinks sinks;
	int error;
};

static void keep(struct hail_socket *socket, const struct hail_datagram *batch,
		 size_t count)
{
	struct retained *retained = hail_socket_user(socket);

	for (size_t i = 0; i < count && retained->kept < COUNT; i++) {
		struct hail_message *message =
			&retained->messages[retained->kept++];

		message->data = batch[i].data;
		message->size = batch[i].size;
		retained->error |= hail_buffer_retain(batch[i].buffer);
	}
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct retained *retained = hail_socket_user(socket);

	retained->error = error->code;
}

static void send_all(struct hail_engine *engine, void *arg)
{
	struct retained *retained = arg;

	(void)engine;
	for (size_t i = 0; i < RETAINED_PORTS; i++) {
		ssize_t n;

		for (size_t k = 0; k < COUNT; k++)
			retained->messages[k].remote = &retained->to[i];
		n = hail_send_many(retained->socket, retained->messages, COUNT);
		if (n != COUNT)
			retained->error = n < 0 ? (int)n : -EAGAIN;
	}
}

static uint64_t sent(const struct retained *retained)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	hail_socket_stats(retained->socket, &stats);
	return stats.traffic.sent;
}

static int run(void *self, struct slice *slice)
{
	struct retained *retained = self;
	uint64_t before = sent(retained);

	slice->datagrams = TURNS * RETAINED_PORTS * COUNT;
	for (int i = 0; i < TURNS && !retained->error; i++) {
		hail_engine_post(retained->engine, send_all, retained);
		hail_engine_turn(retained->engine, 0);
	}
	while (!retained->error && sent(retained) - before < slice->datagrams) {
		int events = hail_engine_turn(retained->engine, WAIT_NS);

		if (events < 0)
			return events;
	}
	return retained->error;
}

static int settle(void *self)
{
	struct retained *retained = self;

	sinks_drain(&retained->sinks);
	return 0;
}

static void destroy(void *self)
{
	struct retained *retained = self;

	hail_engine_destroy(retained->engine);
	sinks_close(&retained->sinks);
	free(retained);
}

/* One train to the socket, by the loopback. */
static int feed(struct retained *retained)
{
	static unsigned char bytes[SIZE * COUNT];
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct hail_addr local;
	int segment = SIZE;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	hail_socket_local(retained->socket, &local);
	to.sin_port = local.v4.sin_port;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	n = sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&to,
		   sizeof(to));
	close(fd);
	while (n > 0 && retained->kept < COUNT) {
		int events = hail_engine_turn(retained->engine, WAIT_NS);

		if (events <= 0)
			return events ? events : -ETIMEDOUT;
	}
	return n < 0 ? -EIO : retained->error;
}

static int choose_remotes(struct retained *retained, const char *to)
{
	int error = to ? 0 : sinks_open(&retained->sinks, RETAINED_PORTS);

	for (uint16_t i = 0; i < RETAINED_PORTS && !error; i++)
		if (to)
			error = hail_addr_parse(&retained->to[i], to,
						(uint16_t)(PORT + i));
		else
			retained->to[i].v4 = retained->sinks.addrs[i];
	return error;
}

static int open_socket(struct retained *retained,
		       const struct retained_options *options)
{
	const struct hail_socket_options wanted =
		HAIL_SOCKET_OPTIONS(.coalesce = true, .window = 65536,
				    .send_buffer = 4 * 1024 * 1024,
				    .user = retained,
				    .handlers = {.data = keep,
						 .error = on_error});
	int error =
		hail_socket_open(&retained->socket, retained->engine, &wanted);

	if (!error)
		error = choose_remotes(retained, options->to);
	return error ? error : feed(retained);
}

int retained_create(struct contender *out,
		    const struct retained_options *options)
{
	struct retained *retained = calloc(1, sizeof(*retained));
	int error;

	if (!retained)
		return -ENOMEM;
	error = hail_engine_create(
		&retained->engine,
		&HAIL_ENGINE_OPTIONS(.entries = 1024, .budget = 128,
				     .buffers_max = 64, .small_buffers_max = 64,
				     .send_blocks_large = 16,
				     .zero_copy = options->zero_copy,
				     .register_memory = options->registered));
	if (!error)
		error = open_socket(retained, options);
	if (error) {
		destroy(retained);
		return error;
	}
	*out = (struct contender){
		.name = options->name,
		.self = retained,
		.run = run,
		.settle = settle,
		.destroy = destroy,
	};
	return 0;
}

int retained_link(const char **to)
{
	static const char lines[] =
		"{ ip link set lo up && "
		"ip link add near type veth peer name far && "
		"ip addr add 10.77.0.1/24 dev near && "
		"ip link set near up && ip link set far up && "
		"ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev near && "
		"nft 'add table netdev t;"
		"add chain netdev t c { type filter hook ingress "
		"device \"far\" priority 0; };"
		"add rule netdev t c udp dport != 0 drop'; } 2>/dev/null";

	if (unshare(CLONE_NEWNET) || system(lines))
		return -ENOSYS;
	*to = "10.77.0.2";
	return 0;
}
