/* SPDX-License-Identifier: MIT */
/* errors_crowd.c: batches on a socket with the option `errors` to remotes of
 * which most are dead: on the loopback each datagram to one of these brings an
 * error before the next is sent, and the healthy ones get theirs all the same,
 * in order. */
#include "support/live.h"
#include "support/network.h"
#include "support/numbered.h"
#include "support/random.h"

TestSuite(errors_crowd, .init = network_enter_own, .timeout = 60);

#define CROWD_MAX 64
#define SIZE 100

/* Remotes of which some are alive; each of these is to hear one numbered
 * datagram a round, and of the others nobody is there. */
struct crowd {
	struct hail_engine *engine;
	struct live live;
	unsigned failed; /* told by HAIL_ERROR_SEND */
	size_t count;
	uint32_t round;
	struct peer {
		struct hail_addr at;
		int fd;
		bool alive;
	} peers[CROWD_MAX];
};

static void count_failed(struct live *live, const struct hail_error *error)
{
	struct crowd *crowd = live->arg;

	crowd->failed += error->kind == HAIL_ERROR_SEND;
}

/* The first are dead, the last `alive` not. */
static void start_crowd(struct crowd *crowd, const char *any, size_t count,
			size_t alive)
{
	*crowd = (struct crowd){.engine = live_engine(NULL), .count = count};
	crowd->live.arg = crowd;
	crowd->live.on_error = count_failed;
	live_open(&crowd->live, crowd->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(any, 0),
				       .errors = true));
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = &crowd->peers[i];

		peer->alive = i >= count - alive;
		if (peer->alive)
			peer->fd = plain_open("127.0.0.1", 1 << 20);
		else
			plain_dead_port(&peer->fd);
		cr_assert_geq(peer->fd, 0);
		peer->at = live_v4(plain_port(peer->fd));
	}
}

static void end_crowd(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++) {
		if (crowd->peers[i].alive)
			cr_assert(plain_silent(crowd->peers[i].fd));
		close(crowd->peers[i].fd);
	}
	live_end(crowd->engine);
}

/* One to each, in their order. */
static void send_to_crowd(struct live *live)
{
	static unsigned char payloads[CROWD_MAX][SIZE];
	struct crowd *crowd = live->arg;
	struct hail_message messages[CROWD_MAX];

	for (size_t i = 0; i < crowd->count; i++) {
		numbered_write(payloads[i], SIZE,
			       hail_addr_port(&crowd->peers[i].at),
			       crowd->round);
		messages[i] = (struct hail_message){payloads[i], SIZE,
						    &crowd->peers[i].at};
	}
	cr_assert_eq(hail_send_many(live->socket, messages, crowd->count),
		     (ssize_t)crowd->count);
	crowd->round++;
}

/* Each that is alive gets this number next. */
static void assert_crowd_heard(const struct crowd *crowd, uint32_t expected)
{
	unsigned char payload[SIZE + 1];
	uint32_t stream, number;

	for (size_t i = 0; i < crowd->count; i++) {
		const struct peer *peer = &crowd->peers[i];

		if (!peer->alive)
			continue;
		cr_assert_eq(plain_receive(peer->fd, payload, sizeof(payload)),
			     SIZE, "round %u, place %zu of %zu", expected, i,
			     crowd->count);
		cr_assert(numbered_read(payload, SIZE, &stream, &number));
		cr_assert_eq(stream, hail_addr_port(&peer->at));
		cr_assert_eq(number, expected);
	}
}

static void assert_rounds(struct crowd *crowd, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		send_to_crowd(&crowd->live);
		live_settle(crowd->engine);
		assert_crowd_heard(crowd, crowd->round - 1);
	}
	cr_assert_eq(crowd->failed, 0);
	cr_assert_eq(live_traffic(&crowd->live).failed, 0);
}

/* Each send brings the error that fails the next one: what is tried again in
 * the same company fails again, every second time half of them. */
Test(errors_crowd, a_healthy_remote_behind_many_dead_ones_hears_each_batch)
{
	static const char *const locals[] = {"0.0.0.0", "::"};
	struct crowd crowd;

	for (size_t i = 0; i < live_count(locals); i++) {
		for (size_t dead = 1; dead <= 31; dead = 2 * dead + 1) {
			start_crowd(&crowd, locals[i], dead + 1, 1);
			assert_rounds(&crowd, 20);
			end_crowd(&crowd);
		}
	}
}

Test(errors_crowd, a_healthy_remote_behind_many_dead_ones_hears_handlers_too)
{
	struct crowd crowd;

	for (size_t dead = 1; dead <= 31; dead = 2 * dead + 1) {
		start_crowd(&crowd, "0.0.0.0", dead + 1, 1);
		for (uint32_t i = 0; i < 20; i++) {
			live_inside(&crowd.live, send_to_crowd);
			assert_crowd_heard(&crowd, i);
		}
		cr_assert_eq(crowd.failed, 0);
		end_crowd(&crowd);
	}
}

static void shuffle(struct crowd *crowd, struct test_random *random)
{
	for (size_t i = crowd->count; i > 1; i--) {
		size_t j = test_random_below(random, i);
		struct peer peer = crowd->peers[j];

		crowd->peers[j] = crowd->peers[i - 1];
		crowd->peers[i - 1] = peer;
	}
}

Test(errors_crowd, a_few_healthy_remotes_among_many_dead_ones_hear_all_in_order)
{
	struct test_random random = test_random_seeded(1);
	struct crowd crowd;

	start_crowd(&crowd, "0.0.0.0", CROWD_MAX, CROWD_MAX / 10);
	for (uint32_t i = 0; i < 30; i++) {
		shuffle(&crowd, &random);
		assert_rounds(&crowd, 1);
	}
	end_crowd(&crowd);
}

/* Batches before the errors of the last were read: they wait in the window. */
Test(errors_crowd, batches_in_a_row_among_many_dead_ones_keep_their_order)
{
	struct test_random random = test_random_seeded(2);
	struct crowd crowd;

	start_crowd(&crowd, "0.0.0.0", CROWD_MAX, CROWD_MAX / 10);
	for (uint32_t i = 0; i < 10; i++) {
		shuffle(&crowd, &random);
		send_to_crowd(&crowd.live);
	}
	live_settle(crowd.engine);
	for (uint32_t i = 0; i < 10; i++)
		assert_crowd_heard(&crowd, i);
	cr_assert_eq(crowd.failed, 0);
	end_crowd(&crowd);
}
