/* SPDX-License-Identifier: MIT */
/* pingpong.c: a ping-pong with hail at both ends. */
#include "support/clock.h"
#include "support/pingpong.h"

#include <errno.h>
#include <hail/hail.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

struct match {
	const struct pingpong_options *options; /* while it is set up */
	struct hail_engine *client;
	struct hail_engine *server;
	struct hail_socket *socket; /* the client's */
	struct hail_addr server_addr;
	unsigned char *ping;
	size_t size;
	pthread_t thread;
	bool running;
	sem_t ready;
	int server_error; /* valid once `ready` */
	int error;
	size_t trips;
	uint64_t last_ns;
	double trips_ns[PINGPONG_TRIPS];
};

static void on_ping(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hail_send(socket, batch[i].data, batch[i].size,
			  &batch[i].remote);
}

/* The next ping leaves with the turn's own enter. */
static void on_pong(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct match *match = hail_socket_user(socket);

	for (size_t i = 0; i < count && match->trips < PINGPONG_TRIPS; i++) {
		uint64_t now = clock_wall_ns();

		match->trips_ns[match->trips++] =
			(double)(now - match->last_ns);
		match->last_ns = now;
		if (match->trips < PINGPONG_TRIPS)
			match->error =
				hail_send(socket, match->ping, batch[i].size,
					  &match->server_addr);
		if (match->trips == PINGPONG_TRIPS || match->error)
			hail_engine_stop(match->client);
	}
}

/* Called by a signal handler, which hail_engine_stop() may be. */
static void on_deadline(void *arg)
{
	hail_engine_stop(arg);
}

static int open_end(struct hail_engine **engine, struct hail_socket **socket,
		    struct match *match,
		    void (*data)(struct hail_socket *,
				 const struct hail_datagram *, size_t))
{
	struct hail_engine_options engine_options =
		HAIL_ENGINE_OPTIONS(.spin_ns = match->options->spin_ns);
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = data, .user = match);
	int error;

	error = hail_addr_parse(&options.local, "127.0.0.1", 0);
	if (!error)
		error = hail_engine_create(engine, &engine_options);
	if (!error)
		error = hail_socket_open(socket, *engine, &options);
	return error;
}

static void *serve(void *arg)
{
	struct match *match = arg;
	struct hail_socket *socket;
	int error;

	pingpong_pin_server(match->options->place);
	match->server_error = open_end(&match->server, &socket, match, on_ping);
	if (!match->server_error)
		match->server_error =
			hail_socket_local(socket, &match->server_addr);
	error = match->server_error;
	sem_post(&match->ready);
	if (!error)
		hail_engine_run(match->server);
	hail_engine_destroy(match->server);
	return NULL;
}

static int start_server(struct match *match)
{
	int error = -pthread_create(&match->thread, NULL, serve, match);

	if (error)
		return error;
	while (sem_wait(&match->ready) && errno == EINTR)
		;
	if (match->server_error)
		pthread_join(match->thread, NULL);
	else
		match->running = true;
	return match->server_error;
}

static int match_run(void *self, struct slice *slice)
{
	struct match *match = self;
	int error;

	match->trips = 0;
	match->error = 0;
	pingpong_deadline_set(on_deadline, match->client);
	match->last_ns = clock_wall_ns();
	error = hail_send(match->socket, match->ping, match->size,
			  &match->server_addr);
	if (!error)
		error = hail_engine_run(match->client);
	pingpong_deadline_clear();
	if (!error)
		error = match->error;
	if (!error && match->trips < PINGPONG_TRIPS)
		error = -ETIMEDOUT;
	if (error)
		return error;
	pingpong_sum_up(match->trips_ns, PINGPONG_TRIPS, slice);
	return 0;
}

static void match_destroy(void *self)
{
	struct match *match = self;

	if (match->running) {
		hail_engine_stop(match->server);
		pthread_join(match->thread, NULL);
	}
	hail_engine_destroy(match->client);
	sem_destroy(&match->ready);
	free(match->ping);
	free(match);
}

static int match_init(struct match *match)
{
	int error;

	match->size = match->options->size;
	match->ping = calloc(1, match->size + 1);
	if (!match->ping)
		return -ENOMEM;
	error = open_end(&match->client, &match->socket, match, on_pong);
	if (!error)
		error = start_server(match);
	/* Arms the client's reception. */
	if (!error)
		error = hail_engine_turn(match->client, 0);
	return error < 0 ? error : 0;
}

int pingpong_hail_create(struct contender *out,
			 const struct pingpong_options *options)
{
	struct match *match = calloc(1, sizeof(*match));
	int error;

	if (!match)
		return -ENOMEM;
	sem_init(&match->ready, 0, 0);
	match->options = options;
	error = match_init(match);
	match->options = NULL;
	if (error) {
		match_destroy(match);
		return error;
	}
	*out = (struct contender){
		.name = options->name,
		.self = match,
		.run = match_run,
		.destroy = match_destroy,
	};
	return 0;
}
