/* SPDX-License-Identifier: MIT */
/* stuck.c: a link on which nothing leaves for a while. Sends are refused and
 * wait, the rest of the engine goes on, and nothing is lost or doubled. */
#include "pair.h"
#include "support/outer.h"

#include <hail/shard.h>

TestSuite(stuck, .timeout = 90);

#define WINDOW 32
#define LOW_WATER 8
#define SIZE 300

/* A socket that sends numbered datagrams to one remote. */
struct sender {
	struct live live;
	struct hail_addr remote;
	uint32_t taken, refusals;
};

static int send_next(struct sender *sender)
{
	unsigned char payload[SIZE];
	int err;

	numbered_write(payload, SIZE, 0, sender->taken);
	err = hail_send(sender->live.socket, payload, SIZE, &sender->remote);
	if (!err)
		sender->taken++;
	else
		sender->refusals++;
	return err;
}

static int send_up_to(struct sender *sender, uint32_t count)
{
	int err = 0;

	while (!err && sender->taken < count)
		err = send_next(sender);
	return err;
}

static void open_sender(struct sender *sender, struct hail_engine *engine,
			const struct hail_addr *remote)
{
	memset(sender, 0, sizeof(*sender));
	sender->remote = *remote;
	sender->live.arg = sender;
	live_open(&sender->live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("0.0.0.0", 0),
				       .window = WINDOW, .low_water = LOW_WATER,
				       .send_buffer = 8192));
}

static uint32_t in_flight(const struct sender *sender)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(sender->live.socket, &stats), 0);
	return stats.in_flight;
}

/* The link is stuck, and as much waits on it as may. */
static void start_stuck(struct pair *pair, struct sender *sender,
			const struct hail_engine_options *options, int *fd)
{
	struct hail_addr remote;

	pair_start(pair, options, NULL);
	*fd = pair_far(pair, FAR_V4, 0, &remote);
	pair_stick(pair);
	open_sender(sender, pair->engine, &remote);
	cr_assert_eq(send_up_to(sender, 1000), -EAGAIN);
}

static void check_arrivals(int fd, const struct sender *sender, uint32_t count)
{
	struct arrivals arrivals = {0};

	pair_read_all(fd, &sender->remote, &arrivals);
	cr_assert_eq(arrivals.corrupt, 0);
	cr_assert_eq(arrivals.disorder, 0);
	cr_assert_eq(arrivals.count[0], count);
}

Test(stuck, the_window_fills_and_further_sends_are_refused_without_a_drain)
{
	struct sender sender;
	struct pair pair;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	cr_assert_eq(in_flight(&sender), WINDOW);
	cr_assert_gt(sender.taken, WINDOW, "the kernel took none");
	for (int i = 0; i < 10; i++) {
		live_turn(pair.engine);
		cr_assert_eq(send_next(&sender), -EAGAIN);
	}
	cr_assert_eq(sender.live.drains, 0);
	cr_assert_eq(live_traffic(&sender.live).refused, sender.refusals);
	pair_end(&pair);
	close(fd);
}

static void send_the_rest(struct live *live)
{
	send_up_to(live->arg, 500);
}

Test(stuck, nothing_is_lost_or_doubled_when_the_link_goes_on)
{
	struct sender sender;
	struct pair pair;
	uint32_t refusals;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	sender.live.on_drain = send_the_rest;
	refusals = sender.refusals;
	pair_unstick(&pair);
	live_until(pair.engine, sender.taken == 500 && !in_flight(&sender));
	cr_assert_eq(sender.live.drains, 1 + sender.refusals - refusals);
	cr_assert_eq(live_traffic(&sender.live).sent, 500);
	check_arrivals(fd, &sender, 500);
	cr_assert_eq(sender.live.errors, 0);
	pair_end(&pair);
	close(fd);
}

/* Turns are made only when the descriptor says so. */
static void go_on_in_a_foreign_loop(bool settled)
{
	struct sender sender;
	struct pair pair;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	sender.live.on_drain = send_the_rest;
	if (settled)
		live_settle(pair.engine);
	cr_assert_eq(outer_open(pair.engine), 0);
	for (int i = 0; outer_turn(0) >= 0; i++)
		cr_assert_lt(i, 10, "the descriptor stays readable");
	cr_assert_eq(sender.live.drains, 0);
	pair_unstick(&pair);
	while (sender.taken < 500 || in_flight(&sender))
		cr_assert_geq(outer_turn(10000), 0, "no turn is due");
	check_arrivals(fd, &sender, 500);
	outer_close();
	pair_end(&pair);
	close(fd);
}

