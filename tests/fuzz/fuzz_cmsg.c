/* SPDX-License-Identifier: MIT */
/* Any bytes as control messages of a datagram, and the same bytes as the facts
 * of a message, which are written and then read back. */
#include "fuzz.h"
#include "net/addr.h"
#include "net/cmsg.h"
#include "net/cmsg_walk.h"

#include <errno.h>
#include <hail/socket.h>
#include <string.h>

#define OWN_SIZE 4711

/* What isn't known is zero, and what is known can be. */
static void check_facts(const struct hail_facts *facts)
{
	static const struct hail_addr none;
	uint32_t known = facts->known;

	FUZZ_CHECK(facts->size == OWN_SIZE);
	FUZZ_CHECK((known & ~HAIL_FACT_ALL) == 0);
	FUZZ_CHECK(known & HAIL_FACT_TTL || facts->ttl == 0);
	FUZZ_CHECK(known & HAIL_FACT_TOS || facts->tos == 0);
	FUZZ_CHECK(known & HAIL_FACT_DROPS || facts->drops == 0);
	FUZZ_CHECK(!(known & HAIL_FACT_TIME) == !facts->time_ns);
	FUZZ_CHECK(!(known & HAIL_FACT_DEVICE_TIME) == !facts->device_time_ns);
	if (known & HAIL_FACT_LOCAL) {
		FUZZ_CHECK(hl_addr_size(&facts->local) > 0);
		/* Both families have it at the same place. */
		FUZZ_CHECK(facts->local.v4.sin_port == 0);
		return;
	}
	FUZZ_CHECK(facts->interface == 0);
	FUZZ_CHECK(memcmp(&facts->local, &none, sizeof(none)) == 0);
}

/* Wherever the bytes begin: the answers are the same. */
static void try_read(const uint8_t *data, size_t size, size_t shift,
		     struct hail_facts *facts, uint32_t *segment)
{
	/* Exactly as large, for AddressSanitizer; malloc(0) may be NULL. */
	unsigned char *memory = malloc(shift + size + (shift + size == 0));

	FUZZ_CHECK(memory);
	memcpy(memory + shift, data, size);
	memset(facts, 0x5a, sizeof(*facts));
	facts->size = OWN_SIZE;
	hl_cmsg_read(facts, memory + shift, size);
	*segment = hl_cmsg_segment_size(memory + shift, size);
	check_facts(facts);
	FUZZ_CHECK(*segment <= 65535);
	free(memory);
}

/* The messages fill what was written, to its end. */
static void check_written(const struct hl_cmsg *cmsg,
			  const struct hail_message_facts *facts)
{
	struct hl_cmsg_walk walk = {cmsg->bytes, cmsg->size};
	uint32_t tos = facts->tos == HAIL_ZERO ? 0 : facts->tos;
	struct hail_facts read = {.size = OWN_SIZE};
	struct hl_cmsg_part part;

	FUZZ_CHECK(cmsg->size <= HL_CMSG_SEND_MAX && cmsg->size % 8 == 0);
	while (hl_cmsg_walk_next(&walk, &part))
		FUZZ_CHECK(part.size > 0);
	FUZZ_CHECK(walk.size == 0);
	hl_cmsg_read(&read, cmsg->bytes, cmsg->size);
	FUZZ_CHECK(read.ttl == facts->ttl && read.tos == tos);
	FUZZ_CHECK(!(read.known & HAIL_FACT_TOS) == !facts->tos);
	FUZZ_CHECK(!facts->interface || read.interface == facts->interface);
}

static void try_write(const uint8_t *data, size_t size, bool v4)
{
	struct hail_message_facts facts;
	struct hl_cmsg cmsg, before;
	unsigned char *flag = (unsigned char *)&facts +
			      offsetof(struct hail_message_facts, timestamp);
	int rc;

	memset(&facts, 0, sizeof(facts));
	memcpy(&facts, data, size < sizeof(facts) ? size : sizeof(facts));
	/* Any other byte in a bool is beyond help. */
	*flag &= 1;
	memset(&cmsg, 0x5a, sizeof(cmsg));
	before = cmsg;
	rc = hl_cmsg_write(&cmsg, &facts, v4);
	if (rc == 0) {
		check_written(&cmsg, &facts);
		return;
	}
	FUZZ_CHECK(rc == -EINVAL || rc == -EAFNOSUPPORT);
	FUZZ_CHECK(memcmp(&cmsg, &before, sizeof(cmsg)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hail_facts facts, again;
	uint32_t segment, segment_again;

	try_read(data, size, 0, &facts, &segment);
	try_read(data, size, 1, &again, &segment_again);
	FUZZ_CHECK(memcmp(&facts, &again, sizeof(facts)) == 0);
	FUZZ_CHECK(segment == segment_again);
	try_write(data, size, true);
	try_write(data, size, false);
	return 0;
}
