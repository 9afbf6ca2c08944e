/* SPDX-License-Identifier: MIT */
/* idle.c: what costs nothing: sockets by the thousand on which nothing happens,
 * and, for a socket that sends one datagram now and then, all that is there for
 * those that send and hear many. */
#include "support/live.h"
#include "support/network.h"

#include <sys/resource.h>

TestSuite(idle, .timeout = 90);

#define SOCKETS 10000
#define FIRES 100
#define QUIET_NS ((uint64_t)(2000 * MS))
#define QUIET_CPU_NS ((uint64_t)(50 * MS))

static uint64_t cpu_time(void)
{
	struct rusage usage;

	cr_assert_eq(getrusage(RUSAGE_THREAD, &usage), 0);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       1000000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       1000;
}

/* Ends a run when it has fired so often. */
struct clockwork {
	struct hail_engine *engine;
	unsigned fires;
};

static void on_fire(struct hail_timer *timer, void *user)
{
	struct clockwork *clockwork = user;

	(void)timer;
	if (!--clockwork->fires)
		hail_engine_stop(clockwork->engine);
}

/* Runs until a timer has fired so often; returns what that took. */
static struct hail_engine_stats run_for(struct hail_engine *engine,
					uint64_t period_ns, unsigned fires)
{
	struct clockwork clockwork = {engine, fires};
	struct hail_engine_stats before = live_stats(engine), after;
	struct hail_timer *timer;

	cr_assert_eq(hail_timer_create(&timer, engine, on_fire, &clockwork), 0);
	cr_assert_eq(hail_timer_start(timer, period_ns, period_ns), 0);
	cr_assert_eq(hail_engine_run(engine), 0);
	cr_assert_eq(hail_timer_destroy(timer), 0);
	after = live_stats(engine);
	after.timers -= before.timers;
	after.turns -= before.turns;
	after.enters -= before.enters;
	after.submissions -= before.submissions;
	after.completions -= before.completions;
	return after;
}

static void ignore(struct hail_socket *socket,
		   const struct hail_datagram *batch, size_t count)
{
	(void)socket;
	(void)batch;
	(void)count;
}

static void open_idle(struct hail_engine *engine, unsigned count)
{
	const struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.local = live_v4(0),
				    .handlers.data = ignore);
	struct hail_socket *socket;

	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(hail_socket_open(&socket, engine, &options), 0);
	live_settle(engine);
}

static struct hail_engine *start_idle(void)
{
	struct hail_engine *engine;

	live_allow_descriptors(SOCKETS + 200);
	network_enter_own();
	engine = live_engine(NULL);
	open_idle(engine, SOCKETS);
	cr_assert_eq(live_stats(engine).sockets, SOCKETS);
	return engine;
}

Test(idle, ten_thousand_idle_sockets_take_no_calls_but_the_timers)
{
	struct hail_engine *engine = start_idle();
	struct hail_engine_stats took = run_for(engine, 5 * MS, FIRES);

	cr_assert_eq(took.timers, FIRES);
	cr_assert_eq(took.turns, FIRES);
	cr_assert_eq(took.enters, FIRES);
	cr_assert_eq(took.submissions, 0);
	cr_assert_eq(took.completions, 0);
	live_end(engine);
}

/* Fifty turns while it waits. A scan of all sockets, even one for each turn,
 * or a wait that isn't one, takes more. */
Test(idle, ten_thousand_idle_sockets_use_no_processor)
{
	struct hail_engine *engine = start_idle();
	uint64_t before = cpu_time(), took;

	run_for(engine, QUIET_NS / 50, 50);
	took = cpu_time() - before;
	cr_assert_lt(took, QUIET_CPU_NS, "%.1f ms of two seconds",
		     (double)took / 1e6);
	live_end(engine);
}

/* A voice: a datagram every 20 ms, to itself. */
#define VOICE_NS ((uint64_t)(20 * MS))
#define VOICE_SIZE 160
#define VOICE_WARM 5
#define VOICE_COUNT 25

