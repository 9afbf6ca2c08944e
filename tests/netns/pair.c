/* SPDX-License-Identifier: MIT */
/* pair.c: the two namespaces, and reading numbered datagrams in the far one. */
#include "pair.h"

#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>

static const char MARK[] = "mark";

static const struct {
	bool far;
	const char *line;
} lines[] = {
	/* Before the interfaces are up: the link-local addresses follow. */
	{false, "ip link set dev near address " NEAR_MAC},
	{true, "ip link set dev far address " FAR_MAC},
	{false, "ip addr add " NEAR_V4 "/24 dev near"},
	/* Where no duplicates are looked for, that is found out later. */
	{false, "ip addr add " NEAR_V6 "/64 dev near nodad"},
	{true, "ip addr add " FAR_V4 "/24 dev far"},
	{true, "ip addr add " FAR_V6 "/64 dev far nodad"},
	{false, "ip link set dev near up"},
	{true, "ip link set dev far up"},
	/* What is sent while a neighbour is asked for may be dropped. */
	{false, "ip neigh add " FAR_V4 " lladdr " FAR_MAC " dev near"},
	{false, "ip neigh add " FAR_V6 " lladdr " FAR_MAC " dev near"},
	{true, "ip neigh add " NEAR_V4 " lladdr " NEAR_MAC " dev far"},
	{true, "ip neigh add " NEAR_V6 " lladdr " NEAR_MAC " dev far"},
};

static void check_tools(const char *const *tools)
{
	static const char *const always[] = {"ip", NULL};
	const char *reason = network_missing(always);

	if (!reason && tools)
		reason = network_missing(tools);
	if (reason)
		cr_skip_test("%s", reason);
}

void pair_start(struct pair *pair, const struct hail_engine_options *options,
		const char *const *tools)
{
	check_tools(tools);
	pair->near = network_open();
	pair->far = network_open();
	if (pair->near < 0 || pair->far < 0)
		cr_skip_test("no network namespace: %s", strerror(-pair->near));
	if (network_link(pair->near, "near", pair->far, "far"))
		cr_skip_test("no veth devices here");
	for (size_t i = 0; i < live_count(lines); i++)
		pair_run(lines[i].far ? pair->far : pair->near, "%s",
			 lines[i].line);
	pair_await(pair);
	cr_assert_eq(network_enter(pair->near), 0);
	pair->engine = live_engine(options);
}

/* The link is deleted here, and not with the last packet that waits in it. */
void pair_end(struct pair *pair)
{
	if (pair->engine)
		live_end(pair->engine);
	pair_run(pair->near, "ip link del near");
	close(pair->near);
	close(pair->far);
}

void pair_await(const struct pair *pair)
{
	cr_assert_eq(network_await(pair->near, "near"), 0);
	cr_assert_eq(network_await(pair->far, "far"), 0);
}

void pair_stick(const struct pair *pair)
{
	static const char neigh[] = "ipv4/neigh/near/";
	static const char *const settings[][2] = {
		{"mcast_solicit", "600"},
		{"unres_qlen_bytes", "1000000000"},
	};
	char path[64];

	pair_run(pair->far, "ip link set dev far arp off");
	for (size_t i = 0; i < live_count(settings); i++) {
		snprintf(path, sizeof(path), "%s%s", neigh, settings[i][0]);
		cr_assert_eq(network_set(pair->near, path, settings[i][1]), 0);
	}
	pair_run(pair->near, "ip neigh del " FAR_V4 " dev near");
}

void pair_unstick(const struct pair *pair)
{
	pair_run(pair->near, "ip neigh replace " FAR_V4 " lladdr " FAR_MAC
			     " dev near nud permanent");
}

void pair_give_up(const struct pair *pair)
{
	pair_run(pair->near, "ip neigh flush to " FAR_V4 " dev near");
}

