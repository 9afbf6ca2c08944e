/* SPDX-License-Identifier: MIT */
/* receive.c: what was sent arrives whole and in order, the empty included, and
 * in batches; what is longer than a socket takes is cut and says so. Buffers
 * are in buffers.c. */
#include "support/live.h"

/* As many datagrams as the kernel's default receive buffer surely holds. */
#define BURST 200

/* What was heard of a row of datagrams that carry their number, of which some
 * are empty. */
struct row {
	uint32_t next;
	uint32_t wrong;
	bool empty_between;
};

static void check_row(struct live *live, const struct hail_datagram *batch,
		      size_t count)
{
	struct row *row = live->arg;

	for (size_t i = 0; i < count; i++) {
		uint32_t number = row->next++, got = 0;
		bool empty = row->empty_between && number % 2;

		if (!empty && batch[i].size == sizeof(got))
			memcpy(&got, batch[i].data, sizeof(got));
		else
			got = empty && batch[i].size == 0 ? number : ~number;
		row->wrong += got != number || batch[i].flags != 0 ||
			      batch[i].true_size != batch[i].size;
	}
}

/* Sends `count` datagrams in bursts and asserts that the row is right. */
static void send_row(struct live *live, uint32_t count)
{
	struct row *row = live->arg;
	int fd = live_plain();
	uint32_t sent = row->next, end = sent + count;

	while (sent < end) {
		for (int i = 0; i < BURST && sent < end; i++, sent++) {
			bool empty = row->empty_between && sent % 2;

			cr_assert(plain_send(fd, &sent,
					     empty ? 0 : sizeof(sent),
					     live_port(live)));
		}
		live_until(live->engine, row->next == sent);
	}
	cr_assert_eq(row->wrong, 0);
	close(fd);
}

Test(receive, a_thousand_empty_and_a_thousand_full_datagrams_arrive_in_order)
{
	struct hail_engine *engine = live_engine(NULL);
	struct row row = {.empty_between = true};
	struct live live = {.on_data = check_row, .arg = &row};
	struct hail_traffic traffic;

	live_open(&live, engine, NULL);
	send_row(&live, 2000);
	traffic = live_traffic(&live);
	cr_assert_eq(traffic.received, 2000);
	cr_assert_eq(traffic.received_bytes, 4000);
	cr_assert_eq(traffic.rearm_empty, 1000);
	cr_assert_eq(live.errors, 0);
	live_end(engine);
}

Test(receive, an_empty_datagram_has_an_address_and_no_bytes)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "", live_port(&live));
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(live.last_size, 0);
	cr_assert_eq(hail_addr_port(&live.last_remote), plain_port(fd));
	close(fd);
	live_end(engine);
}

/* The smallest queue that each number of completions makes: overflowing, the
 * kernel ends receptions and holds completions back, but loses nothing. */
Test(receive, ten_thousand_datagrams_pass_a_completion_queue_of_any_size)
{
	for (uint32_t completions = 1; completions <= 8; completions *= 2) {
		struct hail_engine *engine = live_engine(
			&HAIL_ENGINE_OPTIONS(.entries = 1,
					     .completions = completions,
					     .buffers_max = 256,
					     .small_buffers_max = 256));
		struct row row = {0};
		struct live live = {.on_data = check_row, .arg = &row};

		live_open(&live, engine, NULL);
		send_row(&live, 10000);
		cr_assert_eq(live_traffic(&live).received, 10000);
		cr_assert_gt(live_traffic(&live).rearm_queue +
				     live_stats(engine).overflows,
			     0);
		live_end(engine);
	}
}

Test(receive, many_sockets_pass_a_short_completion_queue)
{
	struct hail_engine *engine =
		live_engine(&HAIL_ENGINE_OPTIONS(.entries = 2, .completions = 2,
						 .buffers_max = 64));
	static struct row rows[32];
	static struct live lives[32];
	int fd = live_plain();

	for (int i = 0; i < 32; i++) {
		lives[i].on_data = check_row;
		lives[i].arg = &rows[i];
		live_open(&lives[i], engine, NULL);
	}
	for (uint32_t n = 0; n < 100; n++) {
		for (int i = 0; i < 32; i++)
			plain_send(fd, &n, sizeof(n), live_port(&lives[i]));
	}
	for (int i = 0; i < 32; i++) {
		live_until(engine, rows[i].next == 100);
		cr_assert_eq(rows[i].wrong, 0);
	}
	close(fd);
	live_end(engine);
}

static unsigned char pattern[65507];

/* What one datagram must look like when it arrives. */
struct cut {
	size_t size, true_size;
	unsigned right;
};

static void check_cut(struct live *live, const struct hail_datagram *batch,
		      size_t count)
{
	struct cut *cut = live->arg;
	bool flagged = batch[0].flags & HAIL_DATAGRAM_TRUNCATED;

	cr_assert_eq(count, 1);
	cr_assert_eq(batch[0].size, cut->size, "%zu instead of %zu of %zu",
		     batch[0].size, cut->size, cut->true_size);
	cr_assert_eq(batch[0].true_size, cut->true_size);
	cr_assert_eq(flagged, cut->size < cut->true_size);
	cr_assert(!memcmp(batch[0].data, pattern, cut->size));
	cut->right++;
}

