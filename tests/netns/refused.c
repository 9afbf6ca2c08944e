/* SPDX-License-Identifier: MIT */
/* refused.c: what the near end's own kernel says no to: a filter, no route, no
 * right to broadcast. A single send returns it; of a batch `error` names each
 * message that was refused, once, and the others go. */
#include "pair.h"

TestSuite(refused, .timeout = 90);

#define SIZE 64
#define BATCH 100
#define MANY 10000

static const char *const tools[] = {"nft", NULL};

/* Messages and what became of them, told apart by their data's address. */
struct outcomes {
	unsigned char payloads[MANY][SIZE];
	struct hail_message messages[MANY];
	unsigned char told[MANY];
	uint32_t errors, count;
	int code;
	bool foreign; /* an error that names none of these */
	ssize_t taken;
};

static void on_error(struct live *live, const struct hail_error *error)
{
	struct outcomes *outcomes = live->arg;
	const unsigned char *data = error->data;
	const ptrdiff_t offset = data - outcomes->payloads[0];
	const ptrdiff_t index = offset / SIZE;

	outcomes->errors++;
	outcomes->foreign |= error->kind != HAIL_ERROR_SEND ||
			     error->code != outcomes->code || offset < 0 ||
			     offset % SIZE || index >= outcomes->count ||
			     error->size != outcomes->messages[index].size;
	if (outcomes->foreign)
		return;
	outcomes->told[index]++;
	outcomes->foreign |= !hail_addr_equal(&error->remote,
					      outcomes->messages[index].remote);
}

/* Every second message goes to `bad`, the others, numbered, to `good`; all to
 * `bad` where there is no good one. */
static struct outcomes *make_outcomes(uint32_t count, int code,
				      const struct hail_addr *bad,
				      const struct hail_addr *good)
{
	struct outcomes *outcomes = calloc(1, sizeof(*outcomes));

	cr_assert(outcomes);
	outcomes->count = count;
	outcomes->code = code;
	for (uint32_t i = 0; i < count; i++) {
		numbered_write(outcomes->payloads[i], SIZE, 0, i / 2);
		outcomes->messages[i] =
			(struct hail_message){outcomes->payloads[i], SIZE,
					      good && i % 2 ? good : bad};
	}
	return outcomes;
}

/* Exactly those that were refused are told of, once each. */
static void check_outcomes(const struct outcomes *outcomes,
			   const struct hail_addr *bad)
{
	cr_assert(!outcomes->foreign);
	for (uint32_t i = 0; i < outcomes->count; i++)
		cr_assert_eq(outcomes->told[i],
			     outcomes->messages[i].remote == bad,
			     "message %u was told of %u times", i,
			     outcomes->told[i]);
}

/* Datagrams to port 9 are dropped on their way out. */
static void start_filtered(struct pair *pair,
			   const struct hail_engine_options *options)
{
	pair_start(pair, options, tools);
	pair_run(pair->near, "nft 'table inet t { chain c { "
			     "type filter hook output priority 0; "
			     "udp dport 9 drop; }; }'");
}

static void open_counting(struct live *live, struct pair *pair,
			  struct outcomes *outcomes)
{
	memset(live, 0, sizeof(*live));
	live->arg = outcomes;
	live->on_error = on_error;
	live_open(live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				       .window = 8192));
}

static void assert_single(struct pair *pair, const char *ip)
{
	struct hail_addr bad = live_addr(ip, 9), good;
	struct arrivals arrivals = {0};
	unsigned char payload[SIZE];
	int fd = pair_far(pair, ip, 0, &good);
	struct live live = {0};

	live_open(&live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	for (uint32_t i = 0; i < 10; i++) {
		numbered_write(payload, SIZE, 0, i);
		cr_assert_eq(hail_send(live.socket, "no", 2, &bad), -EPERM);
		cr_assert_eq(hail_send(live.socket, payload, SIZE, &good), 0);
	}
	live_settle(pair->engine);
	pair_read_all(fd, &good, &arrivals);
	cr_assert_eq(arrivals.count[0], 10);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live.drains, 0);
	cr_assert_eq(live_traffic(&live).sent, 10);
	cr_assert_eq(live_traffic(&live).failed, 0);
	live_close(&live);
	close(fd);
}

