/* SPDX-License-Identifier: MIT */
/* udp.h: plain UDP sockets on 127.0.0.1 for the ends of a measurement. */
#ifndef BENCH_UDP_H
#define BENCH_UDP_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What every receiving socket asks for, as SO_RCVBUF takes it. */
#define UDP_RECEIVE_BUFFER (4u << 20)

/* Opens a non-blocking socket on 127.0.0.1 and a port of the kernel's choice,
 * and returns its descriptor or a negative errno. `addr` may be NULL. */
int udp_open(struct sockaddr_in *addr);

/* The same on another of this machine's addresses: a loopback address has room
 * for about 28,000 ports of the kernel's choice. */
int udp_open_at(struct in_addr local, struct sockaddr_in *addr);

/* Sets "don't fragment" and leaves path MTUs alone, as hail does by default: by
 * itself that makes a send cheaper than the kernel's default does. 0 or a
 * negative errno. */
int udp_probe(int fd);

/* Opens one that is connected to `remote`. */
int udp_connect(const struct sockaddr_in *remote);

/* Asks for what comes from one sender in a row in one piece (UDP_GRO). 0 or a
 * negative errno. */
int udp_coalesce(int fd);

/* The bytes of each datagram of such a piece, as its control message says; 0
 * where it is a single one. */
size_t udp_segment_of(struct msghdr *header);

/* Asks for UDP_RECEIVE_BUFFER, past net.core.rmem_max where that is allowed.
 * What was granted is for udp_room() to find out. */
void udp_grow(int fd);

/* How many datagrams of `size` bytes surely fit the receive buffer. */
size_t udp_room(int fd, size_t size);

/* The same for a buffer of so many bytes as the kernel books them. */
size_t udp_room_of(size_t booked, size_t size);

/* Sends them all with sendmmsg(), and waits where there is no room: 0 or a
 * negative errno. */
int udp_send_all(int fd, struct mmsghdr *headers, size_t count);

/* After a send that returned -1: 0 when it may be tried again. */
int udp_wait_writable(int fd);

#ifdef __cplusplus
}
#endif

#endif
