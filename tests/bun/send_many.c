/* SPDX-License-Identifier: MIT */
/* send_many.c: many datagrams in one call. Bun takes one flat array, of data,
 * port and address, or of data alone where connected; it returns how many were
 * taken, throws for any invalid element and then sends nothing, and gives the
 * kernel at most 204 at a time. */
#include "support/live.h"

static struct live_batch batch;

Test(bun_send_many, unconnected_each_message_names_its_destination)
{
	struct live_talk talk = {0};
	int fd = live_plain();
	struct hail_addr other = live_v4(plain_port(fd));

	live_talk_start(&talk, NULL);
	live_batch_fill(&batch, &talk.remote);
	batch.messages[1].remote = &other;
	cr_assert_eq(hail_send_many(talk.live.socket, batch.messages, 3), 3);
	live_batch_expect(&batch, talk.fd, 0, 1);
	live_batch_expect(&batch, talk.fd, 2, 1);
	live_batch_expect(&batch, fd, 1, 1);
	close(fd);
	live_talk_end(&talk);
}

Test(bun_send_many, connected_no_message_names_a_destination)
{
	struct live_talk talk = {.connected = true};

	live_talk_start(&talk, NULL);
	live_batch_fill(&batch, NULL);
	cr_assert_eq(hail_send_many(talk.live.socket, batch.messages, 64), 64);
	live_batch_expect(&batch, talk.fd, 0, 64);
	live_talk_end(&talk);
}

Test(bun_send_many, it_returns_how_many_were_taken)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_batch_fill(&batch, &talk.remote);
	for (ssize_t count = 0; count < 20; count++)
		cr_assert_eq(hail_send_many(talk.live.socket, batch.messages,
					    (size_t)count),
			     count);
	cr_assert_eq(live_traffic(&talk.live).sent, 190);
	live_talk_end(&talk);
}

Test(bun_send_many, those_before_an_unusable_message_are_sent)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_batch_fill(&batch, &talk.remote);
	batch.messages[20].remote = NULL;
	cr_assert_eq(hail_send_many(talk.live.socket, batch.messages, 64), 20);
	live_batch_expect(&batch, talk.fd, 0, 20);
	cr_assert(plain_silent(talk.fd));
	live_talk_end(&talk);
}

Test(bun_send_many, the_next_call_tells_why_the_message_is_unusable)
{
	static char large[65508];
	struct hail_addr no_port = live_v4(0), v4 = live_v4(9), v6 = live_v6(9);
	const struct {
		struct hail_message message;
		int error;
	} unusable[] = {
		{{"x", 1, NULL}, -EDESTADDRREQ},
		{{"x", 1, &no_port}, -EINVAL},
		{{"x", 1, &v6}, -EAFNOSUPPORT},
		{{NULL, 1, &v4}, -EINVAL},
		{{large, sizeof(large), &v4}, -EMSGSIZE},
	};
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	for (size_t i = 0; i < live_count(unusable); i++) {
		live_batch_fill(&batch, &talk.remote);
		batch.messages[2] = unusable[i].message;
		cr_assert_eq(
			hail_send_many(talk.live.socket, batch.messages, 4), 2);
		cr_assert_eq(
			hail_send_many(talk.live.socket, batch.messages + 2, 2),
			unusable[i].error, "case %zu", i);
	}
	live_talk_end(&talk);
}

static void send_past_the_window(struct live *live)
{
	cr_assert_eq(hail_send_many(live->socket, batch.messages, 64), 8);
	cr_assert_eq(hail_send_many(live->socket, batch.messages + 8, 56),
		     -EAGAIN);
}

Test(bun_send_many, the_window_takes_the_first_and_the_rest_stays_the_callers)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.window = 8));
	live_batch_fill(&batch, &talk.remote);
	live_inside(&talk.live, send_past_the_window);
	live_batch_expect(&batch, talk.fd, 0, 8);
	cr_assert(plain_silent(talk.fd));
	cr_assert_eq(hail_send_many(talk.live.socket, batch.messages + 8, 56),
		     56);
	live_batch_expect(&batch, talk.fd, 8, 56);
	live_talk_end(&talk);
}

Test(bun_send_many, more_than_204_are_one_submission)
{
	struct live_talk talk = {0};
	uint64_t enters;

	live_talk_start(&talk, NULL);
	live_settle(talk.engine);
	live_batch_fill(&batch, &talk.remote);
	enters = live_stats(talk.engine).enters;
	cr_assert_eq(hail_send_many(talk.live.socket, batch.messages, 256),
		     256);
	cr_assert_eq(live_stats(talk.engine).enters, enters + 1);
	cr_assert_eq(live_traffic(&talk.live).sent, 256);
	live_talk_end(&talk);
}

static void send_without_entering(struct live *live)
{
	uint64_t enters = live_stats(live->engine).enters;

	cr_assert_eq(hail_send_many(live->socket, batch.messages, 64), 64);
	cr_assert_eq(live_stats(live->engine).enters, enters);
}

Test(bun_send_many, inside_a_handler_the_turn_submits_them)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_batch_fill(&batch, &talk.remote);
	live_inside(&talk.live, send_without_entering);
	live_batch_expect(&batch, talk.fd, 0, 64);
	live_talk_end(&talk);
}
