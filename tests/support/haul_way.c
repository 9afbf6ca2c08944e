/* SPDX-License-Identifier: MIT */
/* support/haul_way.c: what was sent and hasn't come yet. */
#include "haul_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An upper bound: memory for packets comes in powers of two. */
uint64_t haul_way_charge(uint32_t size)
{
	return 2 * (uint64_t)size + 2048;
}

uint32_t haul_way_frames(uint32_t size)
{
	return 1 + size / 1400;
}

bool haul_way_open(const struct haul_node *node, uint32_t size, uint64_t booked,
		   uint32_t frames)
{
	const struct haul *haul = node->haul;

	if (node->kept_tail - node->kept_head > HAUL_KEPT_MAX)
		return false;
	frames += haul->frames;
	booked += node->booked;
	if (frames && frames + haul_way_frames(size) > haul->options.frames_max)
		return false;
	return !booked || booked + haul_way_charge(size) <= node->booked_max;
}

static struct haul_row *row_of(struct haul_node *from, struct haul_node *to)
{
	struct haul_row **row = &to->rows[haul_index(from)];

	if (!*row)
		*row = calloc(1, sizeof(**row));
	if (!*row)
		haul_fail(to->haul, "no memory");
	return *row;
}

void haul_way_enter(struct haul_node *from, struct haul_node *to,
		    struct haul_piece piece)
{
	struct haul_row *row = row_of(from, to);

	if (!row)
		return;
	if (row->tail - row->head == HAUL_ROW_SIZE) {
		haul_fail(from->haul, "more under way than can be noted");
		return;
	}
	row->pieces[row->tail++ % HAUL_ROW_SIZE] = piece;
	to->booked += haul_way_charge(piece.size);
	to->haul->frames += haul_way_frames(piece.size);
	to->haul->under_way++;
	from->sent++;
}

static struct haul_piece take(struct haul_node *to, struct haul_row *row)
{
	struct haul_piece piece = row->pieces[row->head++ % HAUL_ROW_SIZE];

	to->booked -= haul_way_charge(piece.size);
	to->haul->frames -= haul_way_frames(piece.size);
	to->haul->under_way--;
	return piece;
}

static bool is_piece(const struct haul *haul,
		     const struct hail_datagram *datagram,
		     struct haul_piece piece)
{
	return datagram->size == piece.size &&
	       datagram->true_size == piece.size &&
	       !(datagram->flags & HAIL_DATAGRAM_TRUNCATED) &&
	       !memcmp(datagram->data, haul->pattern + piece.at, piece.size);
}

static struct haul_row *row_from(struct haul_node *to,
				 const struct hail_addr *remote)
{
	struct haul_node *nodes = to->haul->nodes;

	for (uint32_t i = 0; i < HAUL_NODES; i++)
		if (to->rows[i] && hail_addr_equal(&nodes[i].local, remote))
			return to->rows[i];
	return NULL;
}

/* Says what came instead of what was expected, as far as that can be told. */
static void fail_order(struct haul_node *to, const struct haul_row *row,
		       const struct hail_datagram *datagram)
{
	struct haul *haul = to->haul;
	const char *what = "that was never sent, or is damaged";
	struct haul_piece first = row->pieces[row->head % HAUL_ROW_SIZE];

	for (uint32_t at = row->head; at != row->tail; at++)
		if (is_piece(haul, datagram, row->pieces[at % HAUL_ROW_SIZE]))
			what = "that is early: others are missing before it";
	for (uint32_t back = 1; back <= row->head && back < 1000; back++)
		if (is_piece(haul, datagram,
			     row->pieces[(row->head - back) % HAUL_ROW_SIZE]))
			what = "that came before, or is late";
	haul_fail(
		haul,
		"node %u: one of %zu bytes (flags %#x) came %s; %u bytes were "
		"due, %u are under way, %llu came",
		haul_index(to), datagram->size, datagram->flags, what,
		row->head == row->tail ? 0 : first.size, row->tail - row->head,
		(unsigned long long)to->received);
}

/* Passes over those that the network dropped, if it may be that it did. */
static void pass_lost(struct haul_node *to, struct haul_row *row,
		      const struct hail_datagram *datagram)
{
	uint32_t at = row->head;

	while (at != row->tail &&
	       !is_piece(to->haul, datagram, row->pieces[at % HAUL_ROW_SIZE]))
		at++;
	if (at == row->tail)
		return;
	while (row->head != at) {
		take(to, row);
		to->haul->result->lost++;
	}
}

struct haul_piece haul_way_leave(struct haul_node *to,
				 const struct hail_datagram *datagram)
{
	struct haul_row *row = row_from(to, &datagram->remote);
	struct haul *haul = to->haul;

	if (!row) {
		haul_fail(haul, "node %u heard a stranger", haul_index(to));
		return (struct haul_piece){0, 0};
	}
	if (haul->options.lossy)
		pass_lost(to, row, datagram);
	if (row->head == row->tail ||
	    !is_piece(haul, datagram, row->pieces[row->head % HAUL_ROW_SIZE])) {
		fail_order(to, row, datagram);
		return (struct haul_piece){0, 0};
	}
	to->received++;
	haul->result->coalesced +=
		(datagram->flags & HAIL_DATAGRAM_COALESCED) != 0;
	return take(to, row);
}
