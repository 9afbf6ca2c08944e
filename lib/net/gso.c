/* SPDX-License-Identifier: MIT */
/* net/gso.c: the plan is made message by message, with one look into a hash
 * table for each. */
#include "net/gso.h"

#include "net/addr.h"
#include "net/payload.h"
#include "util/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Segments that no path refuses: Linux believes in none narrower than 552 bytes
 * (ip_rt_min_pmtu), and IPv6 has none below 1280. */
#define SEGMENT_SAFE_V4 (552 - 28)
#define SEGMENT_SAFE_V6 (1280 - 48)

uint32_t hl_gso_segments_max(const char *release)
{
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return major > 6 || (major == 6 && minor >= 9) ? HL_GSO_SEGMENTS_MAX
						       : HL_GSO_SEGMENTS_OLD;
}

int hl_gso_init(struct hl_gso *gso, const struct hl_memory *memory,
		uint32_t capacity)
{
	uint32_t size = 2;

	while (size < 2 * capacity)
		size *= 2;
	gso->memory = memory;
	gso->capacity = capacity;
	gso->mask = size - 1;
	gso->places =
		hl_memory_allocate(memory, capacity, sizeof(*gso->places));
	gso->ways = hl_memory_allocate(memory, size, sizeof(*gso->ways));
	return gso->places && gso->ways ? 0 : -ENOMEM;
}

void hl_gso_fini(struct hl_gso *gso)
{
	hl_memory_release(gso->memory, gso->places, gso->capacity,
			  sizeof(*gso->places));
	hl_memory_release(gso->memory, gso->ways, (size_t)gso->mask + 1,
			  sizeof(*gso->ways));
}

void hl_gso_begin(struct hl_gso *gso, uint32_t segments_max, bool once)
{
	/* Entries of a round of the same number would count again. */
	if (!++gso->round) {
		memset(gso->ways, 0,
		       ((size_t)gso->mask + 1) * sizeof(*gso->ways));
		gso->round = 1;
	}
	gso->segments_max = segments_max;
	gso->once = once;
	gso->pages_max = 0;
	gso->trains = 0;
	gso->riders = 0;
}

void hl_gso_bound(struct hl_gso *gso, uint32_t pages_max, size_t page,
		  uint32_t least)
{
	gso->pages_max = pages_max;
	gso->page = page;
	gso->pages_least = least;
}

uint32_t hl_gso_pages(const void *end, const void *data, size_t size,
		      size_t page)
{
	uintptr_t first = (uintptr_t)data / page;

	if (!size)
		return 0;
	if (data == end)
		first = ((uintptr_t)data - 1) / page + 1;
	return (uint32_t)(((uintptr_t)data + size - 1) / page + 1 - first);
}

/* The pages that a message adds to the remote's latest send. */
static uint32_t count_pages(const struct hl_gso *gso,
			    const struct hl_gso_way *way,
			    const struct hail_message *message)
{
	return gso->pages_max ? hl_gso_pages(way->end, message->data,
					     message->size, gso->page)
			      : 0;
}

/* The entry of a remote; a new one belongs to an earlier round. */
static struct hl_gso_way *find_way(const struct hl_gso *gso, uint64_t hash)
{
	for (uint32_t at = (uint32_t)hash;; at++) {
		struct hl_gso_way *way = &gso->ways[at & gso->mask];

		if (way->round != gso->round || way->hash == hash)
			return way;
	}
}

static uint32_t bytes_max(const struct hail_addr *remote)
{
	return hl_addr_is_v4(remote) ? HL_PAYLOAD_MAX_V4 : HL_PAYLOAD_MAX_V6;
}

/* Whether the message may be the next segment of the remote's latest send. */
static bool joins(const struct hl_gso *gso, const struct hl_gso_way *way,
		  uint32_t index, const struct hl_gso_message *message)
{
	const struct hail_message *messages = message->messages;
	const struct hail_message *first = &messages[way->head];
	size_t size = messages[index].size;

	if (way->closed || message->alone || !size || size > first->size)
		return false;
	if (first->size > message->segment_max)
		return false;
	if (size > way->room ||
	    gso->places[way->head].length >= gso->segments_max)
		return false;
	if (gso->pages_max &&
	    bytes_max(message->remote) - way->room >= gso->pages_least &&
	    way->pages + count_pages(gso, way, &messages[index]) >
		    gso->pages_max)
		return false;
	return messages[index].remote == first->remote ||
	       hail_addr_equal(messages[index].remote, first->remote);
}

