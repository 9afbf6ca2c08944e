/* SPDX-License-Identifier: MIT */
/* addr.h: an address and a port, of IPv4 or IPv6. */
#ifndef HAIL_ADDR_H
#define HAIL_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A socket address as the kernel knows it. All zero (AF_UNSPEC) means "none
 * given". Fill it with the calls below, or write its members yourself. */
struct hail_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* Long enough for any text of hail_addr_format() and its ending zero. */
#define HAIL_ADDR_TEXT_MAX 80

/* Reads a numeric address: "192.0.2.1", "2001:db8::1", "fe80::1%eth0",
 * "fe80::1%2". Never asks DNS and never blocks. `port` is in host order.
 * -EINVAL: `ip` is not a numeric address; -ENODEV: no interface of that name.
 * Any thread. */
int hail_addr_parse(struct hail_addr *out, const char *ip, uint16_t port);

/* Asks getaddrinfo() for the first address of a host: for set-up, since it
 * may block for seconds. A numeric address is accepted too.
 * -ENOENT: the name has no address; -EAGAIN: the name server did not answer
 * this time; -ENOMEM; -EINVAL. Any thread. */
int hail_addr_resolve(struct hail_addr *out, const char *host, uint16_t port);

/* Writes "127.0.0.1:53" or "[fe80::1%eth0]:53" into `text` and returns its
 * length. -ENOSPC: `size` is too small (HAIL_ADDR_TEXT_MAX never is);
 * -EAFNOSUPPORT: neither IPv4 nor IPv6. Any thread. */
int hail_addr_format(const struct hail_addr *addr, char *text, size_t size);

/* The port in host order; 0 for NULL and for an address of no family. */
uint16_t hail_addr_port(const struct hail_addr *addr);

/* Whether both name the same endpoint: family, address, port and, in IPv6,
 * scope. Two addresses of no family are equal; NULL equals nothing. */
bool hail_addr_equal(const struct hail_addr *a, const struct hail_addr *b);

#ifdef __cplusplus
}
#endif

#endif
