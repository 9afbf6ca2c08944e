/* SPDX-License-Identifier: MIT */
/* loop.c: hail in a program's own loop, which watches the engine's descriptor
 * by poll or epoll and turns the engine when it is readable, and only then. */
#include "support/live.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#define DEADLINE_MS 10000

/* Waits until a turn is due and makes it. */
static void poll_once(struct hail_engine *engine)
{
	struct pollfd look = {.fd = hail_engine_fd(engine), .events = POLLIN};

	cr_assert_geq(look.fd, 0);
	cr_assert_eq(poll(&look, 1, DEADLINE_MS), 1, "no turn is ever due");
	cr_assert_geq(hail_engine_turn(engine, 0), 0);
}

#define poll_until(engine, condition)                                          \
	do {                                                                   \
		while (!(condition))                                           \
			poll_once(engine);                                     \
	} while (0)

/* The loop comes to rest: it doesn't spin while nothing happens. */
static void assert_rest(struct hail_engine *engine)
{
	struct pollfd look = {.fd = hail_engine_fd(engine), .events = POLLIN};
	int turns = 0;

	while (poll(&look, 1, 0) == 1) {
		cr_assert_geq(hail_engine_turn(engine, 0), 0);
		cr_assert_lt(++turns, 10, "the descriptor stays readable");
	}
}

Test(loop, datagrams_make_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (size_t i = 1; i <= 20; i++) {
		assert_rest(engine);
		live_plain_send(fd, "x", live_port(&live));
		poll_until(engine, live.datagrams == i);
	}
	close(fd);
	live_end(engine);
}

Test(loop, a_socket_opened_after_the_descriptor_was_taken_is_served)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live first = {0}, second = {0};
	int fd = live_plain();

	cr_assert_geq(hail_engine_fd(engine), 0);
	assert_rest(engine);
	live_open(&first, engine, NULL);
	live_plain_send(fd, "one", live_port(&first));
	poll_until(engine, first.datagrams == 1);
	assert_rest(engine);
	live_open(&second, engine, NULL);
	live_plain_send(fd, "two", live_port(&second));
	poll_until(engine, second.datagrams == 1);
	close(fd);
	live_end(engine);
}

static void beat(struct hail_timer *timer, void *user)
{
	unsigned *beats = user;

	if (++*beats == 5)
		hail_timer_stop(timer);
}

Test(loop, timers_make_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_timer *timer;
	unsigned beats = 0;
	uint64_t start;

	cr_assert_eq(hail_timer_create(&timer, engine, beat, &beats), 0);
	assert_rest(engine);
	start = plain_now();
	cr_assert_eq(hail_timer_start(timer, 3 * MS, 2 * MS), 0);
	poll_until(engine, beats == 5);
	cr_assert_geq(plain_now() - start, (uint64_t)(11 * MS));
	assert_rest(engine);
	live_end(engine);
}

Test(loop, a_timer_that_is_started_anew_earlier_comes_earlier)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_timer *timer;
	unsigned beats = 0;

	cr_assert_eq(hail_timer_create(&timer, engine, beat, &beats), 0);
	cr_assert_eq(hail_timer_start(timer, 3600000 * MS, 0), 0);
	assert_rest(engine);
	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	poll_until(engine, beats == 1);
	live_end(engine);
}

static void count(struct hail_engine *engine, void *arg)
{
	(void)engine;
	++*(unsigned *)arg;
}

static unsigned run;

static void *post(void *arg)
{
	hail_engine_post(arg, count, &run);
	return NULL;
}

Test(loop, posts_of_other_threads_make_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	pthread_t thread;

	for (unsigned i = 1; i <= 50; i++) {
		assert_rest(engine);
		cr_assert_eq(pthread_create(&thread, NULL, post, engine), 0);
		poll_until(engine, run == i);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
	assert_rest(engine);
	live_end(engine);
}

static void answer(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(live_send(live, "answer", &batch[i].remote), 0);
}

/* The turn that hands the question over is the last one to be made. */
Test(loop, what_a_handler_sends_leaves_without_another_turn)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = answer};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	assert_rest(engine);
	for (size_t i = 1; i <= 20; i++) {
		live_plain_send(fd, "question", live_port(&live));
		poll_until(engine, live.datagrams == i);
		live_expect(fd, "answer");
	}
	close(fd);
	live_end(engine);
}

Test(loop, closing_makes_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	assert_rest(engine);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	poll_until(engine, live.closes == 1);
	assert_rest(engine);
	live_end(engine);
}

Test(loop, errors_of_a_batch_make_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message message = {"x", 1, &everybody};
	struct live live = {0};

	live_open(&live, engine, NULL);
	assert_rest(engine);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
	poll_until(engine, live.errors == 1);
	assert_rest(engine);
	live_end(engine);
}

static void keep(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	(void)count;
	if (hail_buffer_retain(batch[0].buffer) == 0)
		live->arg = batch[0].buffer;
}

Test(loop, releasing_the_last_buffer_makes_a_turn_due)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 1, .buffers_max = 1));
	struct live live = {.on_data = keep};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "one", live_port(&live));
	live_plain_send(fd, "two", live_port(&live));
	poll_until(engine, live.datagrams == 1);
	assert_rest(engine);
	cr_assert_eq(live.datagrams, 1);
	cr_assert_eq(hail_buffer_release(live.arg), 0);
	poll_until(engine, live.datagrams == 2);
	live_expect_last(&live, "two");
	close(fd);
	live_end(engine);
}

static void answer_twice(struct live *live, const struct hail_datagram *batch,
			 size_t count)
{
	(void)count;
	cr_assert_eq(live_send(live, "taken", &batch[0].remote), 0);
	cr_assert_eq(live_send(live, "refused", &batch[0].remote), -EAGAIN);
}

Test(loop, a_drain_that_is_owed_makes_a_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = answer_twice};
	int fd = live_plain();

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 1));
	assert_rest(engine);
	for (unsigned i = 1; i <= 10; i++) {
		live_plain_send(fd, "question", live_port(&live));
		poll_until(engine, live.drains == i);
		live_expect(fd, "taken");
		assert_rest(engine);
	}
	cr_assert_eq(live.drains, 10);
	cr_assert(plain_silent(fd));
	close(fd);
	live_end(engine);
}

/* Two engines and a descriptor of the program's own in one epoll. */
Test(loop, engines_fit_into_an_epoll)
{
	struct hail_engine *engines[2] = {live_engine(NULL), live_engine(NULL)};
	struct live lives[2] = {{0}, {0}};
	int epoll = epoll_create1(0), fd = live_plain();

	for (uint32_t i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		live_open(&lives[i], engines[i], NULL);
		cr_assert_eq(epoll_ctl(epoll, EPOLL_CTL_ADD,
				       hail_engine_fd(engines[i]), &event),
			     0);
		assert_rest(engines[i]);
	}
	for (size_t sent = 1; sent <= 20; sent++) {
		struct epoll_event event;
		struct live *live = &lives[sent % 2];
		size_t before = live->datagrams;

		live_plain_send(fd, "x", live_port(live));
		while (live->datagrams == before) {
			cr_assert_eq(epoll_wait(epoll, &event, 1, DEADLINE_MS),
				     1);
			live_turn(engines[event.data.u32]);
		}
	}
	close(epoll);
	close(fd);
	live_end(engines[0]);
	live_end(engines[1]);
}