Test(stuck, a_foreign_loop_is_told_when_the_link_goes_on)
{
	go_on_in_a_foreign_loop(false);
}

Test(stuck, a_foreign_loop_that_watches_it_later_is_told_too)
{
	go_on_in_a_foreign_loop(true);
}

/* What the kernel had is lost with the neighbour, by the network's fault; what
 * hail held isn't. */
Test(stuck, drain_comes_when_the_neighbour_is_given_up_and_sending_goes_on)
{
	struct arrivals arrivals = {0};
	struct sender sender;
	uint64_t lost;
	struct pair pair;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	while (!sender.live.drains) {
		pair_give_up(&pair);
		live_until(pair.engine, live_turn(pair.engine) == 0);
	}
	lost = live_traffic(&sender.live).sent;
	pair_unstick(&pair);
	live_until(pair.engine, send_up_to(&sender, 500) == 0);
	live_until(pair.engine, !in_flight(&sender));
	pair_read_all(fd, &sender.remote, &arrivals);
	cr_assert_eq(arrivals.disorder, 0);
	cr_assert_geq(arrivals.count[0], 500 - lost);
	cr_assert_eq(arrivals.next[0], 500);
	cr_assert_eq(live_traffic(&sender.live).sent, 500);
	cr_assert_eq(sender.live.errors, 0);
	pair_end(&pair);
	close(fd);
}

/* Whether the port of a socket that is closed can be bound by another. */
static void bind_again(struct live *live)
{
	struct hail_addr local = *(struct hail_addr *)live->arg;
	int fd = far_open(-1, "0.0.0.0", hail_addr_port(&local), &local);

	cr_assert_geq(fd, 0, "the port is taken: %s", strerror(-fd));
	close(fd);
}

Test(stuck, closing_cancels_and_counts_what_is_in_flight_and_frees_the_port)
{
	struct hail_traffic traffic;
	struct hail_addr local;
	struct sender sender;
	struct pair pair;
	uint64_t began;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	local = live_local(&sender.live);
	sender.live.arg = &local;
	sender.live.on_close = bind_again;
	began = plain_now();
	live_close(&sender.live);
	cr_assert_lt(plain_now() - began, UINT64_C(1000000000));
	traffic = live_stats(pair.engine).traffic;
	cr_assert_gt(traffic.cancelled, 0);
	cr_assert_eq(traffic.sent + traffic.cancelled, sender.taken);
	cr_assert_eq(traffic.failed, 0);
	cr_assert_eq(sender.live.drains, 0);
	pair_unstick(&pair);
	check_arrivals(fd, &sender, (uint32_t)traffic.sent);
	pair_end(&pair);
	close(fd);
}

Test(stuck, destroying_the_engine_with_sends_in_flight_frees_the_port)
{
	struct hail_addr local;
	struct sender sender;
	struct pair pair;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	local = live_local(&sender.live);
	sender.live.arg = &local;
	live_end(pair.engine);
	pair.engine = NULL;
	bind_again(&sender.live);
	cr_assert_eq(sender.live.closes, 0);
	pair_end(&pair);
	close(fd);
}

