/* SPDX-License-Identifier: MIT */
/* net/sockopt_kind.c: socket options that are more to the kernel than an
 * integer, or that the kernel doesn't check as hail promises it. */
#include "net/sockopt_row.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <sys/ioctl.h>

int hl_sockopt_set_buffer(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t value)
{
	/* The same beyond the sysctl's limit, for those who may. */
	int force = row->v4.name == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
	/* The kernel doubles it in an int. */
	int size = value > INT_MAX / 2 ? INT_MAX / 2 : (int)value;

	if (!hl_sockopt_set(target->fd, SOL_SOCKET, force, size))
		return 0;
	return hl_sockopt_set(target->fd, SOL_SOCKET, row->v4.name, size);
}

int hl_sockopt_get_buffer(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t *value)
{
	uint32_t booked;
	int err = hl_sockopt_get_plain(target, row, &booked);

	if (!err)
		*value = booked / 2;
	return err;
}

int hl_sockopt_set_exclusive(const struct hl_sockopt_target *target,
			     const struct hl_sockopt_row *row, uint32_t value)
{
	int err = hl_sockopt_set(target->fd, SOL_SOCKET, SO_REUSEADDR, 0);

	(void)row;
	(void)value; /* 1: there is no other */
	if (!err)
		err = hl_sockopt_set(target->fd, SOL_SOCKET, SO_REUSEPORT, 0);
	return err;
}

int hl_sockopt_get_exclusive(const struct hl_sockopt_target *target,
			     const struct hl_sockopt_row *row, uint32_t *value)
{
	int addr, port;
	int err = hl_sockopt_get(target->fd, SOL_SOCKET, SO_REUSEADDR, &addr);

	(void)row;
	if (!err)
		err = hl_sockopt_get(target->fd, SOL_SOCKET, SO_REUSEPORT,
				     &port);
	if (!err)
		*value = !addr && !port;
	return err;
}

/* The kernel refuses it on a bound socket, also where it changes nothing. */
int hl_sockopt_set_ipv6_only(const struct hl_sockopt_target *target,
			     const struct hl_sockopt_row *row, uint32_t value)
{
	uint32_t now;
	int err = hl_sockopt_get_plain(target, row, &now);

	if (err || now == value)
		return err;
	return hl_sockopt_set_plain(target, row, value);
}

/* The kernel takes the index of a device that isn't there, or says
 * -EADDRNOTAVAIL, as the case may be. */
static int check_interface(int fd, uint32_t index)
{
	struct ifreq request = {.ifr_ifindex = (int)index};

	if (!index)
		return 0;
	if (index > INT_MAX || ioctl(fd, SIOCGIFNAME, &request))
		return -ENODEV;
	return 0;
}

int hl_sockopt_set_device(const struct hl_sockopt_target *target,
			  const struct hl_sockopt_row *row, uint32_t value)
{
	int err = check_interface(target->fd, value);

	return err ? err : hl_sockopt_set_plain(target, row, value);
}

int hl_sockopt_set_multicast_interface(const struct hl_sockopt_target *target,
				       const struct hl_sockopt_row *row,
				       uint32_t value)
{
	struct ip_mreqn request = {.imr_ifindex = (int)value};
	int err = check_interface(target->fd, value);

	if (!err && hl_sockopt_has_v4(target) &&
	    setsockopt(target->fd, row->v4.level, row->v4.name, &request,
		       sizeof(request)))
		err = -errno;
	if (!err && target->family == AF_INET6)
		err = hl_sockopt_set(target->fd, row->v6.level, row->v6.name,
				     (int)value);
	return err;
}

/* The numbers are the same in IPv6. */
static const int modes[] = {
	[HAIL_PATH_MTU_PROBE] = IP_PMTUDISC_PROBE,
	[HAIL_PATH_MTU_WANT] = IP_PMTUDISC_WANT,
	[HAIL_PATH_MTU_DONT] = IP_PMTUDISC_DONT,
	[HAIL_PATH_MTU_INTERFACE] = IP_PMTUDISC_INTERFACE,
	[HAIL_PATH_MTU_OMIT] = IP_PMTUDISC_OMIT,
};

static bool is_whole(const struct hl_sockopt_target *target)
{
	int on = 0;

	return target->family == AF_INET6 &&
	       !hl_sockopt_get(target->fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on) &&
	       on;
}

/* A dual-stack socket that keeps its datagrams whole does so in IPv4 by its
 * mode. */
int hl_sockopt_set_path_mtu(const struct hl_sockopt_target *target,
			    const struct hl_sockopt_row *row, uint32_t value)
{
	if (value != HAIL_PATH_MTU_PROBE && hl_sockopt_has_v4(target) &&
	    is_whole(target))
		return -EINVAL;
	return hl_sockopt_set_plain(target, row, (uint32_t)modes[value]);
}

/* -ENOTSUP: IP_PMTUDISC_DO, which an adopted descriptor may have. */
int hl_sockopt_get_path_mtu(const struct hl_sockopt_target *target,
			    const struct hl_sockopt_row *row, uint32_t *value)
{
	uint32_t found;
	int err = hl_sockopt_get_plain(target, row, &found);

	if (err)
		return err;
	for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (modes[i] == (int)found) {
			*value = i;
			return 0;
		}
	}
	return -ENOTSUP;
}

/* Whether the mode of IPv4 lets nobody cut anything. */
static int probes_v4(const struct hl_sockopt_target *target, bool *out)
{
	int mode;
	int err =
		hl_sockopt_get(target->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode);

	if (!err)
		*out = mode == IP_PMTUDISC_PROBE;
	return err;
}

int hl_sockopt_set_dont_fragment(const struct hl_sockopt_target *target,
				 const struct hl_sockopt_row *row,
				 uint32_t value)
{
	bool probes = value;
	int err = 0;

	if (target->family == AF_INET || (value && hl_sockopt_has_v4(target)))
		err = probes_v4(target, &probes);
	if (!err && probes != value)
		err = -EINVAL;
	if (!err && target->family == AF_INET6)
		err = hl_sockopt_set(target->fd, row->v6.level, row->v6.name,
				     (int)value);
	return err;
}

int hl_sockopt_get_dont_fragment(const struct hl_sockopt_target *target,
				 const struct hl_sockopt_row *row,
				 uint32_t *value)
{
	bool probes = false;
	int err;

	if (target->family == AF_INET6)
		return hl_sockopt_get_plain(target, row, value);
	err = probes_v4(target, &probes);
	if (!err)
		*value = probes;
	return err;
}

/* AUTO, which is 0, leaves it as it is. */
int hl_sockopt_set_coalesce(const struct hl_sockopt_target *target,
			    const struct hl_sockopt_row *row, uint32_t value)
{
	return hl_sockopt_set_plain(target, row, value == HAIL_COALESCE_ON);
}
