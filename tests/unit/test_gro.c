/* SPDX-License-Identifier: MIT */
/* A coalesced reception is cut up into just the datagrams that it was. */
#include "net/gro.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#define PIECES_MAX 64

static unsigned char bytes[4096];
/* Not read through: a piece only names the buffer that it lies in. */
static struct hail_buffer *const buffer = (void *)bytes;

static struct hail_datagram whole_of(size_t size)
{
	struct hail_datagram whole = {
		.data = bytes,
		.size = size,
		.buffer = buffer,
		.remote.v4 = {.sin_family = AF_INET, .sin_port = htons(7)},
		.true_size = (uint32_t)size,
	};

	return whole;
}

/* All at once. */
static uint32_t split(struct hail_datagram *out, size_t size, size_t segment,
		      size_t datagram_max)
{
	struct hail_datagram whole = whole_of(size);
	size_t offset = 0;
	uint32_t count = hl_gro_split(out, PIECES_MAX, &whole, segment,
				      datagram_max, &offset);

	cr_assert_geq(offset, size);
	return count;
}

static void assert_piece(const struct hail_datagram *piece, size_t at,
			 size_t size, uint32_t flags)
{
	const struct hail_datagram whole = whole_of(0);

	cr_assert_eq(piece->data, bytes + at);
	cr_assert_eq(piece->size, size);
	cr_assert_eq(piece->flags, flags);
	cr_assert_eq(piece->buffer, buffer);
	cr_assert(hail_addr_equal(&piece->remote, &whole.remote));
}

Test(gro, one_that_was_not_coalesced_stays_as_it_is)
{
	static const size_t segments[] = {0, 100, 101, 65535};
	struct hail_datagram out[PIECES_MAX];

	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		cr_assert_eq(split(out, 100, segments[i], 0), 1);
		assert_piece(&out[0], 0, 100, 0);
		cr_assert_eq(out[0].true_size, 100);
	}
}

Test(gro, an_empty_one_is_one_datagram)
{
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, 0, 0, 0), 1);
	assert_piece(&out[0], 0, 0, 0);
	cr_assert_eq(split(out, 0, 100, 10), 1);
	assert_piece(&out[0], 0, 0, 0);
}

Test(gro, pieces_of_one_size_fill_it_without_a_rest)
{
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, 1200, 300, 0), 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_piece(&out[i], 300 * i, 300, HAIL_DATAGRAM_COALESCED);
		cr_assert_eq(out[i].true_size, 300);
	}
}

Test(gro, the_last_may_be_shorter)
{
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, 601, 300, 0), 3);
	assert_piece(&out[1], 300, 300, HAIL_DATAGRAM_COALESCED);
	assert_piece(&out[2], 600, 1, HAIL_DATAGRAM_COALESCED);
	cr_assert_eq(out[2].true_size, 1);
}

Test(gro, a_piece_may_be_a_single_byte)
{
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, PIECES_MAX, 1, 0), PIECES_MAX);
	for (uint32_t i = 0; i < PIECES_MAX; i++)
		assert_piece(&out[i], i, 1, HAIL_DATAGRAM_COALESCED);
}

Test(gro, each_piece_is_cut_to_what_the_socket_takes_and_flagged)
{
	const uint32_t cut = HAIL_DATAGRAM_COALESCED | HAIL_DATAGRAM_TRUNCATED;
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, 650, 300, 100), 3);
	assert_piece(&out[0], 0, 100, cut);
	assert_piece(&out[1], 300, 100, cut);
	assert_piece(&out[2], 600, 50, HAIL_DATAGRAM_COALESCED);
	cr_assert_eq(out[1].true_size, 300);
	cr_assert_eq(out[2].true_size, 50);
}

Test(gro, one_that_was_not_coalesced_is_cut_too)
{
	struct hail_datagram out[PIECES_MAX];

	cr_assert_eq(split(out, 300, 0, 299), 1);
	assert_piece(&out[0], 0, 299, HAIL_DATAGRAM_TRUNCATED);
	cr_assert_eq(out[0].true_size, 300);
	cr_assert_eq(split(out, 300, 0, 300), 1);
	assert_piece(&out[0], 0, 300, 0);
}

Test(gro, what_has_no_room_comes_with_the_next_calls)
{
	for (uint32_t capacity = 1; capacity < 12; capacity++) {
		struct hail_datagram whole = whole_of(1050);
		struct hail_datagram out[PIECES_MAX];
		uint32_t count = 0;
		size_t offset = 0;

		while (offset < whole.size) {
			uint32_t n = hl_gro_split(&out[count], capacity, &whole,
						  100, 0, &offset);

			cr_assert(n == capacity || offset >= whole.size);
			cr_assert_gt(n, 0);
			count += n;
		}
		cr_assert_eq(count, 11);
		for (uint32_t i = 0; i < count; i++)
			assert_piece(&out[i], 100 * i, i < 10 ? 100 : 50,
				     HAIL_DATAGRAM_COALESCED);
		cr_assert_eq(
			hl_gro_split(out, capacity, &whole, 100, 0, &offset),
			0);
	}
}

Test(gro, without_room_nothing_is_written_and_nothing_is_passed_over)
{
	struct hail_datagram whole = whole_of(1000);
	struct hail_datagram out = {.size = 4711};
	size_t offset = 300;

	cr_assert_eq(hl_gro_split(&out, 0, &whole, 100, 0, &offset), 0);
	cr_assert_eq(offset, 300);
	cr_assert_eq(out.size, 4711);
}

Test(gro, what_the_whole_was_flagged_with_its_pieces_are_too)
{
	struct hail_datagram whole = whole_of(200);
	struct hail_datagram out[PIECES_MAX];
	size_t offset = 0;

	whole.flags = HAIL_DATAGRAM_TRUNCATED;
	cr_assert_eq(hl_gro_split(out, PIECES_MAX, &whole, 0, 0, &offset), 1);
	assert_piece(&out[0], 0, 200, HAIL_DATAGRAM_TRUNCATED);
}
