/* SPDX-License-Identifier: MIT */
/* discover.c: programs that find each other by a multicast group, in the way of
 * mDNS. Each tells the group its name, answers those who do, and prints whom it
 * hears, until Ctrl-C. On one machine they share the port. */
#include "example.h"

#include <signal.h>
#include <string.h>

enum { NAME_SIZE = 32 };

/* An answer names who has asked; a question names nobody. */
struct note {
	char to[NAME_SIZE], from[NAME_SIZE];
};

static struct hail_engine *engine;
static struct hail_addr group;
static struct note own;

static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(engine);
}

/* Answers go to the group too: of those who share a port only one would get
 * what is sent to its address. Any may be lost: somebody asks again. */
static void say(struct hail_socket *socket, const char *to)
{
	strcpy(own.to, to);
	hail_send(socket, &own, sizeof(own), &group);
}

static void hear(struct hail_socket *socket, const struct note *note,
		 const struct hail_addr *from)
{
	char text[HAIL_ADDR_TEXT_MAX];

	/* What is said here is heard here, and what is meant for others. */
	if (!strcmp(note->from, own.from) ||
	    (*note->to && strcmp(note->to, own.from)))
		return;
	check(hail_addr_format(from, text, sizeof(text)), "address");
	printf("heard %s from %s\n", note->from, text);
	fflush(stdout);
	if (!*note->to)
		say(socket, note->from);
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct note *note = batch[i].data;

		if (batch[i].size == sizeof(*note) &&
		    !note->to[NAME_SIZE - 1] && !note->from[NAME_SIZE - 1])
			hear(socket, note, &batch[i].remote);
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: discover GROUP PORT INTERFACE NAME\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data,
				    .reuse_addr = true);
	struct sigaction stop = {.sa_handler = on_signal};
	struct hail_socket *socket;
	uint16_t port;

	if (argc != 5 || !read_port(argv[2], 1, &port) ||
	    hail_addr_parse(&group, argv[1], port) || !*argv[4] ||
	    strlen(argv[4]) >= NAME_SIZE)
		return usage();
	strcpy(own.from, argv[4]);
	check(hail_interface_find(&options.multicast_interface, argv[3]),
	      argv[3]);
	check(hail_addr_parse(&options.local,
			      strchr(argv[1], ':') ? "::" : "0.0.0.0", port),
	      "address");

	check_engine(hail_engine_create(&engine, NULL));
	sigaction(SIGINT, &stop, NULL);
	check(hail_socket_open(&socket, engine, &options), "socket");
	check(hail_multicast_join(socket, &group, options.multicast_interface),
	      "join");
	say(socket, "");
	print_local(socket);

	check(hail_engine_run(engine), "run");
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
