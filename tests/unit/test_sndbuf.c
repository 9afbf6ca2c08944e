/* SPDX-License-Identifier: MIT */
/* The charge of a datagram is never below what the kernel books for it: neither
 * by the kernel's arithmetic, nor by the kernel itself. */
#include "net/sndbuf.h"

#include "network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <hail/addr.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DATAGRAM_MAX 65507
#define MTU_MIN 1280

/* skb->truesize of a packet: the head's kmalloc() and struct sk_buff. */
static size_t booked_packet(size_t packet, size_t overhead)
{
	size_t head = 1024;

	while (head < packet + overhead)
		head *= 2;
	return 256 + head;
}

/* What a datagram costs in IPv6, whose headers are the longer ones, with
 * `overhead` bytes in each head besides the packet: struct skb_shared_info and
 * what devices reserve for headers of theirs. */
static size_t booked(size_t size, size_t mtu, size_t overhead)
{
	size_t rest = size + 8, fragment = (mtu - 48) & ~(size_t)7, sum = 0;

	if (rest + 40 <= mtu)
		return booked_packet(rest + 40, overhead);
	for (; rest > fragment; rest -= fragment)
		sum += booked_packet(fragment + 48, overhead);
	return sum + booked_packet(rest + 48, overhead);
}

/* Sizes around every limit, and a sample of the others. */
static size_t next_size(size_t size)
{
	return size < 4096 || size > DATAGRAM_MAX - 8 ? size + 1 : size + 61;
}

static void assert_bound(size_t mtu, size_t overhead)
{
	for (size_t size = 0; size <= DATAGRAM_MAX; size = next_size(size))
		cr_assert_geq(hl_sndbuf_charge(size),
			      booked(size, mtu, overhead),
			      "%zu bytes, MTU %zu, overhead %zu", size, mtu,
			      overhead);
}

Test(sndbuf, the_charge_bounds_the_kernels_arithmetic_for_every_mtu)
{
	for (size_t mtu = MTU_MIN; mtu <= 65535; mtu += mtu < 2048 ? 4 : 997) {
		assert_bound(mtu, 320 + 32);
		assert_bound(mtu, 320 + 128);
	}
}

Test(sndbuf, the_charge_never_falls_with_the_size)
{
	for (size_t size = 0; size < DATAGRAM_MAX; size++)
		cr_assert_leq(hl_sndbuf_charge(size),
			      hl_sndbuf_charge(size + 1), "%zu", size);
}

/* Too high a charge is safe but makes hail ask the kernel too often. */
Test(sndbuf, the_charge_is_close_where_datagrams_are_common)
{
	cr_assert_leq(hl_sndbuf_charge(160), 1280);
	cr_assert_leq(hl_sndbuf_charge(448), 1280);
	cr_assert_leq(hl_sndbuf_charge(1200), 2304);
	cr_assert_leq(hl_sndbuf_charge(1232), 2304);
	cr_assert_leq(hl_sndbuf_charge(1472), 3584);
	cr_assert_leq(hl_sndbuf_charge(DATAGRAM_MAX), 3 * DATAGRAM_MAX);
}

static char payload[DATAGRAM_MAX];

/* What the kernel books for one datagram on the stuck link, or -1 where it
 * refuses. */
static int kernel_books(const struct hail_addr *remote, size_t size)
{
	const int most = 1 << 19;
	int booked_bytes = -1;
	int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
	if (sendto(fd, payload, size, MSG_DONTWAIT, &remote->sa,
		   sizeof(*remote)) == (ssize_t)size)
		ioctl(fd, SIOCOUTQ, &booked_bytes);
	close(fd);
	return booked_bytes;
}

static size_t next_measured(size_t size)
{
	static const size_t edges[] = {1232, 1233, 1452, 1453,  1472,
				       1473, 1488, 1489, 65506, DATAGRAM_MAX};
	size_t next = size < 1700 ? size + 29 : size + 1471;

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		if (size < edges[i] && edges[i] < next)
			return edges[i];
	}
	return next;
}

static void assert_measured(const char *ip, unsigned mtu)
{
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, ip, 9), 0);
	for (size_t size = 0; size <= DATAGRAM_MAX;
	     size = next_measured(size)) {
		int books = kernel_books(&remote, size);

		cr_assert_gt(books, 0, "%s: %zu bytes, MTU %u: %m", ip, size,
			     mtu);
		cr_assert_leq(books, (int)hl_sndbuf_charge(size),
			      "%s: %zu bytes, MTU %u", ip, size, mtu);
	}
}

