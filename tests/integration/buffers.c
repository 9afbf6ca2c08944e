/* SPDX-License-Identifier: MIT */
/* buffers.c: received datagrams kept past their handler and sent on, and pools
 * that run empty and recover. */
#include "support/live.h"

#define KEPT_MAX 64

struct shelf {
	struct hail_datagram kept[KEPT_MAX];
	size_t count;
};

static void keep(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	struct shelf *shelf = live->arg;

	for (size_t i = 0; i < count && shelf->count < KEPT_MAX; i++) {
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
		shelf->kept[shelf->count++] = batch[i];
	}
}

static void send_numbered(int fd, uint16_t port, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		cr_assert(plain_send(fd, &i, sizeof(i), port));
}

static uint32_t number_of(const struct hail_datagram *datagram)
{
	uint32_t number;

	cr_assert_eq(datagram->size, sizeof(number));
	memcpy(&number, datagram->data, sizeof(number));
	return number;
}

static void release_all(struct shelf *shelf)
{
	while (shelf->count) {
		struct hail_datagram *kept = &shelf->kept[--shelf->count];

		cr_assert_eq(hail_buffer_release(kept->buffer), 0);
	}
}

Test(buffers, a_retained_datagram_stays_as_it_is)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 32, .buffers_max = 32));
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	send_numbered(fd, live_port(&live), 0, 8);
	live_until(engine, shelf.count == 8);
	live.on_data = NULL;
	cr_assert_eq(live_stats(engine).buffers.in_use, 8);
	/* Every other buffer is used a few times meanwhile. */
	for (uint32_t i = 1; i <= 10; i++) {
		send_numbered(fd, live_port(&live), 1000, 24);
		live_until(engine, live.datagrams == 8 + i * 24);
	}
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(number_of(&shelf.kept[i]), i);
	release_all(&shelf);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, a_buffer_comes_back_after_as_many_releases_as_retains)
{
	struct hail_engine *engine = live_engine(NULL);
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	send_numbered(fd, live_port(&live), 7, 1);
	live_until(engine, shelf.count == 1);
	cr_assert_eq(hail_buffer_retain(shelf.kept[0].buffer), 0);
	cr_assert_eq(hail_buffer_release(shelf.kept[0].buffer), 0);
	cr_assert_eq(live_stats(engine).buffers.in_use, 1);
	cr_assert_eq(number_of(&shelf.kept[0]), 7);
	release_all(&shelf);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, with_all_of_them_retained_reception_waits_and_goes_on)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 4, .buffers_max = 4));
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	send_numbered(fd, live_port(&live), 0, 12);
	for (uint32_t round = 0; round < 3; round++) {
		live_until(engine, shelf.count == 4);
		live_settle(engine);
		cr_assert_eq(live.datagrams, 4 * (round + 1));
		for (uint32_t i = 0; i < 4; i++)
			cr_assert_eq(number_of(&shelf.kept[i]), 4 * round + i);
		release_all(&shelf);
	}
	cr_assert_gt(live_traffic(&live).rearm_pool, 0);
	cr_assert_gt(live_stats(engine).buffers.exhausted, 0);
	live.on_data = NULL;
	send_numbered(fd, live_port(&live), 12, 4);
	live_until(engine, live.datagrams == 16);
	close(fd);
	live_end(engine);
}

Test(buffers, sockets_that_wait_for_one_are_all_served_again)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	struct shelf shelf = {0};
	static struct live lives[8];
	int fd = live_plain();

	lives[0].on_data = keep;
	lives[0].arg = &shelf;
	live_open(&lives[0], engine, NULL);
	send_numbered(fd, live_port(&lives[0]), 0, 2);
	live_until(engine, shelf.count == 2);
	for (int i = 1; i < 8; i++) {
		live_open(&lives[i], engine, NULL);
		send_numbered(fd, live_port(&lives[i]), 0, 5);
	}
	live_settle(engine);
	for (int i = 1; i < 8; i++)
		cr_assert_eq(lives[i].datagrams, 0);
	release_all(&shelf);
	for (int i = 1; i < 8; i++)
		live_until(engine, lives[i].datagrams == 5);
	close(fd);
	live_end(engine);
}

