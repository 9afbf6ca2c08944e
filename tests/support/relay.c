/* SPDX-License-Identifier: MIT */
/* relay.c: a train comes in one buffer, and leaves from it. */
#include "support/relay.h"

#include "support/numbered.h"

#define BYTES_MAX 65000
#define BATCH_MAX 128

static void send_on(struct live *live, const struct hail_datagram *batch,
		    size_t count)
{
	struct relay *relay = live->arg;
	struct hail_message messages[BATCH_MAX];
	ssize_t taken;

	cr_assert_leq(count, BATCH_MAX);
	for (size_t i = 0; i < count; i++)
		messages[i] = (struct hail_message){
			.data = batch[i].data,
			.size = batch[i].size,
			.remote = &relay->to,
		};
	taken = hail_send_many(live->socket, messages, count);
	cr_assert_geq(taken, 0, "%s", strerror((int)-taken));
	relay->refused += (uint32_t)(count - (size_t)taken);
}

void relay_open(struct relay *relay, struct hail_engine *engine,
		const struct hail_addr *to)
{
	*relay = (struct relay){.to = *to};
	relay->live.on_data = send_on;
	relay->live.arg = relay;
	live_open(&relay->live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .coalesce = true, .window = 4096));
	relay->from = live_plain();
}

void relay_end(struct relay *relay)
{
	close(relay->from);
}

void relay_feed(struct relay *relay, uint16_t size, uint32_t count)
{
	static unsigned char bytes[BYTES_MAX];
	size_t before = relay->live.datagrams;

	cr_assert_leq((size_t)size * count, sizeof(bytes));
	for (uint32_t i = 0; i < count; i++)
		numbered_write(bytes + (size_t)i * size, size, 0,
			       relay->next++);
	cr_assert(plain_send_train(relay->from, bytes, (size_t)size * count,
				   size, live_port(&relay->live)));
	live_until(relay->live.engine, relay->live.datagrams == before + count);
	live_settle(relay->live.engine);
}

void relay_expect(int fd, uint32_t first, uint32_t count, size_t size)
{
	static unsigned char bytes[BYTES_MAX];
	uint32_t stream, number;

	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(plain_receive(fd, bytes, sizeof(bytes)),
			     (ssize_t)size, "%u of %u", i, count);
		cr_assert(numbered_read(bytes, size, &stream, &number),
			  "the %u-th is damaged", i);
		cr_assert_eq(number, first + i);
	}
}
