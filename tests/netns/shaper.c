/* SPDX-License-Identifier: MIT */
/* shaper.c: a link that is slower than the sender, by a token bucket filter:
 * everything arrives, in order, as fast as the link goes, and each refusal is
 * followed by one drain. */
#include "pair.h"

#include <time.h>

TestSuite(shaper, .timeout = 90);

#define COUNT 20000
#define COUNT_SMALL 5000
#define BATCH_MAX 512
#define SIZE_MAX_SENT 1400

/* Ethernet, IPv4 and UDP. */
#define FRAME_OVERHEAD (14 + 20 + 8)

enum sender { OUTSIDE, IN_DRAIN, IN_TIMER };

struct course {
	enum sender sender;
	uint32_t window;
	uint32_t batch;
	size_t size;
	uint32_t count;   /* datagrams for each destination */
	uint32_t streams; /* destinations */
	unsigned mbit;    /* the shaper's rate */
	uint32_t send_buffer;

	/* What happened. */
	uint64_t began_ns; /* CLOCK_REALTIME */
	struct live live;
	struct hail_addr remotes[PAIR_STREAMS];
	uint32_t total, next; /* the next to be sent, of all streams */
	uint32_t refusals, drains;
	bool owed;
	uint32_t written[BATCH_MAX]; /* which message is in a slot, plus one */
	unsigned char payloads[BATCH_MAX][SIZE_MAX_SENT];
	struct hail_message messages[BATCH_MAX];
};

/* The message with that number of all streams. */
static struct hail_message message_of(struct course *course, uint32_t number)
{
	const uint32_t stream = number % course->streams;
	unsigned char *payload = course->payloads[number % BATCH_MAX];

	if (course->written[number % BATCH_MAX] != number + 1)
		numbered_write(payload, course->size, stream,
			       number / course->streams);
	course->written[number % BATCH_MAX] = number + 1;
	return (struct hail_message){payload, course->size,
				     &course->remotes[stream]};
}

static ssize_t send_batch(struct course *course, uint32_t count)
{
	struct hail_message *messages = course->messages;
	int err;

	for (uint32_t i = 0; i < count; i++)
		messages[i] = message_of(course, course->next + i);
	if (count > 1)
		return hail_send_many(course->live.socket, messages, count);
	err = hail_send(course->live.socket, messages->data, messages->size,
			messages->remote);
	return err ? err : 1;
}

/* Sends until a call takes less than it was given. */
static void send_on(struct course *course)
{
	while (course->next < course->total) {
		const uint32_t left = course->total - course->next;
		const uint32_t count =
			left < course->batch ? left : course->batch;
		const ssize_t taken = send_batch(course, count);

		if (taken < 0)
			cr_assert_eq(taken, -EAGAIN);
		else
			course->next += (uint32_t)taken;
		if (taken < (ssize_t)count) {
			course->refusals++;
			course->owed = true;
			return;
		}
	}
}

static void on_drain(struct live *live)
{
	struct course *course = live->arg;

	cr_assert(course->owed, "a drain that nobody is owed");
	course->owed = false;
	course->drains++;
	if (course->sender == IN_DRAIN)
		send_on(course);
}

static void on_timer(struct hail_timer *timer, void *user)
{
	(void)timer;
	send_on(user);
}

static void start(struct hail_engine *engine, void *user)
{
	(void)engine;
	send_on(user);
}

static bool over(struct course *course)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(course->live.socket, &stats), 0);
	return course->next == course->total && !course->owed &&
	       !stats.in_flight;
}

/* A small window and a rare timer make a slow sender, so it fires often. */
static struct hail_timer *start_timer(struct course *course)
{
	const uint64_t period = course->window < 512 ? 20000 : 1000000;
	struct hail_timer *timer;

	cr_assert_eq(hail_timer_create(&timer, course->live.engine, on_timer,
				       course),
		     0);
	cr_assert_eq(hail_timer_start(timer, 0, period), 0);
	return timer;
}

static uint64_t wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void send_all(struct course *course)
{
	struct hail_engine *engine = course->live.engine;
	const uint64_t deadline = plain_now() + LIVE_DEADLINE_NS;
	struct hail_timer *timer = NULL;

	course->began_ns = wall_clock();
	if (course->sender == IN_TIMER)
		timer = start_timer(course);
	if (course->sender == IN_DRAIN)
		cr_assert_eq(hail_engine_post(engine, start, course), 0);
	while (!over(course)) {
		cr_assert_lt(plain_now(), deadline, "%u of %u were taken",
			     course->next, course->total);
		if (course->sender == OUTSIDE && !course->owed)
			send_on(course);
		cr_assert_geq(hail_engine_turn(engine, 10 * MS), 0);
	}
	cr_assert_eq(hail_timer_destroy(timer), 0);
}

/* The books: each refusal (or several between two drains) has had its drain,
 * and everything was sent. */
static void check_books(const struct course *course)
{
	const struct hail_traffic traffic = live_traffic(&course->live);

	cr_assert_eq(traffic.sent, course->total);
	cr_assert_eq(traffic.failed, 0);
	cr_assert_eq(traffic.drains, course->drains);
	cr_assert_eq(traffic.refused, course->refusals);
	if (course->sender == IN_TIMER)
		cr_assert_leq(course->drains, course->refusals);
	else
		cr_assert_eq(course->drains, course->refusals);
	cr_assert_eq(course->live.errors, 0);
}

/* How fast they arrived, as a part of the shaper's rate. */
static double pace(const struct course *course, const struct arrivals *arrivals)
{
	const double bits = 8 * ((double)arrivals->bytes +
				 (double)course->total * FRAME_OVERHEAD);

	return bits * 1e3 / (double)(arrivals->last_ns - course->began_ns) /
	       course->mbit;
}

