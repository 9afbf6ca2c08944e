/* SPDX-License-Identifier: MIT */
/* retain.c: a delay line. Datagrams are kept past their handler and sent back
 * later out of the memory that they were received into, without a copy. */
#include "example.h"

#include <signal.h>

enum { SLOTS = 512 };

/* What is wanted of a datagram later: its struct ends with the handler. */
struct slot {
	struct hail_buffer *buffer;
	const void *data;
	size_t size;
	struct hail_addr remote;
	uint64_t due_ns;
};

static struct hail_engine *engine;
static struct hail_socket *line;
static struct hail_timer *timer;
static struct slot slots[SLOTS];
static size_t first, held;
static uint64_t delay_ns;
static unsigned long delayed, dropped;

static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(engine);
}

static void keep(const struct hail_datagram *datagram)
{
	if (held == SLOTS || hail_buffer_retain(datagram->buffer)) {
		dropped++;
		return;
	}
	slots[(first + held++) % SLOTS] = (struct slot){
		.buffer = datagram->buffer,
		.data = datagram->data,
		.size = datagram->size,
		.remote = datagram->remote,
		.due_ns = hail_engine_now(engine) + delay_ns,
	};
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	bool idle = held == 0;

	(void)socket;
	for (size_t i = 0; i < count; i++)
		keep(&batch[i]);
	if (idle && held > 0)
		check(hail_timer_start(timer, delay_ns, 0), "timer");
}

static void on_due(struct hail_timer *due, void *user)
{
	uint64_t now = hail_engine_now(engine);

	(void)user;
	while (held > 0 && slots[first].due_ns <= now) {
		struct slot *slot = &slots[first];

		/* A datagram in flight holds its buffer by itself. */
		if (hail_send(line, slot->data, slot->size, &slot->remote))
			dropped++;
		else
			delayed++;
		check(hail_buffer_release(slot->buffer), "release");
		first = (first + 1) % SLOTS;
		held--;
	}
	if (held > 0)
		check(hail_timer_start(due, slots[first].due_ns - now, 0),
		      "timer");
}

static int usage(void)
{
	fprintf(stderr, "usage: retain DELAY_MS [PORT [ADDRESS]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data);
	struct sigaction stop = {.sa_handler = on_signal};
	unsigned long delay_ms;
	uint16_t port = 0;

	if (argc < 2 || argc > 4 || !read_number(argv[1], 60000, &delay_ms) ||
	    (argc > 2 && !read_port(argv[2], 0, &port)) ||
	    hail_addr_parse(&options.local, argc > 3 ? argv[3] : "0.0.0.0",
			    port))
		return usage();
	delay_ns = delay_ms * 1000000ull;

	check_engine(hail_engine_create(&engine, NULL));
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	check(hail_timer_create(&timer, engine, on_due, NULL), "timer");
	check(hail_socket_open(&line, engine, &options), "socket");
	print_local(line);

	check(hail_engine_run(engine), "run");
	printf("delayed %lu datagrams, dropped %lu\n", delayed, dropped);
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