Test(refused, a_single_send_returns_what_a_filter_says)
{
	struct pair pair;

	start_filtered(&pair, NULL);
	assert_single(&pair, FAR_V4);
	assert_single(&pair, FAR_V6);
	pair_end(&pair);
}

static void send_in_turn(struct hail_engine *engine, void *arg)
{
	struct live *live = arg;
	struct outcomes *outcomes = live->arg;

	(void)engine;
	outcomes->taken = hail_send_many(live->socket, outcomes->messages,
					 outcomes->count);
}

static void assert_batch(struct pair *pair, const char *ip, bool in_handler)
{
	struct hail_addr bad = live_addr(ip, 9), good;
	int fd = pair_far(pair, ip, 0, &good);
	struct outcomes *outcomes = make_outcomes(BATCH, -EPERM, &bad, &good);
	struct arrivals arrivals = {0};
	struct live live;

	open_counting(&live, pair, outcomes);
	if (in_handler)
		cr_assert_eq(
			hail_engine_post(pair->engine, send_in_turn, &live), 0);
	else
		send_in_turn(pair->engine, &live);
	live_until(pair->engine, outcomes->errors >= BATCH / 2);
	live_settle(pair->engine);
	cr_assert_eq(outcomes->taken, BATCH);
	check_outcomes(outcomes, &bad);
	pair_read_all(fd, &good, &arrivals);
	cr_assert_eq(arrivals.count[0], BATCH / 2);
	cr_assert_eq(arrivals.disorder, 0);
	cr_assert_eq(live_traffic(&live).sent, BATCH / 2);
	cr_assert_eq(live_traffic(&live).failed, BATCH / 2);
	live_close(&live);
	free(outcomes);
	close(fd);
}

Test(refused, of_a_batch_exactly_the_filtered_ones_are_named_and_the_others_go)
{
	struct pair pair;

	start_filtered(&pair, NULL);
	for (int in_handler = 0; in_handler < 2; in_handler++) {
		assert_batch(&pair, FAR_V4, in_handler);
		assert_batch(&pair, FAR_V6, in_handler);
	}
	cr_assert_eq(live_stats(pair.engine).failed_by_errno[EPERM], 2 * BATCH);
	pair_end(&pair);
}

/* Sends what is left of them; true: nothing is. */
static bool send_rest(struct live *live, uint32_t *next)
{
	struct outcomes *outcomes = live->arg;

	while (*next < outcomes->count) {
		ssize_t taken =
			hail_send_many(live->socket, &outcomes->messages[*next],
				       outcomes->count - *next);

		if (taken < 0)
			cr_assert_eq(taken, -EAGAIN, "%zd", taken);
		if (taken < 0)
			return false;
		*next += (uint32_t)taken;
	}
	return true;
}

Test(refused, ten_thousand_that_are_all_filtered_each_have_one_outcome)
{
	struct hail_addr bad = live_addr(FAR_V4, 9);
	struct outcomes *outcomes = make_outcomes(MANY, -EPERM, &bad, NULL);
	uint32_t next = 0;
	struct pair pair;
	struct live live;

	start_filtered(&pair, NULL);
	open_counting(&live, &pair, outcomes);
	live_until(pair.engine, send_rest(&live, &next));
	live_until(pair.engine, outcomes->errors >= MANY);
	live_settle(pair.engine);
	check_outcomes(outcomes, &bad);
	cr_assert_eq(live_traffic(&live).failed, MANY);
	cr_assert_eq(live_traffic(&live).sent, 0);
	cr_assert_eq(live_traffic(&live).refused > 0, live.drains > 0);
	pair_end(&pair);
	free(outcomes);
}

static uint32_t handler_next;

