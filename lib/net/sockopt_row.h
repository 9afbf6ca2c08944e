/* SPDX-License-Identifier: MIT */
/* net/sockopt_row.h: a row of the table of options, and the options that are
 * more to the kernel than an integer. For net/sockopt*.c only. */
#ifndef HL_NET_SOCKOPT_ROW_H
#define HL_NET_SOCKOPT_ROW_H

#include "net/sockopt.h"

/* How struct hail_socket_options says it. */
enum hl_sockopt_kind {
	HL_SOCKOPT_FIXED,  /* not at all: it is always 0 */
	HL_SOCKOPT_BOOL,   /* a bool */
	HL_SOCKOPT_NOT,    /* a bool for the opposite */
	HL_SOCKOPT_NUMBER, /* a uint32_t */
	HL_SOCKOPT_ZERO,   /* a uint32_t where HAIL_ZERO stands for 0 */
	HL_SOCKOPT_FACTS,  /* the facts, and whether there is `sent` */
	HL_SOCKOPT_NONE,   /* not at all: it can only be read */
};

/* Flags of a row, besides the occasions on which it is set even where the
 * options leave it at zero. */
enum {
	HL_SOCKOPT_BINDS = 1 << 2,     /* decides where it can be bound */
	HL_SOCKOPT_ROUTES = 1 << 3,    /* decides which way datagrams take */
	HL_SOCKOPT_OPEN_ONLY = 1 << 4, /* can't be changed later */
	HL_SOCKOPT_V6 = 1 << 5,        /* IPv4 has nothing like it */
	HL_SOCKOPT_APART = 1 << 6,     /* isn't copied to another socket */
};

/* Name 0: there is none. */
struct hl_sockopt_name {
	int level, name;
};

struct hl_sockopt_row;
typedef int hl_sockopt_set_fn(const struct hl_sockopt_target *target,
			      const struct hl_sockopt_row *row, uint32_t value);
typedef int hl_sockopt_get_fn(const struct hl_sockopt_target *target,
			      const struct hl_sockopt_row *row,
			      uint32_t *value);

struct hl_sockopt_row {
	uint8_t option; /* enum hail_option; 0: not for the public */
	uint8_t kind;   /* enum hl_sockopt_kind */
	uint8_t flags;
	uint16_t member; /* its offset in struct hail_socket_options */
	uint32_t min, max;
	struct hl_sockopt_name v4; /* of every socket, where v6 has no name */
	struct hl_sockopt_name v6;
	/* NULL: an integer, set and read by these names. */
	hl_sockopt_set_fn *set;
	hl_sockopt_get_fn *get;
};

/* Whether datagrams of IPv4 go through it. */
static inline bool hl_sockopt_has_v4(const struct hl_sockopt_target *target)
{
	return target->family == AF_INET || !target->ipv6_only;
}

/* sockopt.c: by the row's names; both families' on a dual-stack socket. */
hl_sockopt_set_fn hl_sockopt_set_plain;
hl_sockopt_get_fn hl_sockopt_get_plain;

/* sockopt_kind.c */
hl_sockopt_set_fn hl_sockopt_set_buffer, hl_sockopt_set_exclusive,
	hl_sockopt_set_ipv6_only, hl_sockopt_set_device,
	hl_sockopt_set_multicast_interface, hl_sockopt_set_path_mtu,
	hl_sockopt_set_dont_fragment, hl_sockopt_set_coalesce;
hl_sockopt_get_fn hl_sockopt_get_buffer, hl_sockopt_get_exclusive,
	hl_sockopt_get_path_mtu, hl_sockopt_get_dont_fragment;

/* sockopt_facts.c. The value of the facts may have this besides: timestamps of
 * what is sent are wanted. */
#define HL_SOCKOPT_SENT (1u << 31)
hl_sockopt_set_fn hl_sockopt_set_untold, hl_sockopt_set_facts,
	hl_sockopt_set_txtime;
hl_sockopt_get_fn hl_sockopt_get_facts, hl_sockopt_get_txtime;

#endif
