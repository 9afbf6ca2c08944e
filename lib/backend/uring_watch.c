/* SPDX-License-Identifier: MIT */
/*
 * uring_watch.c: a descriptor for foreign loops that is readable when the ring
 * has something to find.
 *
 * With deferred completions none of the ring's own ways serve (6.18): an epoll
 * of the ring isn't told of work that waits, and an eventfd registered with it
 * misses what happens inside a write to another eventfd (the kernel puts such
 * a signal off once and then never again). So the sockets themselves are in
 * an epoll, edge-triggered, since the ring leaves a datagram in its socket
 * until the owner looks. Only a program that asks for the descriptor pays.
 */
#include "uring.h"

#include <sys/epoll.h>

#define HL_WATCH_EVENTS 64

/* The ring must be told first: a turn that looks before that finds nothing,
 * and nothing tells it again. A socket wakes those who wait for it in the order
 * of a list, at whose end is who is exclusive, also if the ring was there
 * before. Such an entry can't be changed, only made anew. */
static void add(struct hl_uring *uring, int fd, uint32_t events)
{
	struct epoll_event event = {
		.events = events | EPOLLET | EPOLLEXCLUSIVE,
	};

	epoll_ctl(uring->base.fd, EPOLL_CTL_DEL, fd, NULL);
	epoll_ctl(uring->base.fd, EPOLL_CTL_ADD, fd, &event);
}

/* Writability is told with each datagram that leaves: only where somebody
 * waits for it. */
static void add_slot(struct hl_uring *uring, const struct hl_uring_slot *slot)
{
	add(uring, slot->fd, EPOLLIN | (slot->writability ? EPOLLOUT : 0));
}

void hl_uring_watch_slot(struct hl_uring *uring, uint32_t slot,
			 bool writability)
{
	uring->slots[slot].writability = writability;
	if (uring->watched)
		add_slot(uring, &uring->slots[slot]);
}

/* Closing the descriptor doesn't take it out of the set where another process,
 * or a copy, has the socket too. */
void hl_uring_forget_slot(struct hl_uring *uring, uint32_t slot)
{
	if (uring->watched)
		epoll_ctl(uring->base.fd, EPOLL_CTL_DEL, uring->slots[slot].fd,
			  NULL);
}

void hl_uring_watch(struct hl_backend *backend)
{
	struct hl_uring *uring = hl_uring_of(backend);

	uring->watched = true;
	add(uring, uring->wake_fd, EPOLLIN);
	for (uint32_t slot = 0; slot < uring->slot_count; slot++) {
		if (uring->slots[slot].fd >= 0)
			add_slot(uring, &uring->slots[slot]);
	}
}

void hl_uring_unwatch(struct hl_uring *uring)
{
	struct epoll_event events[HL_WATCH_EVENTS];
	int count;

	do
		count = epoll_wait(uring->base.fd, events, HL_WATCH_EVENTS, 0);
	while (count == HL_WATCH_EVENTS);
}
