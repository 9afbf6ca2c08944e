/* SPDX-License-Identifier: MIT */
/* support/numbered.c: a header, then words of a generator that it seeds. */
#include "numbered.h"

#include <string.h>

struct header {
	uint32_t stream, number;
};

static uint64_t seed_of(const struct header *header, size_t size)
{
	uint64_t seed = (uint64_t)header->stream << 32 | header->number;

	return (seed + size * 977 + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 8;
}

void numbered_write(void *out, size_t size, uint32_t stream, uint32_t number)
{
	const struct header header = {stream, number};
	uint64_t state = seed_of(&header, size);
	unsigned char *bytes = out;

	memcpy(bytes, &header, sizeof(header));
	for (size_t at = sizeof(header); at < size; at += sizeof(uint64_t)) {
		const uint64_t word = next(&state);
		const size_t left = size - at;

		memcpy(bytes + at, &word,
		       left < sizeof(word) ? left : sizeof(word));
	}
}

bool numbered_read_cut(const void *data, size_t here, size_t size,
		       uint32_t *stream, uint32_t *number)
{
	const unsigned char *bytes = data;
	struct header header;
	uint64_t state;

	if (here < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	state = seed_of(&header, size);
	for (size_t at = sizeof(header); at < here; at += sizeof(uint64_t)) {
		const uint64_t word = next(&state);
		const size_t left = here - at;

		if (memcmp(bytes + at, &word,
			   left < sizeof(word) ? left : sizeof(word)) != 0)
			return false;
	}
	*stream = header.stream;
	*number = header.number;
	return true;
}

bool numbered_read(const void *data, size_t size, uint32_t *stream,
		   uint32_t *number)
{
	return numbered_read_cut(data, size, size, stream, number);
}
