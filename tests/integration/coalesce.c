/* SPDX-License-Identifier: MIT */
/* coalesce.c: what the kernel hands over as one piece is cut up again into the
 * datagrams that were sent. The sender has the kernel send trains, which on the
 * loopback arrive as they are. */
#include "support/live.h"
#include "support/numbered.h"

/* Of a train: with its headers the loopback takes it as it is. */
#define BYTES_MAX 65000
#define PIECES_MAX 128

TestSuite(coalesce, .timeout = 90);

/* Datagrams that are numbered from 0, from a plain sender to one socket. */
struct row {
	struct hail_engine *engine;
	struct live live;
	int fd;
	uint32_t sent;
	/* What came: the next that is expected, how many weren't as they
	 * should be, and how many were flagged. */
	uint32_t next, wrong, coalesced;
	size_t datagram_max;
	/* What the test does with a batch besides. */
	void (*then)(struct row *row, const struct hail_datagram *batch,
		     size_t count);
	struct hail_datagram kept;
	unsigned calls;
};

static bool is_next(const struct row *row, const struct hail_datagram *datagram)
{
	size_t here = datagram->true_size;
	bool cut = row->datagram_max && here > row->datagram_max;
	bool flagged = datagram->flags & HAIL_DATAGRAM_TRUNCATED;
	uint32_t stream, number;

	if (cut)
		here = row->datagram_max;
	return datagram->size == here && flagged == cut &&
	       numbered_read_cut(datagram->data, here, datagram->true_size,
				 &stream, &number) &&
	       number == row->next;
}

static void check_row(struct live *live, const struct hail_datagram *batch,
		      size_t count)
{
	struct row *row = live->arg;

	for (size_t i = 0; i < count; i++, row->next++) {
		row->wrong += !is_next(row, &batch[i]);
		if (batch[i].flags & HAIL_DATAGRAM_COALESCED)
			row->coalesced++;
	}
	row->calls++;
	if (row->then)
		row->then(row, batch, count);
}

/* Budget 0: the default. Options: all but coalesce and a local address, which
 * is 127.0.0.1 where there is none. */
static void start(struct row *row, uint32_t budget,
		  struct hail_socket_options options)
{
	struct hail_addr local;

	*row = (struct row){.datagram_max = options.datagram_max};
	row->engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.budget = budget, .buffers_max = 64,
				     .small_buffers_max = 64));
	row->live.on_data = check_row;
	row->live.arg = row;
	options.coalesce = true;
	live_open(&row->live, row->engine, &options);
	local = live_local(&row->live);
	row->fd = plain_open(
		local.sa.sa_family == AF_INET ? "127.0.0.1" : "::1", 0);
	cr_assert_geq(row->fd, 0);
}

static void end(struct row *row)
{
	cr_assert_eq(row->wrong, 0, "%u wrong", row->wrong);
	close(row->fd);
	live_end(row->engine);
}

/* Sends a train of `count` numbered datagrams, the last one of `last` bytes. */
static void send_train(struct row *row, uint16_t size, uint32_t count,
		       uint16_t last)
{
	static unsigned char bytes[BYTES_MAX];
	size_t at = 0;

	for (uint32_t i = 1; i <= count; i++) {
		uint16_t here = i < count ? size : last;

		cr_assert_leq(at + here, sizeof(bytes));
		numbered_write(bytes + at, here, 0, row->sent++);
		at += here;
	}
	cr_assert(plain_send_train(row->fd, bytes, at, size,
				   live_port(&row->live)));
}

static void await_all(struct row *row)
{
	live_until(row->engine, row->next == row->sent);
	cr_assert_eq(row->wrong, 0, "%u wrong", row->wrong);
}

/* As many pieces as the kernel takes of this size. */
static uint32_t pieces_max(uint32_t size)
{
	return BYTES_MAX / size < PIECES_MAX ? BYTES_MAX / size : PIECES_MAX;
}

static void assert_trains(struct row *row)
{
	static const uint16_t sizes[] = {8,    9,    160,  1000, 1232,
					 1472, 2048, 9000, 32500};

	for (size_t i = 0; i < live_count(sizes); i++) {
		uint16_t size = sizes[i];
		const uint32_t counts[] = {2, 3, 5, 64, pieces_max(size)};

		for (size_t k = 0; k < live_count(counts); k++) {
			uint32_t flagged = row->coalesced, count = counts[k];

			if (count > pieces_max(size))
				continue;
			send_train(row, size, count, size);
			send_train(row, size, count, NUMBERED_MIN);
			send_train(row, size, count, (uint16_t)(size / 2 + 4));
			await_all(row);
			cr_assert_eq(row->coalesced - flagged, 3 * count);
		}
	}
}

Test(coalesce, every_datagram_of_a_train_is_handed_over_whole_and_in_order)
{
	static const char *const ips[] = {"127.0.0.1", "::1", "::"};
	struct row row;

	for (size_t i = 0; i < live_count(ips); i++) {
		start(&row, 0,
		      HAIL_SOCKET_OPTIONS(.local = live_addr(ips[i], 0)));
		assert_trains(&row);
		cr_assert_eq(live_traffic(&row.live).received, row.sent);
		end(&row);
	}
}

