/* SPDX-License-Identifier: MIT */
/* foreign_loops.c: hail in a program's own loop, which turns the engine when
 * its descriptor is readable, and only then. Built once for each kind of loop;
 * see support/outer.h. */
#include "support/live.h"
#include "support/outer.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

#define DEADLINE_S 10
#define DEADLINE_MS (DEADLINE_S * 1000)

TestSuite(foreign_loops, .timeout = 60);

static struct hail_engine *
watched_engine(const struct hail_engine_options *options)
{
	struct hail_engine *engine = live_engine(options);

	cr_assert_eq(outer_open(engine), 0);
	return engine;
}

static void end(struct hail_engine *engine)
{
	outer_close();
	live_end(engine);
}

#define turn_until(condition)                                                  \
	do {                                                                   \
		while (!(condition))                                           \
			cr_assert_geq(outer_turn(DEADLINE_MS), 0,              \
				      "no turn is due: %s", #condition);       \
	} while (0)

static bool readable(struct hail_engine *engine)
{
	struct pollfd look = {.fd = hail_engine_fd(engine), .events = POLLIN};

	return poll(&look, 1, 0) == 1;
}

/* The loop comes to rest: it neither spins while nothing happens, nor is it
 * left untold of anything. */
static void assert_rest(struct hail_engine *engine)
{
	int turns = 0;

	while (outer_turn(0) != -ETIME)
		cr_assert_lt(++turns, 10, "the descriptor stays readable");
	for (int i = 0; i < 100; i++)
		cr_assert_not(readable(engine), "readable, and not told");
}

Test(foreign_loops, datagrams_make_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	for (size_t i = 1; i <= 20; i++) {
		assert_rest(engine);
		live_plain_send(fd, "x", live_port(&live));
		turn_until(live.datagrams == i);
	}
	close(fd);
	end(engine);
}

Test(foreign_loops, a_socket_opened_after_the_descriptor_was_taken_is_served)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live first = {0}, second = {0};
	int fd = live_plain();

	cr_assert_geq(hail_engine_fd(engine), 0);
	assert_rest(engine);
	live_open(&first, engine, NULL);
	live_plain_send(fd, "one", live_port(&first));
	turn_until(first.datagrams == 1);
	assert_rest(engine);
	live_open(&second, engine, NULL);
	live_plain_send(fd, "two", live_port(&second));
	turn_until(second.datagrams == 1);
	close(fd);
	end(engine);
}

static void beat(struct hail_timer *timer, void *user)
{
	unsigned *beats = user;

	if (++*beats == 5)
		hail_timer_stop(timer);
}

Test(foreign_loops, timers_make_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct hail_timer *timer;
	unsigned beats = 0;
	uint64_t start;

	cr_assert_eq(hail_timer_create(&timer, engine, beat, &beats), 0);
	assert_rest(engine);
	start = plain_now();
	cr_assert_eq(hail_timer_start(timer, 3 * MS, 2 * MS), 0);
	turn_until(beats == 5);
	cr_assert_geq(plain_now() - start, (uint64_t)(11 * MS));
	assert_rest(engine);
	end(engine);
}

Test(foreign_loops, a_timer_that_is_started_anew_earlier_comes_earlier)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct hail_timer *timer;
	unsigned beats = 0;

	cr_assert_eq(hail_timer_create(&timer, engine, beat, &beats), 0);
	cr_assert_eq(hail_timer_start(timer, 3600000 * MS, 0), 0);
	assert_rest(engine);
	cr_assert_eq(hail_timer_start(timer, MS, 0), 0);
	turn_until(beats == 1);
	end(engine);
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

Test(foreign_loops, posts_of_other_threads_make_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	pthread_t thread;

	for (unsigned i = 1; i <= 50; i++) {
		assert_rest(engine);
		cr_assert_eq(pthread_create(&thread, NULL, post, engine), 0);
		turn_until(run == i);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
	assert_rest(engine);
	end(engine);
}

static void answer(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(live_send(live, "answer", &batch[i].remote), 0);
}

/* The turn that hands the question over is the last one to be made. */
Test(foreign_loops, what_a_handler_sends_leaves_without_another_turn)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {.on_data = answer};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	assert_rest(engine);
	for (size_t i = 1; i <= 20; i++) {
		live_plain_send(fd, "question", live_port(&live));
		turn_until(live.datagrams == i);
		live_expect(fd, "answer");
	}
	close(fd);
	end(engine);
}

