/* SPDX-License-Identifier: MIT */
/* cost_send_many.c: run by cost.c under strace. Sends 256 messages of 160 bytes
 * to 64 destinations between two calls of getppid(), which mark the place. */
#include "support/plain.h"

#include <hail/hail.h>
#include <unistd.h>

#define MESSAGES 256
#define REMOTES 64

static const unsigned char payload[160];
static struct hail_addr remotes[REMOTES];
static struct hail_message messages[MESSAGES];

static int make_messages(void)
{
	for (int i = 0; i < REMOTES; i++) {
		int fd = plain_open("127.0.0.1", 0);

		if (fd < 0 ||
		    hail_addr_parse(&remotes[i], "127.0.0.1", plain_port(fd)))
			return 1;
	}
	for (int i = 0; i < MESSAGES; i++)
		messages[i] = (struct hail_message){payload, sizeof(payload),
						    &remotes[i % REMOTES]};
	return 0;
}

int main(void)
{
	struct hail_engine *engine;
	struct hail_socket *socket;
	ssize_t taken;

	if (make_messages() || hail_engine_create(&engine, NULL) ||
	    hail_socket_open(&socket, engine, NULL) ||
	    hail_engine_turn(engine, 0))
		return 1;
	getppid();
	taken = hail_send_many(socket, messages, MESSAGES);
	getppid();
	hail_engine_destroy(engine);
	return taken == MESSAGES ? 0 : 1;
}
