/* SPDX-License-Identifier: MIT */
/* net/gro.c: the kernel coalesces only datagrams of one sender and size, but
 * for a last shorter one (Linux, net/ipv4/udp_offload.c). */
#include "net/gro.h"

static void cut(struct hail_datagram *piece, size_t datagram_max)
{
	if (!datagram_max || piece->size <= datagram_max)
		return;
	piece->size = datagram_max;
	piece->flags |= HAIL_DATAGRAM_TRUNCATED;
}

uint32_t hl_gro_split(struct hail_datagram *out, uint32_t capacity,
		      const struct hail_datagram *whole, size_t segment,
		      size_t datagram_max, size_t *offset)
{
	bool coalesced = segment && segment < whole->size;
	uint32_t count = 0;

	if (!coalesced)
		segment = whole->size;
	while (count < capacity && (*offset < whole->size || !whole->size)) {
		struct hail_datagram *piece = &out[count++];
		size_t left = whole->size - *offset;

		*piece = *whole;
		piece->data = (const unsigned char *)whole->data + *offset;
		if (coalesced) {
			piece->size = left < segment ? left : segment;
			piece->true_size = (uint32_t)piece->size;
			piece->flags |= HAIL_DATAGRAM_COALESCED;
		}
		*offset += piece->size;
		cut(piece, datagram_max);
		if (!whole->size)
			break;
	}
	return count;
}

uint32_t hl_gro_count(size_t size, size_t segment)
{
	if (!segment || segment >= size)
		return 1;
	return (uint32_t)((size + segment - 1) / segment);
}