Test(coalesce, datagrams_that_came_alone_are_not_flagged)
{
	unsigned char bytes[BYTES_MAX];
	struct row row;

	start(&row, 0, HAIL_SOCKET_OPTIONS(.window = 0));
	for (size_t size = NUMBERED_MIN; size < sizeof(bytes); size += 4093) {
		numbered_write(bytes, size, 0, row.sent++);
		cr_assert(
			plain_send(row.fd, bytes, size, live_port(&row.live)));
		await_all(&row);
	}
	cr_assert_eq(row.coalesced, 0);
	live_plain_send(row.fd, "", live_port(&row.live));
	live_until(row.engine, row.live.datagrams == row.sent + 1);
	cr_assert_eq(row.live.last_size, 0);
	row.wrong = 0;
	end(&row);
}

Test(coalesce, a_budget_that_is_smaller_than_a_train_is_kept)
{
	for (uint32_t budget = 1; budget <= 128; budget *= 2) {
		struct row row;

		start(&row, budget, HAIL_SOCKET_OPTIONS(.window = 0));
		for (uint32_t count = 60; count < 70; count++) {
			send_train(&row, 100, count, 50);
			send_train(&row, 700, 7, 700);
		}
		await_all(&row);
		cr_assert_eq(row.coalesced, row.sent);
		cr_assert_eq(row.live.batch_max, budget);
		cr_assert_geq(row.calls, row.sent / budget);
		end(&row);
	}
}

Test(coalesce, a_datagram_max_cuts_each_datagram_of_a_train)
{
	static const uint32_t maxima[] = {8, 99, 100, 101, 1000, 65507};

	for (size_t i = 0; i < live_count(maxima); i++) {
		struct row row;

		start(&row, 4, HAIL_SOCKET_OPTIONS(.datagram_max = maxima[i]));
		send_train(&row, 100, 64, 20);
		send_train(&row, 1000, 64, 999);
		await_all(&row);
		cr_assert_eq(row.coalesced, 128);
		cr_assert_eq(live_traffic(&row.live).truncated,
			     maxima[i] < 100    ? 127u + (maxima[i] < 20)
			     : maxima[i] < 1000 ? 64u - (maxima[i] >= 999) +
							  (maxima[i] < 100)
						: 0u);
		end(&row);
	}
}

/* The third of the second call: not the first of its piece. */
static void retain_one(struct row *row, const struct hail_datagram *batch,
		       size_t count)
{
	if (row->calls != 2)
		return;
	cr_assert_geq(count, 3);
	row->kept = batch[2];
	cr_assert_eq(hail_buffer_retain(batch[2].buffer), 0);
}

static struct hail_pool_stats pool(const struct row *row)
{
	return live_stats(row->engine).buffers;
}

Test(coalesce, one_that_is_retained_keeps_its_bytes_and_no_other_buffer)
{
	uint32_t stream, number;
	struct row row;

	start(&row, 4, HAIL_SOCKET_OPTIONS(.window = 0));
	row.then = retain_one;
	send_train(&row, 500, 100, 500);
	await_all(&row);
	live_settle(row.engine);
	cr_assert_eq(pool(&row).in_use, 1);
	for (unsigned i = 0; i < 300; i++) {
		send_train(&row, 600, 100, 600);
		await_all(&row);
	}
	cr_assert_eq(row.kept.size, 500);
	cr_assert(numbered_read(row.kept.data, 500, &stream, &number));
	cr_assert_eq(number, 6);
	cr_assert_eq(pool(&row).in_use, 1);
	cr_assert_eq(hail_buffer_release(row.kept.buffer), 0);
	cr_assert_eq(hail_buffer_release(row.kept.buffer), -EINVAL);
	live_settle(row.engine);
	cr_assert_eq(pool(&row).in_use, 0);
	end(&row);
}

static void retain_all(struct row *row, const struct hail_datagram *batch,
		       size_t count)
{
	(void)row;
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_buffer_retain(batch[i].buffer), 0);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_buffer_release(batch[i].buffer), 0);
	cr_assert_eq(hail_buffer_release(batch->buffer), -EINVAL);
}

Test(coalesce, each_datagram_of_a_train_can_be_retained_and_released)
{
	struct row row;

	start(&row, 16, HAIL_SOCKET_OPTIONS(.window = 0));
	row.then = retain_all;
	for (int i = 0; i < 100; i++) {
		send_train(&row, 100, 128, 100);
		await_all(&row);
	}
	live_settle(row.engine);
	cr_assert_eq(pool(&row).in_use, 0);
	end(&row);
}

