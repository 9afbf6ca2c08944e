/* SPDX-License-Identifier: MIT */
/* net/cmsg.c: control messages into facts and facts into control messages. What
 * was received is read with distrust; what is written the kernel checks. */
#include "net/cmsg.h"

#include "net/addr.h"
#include "net/cmsg_walk.h"

#include <hail/socket.h>

#include <assert.h>
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SCM_TXTIME
#define SCM_TXTIME 61
#endif
#ifndef SCM_TS_OPT_ID
#define SCM_TS_OPT_ID 81
#endif

#define SEGMENT_SIZE_MAX 65535

static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			      2 * CMSG_SPACE(sizeof(int)) +
			      CMSG_SPACE(sizeof(uint64_t)) +
			      CMSG_SPACE(sizeof(uint32_t)) <=
		      HL_CMSG_SEND_MAX,
	      "all that a message can say has room");

/* A dual-stack socket may be told of one datagram in both families. The mapped
 * form stays then, as the remote has it, whichever came first. */
static void read_local_v4(struct hail_facts *out,
			  const struct hl_cmsg_part *part)
{
	struct in_pktinfo info;

	if (out->local.sa.sa_family == AF_INET6 ||
	    !hl_cmsg_walk_copy(&info, sizeof(info), part))
		return;
	out->local.v4.sin_family = AF_INET;
	out->local.v4.sin_addr = info.ipi_addr;
	out->interface = (uint32_t)info.ipi_ifindex;
	out->known |= HAIL_FACT_LOCAL;
}

static void read_local_v6(struct hail_facts *out,
			  const struct hl_cmsg_part *part)
{
	struct in6_pktinfo info;

	if (!hl_cmsg_walk_copy(&info, sizeof(info), part))
		return;
	out->local.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	out->local.v6.sin6_addr = info.ipi6_addr;
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ||
	    IN6_IS_ADDR_MC_LINKLOCAL(&info.ipi6_addr))
		out->local.v6.sin6_scope_id = info.ipi6_ifindex;
	out->interface = info.ipi6_ifindex;
	out->known |= HAIL_FACT_LOCAL;
}

static void read_ttl(struct hail_facts *out, const struct hl_cmsg_part *part)
{
	int ttl;

	if (!hl_cmsg_walk_copy(&ttl, sizeof(ttl), part) || ttl < 0 ||
	    ttl > UINT8_MAX)
		return;
	out->ttl = (uint8_t)ttl;
	out->known |= HAIL_FACT_TTL;
}

/* IPv4's is a byte, IPv6's an int. */
static void read_tos(struct hail_facts *out, const struct hl_cmsg_part *part)
{
	uint8_t byte = 0;
	int tos;

	if (hl_cmsg_walk_copy(&byte, sizeof(byte), part))
		tos = byte;
	else if (!hl_cmsg_walk_copy(&tos, sizeof(tos), part))
		return;
	if (tos < 0 || tos > UINT8_MAX)
		return;
	out->tos = (uint8_t)tos;
	out->known |= HAIL_FACT_TOS;
}

static void read_times(struct hail_facts *out, const struct hl_cmsg_part *part)
{
	struct hl_cmsg_times times;

	if (!hl_cmsg_walk_times(&times, part))
		return;
	out->time_ns = times.time_ns;
	out->device_time_ns = times.device_time_ns;
	out->known &= ~(HAIL_FACT_TIME | HAIL_FACT_DEVICE_TIME);
	if (times.time_ns)
		out->known |= HAIL_FACT_TIME;
	if (times.device_time_ns)
		out->known |= HAIL_FACT_DEVICE_TIME;
}

static void read_drops(struct hail_facts *out, const struct hl_cmsg_part *part)
{
	if (hl_cmsg_walk_copy(&out->drops, sizeof(out->drops), part))
		out->known |= HAIL_FACT_DROPS;
}

struct reader {
	int level, type;
	void (*read)(struct hail_facts *out, const struct hl_cmsg_part *part);
};

static const struct reader readers[] = {
	{IPPROTO_IP, IP_PKTINFO, read_local_v4},
	{IPPROTO_IPV6, IPV6_PKTINFO, read_local_v6},
	{IPPROTO_IP, IP_TTL, read_ttl},
	{IPPROTO_IPV6, IPV6_HOPLIMIT, read_ttl},
	{IPPROTO_IP, IP_TOS, read_tos},
	{IPPROTO_IPV6, IPV6_TCLASS, read_tos},
	{SOL_SOCKET, SCM_TIMESTAMPING, read_times},
	{SOL_SOCKET, SO_RXQ_OVFL, read_drops},
};

static void read_part(struct hail_facts *out, const struct hl_cmsg_part *part)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].level == part->level &&
		    readers[i].type == part->type) {
			readers[i].read(out, part);
			return;
		}
	}
}

