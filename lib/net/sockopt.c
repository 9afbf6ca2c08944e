/* SPDX-License-Identifier: MIT */
/* net/sockopt.c: socket options as a table. Those that are more than an integer
 * have functions of their own in sockopt_kind.c and sockopt_facts.c. */
#include "net/sockopt.h"

#include "net/sockopt_row.h"

#include <errno.h>
#include <hail/facts.h>
#include <hail/option.h>
#include <limits.h>
#include <netinet/udp.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define MEMBER(name) offsetof(struct hail_socket_options, name)
#define OPTION(name) .option = HAIL_OPTION_##name
#define SOCKET(value) .v4 = {SOL_SOCKET, value}
#define BOOL(name) .kind = HL_SOCKOPT_BOOL, .member = MEMBER(name), .max = 1
#define NUMBER(name, least, most)                                              \
	.kind = HL_SOCKOPT_NUMBER, .member = MEMBER(name), .min = (least),     \
	.max = (most)

/* In the order in which they are set. */
static const struct hl_sockopt_row rows[] = {
	/* net.ipv6.bindv6only may have turned it on. */
	{OPTION(IPV6_ONLY), BOOL(ipv6_only),
	 .flags = HL_SOCKOPT_OWN | HL_SOCKOPT_BINDS | HL_SOCKOPT_OPEN_ONLY |
		  HL_SOCKOPT_V6,
	 .v6 = {IPPROTO_IPV6, IPV6_V6ONLY}, .set = hl_sockopt_set_ipv6_only},
	{OPTION(FREE_BIND), BOOL(free_bind), .flags = HL_SOCKOPT_BINDS,
	 .v4 = {IPPROTO_IP, IP_FREEBIND}, .v6 = {IPPROTO_IPV6, IPV6_FREEBIND}},
	{OPTION(DEVICE), NUMBER(device, 0, UINT32_MAX),
	 .flags = HL_SOCKOPT_BINDS, SOCKET(SO_BINDTOIFINDEX),
	 .set = hl_sockopt_set_device},
	{OPTION(EXCLUSIVE), BOOL(exclusive), .min = 1,
	 .flags = HL_SOCKOPT_APART, .set = hl_sockopt_set_exclusive,
	 .get = hl_sockopt_get_exclusive},
	{OPTION(REUSE_ADDR), BOOL(reuse_addr), .flags = HL_SOCKOPT_APART,
	 SOCKET(SO_REUSEADDR)},
	{OPTION(REUSE_PORT), BOOL(reuse_port), .flags = HL_SOCKOPT_APART,
	 SOCKET(SO_REUSEPORT)},
	{OPTION(BROADCAST), BOOL(broadcast), .flags = HL_SOCKOPT_ROUTES,
	 SOCKET(SO_BROADCAST)},

	{OPTION(RECEIVE_BUFFER), NUMBER(receive_buffer, 0, UINT32_MAX),
	 SOCKET(SO_RCVBUF), .set = hl_sockopt_set_buffer,
	 .get = hl_sockopt_get_buffer},
	{OPTION(SEND_BUFFER), NUMBER(send_buffer, 0, UINT32_MAX),
	 SOCKET(SO_SNDBUF), .set = hl_sockopt_set_buffer,
	 .get = hl_sockopt_get_buffer},
	{OPTION(RECEIVE_BUFFER_BOOKED), .kind = HL_SOCKOPT_NONE,
	 SOCKET(SO_RCVBUF)},
	{OPTION(SEND_BUFFER_BOOKED), .kind = HL_SOCKOPT_NONE,
	 SOCKET(SO_SNDBUF)},
	{OPTION(BUSY_POLL), NUMBER(busy_poll_us, 0, INT_MAX),
	 SOCKET(SO_BUSY_POLL)},

	{OPTION(TTL), NUMBER(ttl, 1, 255), .v4 = {IPPROTO_IP, IP_TTL},
	 .v6 = {IPPROTO_IPV6, IPV6_UNICAST_HOPS}},
	{OPTION(TOS), NUMBER(tos, 0, 255), .flags = HL_SOCKOPT_ROUTES,
	 .v4 = {IPPROTO_IP, IP_TOS}, .v6 = {IPPROTO_IPV6, IPV6_TCLASS}},
	/* After the TOS of IPv4, which sets a priority too. */
	{OPTION(PRIORITY), NUMBER(priority, 0, UINT32_MAX),
	 SOCKET(SO_PRIORITY)},
	{OPTION(MARK), NUMBER(mark, 0, UINT32_MAX), .flags = HL_SOCKOPT_ROUTES,
	 SOCKET(SO_MARK)},
	{OPTION(PATH_MTU), NUMBER(path_mtu, 0, HAIL_PATH_MTU_OMIT),
	 .flags = HL_SOCKOPT_OWN, .v4 = {IPPROTO_IP, IP_MTU_DISCOVER},
	 .v6 = {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
	 .set = hl_sockopt_set_path_mtu, .get = hl_sockopt_get_path_mtu},
	/* After the mode, on which it depends. */
	{OPTION(DONT_FRAGMENT), BOOL(dont_fragment),
	 .v6 = {IPPROTO_IPV6, IPV6_DONTFRAG},
	 .set = hl_sockopt_set_dont_fragment,
	 .get = hl_sockopt_get_dont_fragment},

	{OPTION(MULTICAST_TTL), .kind = HL_SOCKOPT_ZERO,
	 .member = MEMBER(multicast_ttl), .max = 255,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_TTL},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS}},
	{OPTION(MULTICAST_LOOP), .kind = HL_SOCKOPT_NOT,
	 .member = MEMBER(no_multicast_loop), .max = 1,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_LOOP},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_LOOP}},
	{OPTION(MULTICAST_INTERFACE),
	 NUMBER(multicast_interface, 0, UINT32_MAX), .flags = HL_SOCKOPT_APART,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_IF},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_IF},
	 .set = hl_sockopt_set_multicast_interface},
	/* Of the groups on this machine those that it joined. */
	{.kind = HL_SOCKOPT_FIXED,
	 .flags = HL_SOCKOPT_OWN | HL_SOCKOPT_ADOPTED,
	 .v4 = {IPPROTO_IP, IP_MULTICAST_ALL},
	 .v6 = {IPPROTO_IPV6, IPV6_MULTICAST_ALL}},

	{OPTION(ERRORS), BOOL(errors),
	 .flags = HL_SOCKOPT_ADOPTED | HL_SOCKOPT_OPEN_ONLY,
	 .v4 = {IPPROTO_IP, IP_RECVERR}, .v6 = {IPPROTO_IPV6, IPV6_RECVERR}},
	{OPTION(COALESCE), NUMBER(coalesce, 0, HAIL_COALESCE_OFF),
	 .flags = HL_SOCKOPT_OPEN_ONLY, .v4 = {IPPROTO_UDP, UDP_GRO},
	 .set = hl_sockopt_set_coalesce},
	{.kind = HL_SOCKOPT_FIXED,
	 .flags = HL_SOCKOPT_ADOPTED,
	 .set = hl_sockopt_set_untold},
	{OPTION(FACTS), .kind = HL_SOCKOPT_FACTS, .member = MEMBER(facts),
	 .max = UINT32_MAX, .flags = HL_SOCKOPT_ADOPTED | HL_SOCKOPT_OPEN_ONLY,
	 .set = hl_sockopt_set_facts, .get = hl_sockopt_get_facts},
	/* The kernel has no way to turn it off again. */
	{OPTION(TXTIME), NUMBER(txtime, 0, HAIL_TXTIME_TAI),
	 .flags = HL_SOCKOPT_OPEN_ONLY | HL_SOCKOPT_APART,
	 .set = hl_sockopt_set_txtime, .get = hl_sockopt_get_txtime},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int hl_sockopt_set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		return -errno;
	return 0;
}