static double run(struct pair *pair, struct course *course)
{
	struct arrivals arrivals[PAIR_STREAMS] = {0};
	int fds[PAIR_STREAMS];

	course->total = course->count * course->streams;
	for (uint32_t i = 0; i < course->streams; i++)
		fds[i] = pair_far(pair, FAR_V4, 0, &course->remotes[i]);
	course->live = (struct live){.arg = course, .on_drain = on_drain};
	live_open(&course->live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .window = course->window,
				       .send_buffer = course->send_buffer));
	send_all(course);
	check_books(course);
	for (uint32_t i = 0; i < course->streams; i++) {
		pair_read_all(fds[i], &course->remotes[i], &arrivals[i]);
		close(fds[i]);
		cr_assert_eq(arrivals[i].corrupt, 0);
		cr_assert_eq(arrivals[i].disorder, 0);
		cr_assert_eq(arrivals[i].count[i],
			     course->total / course->streams);
	}
	live_close(&course->live);
	return pace(course, &arrivals[0]);
}

/* The queue holds more than any send buffer, so it drops nothing. */
static void start_shaped(struct pair *pair, unsigned mbit)
{
	static const char *const tools[] = {"tc", NULL};

	pair_start(pair, NULL, tools);
	if (network_run(pair->near,
			"tc qdisc add dev near root tbf rate %umbit "
			"burst 32k limit 50000000",
			mbit))
		cr_skip_test("no tbf in this kernel");
}

static struct course *make_course(enum sender sender, uint32_t window,
				  uint32_t batch, size_t size)
{
	struct course *course = calloc(1, sizeof(*course));

	cr_assert(course);
	course->sender = sender;
	course->window = window;
	course->batch = batch;
	course->size = size;
	course->count = COUNT;
	course->streams = 1;
	course->mbit = 200;
	return course;
}

/* 1400 bytes take the link 58 us, and every sender is faster than that. Where
 * the machine is busy with something else the sender may be kept from it for
 * longer than the send buffer lasts: so the best of three counts. */
static void assert_full_rate(enum sender sender, uint32_t window,
			     uint32_t batch)
{
	struct pair pair;
	double reached = 0;

	start_shaped(&pair, 200);
	for (int i = 0; i < 3 && reached < 0.9; i++) {
		struct course *course =
			make_course(sender, window, batch, 1400);

		reached = run(&pair, course);
		cr_assert_gt(course->drains, 0, "the link was never full");
		free(course);
	}
	cr_assert_geq(reached, 0.9, "%.3f of the shaper's rate", reached);
	cr_assert_leq(reached, 1.05, "%.3f: was it shaped?", reached);
	pair_end(&pair);
}

/* Small datagrams: at this rate they take the link 32 us each. */
static void assert_every_window_and_batch(enum sender sender)
{
	static const uint32_t windows[] = {512, 32, 1},
			      batches[] = {1, 64, 512};
	uint32_t drains = 0;
	struct pair pair;

	start_shaped(&pair, 50);
	for (size_t i = 0; i < 9; i++) {
		struct course *course = make_course(sender, windows[i / 3],
						    batches[i % 3], 160);

		course->count = COUNT_SMALL;
		course->mbit = 50;
		course->send_buffer = 32768;
		run(&pair, course);
		drains += course->drains;
		free(course);
	}
	cr_assert_gt(drains, 0, "the link was never full");
	pair_end(&pair);
}

Test(shaper, what_is_sent_in_batches_arrives_in_order_at_full_rate)
{
	assert_full_rate(OUTSIDE, 512, 64);
}

Test(shaper, what_drain_handlers_send_arrives_in_order_at_full_rate)
{
	assert_full_rate(IN_DRAIN, 512, 64);
}

Test(shaper, what_timer_handlers_send_arrives_in_order_at_full_rate)
{
	assert_full_rate(IN_TIMER, 512, 64);
}

Test(shaper, batches_larger_than_the_window_fill_the_link_in_order)
{
	assert_full_rate(OUTSIDE, 32, 512);
}

Test(shaper, a_window_of_one_fills_the_link_in_order)
{
	assert_full_rate(OUTSIDE, 1, 64);
}

Test(shaper, single_sends_in_drain_handlers_fill_the_link_in_order)
{
	assert_full_rate(IN_DRAIN, 512, 1);
}

Test(shaper, twenty_thousand_small_datagrams_arrive_in_order)
{
	struct pair pair;

	start_shaped(&pair, 200);
	for (int sender = OUTSIDE; sender <= IN_TIMER; sender++) {
		struct course *course =
			make_course((enum sender)sender, 512, 64, 160);

		run(&pair, course);
		free(course);
	}
	pair_end(&pair);
}

Test(shaper, batches_of_every_size_arrive_in_order_through_every_window)
{
	assert_every_window_and_batch(OUTSIDE);
}

Test(shaper, drain_handlers_keep_the_order_with_every_window_and_batch)
{
	assert_every_window_and_batch(IN_DRAIN);
}

Test(shaper, timer_handlers_keep_the_order_with_every_window_and_batch)
{
	assert_every_window_and_batch(IN_TIMER);
}

/* Order is promised for each destination by itself. */
Test(shaper, two_destinations_at_once_each_get_theirs_in_order)
{
	struct pair pair;

	start_shaped(&pair, 100);
	for (int sender = OUTSIDE; sender <= IN_TIMER; sender++) {
		struct course *course =
			make_course((enum sender)sender, 512, 64, 160);

		course->streams = PAIR_STREAMS;
		course->mbit = 100;
		run(&pair, course);
		free(course);
	}
	pair_end(&pair);
}
