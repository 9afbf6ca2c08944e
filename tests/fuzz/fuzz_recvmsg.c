/* SPDX-License-Identifier: MIT */
/* Any bytes as a receive buffer: two for the space of control messages, two for
 * the socket's datagram_max, the rest as the kernel would have written it. */
#include "fuzz.h"
#include "net/recvmsg.h"

#include <errno.h>
#include <string.h>

#define PREFIX_SIZE 4

static void check_datagram(const struct hail_datagram *out,
			   const unsigned char *buffer, size_t size,
			   size_t control_space, size_t datagram_max)
{
	const unsigned char *data = out->data;
	volatile unsigned char sink;

	FUZZ_CHECK(data == buffer + HL_RECVMSG_OVERHEAD + control_space);
	FUZZ_CHECK(out->size <= (size_t)(buffer + size - data));
	FUZZ_CHECK(datagram_max == 0 || out->size <= datagram_max);
	FUZZ_CHECK(out->size <= out->true_size);
	FUZZ_CHECK((out->flags & ~HAIL_DATAGRAM_TRUNCATED) == 0);
	FUZZ_CHECK(out->size == out->true_size || out->flags != 0);
	FUZZ_CHECK(out->remote.sa.sa_family == AF_UNSPEC ||
		   out->remote.sa.sa_family == AF_INET ||
		   out->remote.sa.sa_family == AF_INET6);
	for (size_t i = 0; i < out->size; i++)
		sink = data[i];
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t control_space, datagram_max;
	struct hail_datagram out;
	unsigned char *buffer;
	int rc;

	if (size < PREFIX_SIZE)
		return 0;
	control_space = data[0] | (size_t)data[1] << 8;
	datagram_max = data[2] | (size_t)data[3] << 8;
	size -= PREFIX_SIZE;
	/* Exactly as large, for AddressSanitizer; malloc(0) may be NULL. */
	buffer = malloc(size + (size == 0));
	FUZZ_CHECK(buffer);
	memcpy(buffer, data + PREFIX_SIZE, size);
	rc = hl_recvmsg_parse(&out, buffer, size, control_space, datagram_max);
	if (rc == 0)
		check_datagram(&out, buffer, size, control_space, datagram_max);
	else
		FUZZ_CHECK(rc == -EBADMSG &&
			   size < HL_RECVMSG_OVERHEAD + control_space);
	free(buffer);
	return 0;
}