/* Sends `size` bytes to a socket that takes `max`. */
static void assert_cut(struct live *live, int fd, size_t size, size_t max)
{
	struct cut cut = {.size = size, .true_size = size};

	if (max && size > max)
		cut.size = max;
	live->arg = &cut;
	cr_assert(plain_send(fd, pattern, size, live_port(live)));
	live_until(live->engine, cut.right == 1);
}

static void assert_cuts(uint32_t small_size, uint32_t datagram_max)
{
	const uint32_t around[] = {1,    64,    65,         2048,
				   9000, 65507, small_size, datagram_max};
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers_max = 16, .small_buffers_max = 16,
				     .small_size = small_size));
	struct live live = {.on_data = check_cut};
	int fd = live_plain();

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.datagram_max = datagram_max));
	assert_cut(&live, fd, 0, datagram_max);
	for (size_t i = 0; i < live_count(around); i++) {
		for (uint32_t size = around[i] ? around[i] - 1 : 0;
		     size <= around[i] + 1 && size <= 65507; size++)
			assert_cut(&live, fd, size, datagram_max);
	}
	close(fd);
	live_end(engine);
}

Test(receive, an_oversize_datagram_is_cut_and_flagged_and_tells_its_true_size)
{
	const uint32_t small_sizes[] = {1, 7, 64, 1000, 2048, 65535};

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 13 + 1);
	for (size_t i = 0; i < live_count(small_sizes); i++) {
		uint32_t small = small_sizes[i];
		const uint32_t maxima[] = {0,     1,         small - 1,
					   small, small + 1, 65506,
					   65507, UINT32_MAX};

		for (size_t k = 0; k < live_count(maxima); k++)
			assert_cuts(small, maxima[k]);
	}
}

Test(receive, cut_datagrams_are_counted_and_reception_goes_on)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.datagram_max = 4));
	for (int i = 0; i < 10; i++)
		live_plain_send(fd, i % 2 ? "long enough" : "fits",
				live_port(&live));
	live_until(engine, live.datagrams == 10);
	cr_assert_eq(live_traffic(&live).truncated, 5);
	cr_assert_eq(live_traffic(&live).received_bytes, 40);
	close(fd);
	live_end(engine);
}

Test(receive, a_handler_is_handed_no_more_than_the_budget)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = 4, .buffers_max = 64));
	struct row row = {0};
	struct live live = {.on_data = check_row, .arg = &row};
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (uint32_t i = 0; i < 20; i++)
		plain_send(fd, &i, sizeof(i), live_port(&live));
	live_until(engine, live.datagrams);
	cr_assert_eq(live.datagrams, 4);
	cr_assert_eq(hail_socket_stats(live.socket, &stats), 0);
	cr_assert_eq(stats.queued, 16);
	for (unsigned turn = 2; turn <= 5; turn++) {
		cr_assert_eq(live_turn(engine), 4);
		cr_assert_eq(live.batches, turn);
	}
	cr_assert_eq(row.next, 20);
	cr_assert_eq(row.wrong, 0);
	close(fd);
	live_end(engine);
}

Test(receive, what_arrives_together_is_handed_over_together)
{
	struct hail_engine *engine = live_engine(NULL);
	struct row row = {0};
	struct live live = {.on_data = check_row, .arg = &row};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (uint32_t i = 0; i < 30; i++)
		plain_send(fd, &i, sizeof(i), live_port(&live));
	live_until(engine, live.datagrams);
	cr_assert_eq(live.batches, 1);
	cr_assert_eq(row.next, 30);
	close(fd);
	live_end(engine);
}

Test(receive, what_arrived_before_the_first_turn_is_not_lost)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "early", live_port(&live));
	cr_assert_eq(hail_engine_turn(engine, -1), 1);
	live_expect_last(&live, "early");
	close(fd);
	live_end(engine);
}

Test(receive, without_a_data_handler_it_waits_in_the_kernel)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_handlers none = {0};
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_set_handlers(live.socket, &none), 0);
	live_plain_send(fd, "patience", live_port(&live));
	live_settle(engine);
	cr_assert_eq(live_traffic(&live).received, 0);
	cr_assert_eq(hail_socket_set_handlers(live.socket, &live_handlers), 0);
	live_until(engine, live.datagrams == 1);
	live_expect_last(&live, "patience");
	close(fd);
	live_end(engine);
}

static void take_data_away(struct live *live, const struct hail_datagram *batch,
			   size_t count)
{
	struct hail_handlers none = {0};

	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_set_handlers(live->socket, &none), 0);
}

Test(receive, handlers_can_be_replaced_inside_a_handler)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = 1, .buffers_max = 64));
	struct live live = {.on_data = take_data_away};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (int i = 0; i < 5; i++)
		live_plain_send(fd, i ? "later" : "first", live_port(&live));
	live_until(engine, live.datagrams);
	live_settle(engine);
	cr_assert_eq(live.datagrams, 1);
	live.on_data = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &live_handlers), 0);
	live_until(engine, live.datagrams == 5);
	close(fd);
	live_end(engine);
}
