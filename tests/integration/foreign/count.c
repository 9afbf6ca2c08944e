/* SPDX-License-Identifier: MIT */
/* count.c: receives the UDP stream of an iperf (version 2) client and counts
 * what came, what is missing and what came late or twice. Ends with the
 * stream. */
#include "example.h"

#include <arpa/inet.h>
#include <string.h>

struct stream {
	struct hail_engine *engine;
	int64_t next; /* the number that the next datagram should have */
	unsigned long datagrams, missing, late;
	unsigned long long bytes;
	bool ended;
};

static void count_one(struct stream *stream, int64_t number, size_t size)
{
	stream->datagrams++;
	stream->bytes += size;
	if (number < stream->next) {
		stream->late++;
		return;
	}
	stream->missing += (unsigned long)(number - stream->next);
	stream->next = number + 1;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct stream *stream = hail_socket_user(socket);

	for (size_t i = 0; i < count && !stream->ended; i++) {
		uint32_t bits;
		int32_t number;

		if (batch[i].size < sizeof(bits))
			continue;
		memcpy(&bits, batch[i].data, sizeof(bits));
		number = (int32_t)ntohl(bits);
		if (number > 0) {
			count_one(stream, number, batch[i].size);
			continue;
		}
		/* The stream's end bears the number that would have come
		 * next, negated. */
		stream->missing +=
			(unsigned long)(-(int64_t)number - stream->next);
		stream->ended = true;
		hail_engine_stop(stream->engine);
	}
}

static void on_deadline(struct hail_timer *timer, void *user)
{
	struct stream *stream = user;

	(void)timer;
	hail_engine_stop(stream->engine);
}

int main(void)
{
	struct stream stream = {.next = 1};
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data, .user = &stream,
				    .receive_buffer = 4 << 20);
	struct hail_socket *socket;
	struct hail_timer *deadline;

	check_engine(hail_engine_create(&stream.engine, NULL));
	check(hail_timer_create(&deadline, stream.engine, on_deadline, &stream),
	      "timer");
	check(hail_timer_start(deadline, 30000000000, 0), "timer");
	check(hail_addr_parse(&options.local, "127.0.0.1", 0), "127.0.0.1");
	check(hail_socket_open(&socket, stream.engine, &options), "socket");
	print_local(socket);

	check(hail_engine_run(stream.engine), "run");
	printf("%lu datagrams, %llu bytes, %lu missing, %lu late\n",
	       stream.datagrams, stream.bytes, stream.missing, stream.late);
	check(hail_engine_destroy(stream.engine), "destroy");
	return stream.ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