int hl_sockopt_get(int fd, int level, int name, int *value)
{
	socklen_t size = sizeof(*value);

	if (getsockopt(fd, level, name, value, &size))
		return -errno;
	return 0;
}

int hl_sockopt_start_coalescing(int fd)
{
	return hl_sockopt_set(fd, IPPROTO_UDP, UDP_GRO, 1);
}

int hl_sockopt_take_error(int fd)
{
	int error = 0;

	hl_sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);
	return error;
}

/* What the options say of a row: false, they leave it as it is. A value out of
 * its range is written all the same. */
static bool wanted(const struct hl_sockopt_row *row,
		   const struct hail_socket_options *options, uint32_t *value)
{
	const void *member = (const char *)options + row->member;
	const bool *flag = member;
	const uint32_t *number = member;

	switch (row->kind) {
	case HL_SOCKOPT_BOOL:
		*value = *flag;
		return *flag;
	case HL_SOCKOPT_NOT:
		*value = !*flag;
		return *flag;
	case HL_SOCKOPT_NUMBER:
		*value = *number;
		return *number;
	case HL_SOCKOPT_ZERO:
		*value = *number == HAIL_ZERO ? 0 : *number;
		return *number;
	case HL_SOCKOPT_FACTS:
		*value = *number | (options->sent ? HL_SOCKOPT_SENT : 0);
		return *value;
	default:
		*value = 0;
		return false;
	}
}

