/* SPDX-License-Identifier: MIT */
/* subject_receive.c: receiving with hail's data handler. */
#include "clock.h"
#include "payload.h"
#include "receiver.h"
#include "udp.h"

#include <errno.h>
#include <hail/hail.h>
#include <stdlib.h>

#define WAIT_NS (RECEIVER_WAIT_MS * 1000000ll)

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

	error = hail_addr_parse(&opening.local, "127.0.0.1", 0);
	if (!error)
		error = hail_socket_open(&socket, subject->engine, &opening);
	if (!error)
		error = hail_socket_local(socket, &local);
	if (!error)
		error = hail_socket_stats(socket, &stats);
	if (error)
		return error;
	subject->addrs[index] = local.v4;
	subject->room = udp_room_of(stats.receive_buffer, options->size);
	return 0;
}

static int subject_init(struct subject *subject,
			const struct receiver_options *options)
{
	int error;

	subject->size = options->size;
	subject->addrs = calloc(options->sockets, sizeof(*subject->addrs));
	if (!subject->addrs)
		return -ENOMEM;
	error = hail_engine_create(&subject->engine, NULL);
	for (size_t i = 0; !error && i < options->sockets; i++)
		error = open_socket(subject, i, options);
	/* Reception is armed by the first turn. */
	if (!error)
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
