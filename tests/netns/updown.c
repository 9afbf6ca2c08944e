/* SPDX-License-Identifier: MIT */
/* updown.c: an interface goes down in the midst of traffic and comes back. What
 * can't be sent meanwhile is told, and both directions go on by themselves. */
#include "pair.h"

#include <stdio.h>

TestSuite(updown, .timeout = 90);

#define SIZE 200

/* A stream to the far end and one from there, of numbered datagrams. */
struct stream {
	struct pair pair;
	struct live live;
	struct hail_addr near, far;
	int fd;
	uint32_t next;        /* number of the next message */
	uint32_t told;        /* of these, failed by `error` */
	uint32_t unreachable; /* and by the call itself */
	uint32_t corrupt;
	unsigned char payloads[64][SIZE];
};

static void on_data(struct live *live, const struct hail_datagram *batch,
		    size_t count)
{
	struct stream *stream = live->arg;
	uint32_t which, number;

	for (size_t i = 0; i < count; i++)
		stream->corrupt += !numbered_read(batch[i].data, batch[i].size,
						  &which, &number);
}

static void on_error(struct live *live, const struct hail_error *error)
{
	struct stream *stream = live->arg;

	cr_assert_eq(error->kind, HAIL_ERROR_SEND);
	cr_assert_eq(error->code, -ENETUNREACH, "%d", error->code);
	stream->told++;
}

static void start_stream(struct stream *stream, const char *near_ip,
			 const char *far_ip)
{
	memset(stream, 0, sizeof(*stream));
	pair_start(&stream->pair, NULL, NULL);
	stream->fd = pair_far(&stream->pair, far_ip, 0, &stream->far);
	stream->live.arg = stream;
	stream->live.on_data = on_data;
	stream->live.on_error = on_error;
	live_open(&stream->live, stream->pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	stream->near = live_local(&stream->live);
	stream->near = live_addr(near_ip, hail_addr_port(&stream->near));
}

static void end_stream(struct stream *stream)
{
	cr_assert_eq(stream->corrupt, 0);
	pair_end(&stream->pair);
	close(stream->fd);
}

/* Ten batches and as many single sends, a turn after each. */
static void send_out(struct stream *stream)
{
	struct hail_message messages[64];

	for (int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < 64; i++) {
			numbered_write(stream->payloads[i], SIZE, 0,
				       stream->next + i);
			messages[i] = (struct hail_message){stream->payloads[i],
							    SIZE, &stream->far};
		}
		cr_assert_eq(hail_send_many(stream->live.socket, messages, 63),
			     63);
		live_settle(stream->pair.engine);
		if (hail_send(stream->live.socket, messages[63].data, SIZE,
			      &stream->far))
			stream->unreachable++;
		live_settle(stream->pair.engine);
		stream->next += 64;
	}
}

/* What the far end sends now is received. */
static void assert_hears(struct stream *stream)
{
	const size_t before = stream->live.datagrams;
	unsigned char payload[SIZE];

	for (uint32_t i = 0; i < 100; i++) {
		numbered_write(payload, SIZE, 0, i);
		cr_assert_eq(far_send(stream->fd, payload, SIZE, &stream->near),
			     0);
	}
	live_until(stream->pair.engine, stream->live.datagrams == before + 100);
}

/* All that has been sent since the last look has arrived, in order. */
static void assert_arrived(struct stream *stream, uint32_t count)
{
	struct arrivals arrivals = {0};

	pair_read_all(stream->fd, &stream->far, &arrivals);
	cr_assert_eq(arrivals.count[0], count, "%u", arrivals.count[0]);
	cr_assert_eq(arrivals.disorder, 0);
	cr_assert_eq(arrivals.corrupt, 0);
}

/* The kernel forgets neighbours, and IPv6 addresses, with the interface. */
static void bring_up(const struct stream *stream)
{
	pair_run(stream->pair.near, "ip link set dev near up");
	pair_await(&stream->pair);
	pair_run(stream->pair.near,
		 "ip addr replace " NEAR_V6 "/64 dev near nodad");
	pair_run(stream->pair.near,
		 "ip neigh replace " FAR_V4 " lladdr " FAR_MAC " dev near && "
		 "ip neigh replace " FAR_V6 " lladdr " FAR_MAC " dev near");
}