int hl_sockopt_check(const struct hail_socket_options *options)
{
	uint32_t value;

	if (options->exclusive && (options->reuse_addr || options->reuse_port))
		return -EINVAL;
	if (options->facts & ~HAIL_FACT_ALL)
		return -EINVAL;
	for (size_t i = 0; i < ROWS; i++) {
		if (wanted(&rows[i], options, &value) &&
		    (value < rows[i].min || value > rows[i].max))
			return -EINVAL;
	}
	return 0;
}

int hl_sockopt_set_plain(const struct hl_sockopt_target *target,
			 const struct hl_sockopt_row *row, uint32_t value)
{
	bool six = target->family == AF_INET6 && row->v6.name;
	int err = 0;

	if (row->v4.name && (!six || hl_sockopt_has_v4(target)))
		err = hl_sockopt_set(target->fd, row->v4.level, row->v4.name,
				     (int)value);
	if (!err && six)
		err = hl_sockopt_set(target->fd, row->v6.level, row->v6.name,
				     (int)value);
	return err;
}

int hl_sockopt_get_plain(const struct hl_sockopt_target *target,
			 const struct hl_sockopt_row *row, uint32_t *value)
{
	bool six = target->family == AF_INET6 && row->v6.name;
	const struct hl_sockopt_name *name = six ? &row->v6 : &row->v4;
	int found, err;

	err = hl_sockopt_get(target->fd, name->level, name->name, &found);
	if (!err)
		*value = (uint32_t)found;
	return err;
}

static int set_row(const struct hl_sockopt_target *target,
		   const struct hl_sockopt_row *row, uint32_t value)
{
	hl_sockopt_set_fn *set = row->set ? row->set : hl_sockopt_set_plain;

	return set(target, row, value);
}

/* An option of IPv6, and a socket of IPv4. */
static bool foreign(const struct hl_sockopt_target *target,
		    const struct hl_sockopt_row *row)
{
	return target->family == AF_INET && row->flags & HL_SOCKOPT_V6;
}

int hl_sockopt_apply(const struct hl_sockopt_target *target,
		     const struct hail_socket_options *options,
		     enum hl_sockopt_occasion occasion)
{
	int err = 0;

	for (size_t i = 0; i < ROWS && !err; i++) {
		const struct hl_sockopt_row *row = &rows[i];
		uint32_t value;
		bool asked = wanted(row, options, &value);

		if (foreign(target, row) || row->kind == HL_SOCKOPT_NONE)
			continue;
		if (asked || row->flags & (unsigned)occasion)
			err = set_row(target, row, value);
	}
	return err;
}

