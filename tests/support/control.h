/* SPDX-License-Identifier: MIT */
/* support/control.h: control messages as the kernel writes them, and as it
 * never would. */
#ifndef TEST_CONTROL_H
#define TEST_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define TEST_CONTROL_MAX 1024

struct test_control {
	size_t size;
	unsigned char bytes[TEST_CONTROL_MAX];
};

/* Adds one, with the bytes behind it that align the next. */
void test_control_add(struct test_control *control, int level, int type,
		      const void *data, size_t size);
void test_control_add_int(struct test_control *control, int level, int type,
			  int value);
/* Adds a header that says `length`, whatever follows. */
void test_control_add_header(struct test_control *control, int level, int type,
			     size_t length);
/* Adds all of another. */
void test_control_join(struct test_control *control,
		       const struct test_control *other);

/* Joins `count` of them (at most 8) in one of their orders, of which there are
 * test_control_orders(count). */
size_t test_control_orders(size_t count);
void test_control_join_order(struct test_control *control,
			     const struct test_control *parts, size_t count,
			     size_t order);

/* Copies bytes to the end of memory that ends with them, `shift` bytes off from
 * where malloc() aligns, so that a sanitizer sees a read past them. free() what
 * `memory` is set to. */
void *test_control_exact(void **memory, const void *bytes, size_t size,
			 size_t shift);

#endif
