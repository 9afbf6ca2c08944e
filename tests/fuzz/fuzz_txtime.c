/* SPDX-License-Identifier: MIT */
/* Any bytes as the kernel's answer about queueing disciplines: four for the
 * interface, the rest the answer. */
#include "fuzz.h"
#include "net/txtime.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *answer;
	uint32_t interface;
	int rc;

	if (size < sizeof(interface))
		return 0;
	memcpy(&interface, data, sizeof(interface));
	size -= sizeof(interface);
	/* Exactly as large, for AddressSanitizer; malloc(0) may be NULL. */
	answer = malloc(size + (size == 0));
	FUZZ_CHECK(answer);
	memcpy(answer, data + sizeof(interface), size);
	rc = hl_txtime_parse(answer, size, interface);
	FUZZ_CHECK(rc >= -4095 && rc <= HL_TXTIME_END);
	FUZZ_CHECK(size > 0 || rc == -EBADMSG);
	free(answer);
	return 0;
}