Test(foreign_loops, closing_makes_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {0};

	live_open(&live, engine, NULL);
	assert_rest(engine);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	turn_until(live.closes == 1);
	assert_rest(engine);
	end(engine);
}

/* A child that has all the parent's descriptors until the pipe is closed. */
static pid_t fork_holder(int pipes[2])
{
	char byte;
	pid_t child;

	cr_assert_eq(pipe(pipes), 0);
	child = fork();
	if (child)
		return child;
	close(pipes[1]);
	_exit(read(pipes[0], &byte, 1) != 0);
}

Test(foreign_loops, a_closed_socket_that_a_child_still_has_makes_none_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {0};
	int fd = live_plain();
	int pipes[2];
	uint16_t port;
	pid_t child;

	live_open(&live, engine, NULL);
	port = live_port(&live);
	assert_rest(engine);
	child = fork_holder(pipes);
	cr_assert_gt(child, 0);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	turn_until(live.closes == 1);
	assert_rest(engine);
	live_plain_send(fd, "x", port);
	cr_assert_not(readable(engine));
	close(pipes[0]);
	close(pipes[1]);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	close(fd);
	end(engine);
}

Test(foreign_loops, errors_of_a_batch_make_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct hail_addr everybody = live_addr("127.255.255.255", 9);
	struct hail_message message = {"x", 1, &everybody};
	struct live live = {0};

	live_open(&live, engine, NULL);
	assert_rest(engine);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), 1);
	turn_until(live.errors == 1);
	assert_rest(engine);
	end(engine);
}

static void keep(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	(void)count;
	if (hail_buffer_retain(batch[0].buffer) == 0)
		live->arg = batch[0].buffer;
}

Test(foreign_loops, what_the_network_answers_makes_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {0};
	int holder;
	struct hail_addr dead = live_v4(plain_dead_port(&holder));

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.errors = true));
	for (unsigned i = 1; i <= 20; i++) {
		assert_rest(engine);
		cr_assert_eq(live_send(&live, "?", &dead), 0);
		turn_until(live.errors == i);
	}
	assert_rest(engine);
	close(holder);
	end(engine);
}

Test(foreign_loops, releasing_the_last_buffer_makes_a_turn_due)
{
	struct hail_engine *engine = watched_engine(
		&HAIL_ENGINE_OPTIONS(.buffers = 1, .buffers_max = 1));
	struct live live = {.on_data = keep};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	live_plain_send(fd, "one", live_port(&live));
	live_plain_send(fd, "two", live_port(&live));
	turn_until(live.datagrams == 1);
	assert_rest(engine);
	cr_assert_eq(live.datagrams, 1);
	cr_assert_eq(hail_buffer_release(live.arg), 0);
	turn_until(live.datagrams == 2);
	live_expect_last(&live, "two");
	close(fd);
	end(engine);
}

static void answer_twice(struct live *live, const struct hail_datagram *batch,
			 size_t count)
{
	(void)count;
	cr_assert_eq(live_send(live, "taken", &batch[0].remote), 0);
	cr_assert_eq(live_send(live, "refused", &batch[0].remote), -EAGAIN);
}

Test(foreign_loops, a_drain_that_is_owed_makes_a_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {.on_data = answer_twice};
	int fd = live_plain();

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.window = 1));
	assert_rest(engine);
	for (unsigned i = 1; i <= 10; i++) {
		live_plain_send(fd, "question", live_port(&live));
		turn_until(live.drains == i);
		live_expect(fd, "taken");
		assert_rest(engine);
	}
	cr_assert_eq(live.drains, 10);
	cr_assert(plain_silent(fd));
	close(fd);
	end(engine);
}

