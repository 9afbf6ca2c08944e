/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PARTS_MAX 8

static void add_bytes(struct test_control *control, const void *bytes,
		      size_t size)
{
	assert(size <= TEST_CONTROL_MAX - control->size);
	memcpy(control->bytes + control->size, bytes, size);
	control->size += size;
}

void test_control_add_header(struct test_control *control, int level, int type,
			     size_t length)
{
	const struct cmsghdr header = {
		.cmsg_len = length,
		.cmsg_level = level,
		.cmsg_type = type,
	};

	add_bytes(control, &header, sizeof(header));
}

void test_control_add(struct test_control *control, int level, int type,
		      const void *data, size_t size)
{
	static const unsigned char zeros[8];

	test_control_add_header(control, level, type, CMSG_LEN(size));
	add_bytes(control, data, size);
	add_bytes(control, zeros, CMSG_SPACE(size) - CMSG_LEN(size));
}

void test_control_add_int(struct test_control *control, int level, int type,
			  int value)
{
	test_control_add(control, level, type, &value, sizeof(value));
}

void test_control_join(struct test_control *control,
		       const struct test_control *other)
{
	add_bytes(control, other->bytes, other->size);
}

size_t test_control_orders(size_t count)
{
	return count < 2 ? 1 : count * test_control_orders(count - 1);
}

/* The n-th of those that aren't taken yet. */
static size_t take(bool *taken, size_t n)
{
	size_t i = 0;

	while (taken[i] || n-- > 0)
		i++;
	taken[i] = true;
	return i;
}

void test_control_join_order(struct test_control *control,
			     const struct test_control *parts, size_t count,
			     size_t order)
{
	bool taken[PARTS_MAX] = {false};

	assert(count <= PARTS_MAX);
	for (size_t left = count; left > 0; left--) {
		test_control_join(control, &parts[take(taken, order % left)]);
		order /= left;
	}
}

void *test_control_exact(void **memory, const void *bytes, size_t size,
			 size_t shift)
{
	/* malloc(0) may be NULL. */
	unsigned char *exact = malloc(shift + size + (shift + size == 0));

	assert(exact);
	*memory = exact;
	memcpy(exact + shift, bytes, size);
	return exact + shift;
}
