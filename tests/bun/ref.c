/* SPDX-License-Identifier: MIT */
/* ref.c: whether a socket keeps the program running: Bun's process, here a run
 * of the engine. */
#include "support/live.h"

static unsigned fired;

static void stop(struct hail_timer *timer, void *user)
{
	(void)timer;
	fired++;
	hail_engine_stop(user);
}

/* Whether a run goes on until a timer, which doesn't keep it running itself,
 * stops it. */
static bool goes_on(struct hail_engine *engine)
{
	struct hail_timer *timer;
	unsigned before = fired;

	cr_assert_eq(hail_timer_create(&timer, engine, stop, engine), 0);
	cr_assert_eq(hail_timer_unref(timer), 0);
	cr_assert_eq(hail_timer_start(timer, 10 * MS, 0), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_timer_destroy(timer), 0);
	return fired > before;
}

Test(bun_ref, an_open_socket_keeps_a_run_running)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert(goes_on(talk.engine));
	live_close(&talk.live);
	cr_assert_not(goes_on(talk.engine));
	live_talk_end(&talk);
}

Test(bun_ref, an_unrefd_socket_does_not)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_socket_unref(talk.live.socket), 0);
	cr_assert_not(goes_on(talk.engine));
	live_talk_hear(&talk, "it is open all the same");
	live_talk_end(&talk);
}

Test(bun_ref, a_socket_that_is_refd_again_does)
{
	struct live_talk talk = {0};

	live_talk_start(&talk, NULL);
	cr_assert_eq(hail_socket_unref(talk.live.socket), 0);
	cr_assert_eq(hail_socket_ref(talk.live.socket), 0);
	cr_assert(goes_on(talk.engine));
	live_talk_end(&talk);
}
