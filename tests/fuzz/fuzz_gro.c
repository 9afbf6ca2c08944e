/* SPDX-License-Identifier: MIT */
/* Any reception and any wish of how to cut it: two bytes each for its size, the
 * size of its pieces and the socket's datagram_max; the rest says how many
 * pieces each call has room for. */
#include "fuzz.h"
#include "net/gro.h"

#define PREFIX_SIZE 6
#define ROOM_MAX 256

struct wish {
	struct hail_datagram whole;
	size_t segment, datagram_max;
	const uint8_t *rooms;
	size_t room_count;
};

static size_t read_u16(const uint8_t *bytes)
{
	return bytes[0] | (size_t)bytes[1] << 8;
}

/* The piece that begins at `at`; returns where the next one must begin. */
static size_t check_piece(const struct wish *wish,
			  const struct hail_datagram *piece, size_t at)
{
	const unsigned char *data = piece->data;
	bool coalesced = wish->segment && wish->segment < wish->whole.size;
	volatile unsigned char sink;

	FUZZ_CHECK(data == (const unsigned char *)wish->whole.data + at);
	FUZZ_CHECK(piece->true_size <= wish->whole.size - at);
	FUZZ_CHECK(piece->size <= piece->true_size);
	FUZZ_CHECK(!wish->datagram_max || piece->size <= wish->datagram_max);
	FUZZ_CHECK(!(piece->flags & HAIL_DATAGRAM_TRUNCATED) ==
		   (piece->size == piece->true_size));
	FUZZ_CHECK(!(piece->flags & HAIL_DATAGRAM_COALESCED) == !coalesced);
	FUZZ_CHECK(piece->true_size == wish->segment ||
		   at + piece->true_size == wish->whole.size);
	for (size_t i = 0; i < piece->size; i++)
		sink = data[i];
	(void)sink;
	return at + piece->true_size;
}

/* The last call leaves room, so the end is known by that too. */
static void split_all(const struct wish *wish)
{
	static struct hail_datagram out[ROOM_MAX];
	size_t offset = 0, at = 0;

	for (size_t call = 0; !call || offset < wish->whole.size; call++) {
		uint32_t room = 1u + wish->rooms[call % wish->room_count];
		uint32_t count =
			hl_gro_split(out, room, &wish->whole, wish->segment,
				     wish->datagram_max, &offset);

		FUZZ_CHECK(count > 0 && count <= room);
		FUZZ_CHECK(wish->whole.size || count == 1);
		FUZZ_CHECK(count == room || offset >= wish->whole.size);
		for (uint32_t i = 0; i < count; i++)
			at = check_piece(wish, &out[i], at);
		FUZZ_CHECK(at == offset);
	}
	FUZZ_CHECK(at == wish->whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t whole_room = ROOM_MAX - 1;
	struct wish wish = {.rooms = &whole_room, .room_count = 1};
	size_t whole;
	void *memory;

	if (size < PREFIX_SIZE)
		return 0;
	whole = read_u16(data);
	wish.segment = read_u16(data + 2);
	wish.datagram_max = read_u16(data + 4);
	if (size > PREFIX_SIZE) {
		wish.rooms = data + PREFIX_SIZE;
		wish.room_count = size - PREFIX_SIZE;
	}
	/* Exactly as large, for AddressSanitizer; calloc(0) may be NULL. */
	memory = calloc(1, whole + (whole == 0));
	FUZZ_CHECK(memory);
	wish.whole.data = memory;
	wish.whole.size = whole;
	wish.whole.true_size = (uint32_t)whole;
	split_all(&wish);
	free(memory);
	return 0;
}
