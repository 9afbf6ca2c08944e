/* SPDX-License-Identifier: MIT */
/* example.h: what every example needs and none is about: reading numbers,
 * telling where a socket is bound, and giving up with a message. */
#ifndef HAIL_EXAMPLE_H
#define HAIL_EXAMPLE_H

#include <ctype.h>
#include <errno.h>
#include <hail/hail.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program if a call of hail failed. */
static inline void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, hail_strerror(result));
	exit(EXIT_FAILURE);
}

/* The same for hail_engine_create(). An error number doesn't say whether a
 * sysctl, a container's seccomp filter or an old kernel refuses io_uring; the
 * probe does. */
static inline void check_engine(int result)
{
	struct hail_probe probe = {.size = sizeof(probe)};

	if (result < 0 && !hail_probe(&probe) && probe.uring)
		fprintf(stderr, "%s\n", probe.reason);
	check(result, "engine");
}

/* Reads a decimal number of at most `max`; false for anything else, also for
 * the signs and spaces that strtoul() lets pass. */
static inline bool read_number(const char *text, unsigned long max,
			       unsigned long *out)
{
	char *end;
	unsigned long number;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number > max)
		return false;
	*out = number;
	return true;
}

/* Reads a port; `min` is 0 where the kernel may choose one, else 1. */
static inline bool read_port(const char *text, uint16_t min, uint16_t *out)
{
	unsigned long number;

	if (!read_number(text, UINT16_MAX, &number) || number < min)
		return false;
	*out = (uint16_t)number;
	return true;
}

/* Tells people and scripts where a socket is bound: with port 0 only the
 * kernel knew. */
static inline void print_local(const struct hail_socket *socket)
{
	struct hail_addr local;
	char text[HAIL_ADDR_TEXT_MAX];

	check(hail_socket_local(socket, &local), "local address");
	check(hail_addr_format(&local, text, sizeof(text)), "local address");
	printf("listening on %s\n", text);
	fflush(stdout);
}

#endif
