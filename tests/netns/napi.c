/* SPDX-License-Identifier: MIT */
/* napi.c: an engine that polls its devices, over a link of veth: without a
 * queue to be polled, and with one, which such a device has where it
 * coalesces. Datagrams go both ways as without polling. */
#include "pair.h"

#define COUNT 300
#define SIZE 100

static void echo(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(live->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
}

/* A few at a time, so that the engine sleeps, and polls, in between. */
static void exchange(struct live *live, int fd)
{
	struct hail_addr near = live_local(live);
	struct arrivals arrivals = {0};
	unsigned char payload[SIZE];

	near = live_addr(NEAR_V4, hail_addr_port(&near));
	for (uint32_t number = 0; number < COUNT; number++) {
		numbered_write(payload, SIZE, 0, number);
		cr_assert_eq(far_send(fd, payload, SIZE, &near), 0);
		live_until(live->engine, live->datagrams > number);
	}
	live_settle(live->engine);
	pair_read(fd, COUNT, &arrivals);
	cr_assert_eq(arrivals.count[0], COUNT);
	cr_assert_eq(arrivals.disorder + arrivals.corrupt, 0);
}

static void serve(const struct hail_engine_options *options, const char *line)
{
	struct live live = {.on_data = echo};
	struct hail_addr far;
	struct pair pair;
	int fd;

	pair_start(&pair, options, NULL);
	if (line && network_run(pair.near, "%s", line))
		cr_skip_test("this can't be done here: %s", line);
	fd = pair_far(&pair, FAR_V4, 0, &far);
	live_open(&live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0)));
	exchange(&live, fd);
	close(fd);
	pair_end(&pair);
}

#define POLLING(...) (&HAIL_ENGINE_OPTIONS(.napi_us = 200, __VA_ARGS__))

Test(napi, a_link_without_a_queue_to_be_polled_is_served, .timeout = 60)
{
	serve(POLLING(.buffers_max = 64), NULL);
}

Test(napi, a_link_with_a_queue_is_served, .timeout = 60)
{
	serve(POLLING(.buffers_max = 64), "ethtool -K near gro on");
}

Test(napi, a_link_with_a_queue_is_served_in_batches, .timeout = 60)
{
	serve(POLLING(.buffers_max = 64, .batch_wait_ns = MS),
	      "ethtool -K near gro on");
}
