/* SPDX-License-Identifier: MIT */
/* Which messages ride together as trains, case by case. */
#include "net/gso.h"

#include <criterion/criterion.h>
#include <errno.h>

#define MESSAGES_MAX 300

static const struct hl_memory memory; /* malloc() and free() */
static struct hl_gso gso;
static struct hail_message messages[MESSAGES_MAX];
static uint32_t count;
static bool alone;
static uint32_t segment_max = UINT32_MAX;

static struct hail_addr one, other, mapped, v6;

static void setup(void)
{
	cr_assert_eq(hl_gso_init(&gso, &memory, MESSAGES_MAX), 0);
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, false);
	cr_assert_eq(hail_addr_parse(&one, "192.0.2.1", 9), 0);
	cr_assert_eq(hail_addr_parse(&other, "192.0.2.1", 10), 0);
	cr_assert_eq(hail_addr_parse(&mapped, "::ffff:192.0.2.1", 9), 0);
	cr_assert_eq(hail_addr_parse(&v6, "2001:db8::1", 9), 0);
}

static void teardown(void)
{
	hl_gso_fini(&gso);
}

TestSuite(gso, .init = setup, .fini = teardown);

static bool add_hashed(size_t size, const struct hail_addr *remote,
		       const struct hail_addr *named, uint64_t hash)
{
	struct hl_gso_message message = {
		.messages = messages,
		.remote = remote,
		.hash = hash,
		.segment_max = segment_max,
		.alone = alone,
	};

	messages[count] = (struct hail_message){NULL, size, named};
	return hl_gso_add(&gso, count++, &message);
}

static bool add(size_t size, const struct hail_addr *remote)
{
	return add_hashed(size, remote, remote,
			  remote == &mapped ? 9 : hail_addr_port(remote));
}

static void add_all(const size_t *sizes, uint32_t number,
		    const struct hail_addr *remote)
{
	for (uint32_t i = 0; i < number; i++)
		cr_assert(add(sizes[i], remote), "%u", i);
}

/* The message is the first of a send of so many. */
static void assert_send(uint32_t head, unsigned length, unsigned segment)
{
	const struct hl_gso_place *place = &gso.places[head];

	cr_assert_eq(place->head, head, "%u rides with %u", head, place->head);
	cr_assert_eq(place->length, length, "%u: %u", head, place->length);
	cr_assert_eq(place->segment, segment, "%u: %u", head, place->segment);
}

static void assert_rides(uint32_t index, uint32_t head)
{
	cr_assert_eq(gso.places[index].head, head, "%u rides with %u", index,
		     gso.places[index].head);
}

Test(gso, equal_messages_to_one_remote_are_a_train)
{
	add_all((size_t[]){1200, 1200, 1200}, 3, &one);
	assert_send(0, 3, 1200);
	cr_assert_eq(gso.places[0].next, 1);
	cr_assert_eq(gso.places[1].next, 2);
	cr_assert_eq(gso.places[2].next, HL_GSO_NONE);
	cr_assert_eq(gso.trains, 1);
	cr_assert_eq(gso.riders, 3);
}

Test(gso, one_message_is_a_plain_send)
{
	add_all((size_t[]){1200}, 1, &one);
	assert_send(0, 1, 0);
	cr_assert_eq(gso.trains, 0);
	cr_assert_eq(gso.riders, 0);
}

Test(gso, a_shorter_one_is_the_last)
{
	add_all((size_t[]){160, 160, 100, 100, 160}, 5, &one);
	assert_send(0, 3, 160);
	assert_rides(2, 0);
	assert_send(3, 1, 160);
	assert_send(4, 1, 160);
}

Test(gso, a_longer_one_opens_another)
{
	add_all((size_t[]){160, 160, 200, 200}, 4, &one);
	assert_send(0, 2, 160);
	assert_send(2, 2, 200);
	cr_assert_eq(gso.trains, 2);
	cr_assert_eq(gso.riders, 4);
}

Test(gso, they_are_gathered_from_anywhere_in_the_batch)
{
	for (int i = 0; i < 5; i++) {
		cr_assert(add(160, &one));
		cr_assert(add(200, &other));
	}
	assert_send(0, 5, 160);
	assert_send(1, 5, 200);
	for (uint32_t i = 2; i < count; i++)
		assert_rides(i, i % 2);
}

Test(gso, a_train_has_as_many_messages_as_the_kernel_takes)
{
	for (uint32_t i = 0; i < 2 * HL_GSO_SEGMENTS_MAX + 1; i++)
		cr_assert(add(100, &one));
	assert_send(0, HL_GSO_SEGMENTS_MAX, 100);
	assert_send(HL_GSO_SEGMENTS_MAX, HL_GSO_SEGMENTS_MAX, 100);
	assert_send(2 * HL_GSO_SEGMENTS_MAX, 1, 100);
}

Test(gso, or_as_many_as_it_is_told)
{
	hl_gso_begin(&gso, 2, false);
	add_all((size_t[]){100, 100, 100}, 3, &one);
	assert_send(0, 2, 100);
	assert_send(2, 1, 100);
	count = 0;
	hl_gso_begin(&gso, 1, false);
	add_all((size_t[]){100, 100, 100}, 3, &one);
	for (uint32_t i = 0; i < 3; i++)
		assert_send(i, 1, 0);
}

