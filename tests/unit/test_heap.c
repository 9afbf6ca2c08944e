/* SPDX-License-Identifier: MIT */
/* The heap gives its members back by key, equal ones by age. */
#include "util/heap.h"

#include "random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define MEMBERS 512

static const struct hl_memory memory;
static struct hl_heap heap;
static struct hl_heap_node nodes[MEMBERS];

static void start(void)
{
	hl_heap_init(&heap, &memory);
	for (uint32_t i = 0; i < MEMBERS; i++)
		hl_heap_node_init(&nodes[i]);
	cr_assert_eq(hl_heap_reserve(&heap, MEMBERS), 0);
}

static void end(void)
{
	hl_heap_fini(&heap);
}

TestSuite(heap, .init = start, .fini = end);

static struct hl_heap_node *take_first(void)
{
	struct hl_heap_node *first = hl_heap_first(&heap);

	hl_heap_remove(&heap, first);
	return first;
}

Test(heap, an_empty_one_has_no_first)
{
	cr_assert_null(hl_heap_first(&heap));
}

Test(heap, one_without_room_may_be_asked_and_ended)
{
	struct hl_heap empty;

	hl_heap_init(&empty, &memory);
	cr_assert_null(hl_heap_first(&empty));
	cr_assert_eq(hl_heap_reserve(&empty, 0), 0);
	hl_heap_fini(&empty);
	hl_heap_fini(&empty);
}

Test(heap, members_leave_smallest_key_first)
{
	struct test_random random = test_random_seeded(1);
	uint64_t last = 0;

	for (uint32_t i = 0; i < MEMBERS; i++)
		hl_heap_insert(&heap, &nodes[i], test_random_next(&random));
	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct hl_heap_node *first = take_first();

		cr_assert_geq(first->key, last);
		last = first->key;
	}
	cr_assert_null(hl_heap_first(&heap));
}

Test(heap, the_ends_of_the_key_range_are_keys)
{
	hl_heap_insert(&heap, &nodes[0], UINT64_MAX);
	hl_heap_insert(&heap, &nodes[1], 0);
	cr_assert_eq(take_first(), &nodes[1]);
	cr_assert_eq(take_first(), &nodes[0]);
}

Test(heap, members_of_equal_key_leave_in_the_order_they_came)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		hl_heap_insert(&heap, &nodes[i], i % 3);
	for (uint32_t key = 0; key < 3; key++) {
		for (uint32_t i = key; i < MEMBERS; i += 3)
			cr_assert_eq(take_first(), &nodes[i]);
	}
}

Test(heap, a_member_that_came_again_is_the_youngest)
{
	hl_heap_insert(&heap, &nodes[0], 7);
	hl_heap_insert(&heap, &nodes[1], 7);
	hl_heap_insert(&heap, take_first(), 7);
	cr_assert_eq(take_first(), &nodes[1]);
	cr_assert_eq(take_first(), &nodes[0]);
}

Test(heap, removing_what_is_in_no_heap_does_nothing)
{
	hl_heap_insert(&heap, &nodes[0], 1);
	hl_heap_remove(&heap, &nodes[1]);
	cr_assert_eq(take_first(), &nodes[0]);
	hl_heap_remove(&heap, &nodes[0]);
	cr_assert_null(hl_heap_first(&heap));
}

Test(heap, any_member_may_be_removed_and_the_others_stay_sorted)
{
	/* A removed member's place is taken by the last, which may have to
	 * move up: removing each member of many heaps meets both ways. */
	for (uint32_t gone = 0; gone < 64; gone++) {
		struct test_random random = test_random_seeded(gone);
		uint64_t last = 0;

		for (uint32_t i = 0; i < 64; i++)
			hl_heap_insert(&heap, &nodes[i],
				       test_random_below(&random, 100));
		hl_heap_remove(&heap, &nodes[gone]);
		cr_assert_eq(nodes[gone].index, HL_HEAP_NONE);
		for (uint32_t i = 0; i < 63; i++) {
			struct hl_heap_node *first = take_first();

			cr_assert_neq(first, &nodes[gone]);
			cr_assert_geq(first->key, last);
			last = first->key;
		}
		cr_assert_null(hl_heap_first(&heap));
	}
}

/* The member that must be first, by looking at all. */
static struct hl_heap_node *smallest(void)
{
	struct hl_heap_node *best = NULL;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct hl_heap_node *node = &nodes[i];

		if (node->index == HL_HEAP_NONE)
			continue;
		if (!best || node->key < best->key ||
		    (node->key == best->key && node->order < best->order))
			best = node;
	}
	return best;
}

Test(heap, agrees_with_a_plain_search_through_many_changes)
{
	struct test_random random = test_random_seeded(2);

	for (int i = 0; i < 20000; i++) {
		struct hl_heap_node *node =
			&nodes[test_random_below(&random, MEMBERS)];

		if (node->index == HL_HEAP_NONE)
			hl_heap_insert(&heap, node,
				       test_random_below(&random, 50));
		else
			hl_heap_remove(&heap, node);
		cr_assert_eq(hl_heap_first(&heap), smallest());
	}
}

Test(heap, reserving_keeps_the_members_and_grows_by_at_least_doubling)
{
	struct hl_heap small;
	struct hl_heap_node node;
	uint32_t changes = 0;

	hl_heap_init(&small, &memory);
	hl_heap_node_init(&node);
	cr_assert_eq(hl_heap_reserve(&small, 1), 0);
	hl_heap_insert(&small, &node, 1);
	for (uint32_t count = 2; count <= 100000; count++) {
		uint32_t before = small.capacity;

		cr_assert_eq(hl_heap_reserve(&small, count), 0);
		cr_assert_geq(small.capacity, count);
		changes += small.capacity != before;
	}
	cr_assert_eq(hl_heap_first(&small), &node);
	cr_assert_leq(changes, 17);
	hl_heap_fini(&small);
}
