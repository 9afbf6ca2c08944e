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
 * -EINVAL: `ip` is not a numeric address; -ENODEV: no interface of that name;
 * where an interface is named also -EMFILE, -ENFILE and -ENOMEM. Any
 * thread. */
int hail_addr_parse(struct hail_addr *out, const char *ip, uint16_t port);

/* Reads a numeric address with its port: "192.0.2.1:53", "[fe80::1%eth0]:53";
 * what hail_addr_format() writes it reads. Never asks DNS.
 * -EINVAL: no such text (an IPv6 address needs its brackets, the port is 0 to
 * 65535 in decimal), or NULL; -ENODEV: no interface of that name. Any
 * thread. */
int hail_addr_parse_text(struct hail_addr *out, const char *text);

/* Cuts "host:port" in two: "example.net:53", "[::1]:53", "192.0.2.1:53". The
 * host, without brackets, is written to `host`, for hail_addr_resolve() or
 * hail_addr_parse(), and `port` gets the port.
 * -EINVAL: no host or no port, a port above 65535, or NULL; -ENOSPC: `size` is
 * too small for the host. Any thread. */
int hail_addr_split(char *host, size_t size, uint16_t *port, const char *text);

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

/* An order over all addresses, for sorting and trees: by family, address, port,
 * scope. Below 0, 0 or above 0; 0 exactly where hail_addr_equal() says so, and
 * for two NULL, which come first. */
int hail_addr_compare(const struct hail_addr *a, const struct hail_addr *b);

/* A hash of what hail_addr_equal() compares, good in all its bits; 0 for NULL.
 * `seed` makes it another function: choose it by chance where strangers could
 * choose addresses that collide. The values may change between versions. */
uint64_t hail_addr_hash(const struct hail_addr *addr, uint64_t seed);

/* Whether it is an IPv4 address written in IPv6 (::ffff:a.b.c.d), as IPv4
 * remotes of a dual-stack socket appear. */
bool hail_addr_is_v4_mapped(const struct hail_addr *addr);

/* Convert in place, the port stays: a mapped address to plain IPv4, and plain
 * IPv4 to mapped. What is that form already is left as it is.
 * -EAFNOSUPPORT: it has no such form; -EINVAL: NULL. */
int hail_addr_unmap(struct hail_addr *addr);
int hail_addr_map(struct hail_addr *addr);

/* What kind of address it is; a mapped one is what it maps to, the port doesn't
 * count, and NULL or an address of no family is none of them.
 *   unspecified  0.0.0.0, ::
 *   loopback     127.0.0.0/8, ::1
 *   private      10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918),
 *                fc00::/7 (RFC 4193)
 *   link local   169.254.0.0/16, fe80::/10
 *   multicast    224.0.0.0/4, ff00::/8 */
bool hail_addr_is_unspecified(const struct hail_addr *addr);
bool hail_addr_is_loopback(const struct hail_addr *addr);
bool hail_addr_is_private(const struct hail_addr *addr);
bool hail_addr_is_link_local(const struct hail_addr *addr);
bool hail_addr_is_multicast(const struct hail_addr *addr);

/* Sets the scope of an IPv6 address to an interface, given as to
 * hail_interface_find(); NULL takes it away. -EINVAL: NULL address;
 * -EAFNOSUPPORT: not IPv6; or as hail_interface_find(). */
int hail_addr_set_scope(struct hail_addr *addr, const char *interface);

/* The index of an interface of this machine, for the calls and options that
 * take one: by its name ("eth0"), its number ("2"), or an address of its own
 * ("192.0.2.1", "2001:db8::1"). A name goes before a number. -ENODEV: there is
 * no such interface; -EINVAL: NULL; -EMFILE, -ENFILE, -ENOMEM. Any thread. */
int hail_interface_find(uint32_t *out, const char *text);

#ifdef __cplusplus
}
#endif

#endif
