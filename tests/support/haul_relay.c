/* SPDX-License-Identifier: MIT */
/* support/haul_relay.c: what was received is sent on from where it lies: at
 * once, in the handler, or later, from buffers that are retained for that. */
#include "haul_state.h"

static uint32_t kept(const struct haul_node *relay)
{
	return relay->kept_tail - relay->kept_head;
}

static void keep(struct haul_node *relay, const struct hail_datagram *datagram,
		 struct haul_piece piece)
{
	int err = hail_buffer_retain(datagram->buffer);

	if (err || kept(relay) == HAUL_ROW_SIZE) {
		haul_fail(relay->haul, "a buffer can't be retained: %s",
			  hail_strerror(err));
		return;
	}
	relay->kept[relay->kept_tail % HAUL_ROW_SIZE] = *datagram;
	relay->kept_pieces[relay->kept_tail++ % HAUL_ROW_SIZE] = piece;
}

/* How many from the front home has room for. */
static size_t fill(struct haul_node *relay, const struct haul_piece *pieces,
		   const struct hail_datagram *batch, size_t count)
{
	struct haul_node *home = &relay->haul->nodes[HAUL_HOME];
	uint64_t booked = 0;
	uint32_t frames = 0;
	size_t n;

	for (n = 0; n < count && n < HAUL_BATCH_MAX; n++) {
		const uint32_t size = pieces[n].size;

		if (!haul_way_open(home, size, booked, frames))
			break;
		booked += haul_way_charge(size);
		frames += haul_way_frames(size);
		relay->haul->messages[n] = (struct hail_message){
			batch[n].data, size, &home->local};
	}
	return n;
}

static size_t send_on(struct haul_node *relay, const struct haul_piece *pieces,
		      const struct hail_datagram *batch, size_t count)
{
	struct haul_node *home = &relay->haul->nodes[HAUL_HOME];
	size_t n = fill(relay, pieces, batch, count);

	if (!n)
		return 0;
	n = haul_send_answer(
		relay, hail_send_many(relay->socket, relay->haul->messages, n),
		n);
	for (size_t i = 0; i < n; i++)
		haul_way_enter(relay, home, pieces[i]);
	return n;
}

void haul_relay_batch(struct haul_node *relay,
		      const struct hail_datagram *batch,
		      const struct haul_piece *pieces, size_t count)
{
	size_t n = 0;

	if (!kept(relay) && !relay->owed && haul_below(relay->haul, 3))
		n = send_on(relay, pieces, batch, count);
	for (; n < count; n++)
		keep(relay, &batch[n], pieces[n]);
}

void haul_relay_kept(struct haul_node *relay)
{
	const uint32_t at = relay->kept_head % HAUL_ROW_SIZE;
	size_t count = kept(relay);

	if (!count || relay->owed)
		return;
	/* To the end of the ring, and sometimes not all of it. */
	if (count > HAUL_ROW_SIZE - at)
		count = HAUL_ROW_SIZE - at;
	if (haul_below(relay->haul, 2))
		count = 1 + haul_below(relay->haul, (uint32_t)count);
	count = send_on(relay, &relay->kept_pieces[at], &relay->kept[at],
			count);
	relay->haul->result->kept += count;
	for (size_t i = 0; i < count; i++) {
		int err = hail_buffer_release(relay->kept[at + i].buffer);

		if (err)
			haul_fail(relay->haul, "a release: %s",
				  hail_strerror(err));
	}
	relay->kept_head += (uint32_t)count;
}
