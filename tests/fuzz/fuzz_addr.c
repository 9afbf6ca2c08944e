/* SPDX-License-Identifier: MIT */
/* Any text as an address, and any bytes as an address's struct: what was read
 * can be written, and what was written is read as the same. */
#include "fuzz.h"
#include "net/addr.h"

#include <errno.h>
#include <string.h>

/* Takes the port and the brackets off a text of hail_addr_format(). */
static const char *bare_ip(char *text)
{
	*strrchr(text, ':') = '\0';
	if (*text != '[')
		return text;
	text[strlen(text) - 1] = '\0';
	return text + 1;
}

static void check_round_trip(const struct hail_addr *addr)
{
	char text[HAIL_ADDR_TEXT_MAX];
	struct hail_addr again;
	int length = hail_addr_format(addr, text, sizeof(text));

	FUZZ_CHECK(length > 0 && (size_t)length == strlen(text));
	FUZZ_CHECK(hail_addr_parse(&again, bare_ip(text),
				   hail_addr_port(addr)) == 0);
	FUZZ_CHECK(hail_addr_equal(addr, &again));
}

static void try_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct hail_addr addr;
	int rc;

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	rc = hail_addr_parse(&addr, text, 4711);
	if (rc == 0)
		check_round_trip(&addr);
	else
		FUZZ_CHECK(rc == -EINVAL || rc == -ENODEV);
	free(text);
}

static void try_struct(const uint8_t *data, size_t size)
{
	struct hail_addr addr;
	char text[HAIL_ADDR_TEXT_MAX];

	memset(&addr, 0, sizeof(addr));
	memcpy(&addr, data, size < sizeof(addr) ? size : sizeof(addr));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_text(data, size);
	try_struct(data, size);
	return 0;
}
