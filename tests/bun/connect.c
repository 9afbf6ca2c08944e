/* SPDX-License-Identifier: MIT */
/* connect.c: sockets of one peer. Bun connects when it makes the socket; from
 * then on all sends go there without a destination, naming one is an error, and
 * nobody else is heard. */
#include "support/live.h"

static void assert_talks(struct live_talk *talk)
{
	cr_assert_eq(live_send(&talk->live, "to the peer", NULL), 0);
	live_expect(talk->fd, "to the peer");
	live_talk_hear(talk, "from the peer");
}

Test(bun_connect, every_send_goes_to_the_peer_without_a_destination)
{
	struct live_talk talk = {.connected = true};
	struct hail_addr told;

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_socket_remote(talk.live.socket, &told), 0);
	cr_assert(hail_addr_equal(&told, &talk.remote));
	assert_talks(&talk);
	live_talk_end(&talk);
}

Test(bun_connect, the_peer_alone_is_heard)
{
	struct live_talk talk = {.connected = true};
	int stranger = live_plain();

	live_talk_start(&talk, NULL);
	for (int i = 0; i < 10; i++)
		live_plain_send(stranger, "strange", live_port(&talk.live));
	live_talk_hear(&talk, "known");
	cr_assert_eq(talk.live.datagrams, 1);
	close(stranger);
	live_talk_end(&talk);
}

Test(bun_connect, a_destination_is_refused_with_eisconn)
{
	struct live_talk talk = {.connected = true};
	struct hail_message message = {"x", 1, &talk.remote};

	live_talk_start(&talk, NULL);
	cr_assert_eq(live_send(&talk.live, "x", &talk.remote), -EISCONN);
	cr_assert_eq(hail_send_many(talk.live.socket, &message, 1), -EISCONN);
	cr_assert(plain_silent(talk.fd));
	live_talk_end(&talk);
}

Test(bun_connect, unconnected_a_send_needs_a_destination)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(live_send(&talk.live, "x", NULL), -EDESTADDRREQ);
	live_talk_end(&talk);
}

Test(bun_connect, an_open_socket_can_be_connected_and_to_another)
{
	struct live_talk talk = {0};
	struct hail_addr other;
	int fd = live_plain();
	uint16_t port;

	live_talk_start(&talk, NULL);
	port = live_port(&talk.live);
	other = live_v4(plain_port(fd));
	cr_assert_eq(hail_socket_connect(talk.live.socket, &other), 0);
	cr_assert_eq(live_send(&talk.live, "to the other", NULL), 0);
	live_expect(fd, "to the other");
	cr_assert_eq(hail_socket_connect(talk.live.socket, &talk.remote), 0);
	assert_talks(&talk);
	cr_assert_eq(live_port(&talk.live), port);
	close(fd);
	live_talk_end(&talk);
}

Test(bun_connect, what_strangers_sent_before_it_was_connected_is_not_heard)
{
	struct live_talk talk = {0};
	int stranger = live_plain();

	live_talk_start(&talk, NULL);
	live_turn(talk.engine);
	live_plain_send(stranger, "strange", live_port(&talk.live));
	cr_assert_eq(hail_socket_connect(talk.live.socket, &talk.remote), 0);
	live_talk_hear(&talk, "known");
	cr_assert_eq(talk.live.datagrams, 1);
	close(stranger);
	live_talk_end(&talk);
}

Test(bun_connect, a_disconnected_socket_hears_everybody_again)
{
	struct live_talk talk = {.connected = true};
	struct hail_addr told;
	int fd = live_plain();

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_socket_disconnect(talk.live.socket), 0);
	cr_assert_eq(hail_socket_remote(talk.live.socket, &told), -ENOTCONN);
	live_plain_send(fd, "strange", live_port(&talk.live));
	live_until(talk.engine, talk.live.datagrams == 1);
	cr_assert_eq(live_send(&talk.live, "answer", &talk.live.last_remote),
		     0);
	live_expect(fd, "answer");
	close(fd);
	live_talk_end(&talk);
}
