/* SPDX-License-Identifier: MIT */
/* net/errqueue.c: reads a record of the error queue. The kernel writes it, but
 * for what strangers' ICMP messages say: what can't be is refused. */
#include "net/errqueue.h"

#include "net/cmsg_walk.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <time.h>
#include <linux/errqueue.h>

#define ERRNO_MAX 4095
#define MTU_MIN_V4 68
#define MTU_MIN_V6 1280

struct record {
	struct sock_extended_err error;
	struct hl_cmsg_part offender; /* its address */
	struct hl_cmsg_times times;
	bool has_error, has_times;
};

static bool is_error(const struct hl_cmsg_part *part)
{
	return (part->level == IPPROTO_IP && part->type == IP_RECVERR) ||
	       (part->level == IPPROTO_IPV6 && part->type == IPV6_RECVERR);
}

static void read_extended(struct record *record,
			  const struct hl_cmsg_part *part)
{
	const size_t size = sizeof(record->error);

	if (part->size < size)
		return;
	memcpy(&record->error, part->data, size);
	record->offender = *part;
	record->offender.data += size;
	record->offender.size -= size;
	record->has_error = true;
}

/* Facts that the socket asked for may lie before, between and behind. */
static void collect(struct record *record, const void *control, size_t size)
{
	struct hl_cmsg_walk walk = {control, size};
	struct hl_cmsg_part part;

	while (hl_cmsg_walk_next(&walk, &part)) {
		if (is_error(&part))
			read_extended(record, &part);
		else if (part.level == SOL_SOCKET &&
			 part.type == SCM_TIMESTAMPING)
			record->has_times |=
				hl_cmsg_walk_times(&record->times, &part);
	}
}

/* `size` bytes are there, and all of an address must be. What it doesn't have
 * is zero, and so is all of one of another family. */
static void read_addr(struct hail_addr *out, const void *bytes, size_t size)
{
	sa_family_t family;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(family))
		return;
	memcpy(&family, bytes, sizeof(family));
	if (family == AF_INET && size >= sizeof(out->v4))
		memcpy(&out->v4, bytes, sizeof(out->v4));
	else if (family == AF_INET6 && size >= sizeof(out->v6))
		memcpy(&out->v6, bytes, sizeof(out->v6));
}

static void read_offender(struct hail_error *out, const struct record *record)
{
	read_addr(&out->offender, record->offender.data, record->offender.size);
	if (out->offender.sa.sa_family == AF_INET)
		out->offender.v4.sin_port = 0;
	else if (out->offender.sa.sa_family == AF_INET6)
		out->offender.v6.sin6_port = 0;
}

static void read_local(struct hail_error *out, const struct record *record)
{
	out->kind = HAIL_ERROR_LOCAL;
	if (record->error.ee_errno == EMSGSIZE && record->error.ee_info) {
		out->kind = HAIL_ERROR_PATH_MTU;
		out->mtu = record->error.ee_info;
	}
}

/* Anybody can write "too big" and any number: what no link may have is not
 * believed (RFC 791, RFC 8200). */
static void read_icmp(struct hail_error *out, const struct record *record)
{
	const struct sock_extended_err *error = &record->error;
	bool v4 = error->ee_origin == SO_EE_ORIGIN_ICMP;
	bool too_big = v4 ? error->ee_type == ICMP_DEST_UNREACH &&
				       error->ee_code == ICMP_FRAG_NEEDED
			  : error->ee_type == ICMP6_PACKET_TOO_BIG;
	uint32_t mtu_min = v4 ? MTU_MIN_V4 : MTU_MIN_V6;

	out->kind = HAIL_ERROR_REMOTE;
	out->icmp_version = v4 ? 4 : 6;
	out->icmp_type = error->ee_type;
	out->icmp_code = error->ee_code;
	if (too_big && error->ee_errno == EMSGSIZE &&
	    error->ee_info >= mtu_min) {
		out->kind = HAIL_ERROR_PATH_MTU;
		out->mtu = error->ee_info;
	}
	read_offender(out, record);
}

/* The time is cut in two: ee_data has the high half (net/sched/sch_etf.c). */
static int read_txtime(struct hail_error *out, const struct record *record)
{
	const struct sock_extended_err *error = &record->error;

	if (error->ee_code == SO_EE_CODE_TXTIME_MISSED)
		out->code = -ECANCELED;
	else if (error->ee_code == SO_EE_CODE_TXTIME_INVALID_PARAM)
		out->code = -EINVAL;
	else
		return -EBADMSG;
	out->kind = HAIL_ERROR_TXTIME;
	out->time_ns = (uint64_t)error->ee_data << 32 | error->ee_info;
	return 0;
}

static int read_error(struct hail_error *out, const struct record *record)
{
	uint32_t number = record->error.ee_errno;

	/* It becomes a negative errno: any other number would be a success. */
	if (number == 0 || number > ERRNO_MAX)
		return -EBADMSG;
	out->code = -(int)number;
	switch (record->error.ee_origin) {
	case SO_EE_ORIGIN_LOCAL:
		read_local(out, record);
		return 0;
	case SO_EE_ORIGIN_ICMP:
	case SO_EE_ORIGIN_ICMP6:
		read_icmp(out, record);
		return 0;
	case SO_EE_ORIGIN_TXTIME:
		return read_txtime(out, record);
	default:
		return -EBADMSG;
	}
}

/* hail asks for none but SND: a stamp of another kind says nothing of when the
 * message left. */
static int read_stamp(struct hl_errqueue_stamp *out,
		      const struct record *record)
{
	if (record->error.ee_errno != ENOMSG ||
	    record->error.ee_info != SCM_TSTAMP_SND || !record->has_times)
		return -EBADMSG;
	out->id = record->error.ee_data;
	out->time_ns = record->times.time_ns;
	out->device_time_ns = record->times.device_time_ns;
	return HL_ERRQUEUE_STAMP;
}

int hl_errqueue_parse(struct hail_error *error, struct hl_errqueue_stamp *stamp,
		      const void *name, size_t name_size, const void *control,
		      size_t control_size)
{
	struct record record = {.has_error = false};
	struct hail_error found;
	int err;

	collect(&record, control, control_size);
	if (!record.has_error)
		return -EBADMSG;
	if (record.error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING)
		return read_stamp(stamp, &record);
	memset(&found, 0, sizeof(found));
	err = read_error(&found, &record);
	if (err)
		return err;
	read_addr(&found.remote, name, name_size);
	*error = found;
	return HL_ERRQUEUE_ERROR;
}
