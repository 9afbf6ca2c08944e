/* SPDX-License-Identifier: MIT */
/* net/sockopt_facts.c: what the kernel is asked to tell with each datagram,
 * and transmit times. */
#include "net/sockopt_row.h"

#include <errno.h>
#include <hail/facts.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>
#include <time.h>

/* Numbers of the kernel's that older headers lack. */
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif

/* Facts that are integer options. The kernel tells a dual-stack socket of an
 * IPv4 datagram's address and interface as of IPv6, but of its TTL and TOS by
 * the options of IPv4. */
static const struct {
	uint32_t fact;
	struct hl_sockopt_row row;
} told[] = {
	{HAIL_FACT_LOCAL,
	 {.v4 = {IPPROTO_IP, IP_PKTINFO},
	  .v6 = {IPPROTO_IPV6, IPV6_RECVPKTINFO}}},
	{HAIL_FACT_TTL,
	 {.v4 = {IPPROTO_IP, IP_RECVTTL},
	  .v6 = {IPPROTO_IPV6, IPV6_RECVHOPLIMIT}}},
	{HAIL_FACT_TOS,
	 {.v4 = {IPPROTO_IP, IP_RECVTOS},
	  .v6 = {IPPROTO_IPV6, IPV6_RECVTCLASS}}},
	{HAIL_FACT_DROPS, {.v4 = {SOL_SOCKET, SO_RXQ_OVFL}}},
};

/* Facts that are bits of SO_TIMESTAMPING. A message asks for timestamps of its
 * own sending by a control message, so no flag does. */
static const struct {
	uint32_t fact;
	int flags;
} stamped[] = {
	{HAIL_FACT_TIME,
	 SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE},
	{HAIL_FACT_DEVICE_TIME,
	 SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE},
	{HL_SOCKOPT_SENT,
	 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
		 SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY},
};

/* What else the kernel would tell of each datagram where the maker of a
 * descriptor has asked for it: nobody could read it, and it takes the room of
 * what hail has asked for. */
