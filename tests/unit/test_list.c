/* SPDX-License-Identifier: MIT */
/* The list keeps order, and a link may always be unlinked. */
#include "util/list.h"

#include <criterion/criterion.h>

struct member {
	int number;
	struct hl_list link;
};

static struct hl_list list, other;
static struct member members[4];

static void start(void)
{
	hl_list_init(&list);
	hl_list_init(&other);
	for (int i = 0; i < 4; i++) {
		members[i].number = i;
		hl_list_init(&members[i].link);
	}
}

TestSuite(list, .init = start);

/* Forwards and backwards, the members must be these digits. */
static void assert_members(const struct hl_list *head, const char *digits)
{
	const struct hl_list *at = head;
	size_t count = 0;

	for (; digits[count] != '\0'; count++) {
		at = at->next;
		cr_assert_eq(hl_list_entry(at, struct member, link)->number,
			     digits[count] - '0');
	}
	cr_assert_eq(at->next, head);
	for (at = head; count > 0; count--) {
		at = at->prev;
		cr_assert_eq(hl_list_entry(at, struct member, link)->number,
			     digits[count - 1] - '0');
	}
	cr_assert_eq(at->prev, head);
}

Test(list, a_new_one_is_empty)
{
	cr_assert(hl_list_empty(&list));
	assert_members(&list, "");
}

Test(list, appending_keeps_order)
{
	for (int i = 0; i < 4; i++)
		hl_list_append(&list, &members[i].link);
	cr_assert_not(hl_list_empty(&list));
	assert_members(&list, "0123");
}

Test(list, any_member_may_be_unlinked)
{
	for (int i = 0; i < 4; i++)
		hl_list_append(&list, &members[i].link);
	hl_list_unlink(&members[1].link);
	assert_members(&list, "023");
	hl_list_unlink(&members[0].link);
	hl_list_unlink(&members[3].link);
	assert_members(&list, "2");
	hl_list_unlink(&members[2].link);
	cr_assert(hl_list_empty(&list));
}

Test(list, a_link_in_no_list_may_be_unlinked)
{
	hl_list_unlink(&members[0].link);
	hl_list_append(&list, &members[0].link);
	hl_list_unlink(&members[0].link);
	hl_list_unlink(&members[0].link);
	cr_assert(hl_list_empty(&members[0].link));
	cr_assert(hl_list_empty(&list));
}

Test(list, append_once_leaves_a_member_where_it_is)
{
	hl_list_append_once(&list, &members[0].link);
	hl_list_append_once(&list, &members[1].link);
	hl_list_append_once(&list, &members[0].link);
	hl_list_append_once(&other, &members[1].link);
	assert_members(&list, "01");
	assert_members(&other, "");
}

Test(list, splice_moves_all_to_the_end)
{
	for (int i = 0; i < 4; i++)
		hl_list_append(i < 2 ? &list : &other, &members[i].link);
	hl_list_splice(&list, &other);
	assert_members(&list, "0123");
	assert_members(&other, "");
	hl_list_splice(&other, &list);
	assert_members(&other, "0123");
	assert_members(&list, "");
}

Test(list, splice_of_an_empty_list_changes_nothing)
{
	hl_list_splice(&list, &other);
	assert_members(&list, "");
	hl_list_append(&list, &members[0].link);
	hl_list_splice(&list, &other);
	assert_members(&list, "0");
}