static int mirror(const struct hl_sockopt_target *from,
		  const struct hl_sockopt_target *to, unsigned flags)
{
	int err = 0;

	for (size_t i = 0; i < ROWS && !err; i++) {
		const struct hl_sockopt_row *row = &rows[i];
		uint32_t value;

		if (foreign(from, row) || !(row->flags & flags))
			continue;
		err = hl_sockopt_get_plain(from, row, &value);
		if (!err && (value || row->flags & HL_SOCKOPT_OWN))
			err = hl_sockopt_set_plain(to, row, value);
	}
	return err;
}

int hl_sockopt_mirror_binding(const struct hl_sockopt_target *from,
			      const struct hl_sockopt_target *to)
{
	return mirror(from, to, HL_SOCKOPT_BINDS);
}

int hl_sockopt_mirror_routing(const struct hl_sockopt_target *from,
			      const struct hl_sockopt_target *to)
{
	return mirror(from, to, HL_SOCKOPT_BINDS | HL_SOCKOPT_ROUTES);
}

/* What is the same already isn't set: some need rights for that. */
static int copy_name(const struct hl_sockopt_target *from,
		     const struct hl_sockopt_target *to,
		     const struct hl_sockopt_name *name)
{
	int wanted, found;
	int err = hl_sockopt_get(from->fd, name->level, name->name, &wanted);

	if (!err)
		err = hl_sockopt_get(to->fd, name->level, name->name, &found);
	if (err || wanted == found)
		return err;
	return hl_sockopt_set(to->fd, name->level, name->name, wanted);
}

/* As the kernel has it: another's descriptor may have what hail has no name
 * for, and each family its own. */
static int copy_plain(const struct hl_sockopt_target *from,
		      const struct hl_sockopt_target *to,
		      const struct hl_sockopt_row *row)
{
	bool six = from->family == AF_INET6 && row->v6.name;
	int err = 0;

	if (row->v4.name && (!six || hl_sockopt_has_v4(from)))
		err = copy_name(from, to, &row->v4);
	if (!err && six)
		err = copy_name(from, to, &row->v6);
	return err;
}

/* What isn't read as it is set: buffers, facts. */
static int copy_value(const struct hl_sockopt_target *from,
		      const struct hl_sockopt_target *to,
		      const struct hl_sockopt_row *row)
{
	uint32_t wanted, found;
	int err = row->get(from, row, &wanted);

	if (!err)
		err = row->get(to, row, &found);
	if (err || wanted == found)
		return err;
	return set_row(to, row, wanted);
}

int hl_sockopt_copy(const struct hl_sockopt_target *from,
		    const struct hl_sockopt_target *to)
{
	int err = 0;

	for (size_t i = 0; i < ROWS && !err; i++) {
		const struct hl_sockopt_row *row = &rows[i];

		if (foreign(from, row) || row->kind == HL_SOCKOPT_NONE ||
		    row->flags & HL_SOCKOPT_APART)
			continue;
		err = row->get && !row->v6.name ? copy_value(from, to, row)
						: copy_plain(from, to, row);
	}
	return err;
}

static const struct hl_sockopt_row *find(uint32_t option)
{
	for (size_t i = 0; i < ROWS && option; i++) {
		if (rows[i].option == option)
			return &rows[i];
	}
	return NULL;
}

int hl_sockopt_change(const struct hl_sockopt_target *target, uint32_t option,
		      uint32_t value)
{
	const struct hl_sockopt_row *row = find(option);

	if (!row)
		return -EINVAL;
	if (foreign(target, row))
		return -EAFNOSUPPORT;
	if (row->flags & HL_SOCKOPT_OPEN_ONLY || row->kind == HL_SOCKOPT_NONE)
		return -ENOTSUP;
	if (value < row->min || value > row->max)
		return -EINVAL;
	return set_row(target, row, value);
}

int hl_sockopt_read(const struct hl_sockopt_target *target, uint32_t option,
		    uint32_t *value)
{
	const struct hl_sockopt_row *row = find(option);

	if (!row)
		return -EINVAL;
	if (foreign(target, row))
		return -EAFNOSUPPORT;
	return row->get ? row->get(target, row, value)
			: hl_sockopt_get_plain(target, row, value);
}