/* A plain socket of the near end itself. */
static int open_neighbour(struct hail_addr *out)
{
	int fd = far_open(-1, "127.0.0.1", 0, out);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(stuck, a_socket_on_a_healthy_link_is_not_disturbed)
{
	struct sender stuck, healthy;
	struct hail_addr remote;
	struct pair pair;
	int fd, other;

	start_stuck(&pair, &stuck, NULL, &fd);
	other = open_neighbour(&remote);
	open_sender(&healthy, pair.engine, &remote);
	while (healthy.taken < 1000) {
		cr_assert_eq(send_next(&healthy), 0);
		if (healthy.taken % 16 == 0)
			live_turn(pair.engine);
	}
	check_arrivals(other, &healthy, 1000);
	cr_assert_eq(healthy.live.drains, 0);
	cr_assert_eq(in_flight(&stuck), WINDOW);
	pair_end(&pair);
	close(other);
	close(fd);
}

/* Two remotes of one socket share its send buffer, so the healthy one waits;
 * but it gets all of its datagrams. */
Test(stuck, a_stuck_remote_costs_a_healthy_one_of_the_same_socket_nothing)
{
	struct hail_addr remotes[2];
	struct sender sender;
	uint32_t numbers[2] = {0};
	struct pair pair;
	int fds[2];

	start_stuck(&pair, &sender, NULL, &fds[0]);
	remotes[0] = sender.remote;
	fds[1] = open_neighbour(&remotes[1]);
	for (unsigned i = 0; numbers[1] < 200; i++) {
		sender.remote = remotes[i % 2];
		sender.taken = numbers[i % 2];
		if (!send_next(&sender))
			numbers[i % 2]++;
		else
			pair_give_up(&pair);
		live_turn(pair.engine);
	}
	pair_unstick(&pair);
	live_until(pair.engine, !in_flight(&sender));
	sender.remote = remotes[1];
	check_arrivals(fds[1], &sender, numbers[1]);
	pair_end(&pair);
	close(fds[0]);
	close(fds[1]);
}

/* Inside a handler each send takes a block. */
static void send_in_turn(struct hail_engine *engine, void *arg)
{
	struct sender *sender = arg;

	(void)engine;
	if (send_next(sender))
		cr_assert_eq(live_traffic(&sender->live).refused,
			     sender->refusals);
}

static void send_one_more(struct live *live)
{
	cr_assert_eq(send_next(live->arg), 0);
}

Test(stuck, others_are_refused_for_want_of_memory_and_get_their_drain_in_time)
{
	const struct hail_engine_options options =
		HAIL_ENGINE_OPTIONS(.buffers_max = 64, .small_buffers_max = 64,
				    .send_blocks = 16, .send_blocks_large = 1);
	struct sender stuck, healthy;
	struct hail_addr remote;
	struct pair pair;
	int fd, other;

	start_stuck(&pair, &stuck, &options, &fd);
	cr_assert_eq(in_flight(&stuck), 17, "as many as there are blocks");
	other = open_neighbour(&remote);
	open_sender(&healthy, pair.engine, &remote);
	healthy.live.on_drain = send_one_more;
	cr_assert_eq(hail_engine_post(pair.engine, send_in_turn, &healthy), 0);
	live_until(pair.engine, healthy.refusals == 1);
	live_settle(pair.engine);
	cr_assert_eq(healthy.live.drains, 0);
	cr_assert_eq(send_next(&healthy), 0, "outside no block is needed");
	pair_unstick(&pair);
	live_until(pair.engine, healthy.taken == 2 && !in_flight(&healthy));
	live_until(pair.engine, stuck.live.drains == 1 && !in_flight(&stuck));
	live_settle(pair.engine);
	cr_assert_eq(healthy.live.drains, 1);
	check_arrivals(other, &healthy, 2);
	check_arrivals(fd, &stuck, stuck.taken);
	pair_end(&pair);
	close(other);
	close(fd);
}

/* Connected, and without a data handler: nothing is armed that an ICMP error
 * could end, but a poll that it makes complete at once, again and again. */
static void open_deaf(struct sender *sender, struct hail_engine *engine,
		      const struct hail_addr *remote)
{
	struct hail_handlers deaf = live_handlers;

	memset(sender, 0, sizeof(*sender));
	sender->remote = *remote;
	live_open(&sender->live, engine,
		  &HAIL_SOCKET_OPTIONS(.remote = *remote, .window = WINDOW,
				       .low_water = LOW_WATER,
				       .send_buffer = 8192));
	deaf.data = NULL;
	cr_assert_eq(hail_socket_set_handlers(sender->live.socket, &deaf), 0);
}

static int send_next_connected(struct sender *sender)
{
	unsigned char payload[SIZE];
	int err;

	numbered_write(payload, SIZE, 0, sender->taken);
	err = hail_send(sender->live.socket, payload, SIZE, NULL);
	sender->taken += !err;
	return err;
}

/* The kernel takes what waits as soon as it has room for it, without anything
 * leaving. */
Test(stuck, a_larger_send_buffer_takes_what_is_in_flight)
{
	struct sender sender;
	struct pair pair;
	int fd;

	start_stuck(&pair, &sender, NULL, &fd);
	live_settle(pair.engine);
	cr_assert_eq(in_flight(&sender), WINDOW);
	cr_assert_eq(hail_socket_set(sender.live.socket,
				     HAIL_OPTION_SEND_BUFFER, 1 << 20),
		     0);
	live_until(pair.engine, !in_flight(&sender));
	cr_assert_eq(send_up_to(&sender, sender.taken + WINDOW), 0);
	cr_assert_eq(in_flight(&sender), 0);
	pair_unstick(&pair);
	check_arrivals(fd, &sender, sender.taken);
	pair_end(&pair);
	close(fd);
}

/* What a smaller one holds already is more than it may. */
Test(stuck, a_smaller_send_buffer_is_offered_nothing_until_it_has_room)
{
	struct hail_addr remote;
	struct sender sender;
	struct pair pair;
	uint64_t submissions;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	pair_stick(&pair);
	open_sender(&sender, pair.engine, &remote);
	cr_assert_eq(hail_socket_set(sender.live.socket,
				     HAIL_OPTION_SEND_BUFFER, 1 << 20),
		     0);
	cr_assert_eq(send_up_to(&sender, 20), 0);
	cr_assert_eq(in_flight(&sender), 0);
	cr_assert_eq(hail_socket_set(sender.live.socket,
				     HAIL_OPTION_SEND_BUFFER, 4608),
		     0);
	submissions = live_stats(pair.engine).submissions;
	cr_assert_eq(send_next(&sender), 0);
	cr_assert_eq(in_flight(&sender), 1);
	cr_assert_eq(live_stats(pair.engine).submissions, submissions);
	pair_unstick(&pair);
	live_until(pair.engine, !in_flight(&sender));
	check_arrivals(fd, &sender, sender.taken);
	pair_end(&pair);
	close(fd);
}

#define QUIET_NS (200 * MS)
#define QUIET_ENTERS 1000

Test(stuck, an_icmp_error_that_nobody_receives_is_told_and_makes_nothing_spin)
{
	struct hail_addr remote, local;
	struct sender sender;
	uint64_t enters, end;
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	pair_stick(&pair);
	open_deaf(&sender, pair.engine, &remote);
	while (!send_next_connected(&sender))
		continue;
	cr_assert_eq(in_flight(&sender), WINDOW);
	live_settle(pair.engine);
	local = live_local(&sender.live);

	pair_forge(&local, &remote, 3, 3);
	enters = live_stats(pair.engine).enters;
	end = plain_now() + (uint64_t)QUIET_NS;
	while (plain_now() < end)
		cr_assert_geq(hail_engine_turn(pair.engine, 20 * MS), 0);
	enters = live_stats(pair.engine).enters - enters;
	cr_assert_lt(enters, QUIET_ENTERS, "%lu enters", enters);
	cr_assert_eq(sender.live.errors, 1);
	cr_assert_eq(sender.live.error[0].code, -ECONNREFUSED);
	cr_assert_eq(in_flight(&sender), WINDOW);

	pair_unstick(&pair);
	live_until(pair.engine, !in_flight(&sender));
	live_until(pair.engine, sender.live.drains == 1);
	check_arrivals(fd, &sender, sender.taken);
	pair_end(&pair);
	close(fd);
}

/* It makes the poll for room end, and is of no message. */
Test(stuck, a_lingering_socket_tells_nothing_of_an_icmp_error)
{
	struct hail_addr remote, local;
	struct sender sender;
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	pair_stick(&pair);
	open_deaf(&sender, pair.engine, &remote);
	while (!send_next_connected(&sender))
		continue;
	local = live_local(&sender.live);
	cr_assert_eq(hail_socket_close_linger(sender.live.socket, -1), 0);
	live_settle(pair.engine);

	pair_forge(&local, &remote, 3, 3);
	live_settle(pair.engine);
	cr_assert_eq(sender.live.closes, 0);
	pair_unstick(&pair);
	live_until(pair.engine, sender.live.closes == 1);
	cr_assert_eq(sender.live.errors, 0);
	cr_assert_eq(live_stats(pair.engine).traffic.cancelled, 0);
	check_arrivals(fd, &sender, sender.taken);
	pair_end(&pair);
	close(fd);
}

static int start_sending(struct hail_shard *shard, void *arg)
{
	struct sender *sender = arg;
	struct hail_addr remote = sender->remote;

	open_sender(sender, hail_shard_engine(shard), &remote);
	cr_assert_eq(send_up_to(sender, 1000), -EAGAIN);
	return 0;
}

static void linger_for_ever(struct hail_shard *shard, void *arg)
{
	struct sender *sender = arg;

	(void)shard;
	cr_assert_eq(hail_socket_close_linger(sender->live.socket, -1), 0);
}

Test(stuck, a_socket_that_lingers_for_ever_does_not_keep_shards_from_ending)
{
	struct hail_shards *shards;
	struct hail_addr remote;
	struct sender sender = {0};
	struct pair pair;
	int fd;

	pair_start(&pair, NULL, NULL);
	fd = pair_far(&pair, FAR_V4, 0, &remote);
	pair_stick(&pair);
	sender.remote = remote;
	cr_assert_eq(
		hail_shards_create(&shards,
				   &HAIL_SHARDS_OPTIONS(.count = 1,
							.linger_ns = 50000000,
							.start = start_sending,
							.stop = linger_for_ever,
							.arg = &sender)),
		0);
	hail_shards_stop(shards);
	cr_assert_eq(hail_shards_join(shards), 0);
	cr_assert_eq(sender.live.closes, 1);
	cr_assert_eq(hail_shards_destroy(shards), 0);
	pair_end(&pair);
	close(fd);
}
