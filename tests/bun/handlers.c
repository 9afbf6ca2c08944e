/* SPDX-License-Identifier: MIT */
/* handlers.c: other handlers for an open socket, which is Bun's reload. */
#include "support/live.h"

static unsigned heard_by_new;

static void new_data(struct hail_socket *socket,
		     const struct hail_datagram *batch, size_t count)
{
	(void)socket;
	(void)batch;
	heard_by_new += (unsigned)count;
}

static const struct hail_handlers new_handlers = {.data = new_data};

static void reload(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	(void)batch;
	(void)count;
	cr_assert_eq(hail_socket_set_handlers(live->socket, &new_handlers), 0);
}

Test(bun_handlers, set_handlers_replaces_them)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	live_talk_hear(&talk, "old");
	reload(&talk.live, NULL, 0);
	live_plain_send(talk.fd, "new", live_port(&talk.live));
	live_until(talk.engine, heard_by_new == 1);
	cr_assert_eq(talk.live.datagrams, 1);
	live_talk_end(&talk);
}

Test(bun_handlers, replaced_in_a_handler_the_next_call_is_the_new_ones)
{
	struct live_talk talk = {
		.engine_options = &HAIL_ENGINE_OPTIONS(.budget = 1),
		.live = {.on_data = reload},
	};

	live_talk_start(&talk, NULL);
	for (int i = 0; i < 5; i++)
		live_plain_send(talk.fd, "x", live_port(&talk.live));
	live_until(talk.engine, heard_by_new == 4);
	cr_assert_eq(talk.live.datagrams, 1);
	live_talk_end(&talk);
}
