/* SPDX-License-Identifier: MIT */
/* Any bytes as an options struct of a program of another age: the first byte
 * says how much the library knows, the rest is the struct. */
#include "fuzz.h"
#include "util/options.h"

#include <errno.h>
#include <string.h>

#define OWN_MAX 64

static int any_set(const unsigned char *bytes, size_t from, size_t to)
{
	while (from < to) {
		if (bytes[from++] != 0)
			return 1;
	}
	return 0;
}

static void check_read(const unsigned char *given, size_t size, size_t own_size)
{
	unsigned char own[OWN_MAX + 1];
	size_t head = sizeof(own_size), told;
	size_t known = size < own_size ? size : own_size;
	int rc;

	memset(own, 0x5a, sizeof(own));
	rc = hl_options_read(own, own_size, given);
	FUZZ_CHECK(own[own_size] == 0x5a);
	if (rc < 0) {
		FUZZ_CHECK(own[0] == 0x5a);
		FUZZ_CHECK(rc == (size < head ? -EINVAL : -E2BIG));
		FUZZ_CHECK(size < head || any_set(given, own_size, size));
		return;
	}
	FUZZ_CHECK(size >= head && !any_set(given, own_size, size));
	memcpy(&told, own, head);
	FUZZ_CHECK(told == own_size);
	FUZZ_CHECK(memcmp(own + head, given + head, known - head) == 0);
	FUZZ_CHECK(!any_set(own, known, own_size));
}

static void check_write(unsigned char *given, size_t size, size_t own_size)
{
	unsigned char own[OWN_MAX];
	size_t head = sizeof(own_size), told;
	int rc;

	memset(own, 0xa5, sizeof(own));
	rc = hl_options_write(given, own, own_size);
	FUZZ_CHECK(rc == (size < head       ? -EINVAL
			  : size > own_size ? -E2BIG
					    : 0));
	memcpy(&told, given, head);
	FUZZ_CHECK(told == size);
	FUZZ_CHECK(rc < 0 ||
		   memcmp(given + head, own + head, size - head) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t own_size, told;
	unsigned char *given;

	if (size < 1 + sizeof(told))
		return 0;
	own_size = sizeof(told) + *data++ % (OWN_MAX - sizeof(told) + 1);
	size--;
	given = malloc(size);
	FUZZ_CHECK(given);
	memcpy(given, data, size);
	/* A program that lies about its size is beyond help. */
	memcpy(&told, given, sizeof(told));
	if (told > size)
		told = told % (size + 1);
	memcpy(given, &told, sizeof(told));
	check_read(given, told, own_size);
	check_write(given, told, own_size);
	free(given);
	return 0;
}