/* So many bytes and no more. */
static void assert_bytes(const struct hail_addr *remote, size_t limit)
{
	size_t half = limit / 2;

	count = 0;
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, false);
	add_all((size_t[]){half, half, limit - 2 * half}, 3, remote);
	assert_send(0, 3, (unsigned)half);
	count = 0;
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, false);
	cr_assert(add(half, remote));
	cr_assert(add(half, remote));
	cr_assert_not(add(limit - 2 * half + 1, remote),
		      "a short one may not follow in another send");
	assert_send(0, 2, (unsigned)half);
}

Test(gso, a_train_is_no_longer_than_a_datagram_may_be)
{
	assert_bytes(&one, 65507);
	assert_bytes(&v6, 65527);
}

Test(gso, a_mapped_address_is_ipv4_there_too)
{
	assert_bytes(&mapped, 65507);
}

Test(gso, an_empty_one_rides_in_none_and_ends_one)
{
	add_all((size_t[]){0, 0, 160, 160, 0, 160, 160}, 7, &one);
	assert_send(0, 1, 0);
	assert_send(1, 1, 0);
	assert_send(2, 2, 160);
	assert_send(4, 1, 160);
	assert_send(5, 2, 160);
}

Test(gso, one_that_goes_alone_ends_a_train_and_lets_another_begin)
{
	add_all((size_t[]){160, 160}, 2, &one);
	alone = true;
	cr_assert(add(160, &one));
	alone = false;
	add_all((size_t[]){160, 160}, 2, &one);
	assert_send(0, 2, 160);
	assert_send(2, 1, 160);
	assert_send(3, 2, 160);
}

Test(gso, what_follows_a_train_bears_its_segment_at_least)
{
	add_all((size_t[]){160, 160, 100, 50, 300, 20}, 6, &one);
	assert_send(0, 3, 160);
	assert_send(3, 1, 160);
	assert_send(4, 2, 300);
	cr_assert(add(200, &other));
	assert_send(6, 1, 0);
}

/* Every path takes either, so the latter can't leave without the former. */
Test(gso, a_train_of_shorter_segments_follows_where_both_are_safe)
{
	add_all((size_t[]){160, 160, 100, 100, 100}, 5, &one);
	assert_send(0, 3, 160);
	assert_send(3, 2, 100);
	cr_assert(add(50, &one));
	cr_assert(add(120, &one));
	assert_send(6, 1, 160);
}

Test(gso, a_shorter_one_after_a_train_that_a_path_may_refuse_ends_the_plan)
{
	add_all((size_t[]){525, 525, 300}, 3, &one);
	cr_assert_not(add(524, &one));
	cr_assert(add(525, &one));
	cr_assert(add(1, &other));
}

Test(gso, it_does_not_after_one_that_every_path_takes)
{
	add_all((size_t[]){524, 524, 300, 523}, 4, &one);
	add_all((size_t[]){1232, 1232, 300, 1231}, 4, &v6);
}

Test(gso, nor_after_messages_that_were_no_train)
{
	add_all((size_t[]){1200, 1300, 1400, 0, 1}, 5, &one);
	assert_send(3, 1, 0);
	assert_send(4, 1, 0);
}

/* It bears a segment, so it is refused where it is too long. */
Test(gso, a_longer_one_that_follows_counts_like_a_train)
{
	add_all((size_t[]){160, 160, 1000}, 3, &one);
	assert_send(2, 1, 1000);
	cr_assert_not(add(999, &one) && add(998, &one));
}

Test(gso, once_there_is_one_send_to_a_remote)
{
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, true);
	add_all((size_t[]){160, 160, 160}, 3, &one);
	cr_assert(add(160, &other));
	cr_assert_not(add(200, &one));
	assert_send(0, 3, 160);
	hl_gso_begin(&gso, 1, true);
	count = 0;
	cr_assert(add(160, &one));
	cr_assert_not(add(160, &one));
}

Test(gso, remotes_of_one_hash_share_no_train_but_keep_their_order)
{
	cr_assert(add_hashed(160, &one, &one, 1));
	cr_assert(add_hashed(160, &one, &one, 1));
	cr_assert(add_hashed(160, &other, &other, 1));
	cr_assert(add_hashed(160, &other, &other, 1));
	cr_assert(add_hashed(160, &one, &one, 1));
	assert_send(0, 2, 160);
	assert_send(2, 2, 160);
	assert_send(4, 1, 160);
}

Test(gso, once_remotes_of_one_hash_are_one)
{
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, true);
	cr_assert(add_hashed(160, &one, &one, 1));
	cr_assert_not(add_hashed(160, &other, &other, 1));
}

/* A kernel is told one of them, so they share none, though they are one. */
Test(gso, two_spellings_of_a_remote_are_one_way_and_two_trains)
{
	add_all((size_t[]){160, 160}, 2, &one);
	add_all((size_t[]){160, 160}, 2, &mapped);
	assert_send(0, 2, 160);
	assert_send(2, 2, 160);
	cr_assert(add(100, &mapped));
	cr_assert(add(90, &one));
	assert_send(5, 1, 160);
}