static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void forge(const struct hail_addr *local, const struct hail_addr *remote,
		  const struct icmphdr *icmp)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} packet = {
		.icmp = *icmp,
		.ip = {.version = 4, .ihl = 5, .ttl = 64},
	};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	cr_assert_geq(fd, 0);
	packet.ip.tot_len = htons(sizeof(packet.ip) + sizeof(packet.udp));
	packet.ip.protocol = IPPROTO_UDP;
	packet.ip.saddr = local->v4.sin_addr.s_addr;
	packet.ip.daddr = remote->v4.sin_addr.s_addr;
	packet.ip.check = checksum(&packet.ip, sizeof(packet.ip));
	packet.udp.source = local->v4.sin_port;
	packet.udp.dest = remote->v4.sin_port;
	packet.udp.len = htons(sizeof(packet.udp));
	packet.icmp.checksum = checksum(&packet, sizeof(packet));
	cr_assert_eq(far_send(fd, &packet, sizeof(packet), local), 0);
	close(fd);
}

void pair_forge(const struct hail_addr *local, const struct hail_addr *remote,
		uint8_t type, uint8_t code)
{
	forge(local, remote, &(struct icmphdr){.type = type, .code = code});
}

void pair_forge_mtu(const struct hail_addr *local,
		    const struct hail_addr *remote, uint16_t mtu)
{
	forge(local, remote,
	      &(struct icmphdr){
		      .type = ICMP_DEST_UNREACH,
		      .code = ICMP_FRAG_NEEDED,
		      .un.frag.mtu = htons(mtu),
	      });
}

int pair_far(const struct pair *pair, const char *ip, uint16_t port,
	     struct hail_addr *out)
{
	int fd = far_open(pair->far, ip, port, out);

	cr_assert_geq(fd, 0, "%s: %s", ip, strerror(-fd));
	return fd;
}

int pair_narrow(const struct pair *pair, struct hail_addr *out)
{
	int beyond = network_open(), fd;

	cr_assert_geq(beyond, 0);
	cr_assert_eq(network_link(pair->far, "in", beyond, "out"), 0);
	pair_run(pair->far, "ip addr add 10.3.0.1/24 dev in");
	pair_run(pair->far, "ip link set in mtu " PAIR_NARROW " up");
	pair_run(beyond, "ip addr add 10.3.0.2/24 dev out");
	pair_run(beyond, "ip link set out mtu " PAIR_NARROW " up");
	cr_assert_eq(network_await(pair->far, "in"), 0);
	cr_assert_eq(network_await(beyond, "out"), 0);
	pair_run(beyond, "ip route add default via 10.3.0.1");
	cr_assert_eq(network_set(pair->far, "ipv4/ip_forward", "1"), 0);
	pair_run(pair->near, "ip route add 10.3.0.0/24 via " FAR_V4);
	fd = far_open(beyond, "10.3.0.2", 0, out);
	cr_assert_geq(fd, 0);
	close(beyond);
	return fd;
}

static void note(struct arrivals *arrivals, const void *data, size_t size,
		 uint64_t stamp)
{
	uint32_t stream, number;

	if (!numbered_read(data, size, &stream, &number) ||
	    stream >= PAIR_STREAMS) {
		arrivals->corrupt++;
		return;
	}
	if (number < arrivals->next[stream])
		arrivals->disorder++;
	else
		arrivals->next[stream] = number + 1;
	arrivals->count[stream]++;
	arrivals->bytes += size;
	arrivals->last_ns = stamp;
}

/* False: it was the mark. */
static bool read_one(int fd, struct arrivals *arrivals, uint64_t deadline)
{
	static unsigned char data[65536];
	uint64_t stamp;
	ssize_t size =
		far_receive(fd, data, sizeof(data), deadline, &stamp, NULL);

	cr_assert_geq(size, 0, "after %u: %s", arrivals->count[0],
		      strerror((int)-size));
	if (size == sizeof(MARK) && !memcmp(data, MARK, sizeof(MARK)))
		return false;
	note(arrivals, data, (size_t)size, stamp);
	return true;
}

void pair_read_all(int fd, const struct hail_addr *at,
		   struct arrivals *arrivals)
{
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;
	int marker = socket(at->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(marker, 0);
	cr_assert_eq(far_send(marker, MARK, sizeof(MARK), at), 0);
	while (read_one(fd, arrivals, deadline))
		;
	close(marker);
}

void pair_read(int fd, uint32_t count, struct arrivals *arrivals)
{
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;

	while (count--)
		cr_assert(read_one(fd, arrivals, deadline));
}
