/* SPDX-License-Identifier: MIT */
/* receive.c: receiving with hail's data handler. */
#include "support/clock.h"
#include "support/payload.h"
#include "support/receiver.h"
#include "support/udp.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define WAIT_NS (RECEIVER_WAIT_MS * 1000000ll)

/* Of the first peer that is silent. */
#define SILENT_PORT 1024

struct subject {
	struct hail_engine *engine;
	struct sockaddr_in *addrs;
	size_t size;
	size_t room;
	uint64_t got;
	uint64_t sum;
	bool wrong;
};

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct subject *subject = hail_socket_user(socket);

	for (size_t i = 0; i < count; i++) {
		subject->sum += payload_touch(batch[i].data, batch[i].size,
					      &batch[i].remote.v4);
		subject->wrong |= batch[i].size != subject->size;
	}
	subject->got += count;
}

static int subject_drain(void *self, uint64_t datagrams)
{
	struct subject *subject = self;
	uint64_t idle_since = 0;

	subject->got = 0;
	while (subject->got < datagrams) {
		int n = hail_engine_turn(subject->engine, WAIT_NS);

		if (n < 0)
			return n;
		if (n > 0)
			continue;
		/* A turn without events need not be a timeout. */
		if (!idle_since)
			idle_since = clock_wall_ns();
		else if (clock_wall_ns() - idle_since >= WAIT_NS)
			return -ETIMEDOUT;
	}
	return subject->wrong || subject->got != datagrams ? -EBADMSG : 0;
}

static void subject_destroy(void *self)
{
	struct subject *subject = self;

	hail_engine_destroy(subject->engine);
	free(subject->addrs);
	free(subject);
}

/* Nobody is there, and nobody need be. */
static int open_silent_peers(struct hail_socket *socket, size_t count)
{
	struct hail_peer *peer; /* ends with its socket */
	struct hail_addr remote;
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		error = hail_addr_parse(&remote, "127.0.2.1",
					(uint16_t)(SILENT_PORT + i));
		if (!error)
			error = hail_peer_open(&peer, socket, &remote);
	}
	return error;
}

static int open_peers(struct hail_socket *socket,
		      const struct receiver_options *options)
{
	int error = open_silent_peers(socket, options->silent_peers);
	struct hail_addr remote = {0};
	struct hail_peer *peer;

	if (error || !options->peer)
		return error;
	remote.v4 = *options->peer;
	return hail_peer_open(&peer, socket, &remote);
}

static int open_socket(struct subject *subject, size_t index,
		       const struct receiver_options *options)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct hail_socket_options opening =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data, .user = subject,
				    .datagram_max =
					    (uint32_t)options->datagram_max,
				    .receive_buffer = UDP_RECEIVE_BUFFER);
	struct hail_socket *socket;
	struct hail_addr local;
	int error;

	if (options->coalesce)
		opening.coalesce = HAIL_COALESCE_ON;
	opening.local.v4.sin_family = AF_INET;
	opening.local.v4.sin_addr = receiver_local(options);
	error = hail_socket_open(&socket, subject->engine, &opening);
	if (!error)
		error = hail_socket_local(socket, &local);
	if (!error)
		error = hail_socket_stats(socket, &stats);
	if (error)
		return error;
	subject->addrs[index] = local.v4;
	subject->room = udp_room_of(stats.receive_buffer, options->size);
	return open_peers(socket, options);
}

static int subject_init(struct subject *subject,
			const struct receiver_options *options)
{
	struct hail_engine_options engine =
		HAIL_ENGINE_OPTIONS(.batch_wait_ns = options->batch_wait_ns);
	size_t armed = options->sockets * (2 + options->silent_peers);
	int error;

	subject->size = options->size;
	subject->addrs = calloc(options->sockets, sizeof(*subject->addrs));
	if (!subject->addrs)
		return -ENOMEM;
	error = hail_engine_create(&subject->engine, &engine);
	for (size_t i = 0; !error && i < options->sockets; i++)
		error = open_socket(subject, i, options);
	/* Reception is armed by turns, of some sockets each. */
	for (size_t i = 0; error >= 0 && i < 2 + armed / 64; i++)
		error = hail_engine_turn(subject->engine, 0);
	return error < 0 ? error : 0;
}

int receiver_hail_create(struct receiver *out,
			 const struct receiver_options *options)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int error;

	if (!subject)
		return -ENOMEM;
	error = subject_init(subject, options);
	if (error) {
		subject_destroy(subject);
		return error;
	}
	*out = (struct receiver){
		.name = "hail",
		.self = subject,
		.addrs = subject->addrs,
		.count = options->sockets,
		.room = subject->room,
		.drain = subject_drain,
		.destroy = subject_destroy,
	};
	return 0;
}
