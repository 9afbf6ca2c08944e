/* SPDX-License-Identifier: MIT */
/* coalesce_auto.c: sockets that leave it to hail whether they coalesce. The
 * sender has the kernel send trains, which on the loopback arrive as pieces
 * where the receiver coalesces and as datagrams where it doesn't. */
#include "support/live.h"
#include "support/numbered.h"

#include <hail/option.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SIZE 1000
/* More than a batch that is looked at, and less than the receive buffer. */
#define TRAIN 40

TestSuite(coalesce_auto, .timeout = 90);

/* Datagrams that are numbered from 0, from a plain sender to one socket. */
struct row {
	struct hail_engine *engine;
	struct live live;
	int fd;
	uint32_t sent;
	uint32_t next, wrong, pieces;
};

static void check_row(struct live *live, const struct hail_datagram *batch,
		      size_t count)
{
	struct row *row = live->arg;

	for (size_t i = 0; i < count; i++, row->next++) {
		uint32_t stream, number;

		row->wrong += !numbered_read(batch[i].data, batch[i].size,
					     &stream, &number) ||
			      number != row->next ||
			      batch[i].true_size != batch[i].size;
		if (batch[i].flags & HAIL_DATAGRAM_COALESCED)
			row->pieces++;
	}
}

static void prepare(struct row *row, const char *ip)
{
	*row = (struct row){.live.on_data = check_row};
	row->engine = live_engine(NULL);
	row->live.arg = row;
	row->fd = plain_open(ip, 0);
	cr_assert_geq(row->fd, 0);
}

static void start(struct row *row, const char *ip,
		  struct hail_socket_options options)
{
	prepare(row, ip);
	options.local = live_addr(ip, 0);
	live_open(&row->live, row->engine, &options);
}

static void end(struct row *row)
{
	cr_assert_eq(row->wrong, 0, "%u wrong", row->wrong);
	cr_assert_eq(live_traffic(&row->live).coalesced, row->pieces);
	close(row->fd);
	live_end(row->engine);
}

/* The last one is shorter. */
static void send_train(struct row *row, uint32_t count, uint16_t port)
{
	static unsigned char bytes[TRAIN * SIZE];
	size_t at = 0;

	for (uint32_t i = 1; i <= count; i++) {
		size_t size = i < count ? SIZE : SIZE / 2;

		numbered_write(bytes + at, size, 0, row->sent++);
		at += size;
	}
	cr_assert(plain_send_train(row->fd, bytes, at, SIZE, port));
}

static void pass_train(struct row *row, uint32_t count)
{
	send_train(row, count, live_port(&row->live));
	live_until(row->engine, row->next == row->sent);
	cr_assert_eq(row->wrong, 0, "%u wrong", row->wrong);
}

/* As the stats and the kernel tell it. */
static bool is_on(const struct row *row)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};
	uint32_t on = 77;

	cr_assert_eq(hail_socket_stats(row->live.socket, &stats), 0);
	cr_assert_eq(
		hail_socket_get(row->live.socket, HAIL_OPTION_COALESCE, &on),
		0);
	cr_assert_eq(stats.coalescing, on == 1);
	return on;
}

static void turn_on(struct row *row)
{
	uint64_t end = plain_now() + LIVE_DEADLINE_NS;

	while (!is_on(row)) {
		cr_assert_lt(plain_now(), end);
		pass_train(row, TRAIN);
	}
}

static void assert_turned_on(const char *ip, struct hail_socket_options options)
{
	struct row row;
	uint32_t before;

	start(&row, ip, options);
	cr_assert_not(is_on(&row));
	turn_on(&row);
	before = row.pieces;
	for (int i = 0; i < 100; i++)
		pass_train(&row, TRAIN);
	cr_assert_eq(row.pieces - before, 100 * TRAIN);
	cr_assert_eq(live_traffic(&row.live).received, row.sent);
	end(&row);
}

Test(coalesce_auto, trains_turn_it_on_and_arrive_byte_for_byte)
{
	assert_turned_on("127.0.0.1", HAIL_SOCKET_OPTIONS(.window = 0));
	assert_turned_on("::1", HAIL_SOCKET_OPTIONS(.window = 0));
	assert_turned_on("127.0.0.1",
			 HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_ALL));
	assert_turned_on("127.0.0.1",
			 HAIL_SOCKET_OPTIONS(.datagram_max = 9000));
}

