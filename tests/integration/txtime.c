/* SPDX-License-Identifier: MIT */
/* txtime.c: messages with a time to leave at. Nothing on the loopback keeps it,
 * so they leave at once; sockets that didn't ask for a clock refuse them. */
#include "support/child.h"
#include "support/live.h"
#include "support/network.h"

#include <net/if.h>
#include <time.h>

#define S (1000 * MS)

TestSuite(txtime, .init = network_enter_own, .timeout = 60);

static uint64_t now_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int send_at(struct live *live, const struct hail_addr *to,
		   const char *text, uint64_t when)
{
	return hail_send_with(live->socket, text, strlen(text), to,
			      &HAIL_MESSAGE_FACTS(.txtime_ns = when));
}

/* Long ago, now, and in an hour. */
static void assert_leave_at_once(const char *ip, uint32_t clock)
{
	const uint64_t now =
		now_of(clock == HAIL_TXTIME_TAI ? CLOCK_TAI : CLOCK_MONOTONIC);
	const uint64_t times[] = {1, now, now + 3600 * (uint64_t)S};
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = plain_open(ip, 0);
	struct hail_addr to = live_addr(ip, plain_port(fd));

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .txtime = clock));
	for (size_t i = 0; i < live_count(times); i++) {
		cr_assert_eq(send_at(&live, &to, "at once", times[i]), 0);
		live_expect(fd, "at once");
	}
	cr_assert_eq(live_send(&live, "without", &to), 0);
	live_expect(fd, "without");
	live_settle(engine);
	cr_assert_eq(live.errors, 0);
	close(fd);
	live_end(engine);
}

Test(txtime, where_no_discipline_serves_it_they_leave_at_once)
{
	cr_assert_eq(hail_txtime_served(if_nametoindex("lo")), 0);
	assert_leave_at_once("127.0.0.1", HAIL_TXTIME_MONOTONIC);
	assert_leave_at_once("::1", HAIL_TXTIME_MONOTONIC);
}

Test(txtime, an_interface_that_is_not_there_is_told)
{
	cr_assert_eq(hail_txtime_served(0), -ENODEV);
	cr_assert_eq(hail_txtime_served(1 << 30), -ENODEV);
}

Test(txtime, a_socket_without_the_option_refuses_them)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	struct hail_addr to = live_v4(plain_port(fd));
	const struct hail_message_facts timed =
		HAIL_MESSAGE_FACTS(.txtime_ns = 1);
	const struct hail_message_facts *facts[3] = {NULL, &timed, NULL};
	struct hail_message messages[3] = {
		{"a", 1, &to}, {"b", 1, &to}, {"c", 1, &to}};

	live_open(&live, engine, NULL);
	cr_assert_eq(send_at(&live, &to, "no", 1), -EINVAL);
	cr_assert_eq(hail_send_many_with(live.socket, messages, facts, 3), 1);
	live_expect(fd, "a");
	cr_assert(plain_silent(fd));
	cr_assert_eq(
		hail_send_many_with(live.socket, messages + 1, facts + 1, 2),
		-EINVAL);
	cr_assert_eq(live_traffic(&live).sent, 1);
	close(fd);
	live_end(engine);
}

/* What the kernel says to anybody who asks for that clock. */
static int answer_of_kernel(clockid_t clock)
{
	struct {
		clockid_t clock;
		uint32_t flags;
	} txtime = {.clock = clock};
	int fd = live_plain();
	int err = setsockopt(fd, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime))
			  ? -errno
			  : 0;

	close(fd);
	return err;
}

static int try_clock(uint32_t clock)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int err = live_try_open(&live, engine,
				&HAIL_SOCKET_OPTIONS(.txtime = clock));
	uint32_t value = UINT32_MAX;

	if (!err) {
		cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_TXTIME,
					     &value),
			     0);
		cr_assert_eq(value, clock);
	}
	live_end(engine);
	return err;
}

Test(txtime, a_clock_is_had_or_refused_as_the_kernel_says)
{
	cr_assert_eq(try_clock(HAIL_TXTIME_MONOTONIC),
		     answer_of_kernel(CLOCK_MONOTONIC));
	cr_assert_eq(try_clock(HAIL_TXTIME_TAI), answer_of_kernel(CLOCK_TAI));
	cr_assert_eq(try_clock(HAIL_TXTIME_TAI + 1), -EINVAL);
	if (!answer_of_kernel(CLOCK_TAI))
		assert_leave_at_once("127.0.0.1", HAIL_TXTIME_TAI);
}

static int open_clock(struct hail_engine *engine, uint32_t clock)
{
	struct hail_socket *socket;

	return hail_socket_open(&socket, engine,
				&HAIL_SOCKET_OPTIONS(.txtime = clock));
}

static int without_rights(void *arg)
{
	struct hail_engine *engine;

	(void)arg;
	CHECK(!child_drop_rights());
	CHECK(!hail_engine_create(&engine, NULL));
	CHECK(open_clock(engine, HAIL_TXTIME_MONOTONIC) ==
	      answer_of_kernel(CLOCK_MONOTONIC));
	CHECK(open_clock(engine, HAIL_TXTIME_TAI) ==
	      answer_of_kernel(CLOCK_TAI));
	CHECK(!open_clock(engine, HAIL_TXTIME_OFF));
	CHECK(!hail_engine_destroy(engine));
	return 0;
}

Test(txtime, without_rights_a_clock_is_refused_as_the_kernel_says)
{
	int result = child_run(without_rights, NULL);

	if (result == CHILD_SKIP)
		cr_skip_test("rights can't be dropped here");
	cr_assert_eq(result, 0, "line %d", result);
}
