/* SPDX-License-Identifier: MIT */
/* coalesce_auto.c: a socket whose datagrams come in rows starts to coalesce by
 * itself, and what it hands over is the same before, meanwhile and after. */
#include "world.h"

#include <hail/option.h>

/* Of a row that is handed over as one batch, and of all those that turn it
 * on. */
#define ROW 32
#define ROWS 16

/* Each datagram is a number of four bytes; see seen_inject(). */
struct reader {
	struct seen seen;
	uint32_t next;   /* that is expected */
	uint32_t pieces; /* datagrams that were flagged */
	uint32_t inject; /* a row in the handler, while next is below */
	uint32_t injected;
	struct hail_buffer *kept[ROW];
	uint32_t kept_count;
};

static void inject_row(struct reader *reader, uint32_t count)
{
	static uint32_t numbers[4096];
	struct hail_addr from = remote_at(9);

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = reader->injected++;
	sim_inject_coalesced(reader->seen.world->sim, reader->seen.slot, &from,
			     numbers, count * sizeof(numbers[0]),
			     sizeof(numbers[0]));
}

static void read_batch(struct seen *seen, const struct hail_datagram *batch,
		       size_t count)
{
	struct reader *reader = (struct reader *)(void *)seen;

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(batch[i].size, 4);
		cr_assert_eq(batch[i].true_size, 4);
		cr_assert_eq(datagram_number(&batch[i]), reader->next);
		reader->next++;
		reader->pieces += batch[i].flags == HAIL_DATAGRAM_COALESCED;
	}
	if (reader->next < reader->inject)
		inject_row(reader, ROW);
}

static void start(struct world *world, struct reader *reader,
		  const struct hail_engine_options *engine,
		  const struct hail_socket_options *options)
{
	reader->seen.on_data = read_batch;
	world_start(world, engine);
	world_open(world, &reader->seen, options);
	world_settle(world);
}

static void finish(struct world *world, const struct reader *reader)
{
	cr_assert_eq(reader->seen.late, 0);
	cr_assert_eq(world_stats(world).buffers.in_use, 0);
	world_end(world);
}

/* As the stats and the kernel tell it. */
static bool is_on(const struct reader *reader)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	uint32_t on = 77;

	cr_assert_eq(hail_socket_stats(reader->seen.socket, &stats), 0);
	cr_assert_eq(
		hail_socket_get(reader->seen.socket, HAIL_OPTION_COALESCE, &on),
		0);
	cr_assert_eq(stats.coalescing, on == 1);
	return on;
}

static void feed(struct world *world, struct reader *reader, uint32_t rows,
		 uint32_t count)
{
	while (rows--) {
		inject_row(reader, count);
		world_settle(world);
	}
	cr_assert_eq(reader->next, reader->injected);
}

static void turn_on(struct world *world, struct reader *reader)
{
	feed(world, reader, ROWS, ROW);
	cr_assert(is_on(reader));
}

Test(coalesce_auto, rows_turn_it_on_and_not_before)
{
	struct world world;
	struct reader reader = {0};
	struct hail_traffic traffic;

	start(&world, &reader, NULL, NULL);
	feed(&world, &reader, ROWS - 1, ROW);
	cr_assert_not(is_on(&reader));
	feed(&world, &reader, 1, ROW);
	cr_assert(is_on(&reader));
	cr_assert_eq(reader.pieces, 0);
	feed(&world, &reader, 10, 100);
	cr_assert_eq(reader.pieces, 1000);
	traffic = seen_traffic(&reader.seen);
	cr_assert_eq(traffic.coalesced, 1000);
	cr_assert_eq(traffic.received, ROWS * ROW + 1000);
	cr_assert_eq(traffic.received_bytes, 4 * traffic.received);
	finish(&world, &reader);
}

/* Some of what arrived before it was on is received after. */
Test(coalesce_auto, nothing_is_mixed_up_while_it_is_turned_on)
{
	struct world world;
	struct reader reader = {.inject = 5000};

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 16), NULL);
	inject_row(&reader, ROW);
	world_settle(&world);
	cr_assert(is_on(&reader));
	cr_assert_geq(reader.next, 5000);
	cr_assert_eq(reader.next, reader.injected);
	cr_assert_gt(reader.pieces, 0);
	cr_assert_lt(reader.pieces, reader.next);
	cr_assert_eq(seen_traffic(&reader.seen).coalesced, reader.pieces);
	finish(&world, &reader);
}

Test(coalesce_auto, a_row_of_one_is_handed_over_between_pieces)
{
	struct world world;
	struct reader reader = {0};
	struct hail_addr from = remote_at(9);

	start(&world, &reader, NULL, NULL);
	turn_on(&world, &reader);
	for (int i = 0; i < 50; i++) {
		inject_row(&reader, 20);
		sim_inject(world.sim, reader.seen.slot, &from, &reader.injected,
			   4);
		reader.injected++;
	}
	world_settle(&world);
	cr_assert_eq(reader.next, ROWS * ROW + 50 * 21);
	cr_assert_eq(reader.pieces, 50 * 20);
	finish(&world, &reader);
}

Test(coalesce_auto, a_trickle_does_not_turn_it_on)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, NULL, NULL);
	feed(&world, &reader, 60, 1);
	feed(&world, &reader, 60, 15);
	cr_assert_not(is_on(&reader));
	finish(&world, &reader);
}

