/* SPDX-License-Identifier: MIT */
/* pacer.c: a thread that sends datagrams at a steady rate. It looks at the
 * clock all the time, since a timer's wake-up is later than the next
 * datagram. */
#include "pacer.h"

#include "clock.h"
#include "pin.h"
#include "udp.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct pacer {
	struct pace pace;
	int *fds; /* one a stream, connected */
	size_t count;
	size_t next; /* the stream whose turn it is */
	size_t size;
	unsigned char *payload;
	struct iovec iovec;
	struct mmsghdr headers[PACER_LUMP_MAX];
	pthread_t thread;
	bool running;
	sem_t start;
	sem_t end;
	bool stop; /* told by `start` */
	int error; /* told by `end` */
};

static void stamp(struct pacer *pacer)
{
	const uint64_t now = clock_read(CLOCK_REALTIME);

	if (pacer->size >= sizeof(now))
		memcpy(pacer->payload, &now, sizeof(now));
}

static int send_lump(struct pacer *pacer)
{
	int fd = pacer->fds[pacer->next];

	pacer->next = (pacer->next + 1) % pacer->count;
	stamp(pacer);
	return udp_send_all(fd, pacer->headers, pacer->pace.lump);
}

/* On one core the receiver must have its turn, too. */
static void wait_until(uint64_t due)
{
	while (clock_wall_ns() < due)
		sched_yield();
}

static int send_slice(struct pacer *pacer)
{
	const struct pace *pace = &pacer->pace;
	const uint64_t began = clock_wall_ns();
	int error = 0;

	for (uint64_t i = 0; !error && i < pace->count; i += pace->lump) {
		wait_until(began + i * 1000000000u / pace->rate);
		error = send_lump(pacer);
	}
	return error;
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) && errno == EINTR)
		;
}

static void *serve(void *arg)
{
	struct pacer *pacer = arg;

	pin_second();
	for (;;) {
		await(&pacer->start);
		if (pacer->stop)
			return NULL;
		pacer->error = send_slice(pacer);
		sem_post(&pacer->end);
	}
}

void pacer_start(struct pacer *pacer)
{
	sem_post(&pacer->start);
}

int pacer_finish(struct pacer *pacer)
{
	await(&pacer->end);
	return pacer->error;
}

static int open_streams(struct pacer *pacer, const struct sockaddr_in *to,
			size_t count)
{
	pacer->fds = calloc(count, sizeof(*pacer->fds));
	if (!pacer->fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int fd = udp_connect(&to[i]);

		if (fd < 0)
			return fd;
		pacer->fds[pacer->count++] = fd;
	}
	return 0;
}

static int pacer_init(struct pacer *pacer, const struct sockaddr_in *to,
		      size_t count)
{
	int error;

	pacer->payload = calloc(1, pacer->size + 1);
	if (!pacer->payload)
		return -ENOMEM;
	pacer->iovec.iov_base = pacer->payload;
	pacer->iovec.iov_len = pacer->size;
	for (size_t i = 0; i < PACER_LUMP_MAX; i++) {
		pacer->headers[i].msg_hdr.msg_iov = &pacer->iovec;
		pacer->headers[i].msg_hdr.msg_iovlen = 1;
	}
	error = open_streams(pacer, to, count);
	if (!error)
		error = -pthread_create(&pacer->thread, NULL, serve, pacer);
	pacer->running = !error;
	return error;
}

int pacer_create(struct pacer **out, const struct sockaddr_in *to, size_t count,
		 size_t size, const struct pace *pace)
{
	struct pacer *pacer = calloc(1, sizeof(*pacer));
	int error;

	if (!pacer)
		return -ENOMEM;
	pacer->pace = *pace;
	pacer->size = size;
	sem_init(&pacer->start, 0, 0);
	sem_init(&pacer->end, 0, 0);
	error = pacer_init(pacer, to, count);
	if (error) {
		pacer_destroy(pacer);
		return error;
	}
	*out = pacer;
	return 0;
}

void pacer_destroy(struct pacer *pacer)
{
	if (!pacer)
		return;
	if (pacer->running) {
		pacer->stop = true;
		sem_post(&pacer->start);
		pthread_join(pacer->thread, NULL);
	}
	for (size_t i = 0; i < pacer->count; i++)
		close(pacer->fds[i]);
	sem_destroy(&pacer->start);
	sem_destroy(&pacer->end);
	free(pacer->payload);
	free(pacer->fds);
	free(pacer);
}