static const struct hl_sockopt_name untold[] = {
	{SOL_SOCKET, SO_TIMESTAMP},
	{SOL_SOCKET, SO_TIMESTAMPNS},
	{SOL_SOCKET, SO_TIMESTAMP_NEW},
	{SOL_SOCKET, SO_TIMESTAMPNS_NEW},
	{SOL_SOCKET, SO_RCVMARK},
	{SOL_SOCKET, SO_RCVPRIORITY},
	{IPPROTO_IP, IP_PKTINFO}, /* on a socket of IPv6 */
	{IPPROTO_IP, IP_PASSSEC},
	{IPPROTO_IP, IP_CHECKSUM},
	{IPPROTO_IP, IP_RECVOPTS},
	{IPPROTO_IP, IP_RETOPTS},
	{IPPROTO_IP, IP_RECVORIGDSTADDR},
	{IPPROTO_IP, IP_RECVFRAGSIZE},
	{IPPROTO_IPV6, IPV6_RECVHOPOPTS},
	{IPPROTO_IPV6, IPV6_RECVDSTOPTS},
	{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR},
	{IPPROTO_IPV6, IPV6_RECVFRAGSIZE},
	{IPPROTO_IPV6, IPV6_RECVRTHDR},
	{IPPROTO_IPV6, IPV6_RECVPATHMTU},
	{IPPROTO_IPV6, IPV6_FLOWINFO},
	{IPPROTO_IPV6, IPV6_2292PKTINFO},
	{IPPROTO_IPV6, IPV6_2292HOPLIMIT},
	{IPPROTO_IPV6, IPV6_2292HOPOPTS},
	{IPPROTO_IPV6, IPV6_2292DSTOPTS},
	{IPPROTO_IPV6, IPV6_2292RTHDR},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Only what is on: some need rights to be turned off where they are off. What
 * an older kernel doesn't know it doesn't tell. */
static int turn_off(int fd, const struct hl_sockopt_name *name)
{
	int on = 0;
	int err = hl_sockopt_get(fd, name->level, name->name, &on);

	if (!err && on)
		err = hl_sockopt_set(fd, name->level, name->name, 0);
	return err == -ENOPROTOOPT ? 0 : err;
}

int hl_sockopt_set_untold(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t value)
{
	int err = 0;

	(void)row;
	(void)value; /* 0: there is no other */
	for (size_t i = 0; i < COUNT(untold) && !err; i++) {
		if (target->family == AF_INET6 ||
		    untold[i].level != IPPROTO_IPV6)
			err = turn_off(target->fd, &untold[i]);
	}
	return err;
}

static int set_told(const struct hl_sockopt_target *target, size_t i, bool on)
{
	struct hl_sockopt_target one = *target;

	/* IPv6's alone: with both it would be told twice. */
	if (told[i].fact == HAIL_FACT_LOCAL)
		one.ipv6_only = true;
	return hl_sockopt_set_plain(&one, &told[i].row, on);
}

/* Counting of what is sent begins anew, whatever was on before: that is the
 * first number of a timestamp. */
static int set_stamped(const struct hl_sockopt_target *target, uint32_t facts)
{
	int flags = 0, before, err;

	for (size_t i = 0; i < COUNT(stamped); i++) {
		if (facts & stamped[i].fact)
			flags |= stamped[i].flags;
	}
	err = hl_sockopt_get(target->fd, SOL_SOCKET, SO_TIMESTAMPING, &before);
	if (!err && before)
		err = hl_sockopt_set(target->fd, SOL_SOCKET, SO_TIMESTAMPING,
				     0);
	if (!err && flags)
		err = hl_sockopt_set(target->fd, SOL_SOCKET, SO_TIMESTAMPING,
				     flags);
	return err;
}

int hl_sockopt_set_facts(const struct hl_sockopt_target *target,
			 const struct hl_sockopt_row *row, uint32_t value)
{
	int err = 0;

	(void)row;
	for (size_t i = 0; i < COUNT(told) && !err; i++)
		err = set_told(target, i, value & told[i].fact);
	return err ? err : set_stamped(target, value);
}

int hl_sockopt_get_facts(const struct hl_sockopt_target *target,
			 const struct hl_sockopt_row *row, uint32_t *value)
{
	uint32_t facts = 0, on = 0;
	int flags = 0, err = 0;

	(void)row;
	for (size_t i = 0; i < COUNT(told) && !err; i++) {
		err = hl_sockopt_get_plain(target, &told[i].row, &on);
		facts |= on ? told[i].fact : 0;
	}
	if (!err)
		err = hl_sockopt_get(target->fd, SOL_SOCKET, SO_TIMESTAMPING,
				     &flags);
	for (size_t i = 0; i < COUNT(stamped); i++) {
		if ((flags & stamped[i].flags) == stamped[i].flags)
			facts |= stamped[i].fact;
	}
	if (!err)
		*value = facts & HAIL_FACT_ALL;
	return err;
}

static const clockid_t clocks[] = {
	[HAIL_TXTIME_MONOTONIC] = CLOCK_MONOTONIC,
	[HAIL_TXTIME_TAI] = CLOCK_TAI,
};

int hl_sockopt_set_txtime(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t value)
{
	struct sock_txtime txtime = {
		.clockid = clocks[value],
		.flags = SOF_TXTIME_REPORT_ERRORS,
	};

	(void)row;
	if (setsockopt(target->fd, SOL_SOCKET, SO_TXTIME, &txtime,
		       sizeof(txtime)))
		return -errno;
	return 0;
}

/* A socket that never had a clock says CLOCK_REALTIME, which hail has no name
 * for. */
int hl_sockopt_get_txtime(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t *value)
{
	struct sock_txtime txtime = {0};
	socklen_t size = sizeof(txtime);
	uint32_t clock = COUNT(clocks);

	(void)row;
	if (getsockopt(target->fd, SOL_SOCKET, SO_TXTIME, &txtime, &size))
		return -errno;
	while (--clock > HAIL_TXTIME_OFF && clocks[clock] != txtime.clockid)
		;
	*value = clock;
	return 0;
}