struct voice {
	struct live live;
	struct hail_addr local;
	struct hail_timer *timer;
	unsigned said;
	struct hail_engine_stats before, after;
};

static void say(struct hail_timer *timer, void *user)
{
	static const unsigned char frame[VOICE_SIZE];
	struct voice *voice = user;

	(void)timer;
	if (voice->said == VOICE_WARM)
		voice->before = live_stats(voice->live.engine);
	voice->after = live_stats(voice->live.engine);
	if (voice->said++ == VOICE_WARM + VOICE_COUNT)
		hail_engine_stop(voice->live.engine);
	else
		cr_assert_eq(hail_send(voice->live.socket, frame, sizeof(frame),
				       &voice->local),
			     0);
}

/* The next is said a while after this one was heard, however late that was: so
 * each takes the same steps. */
static void hear(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	struct voice *voice = live->arg;

	cr_assert_eq(count, 1);
	cr_assert_eq(batch->size, VOICE_SIZE);
	cr_assert_eq(hail_timer_start(voice->timer, VOICE_NS, 0), 0);
}

static struct hail_engine_stats speak(const struct hail_engine_options *engine,
				      const struct hail_socket_options *socket)
{
	struct voice *voice = calloc(1, sizeof(*voice));
	struct hail_engine_stats took;

	cr_assert(voice);
	voice->live.on_data = hear;
	voice->live.arg = voice;
	live_open(&voice->live, live_engine(engine), socket);
	voice->local = live_local(&voice->live);
	cr_assert_eq(hail_timer_create(&voice->timer, voice->live.engine, say,
				       voice),
		     0);
	cr_assert_eq(hail_timer_start(voice->timer, 0, 0), 0);
	cr_assert_eq(hail_engine_run(voice->live.engine), 0);
	cr_assert_eq(voice->live.datagrams, VOICE_WARM + VOICE_COUNT);
	took = voice->after;
	took.turns -= voice->before.turns;
	took.enters -= voice->before.enters;
	took.submissions -= voice->before.submissions;
	took.completions -= voice->before.completions;
	took.sleeps -= voice->before.sleeps;
	live_end(voice->live.engine);
	free(voice);
	return took;
}

static void assert_as_cheap(const struct hail_engine_stats *plain,
			    const struct hail_engine_stats *other)
{
	cr_expect_eq(other->turns, plain->turns);
	cr_expect_eq(other->enters, plain->enters);
	cr_expect_eq(other->submissions, plain->submissions);
	cr_expect_eq(other->completions, plain->completions);
	cr_expect_eq(other->sleeps, plain->sleeps);
}

/* That the plain one is cheap: a turn for the timer, one for what came, and one
 * request and one completion besides. */
Test(idle, a_voice_alone_takes_no_more_calls_by_any_default)
{
	const struct hail_socket_options off =
		HAIL_SOCKET_OPTIONS(.no_trains = true,
				    .coalesce = HAIL_COALESCE_OFF);
	struct hail_engine_stats plain, usual;

	plain = speak(NULL, &off);
	usual = speak(NULL, NULL);
	assert_as_cheap(&plain, &usual);
	cr_assert_leq(plain.enters, 2 * VOICE_COUNT);
	cr_assert_eq(plain.submissions, VOICE_COUNT);
	cr_assert_eq(plain.completions, VOICE_COUNT);
	cr_assert_eq(usual.traffic.trains, 0);
}

Test(idle, a_voice_alone_takes_no_more_calls_by_what_serves_the_many)
{
	const struct hail_socket_options off =
		HAIL_SOCKET_OPTIONS(.no_trains = true,
				    .coalesce = HAIL_COALESCE_OFF);
	struct hail_engine_stats plain, eager;

	plain = speak(NULL, &off);
	eager = speak(&HAIL_ENGINE_OPTIONS(.batch_wait_ns = 1 * MS),
		      &HAIL_SOCKET_OPTIONS(.coalesce = HAIL_COALESCE_ON));
	assert_as_cheap(&plain, &eager);
	cr_assert_eq(eager.batch_waits, 0);
}
