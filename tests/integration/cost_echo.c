/* SPDX-License-Identifier: MIT */
/* cost_echo.c: run by cost.c under strace. An echo server under load, of which
 * the turns between two calls of getppid() are counted and printed. */
#include "support/plain.h"

#include <hail/hail.h>
#include <stdio.h>
#include <unistd.h>

#define TURNS 1000

static struct hail_engine *engine;
static uint64_t first_turn, last_turn, datagrams;

static uint64_t turns(void)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};

	hail_engine_stats(engine, &stats);
	return stats.turns;
}

/* Both marks are made at the same place of a turn: what lies between is a whole
 * number of turns. */
static void mark(void)
{
	uint64_t now = turns();

	if (!first_turn) {
		first_turn = now;
		getppid();
	} else if (!last_turn && now >= first_turn + TURNS) {
		last_turn = now;
		getppid();
		hail_engine_stop(engine);
	}
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	mark();
	datagrams += count;
	for (size_t i = 0; i < count; i++)
		hail_send(socket, batch[i].data, batch[i].size,
			  &batch[i].remote);
}

int main(void)
{
	struct plain_flood *flood;
	struct hail_socket *socket;
	struct hail_addr local;

	if (hail_engine_create(&engine, NULL) ||
	    hail_socket_open(&socket, engine,
			     &HAIL_SOCKET_OPTIONS(.handlers.data = on_data)) ||
	    hail_socket_local(socket, &local))
		return 1;
	flood = plain_flood_start(hail_addr_port(&local), 160);
	if (!flood || hail_engine_run(engine))
		return 1;
	plain_flood_stop(flood);
	hail_engine_destroy(engine);
	printf("%llu turns %llu datagrams\n",
	       (unsigned long long)(last_turn - first_turn),
	       (unsigned long long)datagrams);
	return 0;
}
