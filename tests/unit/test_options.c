/* SPDX-License-Identifier: MIT */
/* Structs that begin with their size: programs and libraries of different age
 * understand each other. */
#include "util/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The same struct, as versions of a header may know it. */
struct older {
	size_t size;
	uint32_t first;
};

struct current {
	size_t size;
	uint32_t first;
	uint32_t second;
};

struct newer {
	size_t size;
	uint32_t first;
	uint32_t second;
	uint32_t third;
	unsigned char last;
};

static const struct current untouched = {9, 9, 9};

static void assert_untouched(const struct current *own)
{
	cr_assert_arr_eq(own, &untouched, sizeof(*own));
}

Test(options_read, null_gives_zeroes)
{
	struct current own = untouched;

	cr_assert_eq(hl_options_read(&own, sizeof(own), NULL), 0);
	cr_assert_eq(own.size, sizeof(own));
	cr_assert_eq(own.first, 0);
	cr_assert_eq(own.second, 0);
}

Test(options_read, the_same_size_is_copied)
{
	struct current own = untouched;
	struct current given = {.size = sizeof(given), 1, 2};

	cr_assert_eq(hl_options_read(&own, sizeof(own), &given), 0);
	cr_assert_arr_eq(&own, &given, sizeof(own));
}

Test(options_read, what_an_older_program_lacks_is_zero)
{
	struct current own = untouched;
	struct older given = {.size = offsetof(struct current, second), 1};

	cr_assert_eq(hl_options_read(&own, sizeof(own), &given), 0);
	cr_assert_eq(own.size, sizeof(own));
	cr_assert_eq(own.first, 1);
	cr_assert_eq(own.second, 0);
}

Test(options_read, a_struct_of_nothing_but_its_size_is_all_defaults)
{
	struct current own = untouched;
	size_t given = sizeof(given);

	cr_assert_eq(hl_options_read(&own, sizeof(own), &given), 0);
	cr_assert_eq(own.size, sizeof(own));
	cr_assert_eq(own.first, 0);
}

Test(options_read, a_newer_program_is_welcome_while_it_sets_nothing_newer)
{
	struct current own = untouched;
	struct newer given;

	memset(&given, 0, sizeof(given));
	given.size = sizeof(given);
	given.second = 2;
	cr_assert_eq(hl_options_read(&own, sizeof(own), &given), 0);
	cr_assert_eq(own.size, sizeof(own));
	cr_assert_eq(own.second, 2);
}

Test(options_read, any_newer_byte_that_is_set_is_e2big)
{
	for (size_t at = sizeof(struct current); at < sizeof(struct newer);
	     at++) {
		struct current own = untouched;
		struct newer given;

		memset(&given, 0, sizeof(given));
		given.size = sizeof(given);
		((unsigned char *)&given)[at] = 0x80;
		cr_assert_eq(hl_options_read(&own, sizeof(own), &given),
			     -E2BIG);
		assert_untouched(&own);
	}
}

Test(options_read, bytes_past_the_given_size_are_not_looked_at)
{
	struct current own = untouched;
	struct newer given = {.size = sizeof(struct current), 1, 2, 3, 4};

	cr_assert_eq(hl_options_read(&own, sizeof(own), &given), 0);
	cr_assert_eq(own.second, 2);
}

Test(options_read, a_size_that_does_not_hold_itself_is_einval)
{
	for (size_t size = 0; size < sizeof(size_t); size++) {
		struct current own = untouched;
		struct current given = {.size = size, 1, 2};

		cr_assert_eq(hl_options_read(&own, sizeof(own), &given),
			     -EINVAL);
		assert_untouched(&own);
	}
}

Test(options_write, the_callers_size_stays)
{
	const struct current own = {sizeof(own), 1, 2};
	struct current given = untouched;

	given.size = sizeof(given);
	cr_assert_eq(hl_options_write(&given, &own, sizeof(own)), 0);
	cr_assert_arr_eq(&given, &own, sizeof(own));
}

Test(options_write, an_older_program_gets_what_it_knows)
{
	const struct current own = {sizeof(own), 1, 2};
	struct current given = untouched;

	given.size = offsetof(struct current, second);
	cr_assert_eq(hl_options_write(&given, &own, sizeof(own)), 0);
	cr_assert_eq(given.size, offsetof(struct current, second));
	cr_assert_eq(given.first, 1);
	cr_assert_eq(given.second, 9);
}

Test(options_write, a_newer_program_is_e2big)
{
	const struct current own = {sizeof(own), 1, 2};
	struct newer given = {.size = sizeof(given), 9, 9, 9, 9};

	cr_assert_eq(hl_options_write(&given, &own, sizeof(own)), -E2BIG);
	cr_assert_eq(given.first, 9);
}

Test(options_write, null_and_a_size_that_does_not_hold_itself_are_einval)
{
	const struct current own = {sizeof(own), 1, 2};

	cr_assert_eq(hl_options_write(NULL, &own, sizeof(own)), -EINVAL);
	for (size_t size = 0; size < sizeof(size_t); size++) {
		struct current given = {.size = size, 9, 9};

		cr_assert_eq(hl_options_write(&given, &own, sizeof(own)),
			     -EINVAL);
		cr_assert_eq(given.first, 9);
	}
}