Test(buffers, a_closing_socket_gives_back_what_it_had_not_handed_over)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.budget = 1, .buffers = 4,
						 .buffers_max = 4));
	struct live first = {0}, second = {0};
	int fd = live_plain();

	live_open(&first, engine, NULL);
	live_open(&second, engine, NULL);
	send_numbered(fd, live_port(&first), 0, 4);
	live_until(engine, first.datagrams == 1);
	send_numbered(fd, live_port(&second), 0, 4);
	live_close(&first);
	live_until(engine, second.datagrams == 4);
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, the_pool_grows_up_to_its_bound)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 32));
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	send_numbered(fd, live_port(&live), 0, 40);
	live_until(engine, shelf.count == 32);
	live_settle(engine);
	cr_assert_eq(live.datagrams, 32);
	cr_assert_eq(live_stats(engine).buffers.total, 32);
	cr_assert_eq(live_stats(engine).buffers.in_use_max, 32);
	release_all(&shelf);
	live_until(engine, live.datagrams == 40);
	close(fd);
	live_end(engine);
}

Test(buffers, a_pool_that_a_flood_empties_serves_again)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	struct live live = {0};
	int fd = live_plain();
	struct plain_flood *flood;
	size_t datagrams;

	live_open(&live, engine, NULL);
	flood = plain_flood_start(live_port(&live), 100);
	live_until(engine, live.datagrams > 20000);
	plain_flood_stop(flood);
	live_settle(engine);
	cr_assert_gt(live_stats(engine).buffers.exhausted, 0);
	datagrams = live.datagrams;
	live_plain_send(fd, "calm", live_port(&live));
	live_until(engine, live.datagrams > datagrams);
	live_expect_last(&live, "calm");
	cr_assert_eq(live.errors, 0);
	close(fd);
	live_end(engine);
}

/* Back to the sender: whole, without its first byte, and without its last. */
static void echo(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = batch[i].data;
		size_t size = batch[i].size;
		const struct hail_addr *remote = &batch[i].remote;

		cr_assert_eq(hail_send(live->socket, text, size, remote), 0);
		cr_assert_eq(
			hail_send(live->socket, text + 1, size - 1, remote), 0);
		cr_assert_eq(hail_send(live->socket, text, size - 1, remote),
			     0);
	}
}

Test(buffers, a_datagram_that_is_just_being_handed_over_can_be_sent_on)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	struct live live = {.on_data = echo};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (unsigned i = 1; i <= 100; i++) {
		live_plain_send(fd, "walls", live_port(&live));
		live_until(engine, live_traffic(&live).sent == 3 * i);
		live_expect(fd, "walls");
		live_expect(fd, "alls");
		live_expect(fd, "wall");
	}
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, one_that_is_sent_from_large_memory_needs_no_large_block)
{
	static unsigned char bytes[60000];
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = echo};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	cr_assert(plain_send(fd, bytes, sizeof(bytes), live_port(&live)));
	live_until(engine, live_traffic(&live).sent == 3);
	cr_assert_eq(live_stats(engine).send_blocks.in_use_max, 3);
	cr_assert_eq(live_stats(engine).send_blocks_large.in_use_max, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, a_retained_datagram_can_be_sent_on_later)
{
	struct hail_engine *engine = live_engine(NULL);
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "later", live_port(&live));
	live_until(engine, shelf.count == 1);
	cr_assert_eq(hail_send(live.socket, shelf.kept[0].data, 5,
			       &shelf.kept[0].remote),
		     0);
	release_all(&shelf);
	live_expect(fd, "later");
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

static void send_and_release(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;
	struct shelf *shelf = live->arg;
	struct hail_datagram *kept = &shelf->kept[0];

	(void)engine;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(hail_send(live->socket, kept->data, kept->size,
				       &kept->remote),
			     0);
	release_all(shelf);
}

Test(buffers, one_that_is_in_flight_may_be_released)
{
	struct hail_engine *engine = live_engine(NULL);
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "held", live_port(&live));
	live_until(engine, shelf.count == 1);
	hail_engine_post(engine, send_and_release, &live);
	live_until(engine, live_traffic(&live).sent == 3);
	for (int i = 0; i < 3; i++)
		live_expect(fd, "held");
	cr_assert_eq(live_stats(engine).buffers.in_use, 0);
	close(fd);
	live_end(engine);
}

Test(buffers, retained_ones_outlive_their_socket_and_end_with_the_engine)
{
	struct hail_engine *engine = live_engine(NULL);
	struct shelf shelf = {0};
	struct live live = {.on_data = keep, .arg = &shelf};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	send_numbered(fd, live_port(&live), 5, 2);
	live_until(engine, shelf.count == 2);
	live_close(&live);
	cr_assert_eq(number_of(&shelf.kept[0]), 5);
	cr_assert_eq(hail_buffer_release(shelf.kept[0].buffer), 0);
	cr_assert_eq(number_of(&shelf.kept[1]), 6);
	close(fd);
	live_end(engine);
}
