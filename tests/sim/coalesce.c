/* SPDX-License-Identifier: MIT */
/* coalesce.c: what the kernel handed over as one piece reaches the data handler
 * as the datagrams that it was, in batches like any other. */
#include "world.h"

#define SEGMENT 100

/* Each datagram is a number, over and over. */
struct reader {
	struct seen seen;
	uint32_t next; /* that is expected */
	uint32_t close_at;
	struct hail_buffer *kept;
	const uint32_t *kept_data;
	uint32_t keep_at;
};

static void read_batch(struct seen *seen, const struct hail_datagram *batch,
		       size_t count)
{
	struct reader *reader = (struct reader *)(void *)seen;

	for (size_t i = 0; i < count; i++) {
		const unsigned char *data = batch[i].data;

		for (size_t at = 0; at < batch[i].size; at += sizeof(uint32_t))
			cr_assert_eq(memcmp(data + at, &reader->next,
					    sizeof(uint32_t)),
				     0, "%u isn't what came", reader->next);
		if (reader->keep_at && reader->next == reader->keep_at) {
			cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
			reader->kept = batch[i].buffer;
			reader->kept_data = batch[i].data;
		}
		reader->next++;
	}
	if (reader->close_at && reader->next >= reader->close_at)
		seen_close(seen);
}

/* `count` datagrams from `first` on, the last of `rest` bytes. */
static void inject_from(struct reader *reader, const struct hail_addr *from,
			uint32_t first, uint32_t count, size_t rest)
{
	static uint32_t words[16384];
	size_t size = (count - 1) * SEGMENT + rest;

	cr_assert_leq(size, 65507);
	for (size_t i = 0; i < size / sizeof(uint32_t); i++)
		words[i] = first + (uint32_t)(i * sizeof(uint32_t) / SEGMENT);
	sim_inject_coalesced(reader->seen.world->sim, reader->seen.slot, from,
			     words, size, count > 1 ? SEGMENT : 0);
}

static void inject(struct reader *reader, uint32_t first, uint32_t count,
		   size_t rest)
{
	struct hail_addr from = remote_at(9);

	inject_from(reader, &from, first, count, rest);
}

static void start(struct world *world, struct reader *reader,
		  const struct hail_engine_options *engine,
		  struct hail_socket_options options)
{
	reader->seen.on_data = read_batch;
	options.coalesce = true;
	world_start(world, engine);
	world_open(world, &reader->seen, &options);
	world_settle(world);
}

static void finish(struct world *world, const struct reader *reader)
{
	cr_assert_eq(reader->seen.late, 0);
	cr_assert_eq(world_stats(world).buffers.in_use, 0);
	world_end(world);
}

Test(coalesce, each_datagram_is_handed_over_and_counted)
{
	struct world world;
	struct reader reader = {0};
	struct hail_traffic traffic;

	start(&world, &reader, NULL, HAIL_SOCKET_OPTIONS(.window = 0));
	inject(&reader, 0, 20, SEGMENT);
	inject(&reader, 20, 1, 8);
	inject(&reader, 21, 655, 4);
	inject(&reader, 676, 2, SEGMENT);
	world_settle(&world);
	traffic = seen_traffic(&reader.seen);
	cr_assert_eq(reader.next, 678);
	cr_assert_eq(reader.seen.datagrams, 678);
	cr_assert_eq(traffic.received, 678);
	cr_assert_eq(traffic.received_bytes,
		     20 * SEGMENT + 8 + 654 * SEGMENT + 4 + 2 * SEGMENT);
	cr_assert_eq(traffic.strangers, 0);
	finish(&world, &reader);
}

Test(coalesce, an_empty_datagram_between_them_is_one_too)
{
	struct world world;
	struct reader reader = {0};
	struct hail_addr from = remote_at(9);

	start(&world, &reader, NULL, HAIL_SOCKET_OPTIONS(.window = 0));
	inject(&reader, 0, 10, SEGMENT);
	sim_inject(world.sim, reader.seen.slot, &from, NULL, 0);
	inject(&reader, 11, 10, SEGMENT);
	world_settle(&world);
	cr_assert_eq(reader.next, 21);
	cr_assert_eq(seen_traffic(&reader.seen).rearm_empty, 1);
	finish(&world, &reader);
}

Test(coalesce, a_batch_has_no_more_than_the_budget)
{
	for (uint32_t budget = 1; budget <= 64; budget *= 4) {
		struct world world;
		struct reader reader = {0};

		start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = budget),
		      HAIL_SOCKET_OPTIONS(.window = 0));
		for (uint32_t i = 0; i < 10; i++)
			inject(&reader, 37 * i, 37, 4 + 4 * i);
		world_settle(&world);
		cr_assert_eq(reader.next, 370);
		cr_assert_eq(reader.seen.batch_max, budget);
		finish(&world, &reader);
	}
}