static void send_rest_on_drain(struct live *live)
{
	send_rest(live, &handler_next);
}

static void send_rest_in_turn(struct hail_engine *engine, void *arg)
{
	(void)engine;
	send_rest(arg, &handler_next);
}

/* More of them are in flight than errors can wait to be told. */
Test(refused, ten_thousand_that_handlers_send_each_have_one_outcome_too)
{
	struct hail_addr bad = live_addr(FAR_V4, 9);
	struct outcomes *outcomes = make_outcomes(MANY, -EPERM, &bad, NULL);
	struct pair pair;
	struct live live;

	start_filtered(&pair, &HAIL_ENGINE_OPTIONS(.send_blocks = 8192));
	open_counting(&live, &pair, outcomes);
	live.on_drain = send_rest_on_drain;
	handler_next = 0;
	cr_assert_eq(hail_engine_post(pair.engine, send_rest_in_turn, &live),
		     0);
	live_until(pair.engine, outcomes->errors >= MANY);
	live_settle(pair.engine);
	check_outcomes(outcomes, &bad);
	cr_assert_eq(live_traffic(&live).failed, MANY);
	pair_end(&pair);
	free(outcomes);
}

/* A full window of them, and nobody who would be told: the counters have it. */
Test(refused, errors_without_a_handler_are_counted_and_hold_nothing_up)
{
	struct hail_handlers mute = live_handlers;
	struct hail_addr bad = live_addr(FAR_V4, 9);
	struct outcomes *outcomes = make_outcomes(MANY, -EPERM, &bad, NULL);
	uint32_t next = 0;
	struct pair pair;
	struct live live;

	start_filtered(&pair, NULL);
	open_counting(&live, &pair, outcomes);
	mute.error = NULL;
	cr_assert_eq(hail_socket_set_handlers(live.socket, &mute), 0);
	live_until(pair.engine, send_rest(&live, &next));
	live_until(pair.engine, live_traffic(&live).failed == MANY);
	pair_end(&pair);
	free(outcomes);
}

static void assert_unroutable(struct pair *pair, const char *ip,
			      const char *far_ip)
{
	struct hail_addr bad = live_addr(ip, 7), good;
	int fd = pair_far(pair, far_ip, 0, &good);
	struct outcomes *outcomes =
		make_outcomes(BATCH, -ENETUNREACH, &bad, &good);
	struct arrivals arrivals = {0};
	struct live live;

	open_counting(&live, pair, outcomes);
	cr_assert_eq(hail_send(live.socket, "no", 2, &bad), -ENETUNREACH);
	cr_assert_eq(hail_send_many(live.socket, outcomes->messages, BATCH),
		     BATCH);
	live_until(pair->engine, outcomes->errors == BATCH / 2);
	check_outcomes(outcomes, &bad);
	pair_read_all(fd, &good, &arrivals);
	cr_assert_eq(arrivals.count[0], BATCH / 2);
	live_close(&live);
	free(outcomes);
	close(fd);
}

Test(refused, what_has_no_route_is_told_and_costs_the_others_nothing)
{
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	assert_unroutable(&pair, "203.0.113.1", FAR_V4);
	assert_unroutable(&pair, "2001:db8::1", FAR_V6);
	pair_end(&pair);
}

Test(refused, broadcasts_need_the_option)
{
	struct hail_addr all = live_addr("10.1.0.255", 0), far;
	struct live without = {0}, with = {0};
	struct pair pair;
	char got[8];
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, "0.0.0.0", 0, &far);
	all.v4.sin_port = far.v4.sin_port;
	live_open(&without, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0)));
	live_open(&with, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .broadcast = true));
	cr_assert_eq(live_send(&without, "no", &all), -EACCES);
	cr_assert_eq(live_send(&with, "yes", &all), 0);
	cr_assert_eq(far_receive(fd, got, sizeof(got),
				 plain_now() + LIVE_DEADLINE_NS, NULL, NULL),
		     3);
	pair_end(&pair);
	close(fd);
}