/* What waits in the kernel when it is turned on came as single datagrams. */
Test(coalesce_auto, what_waits_while_it_is_turned_on_keeps_its_order)
{
	struct row row;

	start(&row, "127.0.0.1", HAIL_SOCKET_OPTIONS(.window = 0));
	for (int i = 0; i < 200; i++) {
		send_train(&row, 20, live_port(&row.live));
		send_train(&row, 20, live_port(&row.live));
		live_turn(row.engine);
		send_train(&row, 20, live_port(&row.live));
		live_until(row.engine, row.next == row.sent);
	}
	cr_assert(is_on(&row));
	cr_assert_gt(row.pieces, 0);
	cr_assert_lt(row.pieces, row.next);
	end(&row);
}

static void assert_never(struct hail_socket_options options)
{
	struct row row;

	start(&row, "127.0.0.1", options);
	for (int i = 0; i < 100; i++)
		pass_train(&row, TRAIN);
	cr_assert_not(is_on(&row));
	cr_assert_eq(row.pieces, 0);
	end(&row);
}

Test(coalesce_auto, a_socket_that_was_told_not_to_never_does)
{
	assert_never(HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_OFF));
}

Test(coalesce_auto, a_socket_that_receives_into_small_buffers_never_does)
{
	assert_never(HAIL_SOCKET_OPTIONS(.datagram_max = SIZE));
}

Test(coalesce_auto, datagrams_that_come_one_by_one_never_turn_it_on)
{
	struct row row;
	unsigned char bytes[SIZE];

	start(&row, "127.0.0.1", HAIL_SOCKET_OPTIONS(.window = 0));
	for (int i = 0; i < 2000; i++) {
		numbered_write(bytes, SIZE, 0, row.sent++);
		cr_assert(
			plain_send(row.fd, bytes, SIZE, live_port(&row.live)));
		live_until(row.engine, row.next == row.sent);
	}
	cr_assert_not(is_on(&row));
	end(&row);
}

Test(coalesce_auto, a_socket_that_is_opened_next_starts_anew)
{
	struct row row;

	start(&row, "127.0.0.1", HAIL_SOCKET_OPTIONS(.window = 0));
	turn_on(&row);
	live_close(&row.live);
	row.live = (struct live){.on_data = check_row, .arg = &row};
	live_open(&row.live, row.engine, NULL);
	cr_assert_not(is_on(&row));
	row.pieces = 0;
	pass_train(&row, TRAIN);
	cr_assert_eq(row.pieces, 0);
	end(&row);
}

/* A descriptor whose maker has turned it on, or not, with a train waiting. */
static void adopt(struct row *row, int on, struct hail_socket_options options)
{
	int fd;

	prepare(row, "127.0.0.1");
	fd = plain_open("127.0.0.1", 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)), 0);
	send_train(row, TRAIN, plain_port(fd));
	options.handlers = live_handlers;
	options.user = &row->live;
	row->live.engine = row->engine;
	cr_assert_eq(
		hail_socket_adopt(&row->live.socket, row->engine, fd, &options),
		0);
}

Test(coalesce_auto, what_an_adopted_descriptor_has_queued_is_cut_up)
{
	struct row row;

	adopt(&row, 1, HAIL_SOCKET_OPTIONS(.window = 0));
	cr_assert(is_on(&row));
	pass_train(&row, TRAIN);
	cr_assert_eq(row.pieces, 2 * TRAIN);
	end(&row);
}

Test(coalesce_auto, an_adopted_descriptor_starts_to_coalesce_like_others)
{
	struct row row;

	adopt(&row, 0, HAIL_SOCKET_OPTIONS(.window = 0));
	cr_assert_not(is_on(&row));
	turn_on(&row);
	pass_train(&row, TRAIN);
	cr_assert_geq(row.pieces, TRAIN);
	end(&row);
}

Test(coalesce_auto, an_adopted_descriptor_does_as_the_option_says)
{
	const struct {
		struct hail_socket_options options;
		bool on;
	} wishes[] = {
		{HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_OFF), false},
		{HAIL_SOCKET_OPTIONS(.datagram_max = SIZE), false},
		{HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_ON), true},
	};

	for (size_t i = 0; i < live_count(wishes); i++) {
		struct row row;

		adopt(&row, !wishes[i].on, wishes[i].options);
		cr_assert_eq(is_on(&row), wishes[i].on);
		close(row.fd);
		live_end(row.engine);
	}
}
