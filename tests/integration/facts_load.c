/* SPDX-License-Identifier: MIT */
/* facts_load.c: facts of many datagrams belong each to its own, and drops are
 * counted to the last one. */
#include "support/live.h"
#include "support/numbered.h"

#define COUNT 20000
#define BURST 100
#define SIZE 64

static void set_up(void)
{
	cr_assert_geq(plain_stamping(), 0);
}

TestSuite(facts_load, .init = set_up, .timeout = 90);

static uint32_t ttl_of(uint32_t number)
{
	return number % 255 + 1;
}

static uint32_t tos_of(uint32_t number)
{
	return number * 7 % 256;
}

struct tally {
	uint32_t next, wrong;
	uint64_t last_ns;
};

static void check_each(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct tally *tally = live->arg;

	for (size_t i = 0; i < count; i++) {
		struct hail_facts facts = {.size = sizeof(facts)};
		uint32_t stream, number = UINT32_MAX;

		cr_assert_eq(hail_datagram_facts(&batch[i], &facts), 0);
		numbered_read(batch[i].data, batch[i].size, &stream, &number);
		tally->wrong += number != tally->next ||
				facts.ttl != ttl_of(tally->next) ||
				facts.tos != tos_of(tally->next) ||
				!facts.time_ns ||
				facts.time_ns < tally->last_ns;
		tally->last_ns = facts.time_ns;
		tally->next++;
	}
}

static void send_burst(struct live *live, const struct hail_addr *to,
		       uint32_t first)
{
	static unsigned char payloads[BURST][SIZE];
	struct hail_message messages[BURST];
	struct hail_message_facts facts[BURST];
	const struct hail_message_facts *pointers[BURST];

	for (uint32_t i = 0; i < BURST; i++) {
		uint32_t tos = tos_of(first + i);

		numbered_write(payloads[i], SIZE, 0, first + i);
		messages[i] = (struct hail_message){payloads[i], SIZE, to};
		facts[i] = HAIL_MESSAGE_FACTS(.ttl = ttl_of(first + i),
					      .tos = tos ? tos : HAIL_ZERO);
		pointers[i] = &facts[i];
	}
	cr_assert_eq(
		hail_send_many_with(live->socket, messages, pointers, BURST),
		BURST);
}

static void assert_each_its_own(const char *ip, uint32_t datagram_max)
{
	struct hail_engine *engine = live_engine(NULL);
	struct tally tally = {0};
	struct live receiver = {.on_data = check_each, .arg = &tally};
	struct live sender = {0};
	struct hail_addr to;

	live_open(&receiver, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .facts = HAIL_FACT_ALL,
				       .datagram_max = datagram_max));
	live_open(&sender, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0), .tos = 99));
	to = live_local(&receiver);
	for (uint32_t sent = 0; sent < COUNT; sent += BURST) {
		send_burst(&sender, &to, sent);
		live_until(engine, tally.next == sent + BURST);
	}
	cr_assert_eq(tally.wrong, 0, "%u wrong", tally.wrong);
	live_end(engine);
}

Test(facts_load, of_many_datagrams_each_has_its_own)
{
	assert_each_its_own("127.0.0.1", 0);
	assert_each_its_own("127.0.0.1", 100);
	assert_each_its_own("::1", 0);
}

static uint64_t kernel_drops(const struct live *live)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(live->socket, &stats), 0);
	return stats.kernel_drops;
}

/* What the latest datagram told. */
static void note_drops(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct hail_facts facts = {.size = sizeof(facts)};

	cr_assert_eq(hail_datagram_facts(&batch[count - 1], &facts), 0);
	*(struct hail_facts *)live->arg = facts;
}

/* Nobody reads meanwhile, so that all but what the buffer holds is dropped. */
static void flood(struct live *live, int fd, unsigned count)
{
	unsigned char payload[SIZE] = {0};

	for (unsigned i = 0; i < count; i++)
		cr_assert(plain_send(fd, payload, sizeof(payload),
				     live_port(live)));
}

/* Sends until `drops` datagrams were dropped, then reads, and then sends one
 * more, which tells; returns what it told. */
static uint32_t drop(struct live *live, int fd, uint64_t drops)
{
	const struct hail_facts *facts = live->arg;
	uint64_t until = kernel_drops(live) + drops;
	size_t seen;

	while (kernel_drops(live) < until)
		flood(live, fd, 1);
	live_settle(live->engine);
	seen = live->datagrams;
	flood(live, fd, 1);
	live_until(live->engine, live->datagrams > seen);
	cr_assert_eq(facts->known, HAIL_FACT_DROPS);
	return facts->drops;
}

static void assert_drops(const char *ip)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_facts facts = {0};
	struct live live = {.on_data = note_drops, .arg = &facts};
	int fd = plain_open(ip, 0);
	uint32_t told;

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .receive_buffer = 4096,
				       .facts = HAIL_FACT_DROPS));
	flood(&live, fd, 1);
	live_until(engine, live.datagrams == 1);
	cr_assert_eq(facts.known, 0);
	told = drop(&live, fd, 10000);
	cr_assert_eq(told, 10000);
	cr_assert_eq(kernel_drops(&live), 10000);
	/* Differences from one time to the next. */
	for (uint32_t drops = 1; drops <= 100; drops += 33) {
		uint32_t now = drop(&live, fd, drops);

		cr_assert_eq((uint32_t)(now - told), drops);
		told = now;
	}
	cr_assert_eq(kernel_drops(&live), told);
	close(fd);
	live_end(engine);
}

Test(facts_load, ten_thousand_drops_are_counted_to_the_last_one)
{
	assert_drops("127.0.0.1");
	assert_drops("::1");
}

Test(facts_load, sent_is_what_arrived_and_what_was_dropped)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_facts facts = {0};
	struct live live = {.on_data = note_drops, .arg = &facts};
	int fd = live_plain();

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.receive_buffer = 8192,
				       .facts = HAIL_FACT_DROPS));
	for (int i = 0; i < 100; i++) {
		flood(&live, fd, 200);
		live_turn(engine);
	}
	live_settle(engine);
	flood(&live, fd, 1);
	live_settle(engine);
	cr_assert_gt(facts.drops, 0);
	cr_assert_eq(kernel_drops(&live), facts.drops);
	cr_assert_eq(live.datagrams + facts.drops, 20001);
	close(fd);
	live_end(engine);
}
