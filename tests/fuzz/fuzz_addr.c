/* SPDX-License-Identifier: MIT */
/* Any text as an address, and any bytes as an address's struct: what was read
 * can be written, and what was written is read as the same. */
#include "fuzz.h"
#include "net/addr.h"

#include <errno.h>
#include <string.h>

static void check_same(const struct hail_addr *a, const struct hail_addr *b)
{
	FUZZ_CHECK(hail_addr_equal(a, b));
	FUZZ_CHECK(hail_addr_compare(a, b) == 0);
	FUZZ_CHECK(hail_addr_hash(a, 7) == hail_addr_hash(b, 7));
}

static void check_round_trip(const struct hail_addr *addr)
{
	char text[HAIL_ADDR_TEXT_MAX], host[HAIL_ADDR_TEXT_MAX];
	struct hail_addr again;
	int length = hail_addr_format(addr, text, sizeof(text));
	uint16_t port;

	FUZZ_CHECK(length > 0 && (size_t)length == strlen(text));
	FUZZ_CHECK(hail_addr_parse_text(&again, text) == 0);
	check_same(addr, &again);
	FUZZ_CHECK(hail_addr_split(host, sizeof(host), &port, text) == 0);
	FUZZ_CHECK(hail_addr_parse(&again, host, port) == 0);
	check_same(addr, &again);
}

static void check_read(const struct hail_addr *addr, int rc)
{
	if (rc == 0)
		check_round_trip(addr);
	else
		FUZZ_CHECK(rc == -EINVAL || rc == -ENODEV);
}

/* The host is what the text begins with, but for a bracket; it takes its length
 * and a byte, and not one less. */
static void try_split(const char *text, size_t size)
{
	char *host = malloc(size + 1);
	uint16_t port;
	size_t length;
	int rc;

	FUZZ_CHECK(host);
	rc = hail_addr_split(host, size + 1, &port, text);
	if (rc == 0) {
		length = strlen(host);
		FUZZ_CHECK(length > 0 && length < size);
		FUZZ_CHECK(memcmp(text + (*text == '['), host, length) == 0);
		FUZZ_CHECK(hail_addr_split(host, length, &port, text) ==
			   -ENOSPC);
		FUZZ_CHECK(hail_addr_split(host, length + 1, &port, text) == 0);
	} else {
		FUZZ_CHECK(rc == -EINVAL);
	}
	free(host);
}

static void try_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct hail_addr addr;

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	check_read(&addr, hail_addr_parse(&addr, text, 4711));
	check_read(&addr, hail_addr_parse_text(&addr, text));
	try_split(text, size);
	free(text);
}

/* It is of the same kinds in both forms, and comes back as it was. */
static void check_mapped(const struct hail_addr *addr)
{
	struct hail_addr other = *addr;

	FUZZ_CHECK(hail_addr_map(&other) == 0);
	FUZZ_CHECK(hail_addr_is_v4_mapped(&other));
	FUZZ_CHECK(!hail_addr_equal(addr, &other));
	FUZZ_CHECK(hail_addr_is_unspecified(addr) ==
		   hail_addr_is_unspecified(&other));
	FUZZ_CHECK(hail_addr_is_loopback(addr) ==
		   hail_addr_is_loopback(&other));
	FUZZ_CHECK(hail_addr_is_private(addr) == hail_addr_is_private(&other));
	FUZZ_CHECK(hail_addr_is_link_local(addr) ==
		   hail_addr_is_link_local(&other));
	FUZZ_CHECK(hail_addr_is_multicast(addr) ==
		   hail_addr_is_multicast(&other));
	FUZZ_CHECK(hail_addr_unmap(&other) == 0);
	check_same(addr, &other);
}

static unsigned kinds_of(const struct hail_addr *addr)
{
	return (unsigned)hail_addr_is_unspecified(addr) +
	       (unsigned)hail_addr_is_loopback(addr) +
	       (unsigned)hail_addr_is_private(addr) +
	       (unsigned)hail_addr_is_link_local(addr) +
	       (unsigned)hail_addr_is_multicast(addr);
}

static struct hail_addr addr_of(const uint8_t *data, size_t size)
{
	struct hail_addr addr;

	memset(&addr, 0, sizeof(addr));
	memcpy(&addr, data, size < sizeof(addr) ? size : sizeof(addr));
	return addr;
}

static void try_struct(const uint8_t *data, size_t size)
{
	struct hail_addr addr = addr_of(data, size);
	char text[HAIL_ADDR_TEXT_MAX];

	FUZZ_CHECK(kinds_of(&addr) <= 1);
	if (addr.sa.sa_family == AF_INET)
		check_mapped(&addr);
	if (hl_addr_size(&addr) > 0) {
		check_round_trip(&addr);
		return;
	}
	FUZZ_CHECK(hail_addr_format(&addr, text, sizeof(text)) ==
		   -EAFNOSUPPORT);
	FUZZ_CHECK(hail_addr_port(&addr) == 0);
	FUZZ_CHECK(hail_addr_equal(&addr, &addr) ==
		   (addr.sa.sa_family == AF_UNSPEC));
}

/* The other way round it is the other order; equality, hash and order agree. */
static void try_two(const uint8_t *data, size_t size)
{
	struct hail_addr a = addr_of(data, size / 2);
	struct hail_addr b = addr_of(data + size / 2, size - size / 2);
	int order = hail_addr_compare(&a, &b);
	int back = hail_addr_compare(&b, &a);

	FUZZ_CHECK((order > 0) == (back < 0) && (order < 0) == (back > 0));
	if (hail_addr_equal(&a, &b))
		check_same(&a, &b);
	else if (hl_addr_size(&a) > 0)
		FUZZ_CHECK(order != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_text(data, size);
	try_struct(data, size);
	try_two(data, size);
	return 0;
}