Test(coalesce, others_have_their_turn_between_two_parts_of_one_piece)
{
	struct world world;
	struct reader reader = {0}, other = {0};

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 4),
	      HAIL_SOCKET_OPTIONS(.window = 0));
	other.seen.on_data = read_batch;
	world_open(&world, &other.seen, &HAIL_SOCKET_OPTIONS(.coalesce = true));
	world_settle(&world);
	inject(&reader, 0, 100, SEGMENT);
	inject(&other, 0, 3, SEGMENT);
	world_turn(&world);
	cr_assert_eq(other.next, 3);
	cr_assert_eq(reader.next, 4);
	world_settle(&world);
	cr_assert_eq(reader.next, 100);
	finish(&world, &reader);
}

Test(coalesce, one_that_is_retained_keeps_its_bytes)
{
	struct world world;
	struct reader reader = {.keep_at = 5};

	start(&world, &reader,
	      &HAIL_ENGINE_OPTIONS(.budget = 4, .buffers = 2, .buffers_max = 2),
	      HAIL_SOCKET_OPTIONS(.window = 0));
	for (uint32_t i = 0; i < 20; i++)
		inject(&reader, 10 * i, 10, SEGMENT);
	world_settle(&world);
	cr_assert_eq(reader.next, 200);
	cr_assert_eq(world_stats(&world).buffers.in_use, 1);
	cr_assert_not(sim_provided(world.sim, reader.kept_data));
	cr_assert_eq(*reader.kept_data, 5);
	cr_assert_eq(hail_buffer_release(reader.kept), 0);
	cr_assert_eq(hail_buffer_release(reader.kept), -EINVAL);
	world_settle(&world);
	finish(&world, &reader);
}

Test(coalesce, a_close_in_the_midst_of_a_piece_drops_the_rest_of_it)
{
	struct world world;
	struct reader reader = {.close_at = 10};

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 4),
	      HAIL_SOCKET_OPTIONS(.window = 0));
	inject(&reader, 0, 100, SEGMENT);
	inject(&reader, 100, 100, SEGMENT);
	cr_assert_eq(hail_engine_run(world.engine), 0);
	cr_assert_eq(reader.next, 12);
	cr_assert_eq(reader.seen.closes, 1);
	finish(&world, &reader);
}

/* What has come before the connection may be another's. */
Test(coalesce, strangers_are_not_heard)
{
	struct world world;
	struct reader reader = {0};
	struct hail_addr peer, stranger = remote_at(9);

	cr_assert_eq(hail_addr_parse(&peer, "127.0.0.1", 9), 0);
	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 4),
	      HAIL_SOCKET_OPTIONS(.remote = peer));
	for (uint32_t i = 0; i < 5; i++) {
		inject_from(&reader, &stranger, 1000, 30, SEGMENT);
		inject_from(&reader, &peer, 10 * i, 10, SEGMENT);
	}
	world_settle(&world);
	cr_assert_eq(reader.next, 50);
	cr_assert_eq(seen_traffic(&reader.seen).strangers, 5 * 30);
	finish(&world, &reader);
}

static void assert_cut(struct seen *seen, const struct hail_datagram *batch,
		       size_t count)
{
	const uint32_t whole = HAIL_DATAGRAM_COALESCED;

	for (size_t i = 0; i < count; i++) {
		bool last = batch[i].true_size < SEGMENT;

		cr_assert_eq(batch[i].size, last ? 40 : 60);
		cr_assert_eq(batch[i].true_size, last ? 40 : SEGMENT);
		cr_assert_eq(batch[i].flags,
			     last ? whole : whole | HAIL_DATAGRAM_TRUNCATED);
	}
	(void)seen;
}

Test(coalesce, each_datagram_is_cut_to_what_the_socket_takes)
{
	struct world world;
	struct reader reader = {0};

	start(&world, &reader, NULL, HAIL_SOCKET_OPTIONS(.datagram_max = 60));
	reader.seen.on_data = assert_cut;
	inject(&reader, 0, 30, 40);
	world_settle(&world);
	cr_assert_eq(reader.seen.datagrams, 30);
	cr_assert_eq(seen_traffic(&reader.seen).truncated, 29);
	finish(&world, &reader);
}

static void pause(struct seen *seen, const struct hail_datagram *batch,
		  size_t count)
{
	struct hail_handlers none = {0};

	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_set_handlers(seen->socket, &none), 0);
}

static void read_on(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct seen *seen = hail_socket_user(socket);

	seen->datagrams += count;
	read_batch(seen, batch, count);
}

/* The rest of a piece waits, and goes on where it stopped. */
Test(coalesce, a_handler_that_is_taken_away_finds_the_rest_when_it_is_back)
{
	struct world world;
	struct reader reader = {.next = 4};
	struct hail_handlers back = {.data = read_on};

	start(&world, &reader, &HAIL_ENGINE_OPTIONS(.budget = 4),
	      HAIL_SOCKET_OPTIONS(.window = 0));
	reader.seen.on_data = pause;
	inject(&reader, 0, 30, SEGMENT);
	world_settle(&world);
	cr_assert_eq(reader.seen.datagrams, 4);
	cr_assert_eq(hail_socket_set_handlers(reader.seen.socket, &back), 0);
	world_settle(&world);
	cr_assert_eq(reader.seen.datagrams, 30);
	cr_assert_eq(reader.next, 30);
	finish(&world, &reader);
}
