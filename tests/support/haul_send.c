/* SPDX-License-Identifier: MIT */
/* support/haul_send.c: batches of every composition. */
#include "haul_state.h"

#include <errno.h>
#include <string.h>

/* How a batch chooses where its messages go. */
enum spread { ONE, ANY, IN_TURN, IN_RUNS, SPREADS };

static uint32_t draw_edge(struct haul *haul)
{
	static const uint32_t edges[] = {0,    1,    2,    7,    8,    159,
					 160,  161,  1199, 1200, 1201, 1471,
					 1472, 1473, 1984, 1985};

	return edges[haul_below(haul, sizeof(edges) / sizeof(edges[0]))];
}

static uint32_t draw_large(struct haul *haul)
{
	static const uint32_t edges[] = {8192,  32767, 32768,
					 65506, 65507, HAUL_SIZE_LARGEST};
	uint32_t kind = haul_below(haul, 8);

	if (kind < sizeof(edges) / sizeof(edges[0]))
		return edges[kind];
	return haul_below(haul, HAUL_SIZE_LARGEST + 1);
}

/* Mostly the same as before, so that there are trains; they end with a shorter
 * one, or before a longer one. */
static uint32_t draw_size(struct haul *haul, uint32_t last)
{
	const struct haul_options *options = &haul->options;
	uint32_t kind = haul_below(haul, 64), size;

	if (kind < 48 && (last < 4096 || kind < 8))
		size = last;
	else if (kind < 50)
		size = last ? last - 1 : 1;
	else if (kind < 52)
		size = last + 1;
	else if (kind < 57)
		size = draw_edge(haul);
	else if (kind < 60)
		size = haul_below(haul, 1500);
	else if (kind < 63)
		size = haul_below(haul, 200);
	else
		size = draw_large(haul);
	if (size > options->size_max)
		return options->size_max;
	return size < options->size_min ? options->size_min : size;
}

static uint32_t draw_remote(struct haul *haul, enum spread spread, uint32_t n)
{
	const uint32_t count = HAUL_NODES - HAUL_RELAYS;
	uint32_t last =
		n ? haul->to[n - 1] : HAUL_RELAYS + haul_below(haul, count);

	if (!n || spread == ONE || (spread == IN_RUNS && haul_below(haul, 8)))
		return last;
	if (spread == IN_TURN)
		return HAUL_RELAYS + (last - HAUL_RELAYS + 1) % count;
	return HAUL_RELAYS + haul_below(haul, count);
}

/* Writes the n-th message of a batch to the arena. */
static void write_message(struct haul *haul, uint32_t n, uint32_t size,
			  uint32_t offset)
{
	const uint32_t at =
		haul_below(haul, HAUL_PATTERN_SIZE - HAUL_SIZE_LARGEST);

	haul->pieces[n] = (struct haul_piece){at, size};
	memcpy(haul->arena + offset, haul->pattern + at, size);
	haul->messages[n] = (struct hail_message){
		haul->arena + offset, size, &haul->nodes[haul->to[n]].local};
}

/* Draws at most so many messages; `used` is how much of the arena they take. */
static uint32_t draw_batch(struct haul *haul, uint32_t count, uint32_t *used)
{
	enum spread spread = (enum spread)haul_below(haul, SPREADS);
	uint64_t booked[HAUL_NODES] = {0};
	uint32_t frames = 0, n = 0;

	for (*used = 0; n < count; n++) {
		uint32_t to = haul->to[n] = draw_remote(haul, spread, n);
		struct haul_node *node = &haul->nodes[to];
		uint32_t size = draw_size(haul, node->last_size);

		if (*used + size > HAUL_ARENA_SIZE ||
		    !haul_way_open(node, size, booked[to], frames))
			break;
		node->last_size = size;
		booked[to] += haul_way_charge(size);
		frames += haul_way_frames(size);
		write_message(haul, n, size, *used);
		*used += size;
	}
	return n;
}

size_t haul_send_answer(struct haul_node *node, ssize_t answer, size_t count)
{
	size_t taken = answer > 0 ? (size_t)answer : 0;

	if (answer < 0 && answer != -EAGAIN)
		haul_fail(node->haul, "node %u: a send: %s", haul_index(node),
			  hail_strerror((int)answer));
	if (taken > count)
		haul_fail(node->haul, "%zu of %zu were taken", taken, count);
	if (taken < count) {
		node->owed = true;
		node->refused++;
	}
	return taken;
}

/* What was taken is written down, and the arena, which is ours again, is
 * spoilt.
 */
static void send_drawn(struct haul_node *source, uint32_t count, uint32_t used)
{
	struct haul *haul = source->haul;
	const struct hail_message *messages = haul->messages;
	ssize_t answer;
	size_t taken;

	if (count == 1 && haul_below(haul, 2)) {
		answer = hail_send(source->socket, messages->data,
				   messages->size, messages->remote);
		answer = answer ? answer : 1;
	} else {
		answer = hail_send_many(source->socket, messages, count);
	}
	taken = haul_send_answer(source, answer, count);
	for (size_t i = 0; i < taken; i++)
		haul_way_enter(source, &haul->nodes[haul->to[i]],
			       haul->pieces[i]);
	haul->result->sent += taken;
	memset(haul->arena, 0xee, used);
}

void haul_send_batch(struct haul_node *source)
{
	struct haul *haul = source->haul;
	uint64_t left = haul->options.datagrams - haul->result->sent;
	uint32_t count = haul->options.batch_max;
	uint32_t used;

	/* Mostly who is refused waits; who doesn't mustn't come to harm. */
	if (haul->result->sent >= haul->options.datagrams ||
	    (source->owed && haul_below(haul, 16)))
		return;
	if (haul_below(haul, 2))
		count = 1 + haul_below(haul, count);
	if (count > left)
		count = (uint32_t)left;
	count = draw_batch(haul, count, &used);
	if (count)
		send_drawn(source, count, used);
}

void haul_send_last(struct haul *haul)
{
	for (uint32_t from = 0; from < HAUL_SOURCES; from++) {
		const uint32_t count = HAUL_NODES - HAUL_RELAYS;

		for (uint32_t n = 0; n < count; n++) {
			haul->to[n] = HAUL_RELAYS + n;
			write_message(haul, n, 16, 16 * n);
		}
		send_drawn(&haul->nodes[from], count, 16 * count);
	}
}
