/* SPDX-License-Identifier: MIT */
/* Any bytes as a record of the error queue: one for the size of the name, the
 * name, the rest as control messages. */
#include "fuzz.h"
#include "net/errqueue.h"

#include <errno.h>
#include <string.h>

struct told {
	struct hail_error error;
	struct hl_errqueue_stamp stamp;
};

static void check_addr(const struct hail_addr *addr)
{
	FUZZ_CHECK(addr->sa.sa_family == AF_UNSPEC ||
		   addr->sa.sa_family == AF_INET ||
		   addr->sa.sa_family == AF_INET6);
}

static void check_offender(const struct hail_error *error)
{
	const struct hail_addr *offender = &error->offender;

	check_addr(offender);
	if (offender->sa.sa_family == AF_UNSPEC)
		return;
	FUZZ_CHECK(error->icmp_version != 0);
	FUZZ_CHECK(offender->sa.sa_family == AF_INET
			   ? offender->v4.sin_port == 0
			   : offender->v6.sin6_port == 0);
}

static void check_error(const struct hail_error *error)
{
	bool too_big = error->kind == HAIL_ERROR_PATH_MTU;

	FUZZ_CHECK(error->kind >= HAIL_ERROR_REMOTE &&
		   error->kind <= HAIL_ERROR_TXTIME);
	FUZZ_CHECK(error->code < 0 && error->code >= -4095);
	FUZZ_CHECK(!error->data && error->size == 0);
	check_addr(&error->remote);
	check_offender(error);
	FUZZ_CHECK(error->icmp_version == 0 || error->icmp_version == 4 ||
		   error->icmp_version == 6);
	FUZZ_CHECK(error->icmp_version != 0 ||
		   error->kind != HAIL_ERROR_REMOTE);
	FUZZ_CHECK(error->icmp_version != 0 ||
		   (error->icmp_type == 0 && error->icmp_code == 0));
	FUZZ_CHECK(too_big == (error->mtu != 0));
	FUZZ_CHECK(!too_big || error->code == -EMSGSIZE);
	FUZZ_CHECK(!too_big || error->icmp_version != 4 || error->mtu >= 68);
	FUZZ_CHECK(!too_big || error->icmp_version != 6 || error->mtu >= 1280);
	FUZZ_CHECK(error->time_ns == 0 || error->kind == HAIL_ERROR_TXTIME);
}

/* Exactly as large, for AddressSanitizer; malloc(0) may be NULL. */
static void *copy(const uint8_t *data, size_t size)
{
	void *memory = malloc(size + (size == 0));

	FUZZ_CHECK(memory);
	memcpy(memory, data, size);
	return memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told told, before;
	void *name, *control;
	size_t name_size;
	int kind;

	if (size == 0)
		return 0;
	size--;
	name_size = *data++;
	if (name_size > size)
		name_size = size;
	name = copy(data, name_size);
	control = copy(data + name_size, size - name_size);
	memset(&told, 0x5a, sizeof(told));
	before = told;
	kind = hl_errqueue_parse(&told.error, &told.stamp, name, name_size,
				 control, size - name_size);
	FUZZ_CHECK(kind == -EBADMSG || kind == HL_ERRQUEUE_ERROR ||
		   kind == HL_ERRQUEUE_STAMP);
	if (kind == HL_ERRQUEUE_ERROR)
		check_error(&told.error);
	else
		FUZZ_CHECK(memcmp(&told.error, &before.error,
				  sizeof(told.error)) == 0);
	FUZZ_CHECK(kind == HL_ERRQUEUE_STAMP ||
		   memcmp(&told.stamp, &before.stamp, sizeof(told.stamp)) == 0);
	free(control);
	free(name);
	return 0;
}
