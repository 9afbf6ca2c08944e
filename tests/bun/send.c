/* SPDX-License-Identifier: MIT */
/* send.c: one datagram. In Bun the answer is true or false, and false means
 * that it is lost; the address is text that is read at each send, numeric only,
 * and the port 1 to 65535. */
#include "support/live.h"

Test(bun_send, what_is_answered_with_0_arrives)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(live_send(&talk.live, "taken", &talk.remote), 0);
	live_expect(talk.fd, "taken");
	live_talk_end(&talk);
}

static void send_two(struct live *live)
{
	const struct hail_addr *remote = live->arg;

	cr_assert_eq(live_send(live, "first", remote), 0);
	cr_assert_eq(live_send(live, "second", remote), -EAGAIN);
}

Test(bun_send, what_is_answered_with_eagain_is_the_callers_to_send_again)
{
	struct live_talk talk = {0};

	talk.live.arg = &talk.remote;
	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.window = 1));
	live_inside(&talk.live, send_two);
	live_expect(talk.fd, "first");
	cr_assert(plain_silent(talk.fd), "the refused one was sent");
	cr_assert_eq(live_send(&talk.live, "second", &talk.remote), 0);
	live_expect(talk.fd, "second");
	live_talk_end(&talk);
}

/* Static, so that no compiler finds the overwriting useless. */
static char text[8];

static void send_and_overwrite(struct live *live)
{
	struct hail_addr remote = *(struct hail_addr *)live->arg;

	memcpy(text, "mine", 5);
	cr_assert_eq(live_send(live, text, &remote), 0);
	memset(text, '!', sizeof(text));
	memset(&remote, 0xff, sizeof(remote));
}

Test(bun_send, the_bytes_are_the_callers_again_at_once)
{
	struct live_talk talk = {0};

	talk.live.arg = &talk.remote;
	live_talk_start(&talk, NULL);
	send_and_overwrite(&talk.live);
	live_expect(talk.fd, "mine");
	live_inside(&talk.live, send_and_overwrite);
	live_expect(talk.fd, "mine");
	live_talk_end(&talk);
}

Test(bun_send, an_address_is_numeric_and_dns_is_never_asked)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, "localhost", 9), -EINVAL);
	cr_assert_eq(hail_addr_parse(&addr, "example.org", 9), -EINVAL);
	cr_assert_eq(hail_addr_parse(&addr, "", 9), -EINVAL);
	cr_assert_eq(hail_addr_parse(&addr, "127.0.0.1", 9), 0);
	cr_assert_eq(hail_addr_parse(&addr, "::1", 9), 0);
}

Test(bun_send, an_address_is_parsed_once_for_any_number_of_sends)
{
	struct live_talk talk = {0};
	struct hail_addr remote;

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_addr_parse(&remote, "127.0.0.1", plain_port(talk.fd)),
		     0);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(live_send(&talk.live, "again", &remote), 0);
	for (int i = 0; i < 100; i++)
		live_expect(talk.fd, "again");
	live_talk_end(&talk);
}

Test(bun_send, a_port_is_1_to_65535)
{
	struct hail_addr none = live_v4(0), first = live_v4(1),
			 last = live_v4(65535);
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(live_send(&talk.live, "x", &none), -EINVAL);
	cr_assert_eq(live_send(&talk.live, "x", &first), 0);
	cr_assert_eq(live_send(&talk.live, "x", &last), 0);
	live_talk_end(&talk);
}