static void send_back(struct row *row, const struct hail_datagram *batch,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(row->live.socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
}

static void assert_came_back(struct row *row, uint32_t first, size_t size)
{
	unsigned char bytes[2048];
	uint32_t stream, number;

	for (; first < row->sent; first++) {
		cr_assert_eq(plain_receive(row->fd, bytes, sizeof(bytes)),
			     (ssize_t)size);
		cr_assert(numbered_read(bytes, size, &stream, &number));
		cr_assert_eq(number, first);
	}
	cr_assert(plain_silent(row->fd));
}

Test(coalesce, what_is_sent_on_from_a_train_arrives_as_it_came)
{
	struct row row;

	start(&row, 16, HAIL_SOCKET_OPTIONS(.window = 0));
	row.then = send_back;
	for (int i = 0; i < 20; i++) {
		uint32_t first = row.sent;

		send_train(&row, 200, 100, 200);
		await_all(&row);
		live_settle(row.engine);
		assert_came_back(&row, first, 200);
	}
	cr_assert_eq(live_traffic(&row.live).sent, row.sent);
	cr_assert_eq(pool(&row).in_use, 0);
	end(&row);
}

static void close_now(struct row *row, const struct hail_datagram *batch,
		      size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_close(row->live.socket), 0);
}

Test(coalesce, closing_in_the_midst_of_a_train_drops_and_counts_the_rest)
{
	struct hail_traffic traffic;
	struct row row;

	start(&row, 8, HAIL_SOCKET_OPTIONS(.window = 0));
	row.then = close_now;
	send_train(&row, 100, 100, 100);
	send_train(&row, 100, 50, 10);
	live_until(row.engine, row.live.closes == 1);
	cr_assert_eq(row.live.late, 0);
	cr_assert_eq(row.calls, 1);
	cr_assert_eq(row.next, 8);
	traffic = live_stats(row.engine).traffic;
	cr_assert_eq(traffic.received, 8);
	cr_assert_eq(traffic.dropped, 142, "%zu", (size_t)traffic.dropped);
	cr_assert_eq(pool(&row).in_use, 0);
	end(&row);
}

static void pause_reception(struct row *row, const struct hail_datagram *batch,
			    size_t count)
{
	struct hail_handlers none = {.close = live_handlers.close};

	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_set_handlers(row->live.socket, &none), 0);
}

Test(coalesce, handlers_taken_away_in_the_midst_of_a_train_leave_it_waiting)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	struct row row;

	start(&row, 8, HAIL_SOCKET_OPTIONS(.window = 0));
	row.then = pause_reception;
	send_train(&row, 100, 100, 10);
	for (uint32_t seen = 8; seen < 104; seen += 8) {
		uint32_t wanted = seen < 100 ? seen : 100;

		live_until(row.engine, row.next >= wanted);
		live_settle(row.engine);
		cr_assert_eq(row.next, wanted);
		cr_assert_eq(hail_socket_stats(row.live.socket, &stats), 0);
		cr_assert_eq(stats.queued, 100 - wanted);
		cr_assert_eq(hail_socket_set_handlers(row.live.socket,
						      &live_handlers),
			     0);
	}
	live_until(row.engine, row.next == 100);
	end(&row);
}

/* The rest of a train belongs to who was heard when it came. */
Test(coalesce, a_connected_socket_hears_trains_of_its_remote_alone)
{
	int stranger = live_plain();
	unsigned char bytes[800] = {0};
	struct hail_addr remote;
	struct row row;

	start(&row, 0, HAIL_SOCKET_OPTIONS(.window = 0));
	remote = live_v4(plain_port(row.fd));
	cr_assert(plain_send_train(stranger, bytes, sizeof(bytes), 100,
				   live_port(&row.live)));
	cr_assert_eq(hail_socket_connect(row.live.socket, &remote), 0);
	cr_assert(plain_send_train(stranger, bytes, sizeof(bytes), 100,
				   live_port(&row.live)));
	for (int i = 0; i < 50; i++) {
		send_train(&row, 1200, 54, 300);
		await_all(&row);
	}
	cr_assert_eq(live_traffic(&row.live).received, row.sent);
	cr_assert_eq(live_traffic(&row.live).strangers, 8);
	close(stranger);
	end(&row);
}

static void check_facts(struct row *row, const struct hail_datagram *batch,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hail_facts facts = {.size = sizeof(facts)};

		cr_assert_eq(hail_datagram_facts(&batch[i], &facts), 0);
		row->wrong +=
			facts.ttl != 64 || !(facts.known & HAIL_FACT_LOCAL);
	}
}

Test(coalesce, each_datagram_of_a_train_has_the_facts_of_all)
{
	struct row row;

	start(&row, 16, HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_ALL));
	row.then = check_facts;
	assert_trains(&row);
	end(&row);
}

Test(coalesce, twenty_thousand_datagrams_arrive_byte_for_byte)
{
	struct row row;

	start(&row, 0, HAIL_SOCKET_OPTIONS(.window = 0));
	for (uint32_t i = 0; row.sent < 20000; i++) {
		uint16_t size = (uint16_t)(NUMBERED_MIN + i * 37 % 1464);
		uint32_t count = i % pieces_max(size) + 1;

		send_train(&row, size, count, size);
		if (i % 3 == 0)
			await_all(&row);
	}
	await_all(&row);
	cr_assert_eq(live_traffic(&row.live).received, row.sent);
	cr_assert_gt(row.coalesced, 19000);
	end(&row);
}