Test(coalesce_auto, many_senders_do_not_turn_it_on)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, NULL, NULL);
	for (uint32_t i = 0; i < 100 * ROW; i++) {
		struct hail_addr from = remote_at((uint16_t)(i + 1));

		sim_inject(world.sim, reader.seen.slot, &from, &i, 4);
		if (i % ROW == ROW - 1)
			world_settle(&world);
	}
	cr_assert_eq(reader.next, 100 * ROW);
	cr_assert_not(is_on(&reader));
	finish(&world, &reader);
}

static void assert_never(const struct hail_socket_options *options)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, NULL, options);
	feed(&world, &reader, 4 * ROWS, ROW);
	cr_assert_not(is_on(&reader));
	cr_assert_eq(seen_traffic(&reader.seen).coalesced, 0);
	finish(&world, &reader);
}

Test(coalesce_auto, a_socket_that_was_told_not_to_never_does)
{
	assert_never(&HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_OFF));
	assert_never(&HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_OFF,
					  .datagram_max = 100));
}

Test(coalesce_auto, a_socket_that_receives_into_small_buffers_never_does)
{
	assert_never(&HAIL_SOCKET_OPTIONS(.datagram_max = 4));
	assert_never(&HAIL_SOCKET_OPTIONS(.datagram_max = 2048));
	assert_never(&HAIL_SOCKET_OPTIONS(.datagram_max = 2048 - 208,
					  .facts = HAIL_FACT_TTL));
}

Test(coalesce_auto, a_socket_whose_promise_does_not_fit_them_does)
{
	static const struct hail_socket_options options[] = {
		{sizeof(options[0]), .datagram_max = 2049},
		{sizeof(options[0]), .datagram_max = 2048,
		 .facts = HAIL_FACT_TTL},
		{sizeof(options[0]), .datagram_max = UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct world world;
		struct reader reader = {0};

		start(&world, &reader, NULL, &options[i]);
		turn_on(&world, &reader);
		feed(&world, &reader, 3, 500);
		cr_assert_eq(reader.pieces, 1500);
		finish(&world, &reader);
	}
}

Test(coalesce_auto, a_budget_that_is_smaller_than_a_piece_is_kept)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 16), NULL);
	turn_on(&world, &reader);
	reader.pieces = 0;
	feed(&world, &reader, 5, 1000);
	cr_assert_eq(reader.pieces, 5000);
	cr_assert_eq(reader.seen.batch_max, 16);
	finish(&world, &reader);
}

/* Each batch is kept whole. */
static void keep(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	struct reader *reader = (struct reader *)(void *)seen;

	read_batch(seen, batch, count);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
		reader->kept[reader->kept_count++] = batch[i].buffer;
	}
}

Test(coalesce_auto, datagrams_of_a_piece_that_are_retained_share_one_buffer)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, NULL, NULL);
	turn_on(&world, &reader);
	reader.seen.on_data = keep;
	inject_row(&reader, ROW);
	world_settle(&world);
	cr_assert_eq(reader.kept_count, ROW);
	for (uint32_t i = 0; i < ROW; i++) {
		cr_assert_eq(reader.kept[i], reader.kept[0]);
		cr_assert_eq(world_stats(&world).buffers.in_use, 1);
		cr_assert_eq(hail_buffer_release(reader.kept[i]), 0);
	}
	finish(&world, &reader);
}

static void assert_cut(struct seen *seen, const struct hail_datagram *batch,
		       size_t count)
{
	const uint32_t both = HAIL_DATAGRAM_COALESCED | HAIL_DATAGRAM_TRUNCATED;

	(void)seen;
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(batch[i].size, 3000);
		cr_assert_eq(batch[i].true_size, 5000);
		cr_assert_eq(batch[i].flags, both);
	}
}

Test(coalesce_auto, each_datagram_of_a_piece_is_cut_to_what_the_socket_takes)
{
	static const unsigned char bytes[60000];
	struct world world;
	struct reader reader = {0};
	struct hail_addr from = remote_at(9);

	start(&world, &reader, NULL,
	      &HAIL_SOCKET_OPTIONS(.datagram_max = 3000));
	turn_on(&world, &reader);
	reader.seen.on_data = assert_cut;
	sim_inject_coalesced(world.sim, reader.seen.slot, &from, bytes,
			     sizeof(bytes), 5000);
	world_settle(&world);
	cr_assert_eq(seen_traffic(&reader.seen).truncated, 12);
	finish(&world, &reader);
}

static void close_now(struct seen *seen, const struct hail_datagram *batch,
		      size_t count)
{
	(void)batch;
	(void)count;
	seen_close(seen);
}

Test(coalesce_auto, a_close_drops_and_counts_the_pieces_that_wait)
{
	struct world world;
	struct reader reader = {0};
	struct hail_traffic before, traffic;

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 16), NULL);
	turn_on(&world, &reader);
	before = seen_traffic(&reader.seen);
	reader.seen.on_data = close_now;
	inject_row(&reader, 100);
	inject_row(&reader, 7);
	inject_row(&reader, 1);
	world_settle(&world);
	traffic = world_stats(&world).traffic;
	cr_assert_eq(reader.seen.closes, 1);
	cr_assert_eq(traffic.received, ROWS * ROW + 16);
	cr_assert_eq(traffic.dropped, 108 - 16);
	cr_assert_eq(traffic.coalesced - before.coalesced, 16);
	finish(&world, &reader);
}