/* The same for a train of so many, or -1. */
static int kernel_books_train(const struct hail_addr *remote, uint16_t segment,
			      size_t count)
{
	const int most = 1 << 19, size = segment;
	int booked_bytes = -1;
	int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	if (sendto(fd, payload, segment * count, MSG_DONTWAIT, &remote->sa,
		   sizeof(*remote)) == (ssize_t)(segment * count))
		ioctl(fd, SIOCOUTQ, &booked_bytes);
	close(fd);
	return booked_bytes;
}

static void assert_trains_measured(const char *ip, size_t mtu)
{
	static const size_t counts[] = {2, 3, 7, 30, 128};
	struct hail_addr remote;

	cr_assert_eq(hail_addr_parse(&remote, ip, 9), 0);
	for (size_t segment = 1; segment + 48 <= mtu; segment += 61) {
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			size_t count = counts[i];
			int books;

			if (segment * count > DATAGRAM_MAX)
				break;
			books = kernel_books_train(&remote, (uint16_t)segment,
						   count);
			cr_assert_gt(books, 0, "%s: %zu of %zu: %m", ip, count,
				     segment);
			cr_assert_leq((size_t)books,
				      count * hl_sndbuf_charge(segment),
				      "%s: %zu of %zu bytes, MTU %zu", ip,
				      count, segment, mtu);
		}
	}
}

static int network = -1;

/* A link on which nothing ever leaves: its peer answers nobody, so packets wait
 * for a neighbour's address and stay booked in the send buffer. */
static bool make_stuck_link(void)
{
	static const char *const waits[][2] = {
		{"ipv4/neigh/stuck/mcast_solicit", "600"},
		{"ipv6/neigh/stuck/mcast_solicit", "600"},
		{"ipv4/neigh/stuck/unres_qlen_bytes", "1000000000"},
		{"ipv6/neigh/stuck/unres_qlen_bytes", "1000000000"},
	};
	bool made = network_link(network, "stuck", network, "silent") == 0 &&
		    network_run(network,
				"ip link set silent arp off up && "
				"ip link set stuck up && "
				"ip addr add 10.111.0.1/24 dev stuck && "
				"ip addr add fd00:111::1/64 dev stuck") == 0;

	for (size_t i = 0; made && i < sizeof(waits) / sizeof(*waits); i++)
		made = network_set(network, waits[i][0], waits[i][1]) == 0;
	return made;
}

/* A closed socket with packets under way keeps its namespace, which keeps the
 * packets, for as long as a neighbour is looked for; and the table of
 * neighbours is one for all namespaces. So the link must go. */
static void delete_stuck_link(void)
{
	if (network >= 0)
		network_run(network, "ip link del stuck");
}

Test(sndbuf, the_charge_bounds_what_the_kernel_books, .fini = delete_stuck_link)
{
	static const unsigned mtus[] = {1280, 1420, 1500, 1700, 9000, 65535};
	static const char *const tools[] = {"ip", NULL};
	const char *missing = network_missing(tools);

	if (missing)
		cr_skip_test("%s", missing);
	network = network_open();
	cr_assert_geq(network, 0);
	cr_assert(make_stuck_link());
	cr_assert_eq(network_enter(network), 0);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
		cr_assert_eq(network_run(network, "ip link set stuck mtu %u",
					 mtus[i]),
			     0);
		assert_measured("10.111.0.2", mtus[i]);
		assert_measured("fd00:111::2", mtus[i]);
	}
}

/* Also where a device can't gather, so that a train lies in one piece, whose
 * memory is a power of two. */
Test(sndbuf, the_charges_of_its_messages_bound_what_a_train_costs,
     .fini = delete_stuck_link)
{
	static const unsigned mtus[] = {1280, 1500, 9000, 65535};
	static const char *const tools[] = {"ip", "ethtool", NULL};
	const char *missing = network_missing(tools);

	if (missing)
		cr_skip_test("%s", missing);
	network = network_open();
	cr_assert_geq(network, 0);
	cr_assert(make_stuck_link());
	cr_assert_eq(network_enter(network), 0);
	for (int gathers = 1; gathers >= 0; gathers--) {
		if (!gathers)
			cr_assert_eq(
				network_run(
					network,
					"ethtool -K stuck sg off >/dev/null"),
				0);
		for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
			cr_assert_eq(network_run(network,
						 "ip link set stuck mtu %u",
						 mtus[i]),
				     0);
			assert_trains_measured("10.111.0.2", mtus[i]);
			assert_trains_measured("fd00:111::2", mtus[i]);
		}
	}
}