/* Two engines and a descriptor of the program's own in one epoll. */
Test(foreign_loops, engines_fit_into_an_epoll)
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
		while (readable(engines[i]))
			live_turn(engines[i]);
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

Test(foreign_loops, a_stop_makes_one_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);

	assert_rest(engine);
	hail_engine_stop(engine);
	cr_assert_eq(outer_turn(DEADLINE_MS), 0);
	assert_rest(engine);
	end(engine);
}

/* A loop that is told of changes only must be told after each of the turns that
 * leave something over. */
Test(foreign_loops, what_is_over_a_turns_budget_makes_the_next_one_due)
{
	struct hail_engine *engine =
		watched_engine(&HAIL_ENGINE_OPTIONS(.budget = 4));
	struct live live = {0};
	int fd = live_plain();

	live_open(&live, engine, NULL);
	assert_rest(engine);
	for (int i = 0; i < 200; i++)
		live_plain_send(fd, "x", live_port(&live));
	turn_until(live.datagrams == 200);
	cr_assert_eq(live.batch_max, 4);
	assert_rest(engine);
	close(fd);
	end(engine);
}

static void post_again(struct hail_engine *engine, void *arg)
{
	if (++*(unsigned *)arg < 20)
		cr_assert_eq(hail_engine_post(engine, post_again, arg), 0);
}

Test(foreign_loops, what_handlers_post_makes_the_next_turn_due)
{
	struct hail_engine *engine = watched_engine(NULL);
	unsigned posts = 0;

	assert_rest(engine);
	cr_assert_eq(hail_engine_post(engine, post_again, &posts), 0);
	turn_until(posts == 20);
	assert_rest(engine);
	end(engine);
}

/* Also where the sockets were there before somebody watched them. */
Test(foreign_loops, what_has_left_makes_no_turn_due)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_addr peer;
	int fd = live_plain();

	peer = live_v4(plain_port(fd));
	live_open(&live, engine, NULL);
	live_settle(engine);
	cr_assert_eq(outer_open(engine), 0);
	assert_rest(engine);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(live_send(&live, "x", &peer), 0);
		live_expect(fd, "x");
		cr_assert_not(readable(engine));
	}
	close(fd);
	end(engine);
}

#define MANY 300

Test(foreign_loops, many_sockets_are_all_served)
{
	static struct live lives[MANY];
	struct hail_engine *engine = watched_engine(NULL);
	size_t datagrams = 0, closes = 0;
	int fd = live_plain();

	for (int i = 0; i < MANY; i++)
		live_open(&lives[i], engine, NULL);
	assert_rest(engine);
	for (int i = 0; i < MANY; i++)
		live_plain_send(fd, "x", live_port(&lives[i]));
	for (int i = 0; i < MANY; i++) {
		turn_until(lives[i].datagrams == 1);
		datagrams += lives[i].datagrams;
	}
	cr_assert_eq(datagrams, MANY);
	assert_rest(engine);
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(hail_socket_close(lives[i].socket), 0);
	for (int i = 0; i < MANY; i++) {
		turn_until(lives[i].closes == 1);
		closes += lives[i].closes;
	}
	cr_assert_eq(closes, MANY);
	assert_rest(engine);
	close(fd);
	end(engine);
}

#define FLOOD 20000
#define FLOOD_AHEAD 64 /* what fits into every receive buffer */

/* A plain sender that is never so far ahead that the kernel drops anything. */
struct flood {
	uint16_t port;
	sem_t room;
	unsigned char seen[FLOOD];
	unsigned doubled;
};

static void *send_flood(void *arg)
{
	struct flood *flood = arg;
	struct timespec end;
	int fd = plain_open("127.0.0.1", 0);

	for (uint32_t i = 0; i < FLOOD; i++) {
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_sec += DEADLINE_S;
		if (sem_timedwait(&flood->room, &end) ||
		    !plain_send(fd, &i, sizeof(i), flood->port))
			break;
	}
	close(fd);
	return NULL;
}

