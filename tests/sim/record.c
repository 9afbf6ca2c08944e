/* SPDX-License-Identifier: MIT */
/* record.c: control messages put together by the macros of the C library, to
 * which the library that is tested makes no call. */
#include "record.h"

#include "net/addr.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000

static void append(struct sim_record *record, int level, int type,
		   const void *data, size_t size)
{
	struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(size),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	unsigned char *at = record->control + record->control_size;

	record->control_size += CMSG_SPACE(size);
	if (record->control_size > sizeof(record->control))
		abort();
	memcpy(at, &header, sizeof(header));
	memcpy(at + CMSG_LEN(0), data, size);
}

struct sim_record record_of(const struct sock_extended_err *error,
			    const struct hail_addr *remote,
			    const struct hail_addr *offender)
{
	struct hail_addr nobody = {.v4 = {.sin_family = AF_UNSPEC}};
	struct sim_record record = {.control_size = 0};
	unsigned char data[sizeof(*error) + sizeof(struct hail_addr)];
	bool v6 = offender && offender->sa.sa_family == AF_INET6;
	size_t size = sizeof(*error) +
		      (v6 ? sizeof(offender->v6) : sizeof(offender->v4));

	if (remote)
		record.name = *remote;
	memcpy(data, error, sizeof(*error));
	memcpy(data + sizeof(*error), offender ? offender : &nobody,
	       size - sizeof(*error));
	append(&record, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	       v6 ? IPV6_RECVERR : IP_RECVERR, data, size);
	return record;
}

struct sim_record record_refused(const struct hail_addr *remote)
{
	bool v6 = remote->sa.sa_family == AF_INET6;
	struct sock_extended_err error = {
		.ee_errno = ECONNREFUSED,
		.ee_origin = v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
		.ee_type = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH,
		.ee_code = v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_PORT_UNREACH,
	};
	struct hail_addr offender = *remote;

	return record_of(&error, remote, &offender);
}

struct sim_record record_txtime(unsigned code, uint64_t time_ns)
{
	struct sock_extended_err error = {
		.ee_errno = ECANCELED,
		.ee_origin = SO_EE_ORIGIN_TXTIME,
		.ee_code = (uint8_t)code,
		.ee_info = (uint32_t)time_ns,
		.ee_data = (uint32_t)(time_ns >> 32),
	};

	return record_of(&error, NULL, NULL);
}

static void set_time(struct timespec *out, uint64_t time_ns)
{
	out->tv_sec = (time_t)(time_ns / NS_PER_S);
	out->tv_nsec = (long)(time_ns % NS_PER_S);
}

struct sim_record record_stamp(uint32_t id, uint64_t time_ns,
			       uint64_t device_time_ns)
{
	struct sock_extended_err error = {
		.ee_errno = ENOMSG,
		.ee_origin = SO_EE_ORIGIN_TIMESTAMPING,
		.ee_info = SCM_TSTAMP_SND,
		.ee_data = id,
	};
	struct sim_record record = record_of(&error, NULL, NULL);
	struct timespec times[3] = {{0}};

	set_time(&times[0], time_ns);
	set_time(&times[2], device_time_ns);
	append(&record, SOL_SOCKET, SCM_TIMESTAMPING, times, sizeof(times));
	return record;
}