/* Whether the message might leave where a train before it is refused. */
static bool overtakes(const struct hl_gso_way *way, uint32_t index,
		      const struct hl_gso_message *message)
{
	uint32_t safe = hl_addr_is_v4(message->remote) ? SEGMENT_SAFE_V4
						       : SEGMENT_SAFE_V6;

	return way->mark > safe && message->messages[index].size < way->mark;
}

static void join(struct hl_gso *gso, struct hl_gso_way *way, uint32_t index,
		 const struct hl_gso_message *message)
{
	struct hl_gso_place *head = &gso->places[way->head];
	size_t size = message->messages[index].size;
	size_t segment = message->messages[way->head].size;

	gso->places[index] =
		(struct hl_gso_place){way->head, HL_GSO_NONE, 0, 0};
	gso->places[way->tail].next = index;
	if (++head->length == 2) {
		gso->trains++;
		gso->riders++;
		head->segment = (uint16_t)segment;
		if (way->mark < segment)
			way->mark = (uint16_t)segment;
	}
	gso->riders++;
	way->pages += count_pages(gso, way, &message->messages[index]);
	way->end = (const char *)message->messages[index].data + size;
	way->tail = index;
	way->room -= (uint32_t)size;
	way->closed = size < segment;
}

/* The message is the first of a send of its own. */
static void open_send(struct hl_gso *gso, struct hl_gso_way *way,
		      uint32_t index, const struct hl_gso_message *message)
{
	size_t size = message->messages[index].size;
	uint16_t segment = 0;

	if (way->mark)
		segment = size > way->mark ? (uint16_t)size : way->mark;
	gso->places[index] =
		(struct hl_gso_place){index, HL_GSO_NONE, 1, segment};
	way->mark = segment;
	way->end = NULL;
	way->pages = count_pages(gso, way, &message->messages[index]);
	way->end = (const char *)message->messages[index].data + size;
	way->head = way->tail = index;
	way->room = bytes_max(message->remote) - (uint32_t)size;
	way->closed = message->alone || !size;
}

bool hl_gso_add(struct hl_gso *gso, uint32_t index,
		const struct hl_gso_message *message)
{
	struct hl_gso_way *way = find_way(gso, message->hash);

	hl_debug_assert(index < gso->capacity);
	gso->latest = way;
	if (way->round != gso->round) {
		way->round = gso->round;
		way->hash = message->hash;
		way->mark = 0;
		open_send(gso, way, index, message);
	} else if (joins(gso, way, index, message)) {
		join(gso, way, index, message);
	} else if (gso->once || overtakes(way, index, message)) {
		return false;
	} else {
		open_send(gso, way, index, message);
	}
	return true;
}

uint32_t hl_gso_extend(struct hl_gso *gso, const struct hail_message *messages,
		       uint32_t most)
{
	struct hl_gso_way *way = gso->latest;
	struct hl_gso_place *head = &gso->places[way->head];
	const struct hail_message *next = &messages[way->tail + 1];
	const struct hail_addr *remote = messages[way->tail].remote;
	uint32_t first = way->tail + 1, n = 0;

	if (way->closed || head->length < 2 || gso->pages_max)
		return 0;
	if (most > gso->segments_max - head->length)
		most = gso->segments_max - head->length;
	if (most > way->room / head->segment)
		most = way->room / head->segment;
	for (; n < most; n++, next++) {
		if (next->size != head->segment || next->remote != remote ||
		    !next->data)
			break;
		gso->places[first + n - 1].next = first + n;
		gso->places[first + n] =
			(struct hl_gso_place){way->head, HL_GSO_NONE, 0, 0};
	}
	head->length = (uint16_t)(head->length + n);
	gso->riders += n;
	way->tail += n;
	way->room -= n * head->segment;
	return n;
}

void hl_gso_add_plain(struct hl_gso *gso, uint32_t index)
{
	gso->places[index] = (struct hl_gso_place){index, HL_GSO_NONE, 1, 0};
}

bool hl_gso_is_last(const struct hl_gso *gso, uint32_t head, uint64_t hash)
{
	const struct hl_gso_way *way = find_way(gso, hash);

	return way->round == gso->round && way->head == head;
}

void hl_gso_forget(struct hl_gso *gso, uint32_t index)
{
	gso->places[gso->places[index].head].segment = 0;
}

bool hl_gso_refused(const struct hl_gso *gso, uint32_t index, int result)
{
	return gso->places[gso->places[index].head].segment &&
	       (result == -EIO || result == -EINVAL || result == -EMSGSIZE);
}
