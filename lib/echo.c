/* SPDX-License-Identifier: MIT */
/* echo.c: compares records of the error queue with the last. */
#include "echo.h"

void hl_echo_expect(struct hl_echo *echo)
{
	echo->expected++;
}

bool hl_echo_is(struct hl_echo *echo, const struct hail_error *error)
{
	/* What a router says it says of one packet. */
	if (error->kind != HAIL_ERROR_PATH_MTU || error->icmp_version)
		return false;
	if (echo->expected && error->mtu == echo->mtu &&
	    hail_addr_equal(&error->remote, &echo->remote)) {
		echo->expected--;
		return true;
	}
	echo->mtu = error->mtu;
	echo->remote = error->remote;
	return false;
}
