/* SPDX-License-Identifier: MIT */
/* Arrays come cleared from whichever allocator there is, and go back to it with
 * the sizes they were asked for. */
#include "util/memory.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0x5a

/* What the allocator was told last. */
static size_t asked, returned;
static unsigned live;
static bool refuse;

static void *allocate(size_t size, void *arg)
{
	void *pointer = refuse ? NULL : malloc(size);

	cr_assert_eq(arg, &live);
	asked = size;
	if (pointer) {
		memset(pointer, FILL, size);
		live++;
	}
	return pointer;
}

static void release(void *pointer, size_t size, void *arg)
{
	cr_assert_eq(arg, &live);
	cr_assert_not_null(pointer);
	returned = size;
	live--;
	free(pointer);
}

static const struct hl_memory plain;
static const struct hl_memory own = {allocate, release, &live};
static const struct hl_memory *const both[] = {&plain, &own};

static bool is_filled(const uint32_t *numbers, size_t count, uint32_t with)
{
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] != with)
			return false;
	}
	return true;
}

Test(memory, an_array_is_cleared)
{
	for (int i = 0; i < 2; i++) {
		uint32_t *numbers = hl_memory_allocate(both[i], 100, 4);

		cr_assert_not_null(numbers);
		cr_assert(is_filled(numbers, 100, 0));
		hl_memory_release(both[i], numbers, 100, 4);
	}
	cr_assert_eq(live, 0);
}

Test(memory, it_goes_back_with_the_size_it_was_asked_for)
{
	void *pointer = hl_memory_allocate(&own, 7, 12);

	cr_assert_eq(asked, 84);
	cr_assert_eq(live, 1);
	hl_memory_release(&own, pointer, 7, 12);
	cr_assert_eq(returned, 84);
	cr_assert_eq(live, 0);
}

Test(memory, nothing_may_be_released)
{
	for (int i = 0; i < 2; i++)
		hl_memory_release(both[i], NULL, 7, 12);
	cr_assert_eq(live, 0);
}

Test(memory, more_than_memory_can_be_is_none)
{
	/* So that the compiler doesn't see it. */
	volatile size_t most = SIZE_MAX;

	for (int i = 0; i < 2; i++) {
		cr_assert_null(hl_memory_allocate(both[i], most / 8 + 1, 8));
		cr_assert_null(hl_memory_allocate(both[i], 8, most / 8 + 1));
		cr_assert_null(hl_memory_allocate(both[i], most, most));
	}
	cr_assert_eq(asked, 0);
}

Test(memory, a_grown_array_keeps_its_members_and_clears_the_rest)
{
	for (int i = 0; i < 2; i++) {
		uint32_t *numbers = hl_memory_grow(both[i], NULL, 0, 10, 4);

		cr_assert(is_filled(numbers, 10, 0));
		memset(numbers, FILL, 10 * 4);
		numbers = hl_memory_grow(both[i], numbers, 10, 1000, 4);
		cr_assert(is_filled(numbers, 10, FILL * 0x01010101U));
		cr_assert(is_filled(numbers + 10, 990, 0));
		hl_memory_release(both[i], numbers, 1000, 4);
	}
	cr_assert_eq(live, 0);
}

Test(memory, the_old_array_is_released_with_its_own_size)
{
	void *pointer = hl_memory_grow(&own, NULL, 0, 10, 4);

	pointer = hl_memory_grow(&own, pointer, 10, 20, 4);
	cr_assert_eq(asked, 80);
	cr_assert_eq(returned, 40);
	hl_memory_release(&own, pointer, 20, 4);
}

Test(memory, an_array_that_can_not_grow_stays)
{
	volatile size_t most = SIZE_MAX;
	uint32_t *numbers = hl_memory_allocate(&own, 10, 4);

	memset(numbers, FILL, 10 * 4);
	cr_assert_null(hl_memory_grow(&own, numbers, 10, most, 4));
	refuse = true;
	cr_assert_null(hl_memory_grow(&own, numbers, 10, 20, 4));
	cr_assert(is_filled(numbers, 10, FILL * 0x01010101U));
	cr_assert_eq(live, 1);
	hl_memory_release(&own, numbers, 10, 4);
}
