/* SPDX-License-Identifier: MIT */
/* extras.c: what Bun has nothing of: a datagram's local address, ECN and TOS,
 * times of arrival and of leaving, offloads, and a word on why where its system
 * calls are refused. Drop counters are in buffers.c. */
#include "support/child.h"
#include "support/live.h"

#include <netinet/udp.h>
#include <sys/syscall.h>
#include <time.h>

/* A socket that tells all and talks to itself. */
static struct hail_addr start(struct live_talk *talk,
			      struct hail_socket_options options)
{
	options.facts = HAIL_FACT_ALL;
	live_talk_start(talk, &options);
	return live_addr("127.0.0.1", live_port(&talk->live));
}

Test(bun_extras, a_datagram_tells_the_local_address_it_came_to)
{
	struct live_talk talk = {0};
	struct hail_addr second = start(
		&talk, HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0)));

	second.v4.sin_addr = live_addr("127.0.0.2", 0).v4.sin_addr;
	cr_assert_eq(live_send(&talk.live, "x", &second), 0);
	live_until(talk.engine, talk.live.datagrams == 1);
	cr_assert(talk.live.last_facts.known & HAIL_FACT_LOCAL);
	cr_assert_eq(talk.live.last_facts.local.v4.sin_addr.s_addr,
		     second.v4.sin_addr.s_addr);
	cr_assert_gt(talk.live.last_facts.interface, 0);
	live_talk_end(&talk);
}

Test(bun_extras, ecn_and_tos_are_sent_and_told)
{
	struct live_talk talk = {0};
	struct hail_addr self = start(&talk, HAIL_SOCKET_OPTIONS(.tos = 0xb8));

	cr_assert_eq(live_send(&talk.live, "x", &self), 0);
	live_until(talk.engine, talk.live.datagrams == 1);
	cr_assert_eq(talk.live.last_facts.tos, 0xb8);
	cr_assert_eq(hail_send_with(talk.live.socket, "x", 1, &self,
				    &HAIL_MESSAGE_FACTS(.tos = HAIL_ECN_ECT_0)),
		     0);
	live_until(talk.engine, talk.live.datagrams == 2);
	cr_assert_eq(HAIL_ECN(talk.live.last_facts.tos), HAIL_ECN_ECT_0);
	live_talk_end(&talk);
}

static uint64_t wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

Test(bun_extras, a_datagram_tells_when_it_arrived)
{
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;
	uint64_t before = wall_clock();
	struct live_talk talk = {0};

	start(&talk, HAIL_SOCKET_OPTIONS(.window = 0));
	/* The first may come before the kernel has begun to look. */
	do {
		cr_assert_lt(plain_now(), deadline, "never");
		live_talk_hear(&talk, "now");
	} while (!(talk.live.last_facts.known & HAIL_FACT_TIME));
	cr_assert_geq(talk.live.last_facts.time_ns, before);
	cr_assert_leq(talk.live.last_facts.time_ns, wall_clock());
	live_talk_end(&talk);
}

static struct hail_sent left;

static void on_sent(struct hail_socket *socket, const struct hail_sent *sent)
{
	(void)socket;
	left = *sent;
}

Test(bun_extras, a_message_tells_when_it_left)
{
	const struct hail_message_facts asked =
		HAIL_MESSAGE_FACTS(.timestamp = true, .tag = 77);
	uint64_t before = wall_clock();
	struct live_talk talk = {0};

	start(&talk, HAIL_SOCKET_OPTIONS(.sent = on_sent));
	cr_assert_eq(
		hail_send_with(talk.live.socket, "x", 1, &talk.remote, &asked),
		0);
	live_until(talk.engine, left.tag == 77);
	cr_assert_geq(left.time_ns, before);
	cr_assert_leq(left.time_ns, wall_clock());
	cr_assert(hail_addr_equal(&left.remote, &talk.remote));
	live_talk_end(&talk);
}

#define SEGMENTS 10
#define SEGMENT 100

static unsigned coalesced;

static void count_coalesced(struct live *live,
			    const struct hail_datagram *batch, size_t count)
{
	(void)live;
	for (size_t i = 0; i < count; i++)
		coalesced += batch[i].size == SEGMENT &&
			     batch[i].flags == HAIL_DATAGRAM_COALESCED;
}

Test(bun_extras, datagrams_that_the_kernel_joined_are_cut_up_again)
{
	static const char payload[SEGMENTS * SEGMENT];
	struct live_talk talk = {.live = {.on_data = count_coalesced}};
	int segment = SEGMENT;

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.coalesce = true));
	cr_assert_eq(setsockopt(talk.fd, SOL_UDP, UDP_SEGMENT, &segment,
				sizeof(segment)),
		     0);
	cr_assert(plain_send(talk.fd, payload, sizeof(payload),
			     live_port(&talk.live)));
	live_until(talk.engine, talk.live.datagrams == SEGMENTS);
	cr_assert_eq(coalesced, SEGMENTS);
	live_talk_end(&talk);
}

/* What a system without io_uring is answered, and in which words. */
static int be_refused(void *arg)
{
	static const int setup[] = {SYS_io_uring_setup};
	struct hail_probe probe = {.size = sizeof(probe)};
	struct hail_engine *engine = NULL;

	(void)arg;
	CHECK(child_refuse(setup, 1, EPERM) == 0);
	CHECK(hail_engine_create(&engine, NULL) == -EPERM);
	CHECK(hail_probe(&probe) == 0);
	CHECK(probe.uring == -EPERM);
	CHECK(strstr(probe.reason, "seccomp"));
	return 0;
}

Test(bun_extras, where_its_system_calls_are_refused_it_says_why)
{
	int line = child_run(be_refused, NULL);

	cr_assert_eq(line, 0, "the check in line %d failed", line);
}