void hl_cmsg_read(struct hail_facts *out, const void *control, size_t size)
{
	struct hl_cmsg_walk walk = {control, size};
	struct hl_cmsg_part part;
	size_t own_size = out->size;

	memset(out, 0, sizeof(*out));
	out->size = own_size;
	while (hl_cmsg_walk_next(&walk, &part))
		read_part(out, &part);
}

/* The kernel tells an int; it takes the same thing as a u16. */
static uint32_t read_segment_size(const struct hl_cmsg_part *part)
{
	uint16_t narrow = 0;
	int size;

	if (hl_cmsg_walk_copy(&narrow, sizeof(narrow), part))
		return narrow;
	if (!hl_cmsg_walk_copy(&size, sizeof(size), part) || size < 0 ||
	    size > SEGMENT_SIZE_MAX)
		return 0;
	return (uint32_t)size;
}

uint32_t hl_cmsg_segment_size(const void *control, size_t size)
{
	struct hl_cmsg_walk walk = {control, size};
	struct hl_cmsg_part part;

	while (hl_cmsg_walk_next(&walk, &part)) {
		if (part.level == IPPROTO_UDP && part.type == UDP_GRO)
			return read_segment_size(&part);
	}
	return 0;
}

static int check_facts(const struct hail_message_facts *facts, bool v4)
{
	if (facts->tos > UINT8_MAX && facts->tos != HAIL_ZERO)
		return -EINVAL;
	if (facts->ttl > UINT8_MAX)
		return -EINVAL;
	if (facts->source.sa.sa_family == AF_UNSPEC)
		return 0;
	if (!hl_addr_size(&facts->source) ||
	    hl_addr_is_v4(&facts->source) != v4)
		return -EAFNOSUPPORT;
	return 0;
}

static void append(struct hl_cmsg *out, int level, int type, const void *data,
		   size_t size)
{
	const struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(size),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	unsigned char *at = out->bytes + out->size;

	memset(at, 0, CMSG_SPACE(size));
	memcpy(at, &header, sizeof(header));
	memcpy(at + CMSG_LEN(0), data, size);
	out->size += (uint32_t)CMSG_SPACE(size);
}

static void append_int(struct hl_cmsg *out, int level, int type, uint32_t value)
{
	append(out, level, type, &value, sizeof(value));
}

static void append_source_v4(struct hl_cmsg *out,
			     const struct hail_message_facts *facts)
{
	const struct hail_addr *source = &facts->source;
	struct in_pktinfo info = {.ipi_ifindex = (int)facts->interface};

	if (source->sa.sa_family == AF_INET)
		info.ipi_spec_dst = source->v4.sin_addr;
	else if (source->sa.sa_family == AF_INET6)
		memcpy(&info.ipi_spec_dst, &source->v6.sin6_addr.s6_addr[12],
		       sizeof(info.ipi_spec_dst));
	append(out, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

/* The kernel takes no link-local source without an interface; one that was read
 * from a datagram has it as its scope. */
static void append_source_v6(struct hl_cmsg *out,
			     const struct hail_message_facts *facts)
{
	const struct hail_addr *source = &facts->source;
	struct in6_pktinfo info = {.ipi6_ifindex = facts->interface};

	if (source->sa.sa_family == AF_INET6) {
		info.ipi6_addr = source->v6.sin6_addr;
		if (!facts->interface)
			info.ipi6_ifindex = source->v6.sin6_scope_id;
	}
	append(out, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void append_way(struct hl_cmsg *out,
		       const struct hail_message_facts *facts, bool v4)
{
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	uint32_t tos = facts->tos == HAIL_ZERO ? 0 : facts->tos;

	if (facts->source.sa.sa_family != AF_UNSPEC || facts->interface) {
		if (v4)
			append_source_v4(out, facts);
		else
			append_source_v6(out, facts);
	}
	if (facts->tos)
		append_int(out, level, v4 ? IP_TOS : IPV6_TCLASS, tos);
	if (facts->ttl)
		append_int(out, level, v4 ? IP_TTL : IPV6_HOPLIMIT, facts->ttl);
}

int hl_cmsg_write(struct hl_cmsg *out, const struct hail_message_facts *facts,
		  bool v4)
{
	int err = check_facts(facts, v4);

	if (err)
		return err;
	out->size = 0;
	append_way(out, facts, v4);
	if (facts->txtime_ns)
		append(out, SOL_SOCKET, SCM_TXTIME, &facts->txtime_ns,
		       sizeof(facts->txtime_ns));
	if (facts->timestamp)
		append_int(out, SOL_SOCKET, SO_TIMESTAMPING,
			   SOF_TIMESTAMPING_TX_SOFTWARE |
				   SOF_TIMESTAMPING_TX_HARDWARE);
	return 0;
}

void hl_cmsg_write_stamp_id(struct hl_cmsg *out, uint32_t id)
{
	append_int(out, SOL_SOCKET, SCM_TS_OPT_ID, id);
}

void hl_cmsg_write_segment(struct hl_cmsg *out, uint16_t segment)
{
	append(out, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}
