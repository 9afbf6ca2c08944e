/* SPDX-License-Identifier: MIT */
/* size.c: the longest and the shortest datagrams. In Bun what is longer than
 * UDP can carry is EMSGSIZE, in part told twice; empty ones are sent, delivered
 * and counted. */
#include "support/live.h"
#include "support/network.h"

TestSuite(bun_size, .init = network_enter_own);

static unsigned char payload[65528], got[65535];

/* The longest of IPv6 are longer than the loopback is wide, and cut there. */
static void start(struct live_talk *talk)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (unsigned char)(i * 31 + i / 251);
	live_talk_start(talk,
			&HAIL_SOCKET_OPTIONS(.path_mtu = HAIL_PATH_MTU_WANT));
}

static void assert_longest(const char *ip, size_t longest)
{
	struct live_talk talk = {.ip = ip};

	start(&talk);
	cr_assert_eq(
		hail_send(talk.live.socket, payload, longest, &talk.remote), 0);
	cr_assert_eq(plain_receive(talk.fd, got, sizeof(got)),
		     (ssize_t)longest);
	cr_assert(!memcmp(got, payload, longest));
	live_talk_end(&talk);
}

Test(bun_size, ipv4_carries_65507_bytes)
{
	assert_longest("127.0.0.1", 65507);
}

Test(bun_size, ipv6_carries_65527_bytes)
{
	assert_longest("::1", 65527);
}

Test(bun_size,
     what_is_wider_than_the_way_is_emsgsize_where_cutting_is_not_asked)
{
	struct live_talk talk = {.ip = "::1"};

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_send(talk.live.socket, payload, 65527, &talk.remote),
		     -EMSGSIZE);
	cr_assert_eq(hail_send(talk.live.socket, payload, 60000, &talk.remote),
		     0);
	cr_assert_eq(plain_receive(talk.fd, got, sizeof(got)), 60000);
	live_talk_end(&talk);
}

static void assert_too_long(const char *ip, size_t size)
{
	struct live_talk talk = {.ip = ip};
	struct hail_message message = {payload, size, &talk.remote};

	start(&talk);
	cr_assert_eq(hail_send(talk.live.socket, payload, size, &talk.remote),
		     -EMSGSIZE);
	cr_assert_eq(hail_send_many(talk.live.socket, &message, 1), -EMSGSIZE);
	live_settle(talk.engine);
	cr_assert_eq(talk.live.errors, 0, "it was told twice");
	cr_assert_eq(live_traffic(&talk.live).failed, 0);
	cr_assert(plain_silent(talk.fd));
	live_talk_end(&talk);
}

Test(bun_size, one_byte_more_is_emsgsize_once)
{
	assert_too_long("127.0.0.1", 65508);
	assert_too_long("::1", 65528);
}

static unsigned errors_of(const struct live *live, uint32_t kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < live->errors; i++)
		count += live->error[i].kind == kind;
	return count;
}

/* Each answer is told once: of the message, that it wasn't sent, and by the
 * kernel, how wide the way is. */
static void assert_told_once(struct live_talk *talk, unsigned messages)
{
	live_until(talk->engine, talk->live.errors);
	live_settle(talk->engine);
	cr_assert_eq(errors_of(&talk->live, HAIL_ERROR_SEND), messages);
	cr_assert_eq(errors_of(&talk->live, HAIL_ERROR_PATH_MTU), 1);
	cr_assert_eq(talk->live.errors, messages + 1);
	talk->live.errors = 0;
}

static void send_wide_between(struct live *live)
{
	const struct hail_addr *remote = live->arg;
	const struct hail_message messages[] = {
		{"before", 6, remote},
		{payload, 65527, remote},
		{"after", 5, remote},
	};

	cr_assert_eq(hail_send_many(live->socket, messages, 3), 3);
}

Test(bun_size, what_is_wider_than_the_way_is_told_once_with_errors_asked_for)
{
	struct live_talk talk = {.ip = "::1"};

	talk.live.arg = &talk.remote;
	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.errors = true));
	cr_assert_eq(hail_send(talk.live.socket, payload, 65527, &talk.remote),
		     -EMSGSIZE);
	assert_told_once(&talk, 0);
	for (int i = 0; i < 10; i++) {
		if (i % 2)
			live_inside(&talk.live, send_wide_between);
		else
			send_wide_between(&talk.live);
		assert_told_once(&talk, 1);
		live_expect(talk.fd, "before");
		live_expect(talk.fd, "after");
	}
	live_talk_end(&talk);
}

static void stop_at_send_error(struct live *live,
			       const struct hail_error *error)
{
	if (error->kind == HAIL_ERROR_SEND)
		hail_engine_stop(live->engine);
}

static void send_wide(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;

	(void)engine;
	cr_assert_eq(hail_send(live->socket, payload, 65527, live->arg), 0);
}

/* In a run each attempt would be a turn of its own, and be told by itself. */
Test(bun_size, what_is_wider_than_the_way_is_told_once_in_a_run_too)
{
	struct live_talk talk = {.ip = "::1",
				 .live = {.on_error = stop_at_send_error}};

	talk.live.arg = &talk.remote;
	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.errors = true));
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(
			hail_engine_post(talk.engine, send_wide, &talk.live),
			0);
		cr_assert_eq(hail_engine_run(talk.engine), 0);
		assert_told_once(&talk, 1);
	}
	live_talk_end(&talk);
}

Test(bun_size, an_empty_datagram_is_sent)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_send(talk.live.socket, NULL, 0, &talk.remote), 0);
	live_expect(talk.fd, "");
	live_talk_end(&talk);
}

Test(bun_size, an_empty_datagram_is_delivered)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_talk_hear(&talk, "");
	cr_assert(hail_addr_equal(&talk.live.last_remote, &talk.remote));
	live_talk_hear(&talk, "reception goes on");
	live_talk_end(&talk);
}

Test(bun_size, empty_datagrams_are_counted)
{
	struct hail_message messages[10] = {{NULL, 0, NULL}};
	struct live_talk talk = {.connected = true};

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_send_many(talk.live.socket, messages, 10), 10);
	for (int i = 0; i < 10; i++)
		live_talk_hear(&talk, "");
	cr_assert_eq(live_traffic(&talk.live).sent, 10);
	cr_assert_eq(live_traffic(&talk.live).received, 10);
	cr_assert_eq(live_traffic(&talk.live).received_bytes, 0);
	live_talk_end(&talk);
}
