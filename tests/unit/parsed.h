/* SPDX-License-Identifier: MIT */
/* parsed.h: addresses for tests, from text. */
#ifndef PARSED_H
#define PARSED_H

#include <criterion/criterion.h>
#include <hail/addr.h>
#include <string.h>

/* Outputs start with this byte, so that a write to them is seen. */
#define UNTOUCHED 0x5a

static inline struct hail_addr untouched(void)
{
	struct hail_addr addr;

	memset(&addr, UNTOUCHED, sizeof(addr));
	return addr;
}

static inline struct hail_addr parsed(const char *ip, uint16_t port)
{
	struct hail_addr addr = untouched();

	cr_assert_eq(hail_addr_parse(&addr, ip, port), 0, "\"%s\"", ip);
	return addr;
}

/* An address of another family than hail knows. */
static inline struct hail_addr of_family(sa_family_t family)
{
	struct hail_addr addr = untouched();

	addr.sa.sa_family = family;
	return addr;
}

#endif
