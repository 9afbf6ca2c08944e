/* SPDX-License-Identifier: MIT */
/*
 * support/plain.h: UDP by plain system calls, as the other side of a test of
 * hail, and what the process holds. Every call that waits has a deadline.
 */
#ifndef TEST_PLAIN_H
#define TEST_PLAIN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t plain_now(void);

/* A socket that is bound to a port of the kernel's choice, or to `local`
 * (address and length), with a receive buffer of `bytes` where the system
 * allows it and `bytes` isn't 0; a negative errno. Receiving from it waits two
 * seconds at most. */
int plain_open(const char *ip, int bytes);
int plain_open_at(const struct sockaddr *local, socklen_t size, int bytes);
/* The port of a socket, in host order. */
uint16_t plain_port(int fd);
/* A port of 127.0.0.1 where nobody listens, and nobody else can while the
 * socket `holder` is open: it hears only a port that nobody sends from. */
uint16_t plain_dead_port(int *holder);

/* Sends one to a port of 127.0.0.1, or of ::1 where the socket is IPv6;
 * returns whether it went. */
bool plain_send(int fd, const void *data, size_t size, uint16_t port);
/* Sends bytes as one train of datagrams of `segment` bytes each, the last of
 * what is left; returns whether it went. */
bool plain_send_train(int fd, const void *data, size_t size, uint16_t segment,
		      uint16_t port);
/* Receives one; -EAGAIN: none has come by the deadline. */
ssize_t plain_receive(int fd, void *data, size_t size);
ssize_t plain_receive_from(int fd, void *data, size_t size, uint16_t *port);
/* Whether nothing is there to be received now. */
bool plain_silent(int fd);

/* Has the kernel look at its clock for each datagram that arrives, which it
 * does a moment after the first socket has asked for that; it does when this
 * returns and while the descriptor that it returns is open. Or a negative
 * errno. */
int plain_stamping(void);

/* How many descriptors this process has open. */
unsigned plain_descriptors(void);

/* Threads that send the same datagram to one port of 127.0.0.1 again and again
 * until they are told to stop. */
struct plain_flood;
struct plain_flood *plain_flood_start(uint16_t port, size_t size);
/* Returns how many it has sent. */
uint64_t plain_flood_stop(struct plain_flood *flood);

#endif