static void assert_survives_down(const char *near_ip, const char *far_ip)
{
	struct stream *stream = malloc(sizeof(*stream));

	cr_assert(stream);
	start_stream(stream, near_ip, far_ip);
	for (uint32_t i = 0; i < 3; i++) {
		send_out(stream);
		assert_hears(stream);
		assert_arrived(stream, 640);
		pair_run(stream->pair.near, "ip link set dev near down");
		send_out(stream);
		cr_assert_eq(stream->told, 630 * (i + 1));
		cr_assert_eq(stream->unreachable, 10 * (i + 1));
		bring_up(stream);
	}
	send_out(stream);
	assert_hears(stream);
	assert_arrived(stream, 640);
	cr_assert_eq(live_traffic(&stream->live).failed, stream->told);
	cr_assert_eq(stream->live.drains, 0);
	end_stream(stream);
	free(stream);
}

Test(updown, what_is_sent_while_the_interface_is_down_is_told_and_then_goes_on)
{
	assert_survives_down(NEAR_V4, FAR_V4);
}

Test(updown, ipv6_goes_on_after_the_interface_was_down)
{
	assert_survives_down(NEAR_V6, FAR_V6);
}

/* The near end can't know, but for the carrier: nothing is told. */
Test(updown, the_other_end_being_down_ends_nothing)
{
	struct stream *stream = malloc(sizeof(*stream));

	cr_assert(stream);
	start_stream(stream, NEAR_V4, FAR_V4);
	send_out(stream);
	assert_arrived(stream, 640);
	pair_run(stream->pair.far, "ip link set dev far down");
	send_out(stream);
	cr_assert_eq(stream->told + stream->unreachable, 0);
	pair_run(stream->pair.far, "ip link set dev far up");
	pair_await(&stream->pair);
	pair_run(stream->pair.far,
		 "ip neigh replace " NEAR_V4 " lladdr " NEAR_MAC " dev far");
	send_out(stream);
	assert_arrived(stream, 640);
	assert_hears(stream);
	end_stream(stream);
	free(stream);
}

static uint32_t in_flight(const struct stream *stream)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(stream->live.socket, &stats), 0);
	return stats.in_flight;
}

/* Both what the kernel held and what hail did: the first is the network's
 * loss, the second is told, and drain comes. */
Test(updown, what_waits_on_a_stuck_link_that_goes_down_has_its_outcome)
{
	struct stream *stream = malloc(sizeof(*stream));
	struct hail_traffic traffic;
	uint32_t taken = 0;
	int err;

	cr_assert(stream);
	start_stream(stream, NEAR_V4, FAR_V4);
	pair_stick(&stream->pair);
	do {
		err = hail_send(stream->live.socket, stream->payloads, SIZE,
				&stream->far);
		taken += !err;
	} while (!err);
	cr_assert_eq(err, -EAGAIN);
	cr_assert_gt(in_flight(stream), 0);
	pair_run(stream->pair.near, "ip link set dev near down");
	live_until(stream->pair.engine, stream->live.drains == 1);
	live_until(stream->pair.engine, in_flight(stream) == 0);
	live_settle(stream->pair.engine);
	traffic = live_traffic(&stream->live);
	cr_assert_eq(traffic.sent + traffic.failed, taken);
	cr_assert_gt(traffic.failed, 0);
	cr_assert_eq(stream->told, traffic.failed);
	cr_assert_eq(stream->live.drains, 1);
	bring_up(stream);
	send_out(stream);
	assert_arrived(stream, 640);
	end_stream(stream);
	free(stream);
}

/* The address, the route and the interface that the socket has used go; a new
 * interface takes their place. */
Test(updown, sending_and_receiving_go_on_over_an_interface_made_anew)
{
	struct stream *stream = malloc(sizeof(*stream));
	const struct pair *pair;

	cr_assert(stream);
	start_stream(stream, NEAR_V4, FAR_V4);
	pair = &stream->pair;
	send_out(stream);
	assert_hears(stream);
	assert_arrived(stream, 640);
	pair_run(pair->near, "ip link del near");
	send_out(stream);
	cr_assert_eq(stream->told, 630);
	cr_assert_eq(network_link(pair->near, "near", pair->far, "far"), 0);
	pair_run(pair->near, "ip addr add " NEAR_V4 "/24 dev near && "
			     "ip link set dev near address " NEAR_MAC " up");
	pair_run(pair->far, "ip addr add " FAR_V4 "/24 dev far && "
			    "ip link set dev far address " FAR_MAC " up");
	bring_up(stream);
	send_out(stream);
	assert_hears(stream);
	assert_arrived(stream, 640);
	end_stream(stream);
	free(stream);
}
