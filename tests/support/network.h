/* SPDX-License-Identifier: MIT */
/*
 * support/network.h: network namespaces of a test's own, as descriptors, and
 * the programs that set them up (ip, tc, nft). A socket stays in the namespace
 * in which it was made, so one thread can have sockets in several.
 */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a namespace with its loopback interface up; this thread stays where it
 * was. A descriptor, or a negative errno. */
int network_open(void);
/* This thread goes there. 0 or a negative errno. */
int network_enter(int network);

/* Goes to a new one where that can be had, so that no other program of this
 * machine uses the same ports. */
void network_enter_own(void);

/* Runs a line of shell in a namespace; 0 if it ended well. */
int network_run(int network, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes to a file below /proc/sys/net, as that namespace sees it. */
int network_set(int network, const char *path, const char *value);

/* A link between two namespaces: a pair of veth devices with these names. It
 * keeps the order of what is sent on it, whatever the processors. Addresses are
 * ready for use at once: none is looked for duplicates. */
int network_link(int a, const char *name_a, int b, const char *name_b);

/* Waits until an interface whose both ends were set up carries anything: that
 * comes a while later, and until then what is sent is dropped. */
int network_await(int network, const char *name);

/* Why tests can't have networks here; NULL: they can. `tools` is a list of
 * programs, NULL at its end. */
const char *network_missing(const char *const *tools);

#endif