Test(gso, equal_remotes_need_not_be_the_same_pointer)
{
	struct hail_addr copy = one;

	cr_assert(add(160, &one));
	cr_assert(add(160, &copy));
	assert_send(0, 2, 160);
}

Test(gso, a_connected_sockets_messages_name_none)
{
	cr_assert(add_hashed(160, &one, NULL, 9));
	cr_assert(add_hashed(160, &one, NULL, 9));
	assert_send(0, 2, 160);
	/* Given while the socket was connected elsewhere. */
	cr_assert(add_hashed(160, &one, &one, 9));
	assert_send(2, 1, 160);
}

Test(gso, segments_longer_than_a_remote_takes_are_not_tried)
{
	segment_max = 159;
	add_all((size_t[]){160, 160, 159}, 3, &one);
	add_all((size_t[]){159, 159}, 2, &one);
	assert_send(0, 1, 0);
	assert_send(1, 1, 0);
	assert_send(2, 3, 159);
	segment_max = 0;
	add_all((size_t[]){1, 1}, 2, &other);
	assert_send(5, 1, 0);
	assert_send(6, 1, 0);
}

Test(gso, a_plain_one_is_planned_without_a_look)
{
	hl_gso_add_plain(&gso, 7);
	assert_send(7, 1, 0);
	cr_assert_eq(gso.places[7].next, HL_GSO_NONE);
}

Test(gso, a_segment_may_be_what_is_refused)
{
	static const int codes[] = {-EIO, -EINVAL, -EMSGSIZE};

	add_all((size_t[]){160, 160, 160}, 3, &one);
	add_all((size_t[]){160}, 1, &other);
	for (int i = 0; i < 3; i++) {
		cr_assert(hl_gso_refused(&gso, 0, codes[i]));
		cr_assert(hl_gso_refused(&gso, 2, codes[i]));
		cr_assert_not(hl_gso_refused(&gso, 3, codes[i]));
	}
	cr_assert_not(hl_gso_refused(&gso, 0, 0));
	cr_assert_not(hl_gso_refused(&gso, 0, -EAGAIN));
	cr_assert_not(hl_gso_refused(&gso, 0, -EPERM));
	cr_assert_not(hl_gso_refused(&gso, 0, -ECONNREFUSED));
}

Test(gso, as_many_remotes_as_there_are_messages_fit)
{
	static struct hail_addr remotes[MESSAGES_MAX];

	for (uint32_t round = 0; round < 3; round++) {
		hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, true);
		for (count = 0; count < MESSAGES_MAX;) {
			remotes[count] = one;
			remotes[count].v4.sin_port = (uint16_t)(count + 1);
			cr_assert(add_hashed(160, &remotes[count],
					     &remotes[count],
					     UINT64_MAX - count));
		}
		for (uint32_t i = 0; i < MESSAGES_MAX; i++)
			assert_send(i, 1, 0);
	}
}

/* After 2^32 plans the number of one is that of an old one again. */
Test(gso, an_old_plan_does_not_count_when_its_number_comes_again)
{
	add_all((size_t[]){160}, 1, &one);
	gso.round = UINT32_MAX;
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, false);
	cr_assert_neq(gso.round, 0, "that is what no entry has");
	count = 0;
	add_all((size_t[]){200, 160}, 2, &one);
	assert_send(0, 2, 200);
}

Test(gso, an_empty_table_belongs_to_no_plan)
{
	gso.round = UINT32_MAX;
	hl_gso_begin(&gso, HL_GSO_SEGMENTS_MAX, true);
	cr_assert(add(160, &one));
	cr_assert_not(add(200, &one));
}

static void *refuse(size_t size, void *arg)
{
	(void)size;
	(void)arg;
	return NULL;
}

static void release(void *pointer, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	cr_assert_null(pointer);
}

Test(gso, want_of_memory_is_told_and_leaves_nothing)
{
	const struct hl_memory none = {refuse, release, NULL};
	struct hl_gso poor = {0};

	cr_assert_eq(hl_gso_init(&poor, &none, 64), -ENOMEM);
	hl_gso_fini(&poor);
}

Test(gso, trains_are_as_long_as_the_kernel_takes)
{
	cr_assert_eq(hl_gso_segments_max("6.18.44-fc"), HL_GSO_SEGMENTS_MAX);
	cr_assert_eq(hl_gso_segments_max("6.9"), HL_GSO_SEGMENTS_MAX);
	cr_assert_eq(hl_gso_segments_max("7.0.0"), HL_GSO_SEGMENTS_MAX);
	cr_assert_eq(hl_gso_segments_max("6.8.12-generic"),
		     HL_GSO_SEGMENTS_OLD);
	cr_assert_eq(hl_gso_segments_max("5.19.0"), HL_GSO_SEGMENTS_OLD);
	cr_assert_eq(hl_gso_segments_max("6"), HL_GSO_SEGMENTS_OLD);
	cr_assert_eq(hl_gso_segments_max(""), HL_GSO_SEGMENTS_OLD);
}