static void see(struct live *live, const struct hail_datagram *batch,
		size_t count)
{
	struct flood *flood = live->arg;

	for (size_t i = 0; i < count; i++) {
		uint32_t number;

		cr_assert_eq(batch[i].size, sizeof(number));
		memcpy(&number, batch[i].data, sizeof(number));
		cr_assert_lt(number, FLOOD);
		flood->doubled += flood->seen[number]++;
		sem_post(&flood->room);
	}
}

Test(foreign_loops, no_datagram_of_a_flood_is_missed)
{
	static struct flood flood;
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {.on_data = see, .arg = &flood};
	pthread_t sender;

	live_open(&live, engine, NULL);
	assert_rest(engine);
	flood.port = live_port(&live);
	cr_assert_eq(sem_init(&flood.room, 0, FLOOD_AHEAD), 0);
	cr_assert_eq(pthread_create(&sender, NULL, send_flood, &flood), 0);
	turn_until(live.datagrams == FLOOD);
	cr_assert_eq(pthread_join(sender, NULL), 0);
	cr_assert_eq(flood.doubled, 0);
	assert_rest(engine);
	sem_destroy(&flood.room);
	end(engine);
}

/* Another thread that causes one event at a time, and the next one as soon as
 * it was seen. Together with a loop that looks all the time, a turn may come
 * while the kernel is still telling one after the other who waits. */
#define CHASE_NS ((uint64_t)(1500 * MS))

struct chase {
	struct hail_engine *engine;
	int fd;
	uint16_t port;
	void (*cause)(struct chase *chase);
	atomic_ulong caused, seen;
	atomic_bool over;
};

static void *run_ahead(void *arg)
{
	struct chase *chase = arg;

	while (!chase->over) {
		chase->caused++;
		chase->cause(chase);
		while (chase->seen < chase->caused && !chase->over)
			sched_yield();
	}
	return NULL;
}

static void run_after(struct chase *chase)
{
	uint64_t stop = plain_now() + CHASE_NS;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, run_ahead, chase), 0);
	while (plain_now() < stop)
		outer_turn(0);
	chase->over = true;
	cr_assert_eq(pthread_join(thread, NULL), 0);
	turn_until(chase->seen == chase->caused);
}

static void cause_datagram(struct chase *chase)
{
	plain_send(chase->fd, "x", 1, chase->port);
}

static void see_datagrams(struct live *live, const struct hail_datagram *batch,
			  size_t count)
{
	struct chase *chase = live->arg;

	(void)batch;
	chase->seen += count;
}

static void chase_datagrams(struct hail_engine *engine, struct live *live)
{
	struct chase chase = {
		.engine = engine,
		.fd = live_plain(),
		.port = live_port(live),
		.cause = cause_datagram,
	};

	live->arg = &chase;
	run_after(&chase);
	close(chase.fd);
	end(engine);
}

Test(foreign_loops, a_datagram_is_not_missed_by_a_turn_at_the_same_moment)
{
	struct hail_engine *engine = watched_engine(NULL);
	struct live live = {.on_data = see_datagrams};

	live_open(&live, engine, NULL);
	chase_datagrams(engine, &live);
}

/* The ring waits at the socket already when the descriptor comes to it. */
Test(foreign_loops, nor_is_one_where_the_descriptor_was_taken_late)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {.on_data = see_datagrams};

	live_open(&live, engine, NULL);
	live_settle(engine);
	cr_assert_eq(outer_open(engine), 0);
	chase_datagrams(engine, &live);
}

static void see_post(struct hail_engine *engine, void *arg)
{
	struct chase *chase = arg;

	(void)engine;
	chase->seen++;
}

static void cause_post(struct chase *chase)
{
	hail_engine_post(chase->engine, see_post, chase);
}

Test(foreign_loops, nor_is_a_post)
{
	struct hail_engine *engine = live_engine(NULL);
	struct chase chase = {.engine = engine, .cause = cause_post};

	live_settle(engine);
	cr_assert_eq(outer_open(engine), 0);
	run_after(&chase);
	end(engine);
}
