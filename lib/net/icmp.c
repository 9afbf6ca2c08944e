/* SPDX-License-Identifier: MIT */
/* net/icmp.c: see icmp_err_convert in the kernel's net/ipv4/icmp.c, and
 * tab_unreach in net/ipv6/icmp.c. */
#include "net/icmp.h"

#include <errno.h>

bool hl_icmp_may_be(int error)
{
	switch (error) {
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EHOSTDOWN:
	case -ENONET:
	case -EOPNOTSUPP:
	case -EPROTO:
	case -EMSGSIZE:
	case -ENOPROTOOPT:
	case -EACCES:
		return true;
	default:
		return false;
	}
}
