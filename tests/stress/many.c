/* SPDX-License-Identifier: MIT */
/* many.c: a thousand sockets in one engine, and hundreds of engines one after
 * the other, which leave nothing behind. */
#include "support/live.h"
#include "support/network.h"

TestSuite(many, .timeout = 90);

#define SOCKETS 1000
#define ENGINES 200

struct crowd {
	struct hail_engine *engine;
	struct hail_socket *sockets[SOCKETS];
	struct hail_addr locals[SOCKETS];
	unsigned heard[SOCKETS], echoes, closed;
};

static size_t index_of(const struct crowd *crowd,
		       const struct hail_socket *socket)
{
	const struct hail_addr *local = NULL;
	struct hail_addr addr;

	cr_assert_eq(hail_socket_local(socket, &addr), 0);
	for (size_t i = 0; i < SOCKETS && !local; i++)
		if (crowd->sockets[i] == socket)
			local = &crowd->locals[i];
	cr_assert(local && hail_addr_equal(local, &addr));
	return (size_t)(local - crowd->locals);
}

/* The first datagram is a question; what answers it is an echo. */
static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct crowd *crowd = hail_socket_user(socket);
	const size_t index = index_of(crowd, socket);

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(batch[i].size, 1);
		if (*(const char *)batch[i].data == '!') {
			crowd->echoes++;
			continue;
		}
		crowd->heard[index]++;
		cr_assert_eq(hail_send(socket, "!", 1, &batch[i].remote), 0);
	}
}

static void on_close(struct hail_socket *socket)
{
	struct crowd *crowd = hail_socket_user(socket);

	crowd->closed++;
}

static void open_all(struct crowd *crowd)
{
	for (size_t i = 0; i < SOCKETS; i++) {
		struct hail_socket_options options =
			HAIL_SOCKET_OPTIONS(.local = live_v4(0), .user = crowd,
					    .handlers.data = on_data,
					    .handlers.close = on_close,
					    .datagram_max = 1000);

		cr_assert_eq(hail_socket_open(&crowd->sockets[i], crowd->engine,
					      &options),
			     0);
		cr_assert_eq(
			hail_socket_local(crowd->sockets[i], &crowd->locals[i]),
			0);
	}
}

static void check_all_heard(const struct crowd *crowd, unsigned times)
{
	for (size_t i = 0; i < SOCKETS; i++)
		cr_assert_eq(crowd->heard[i], times, "socket %zu", i);
}

/* Each sends to the next one, and the last to the first. */
static void ask_around(struct crowd *crowd, unsigned times)
{
	for (size_t i = 0; i < SOCKETS; i++)
		cr_assert_eq(hail_send(crowd->sockets[i], "?", 1,
				       &crowd->locals[(i + 1) % SOCKETS]),
			     0);
	live_until(crowd->engine, crowd->echoes == SOCKETS * times);
	check_all_heard(crowd, times);
}

static void close_all(struct crowd *crowd)
{
	for (size_t i = 0; i < SOCKETS; i++)
		cr_assert_eq(hail_socket_close(crowd->sockets[i]), 0);
	live_until(crowd->engine, crowd->closed == SOCKETS);
	crowd->closed = 0;
}

Test(many, a_thousand_sockets_each_hear_their_own_and_leave_no_descriptor)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	unsigned descriptors;

	live_allow_descriptors(SOCKETS + 200);
	network_enter_own();
	cr_assert(crowd);
	crowd->engine = live_engine(NULL);
	descriptors = plain_descriptors();
	for (unsigned round = 1; round <= 3; round++) {
		open_all(crowd);
		cr_assert_eq(plain_descriptors(), descriptors + SOCKETS);
		ask_around(crowd, round);
		close_all(crowd);
		cr_assert_eq(plain_descriptors(), descriptors);
	}
	cr_assert_eq(live_stats(crowd->engine).sockets, 0);
	cr_assert_eq(live_stats(crowd->engine).traffic.sent, 6 * SOCKETS);
	live_end(crowd->engine);
	free(crowd);
}

Test(many, destroying_an_engine_with_a_thousand_open_sockets_frees_all_ports)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	unsigned descriptors = plain_descriptors();

	live_allow_descriptors(SOCKETS + 200);
	network_enter_own();
	cr_assert(crowd);
	crowd->engine = live_engine(NULL);
	open_all(crowd);
	ask_around(crowd, 1);
	live_end(crowd->engine);
	cr_assert_eq(crowd->closed, 0, "no handler runs any more");
	cr_assert_eq(plain_descriptors(), descriptors);
	for (size_t i = 0; i < SOCKETS; i++) {
		int fd = plain_open_at(&crowd->locals[i].sa,
				       sizeof(crowd->locals[i].v4), 0);

		cr_assert_geq(fd, 0, "a port is taken: %s", strerror(-fd));
		close(fd);
	}
	free(crowd);
}

/* Each of them has one socket that talks to itself; every third is destroyed
 * with the socket open, every third was never turned. */
static void live_shortly(unsigned number)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live *live = calloc(1, sizeof(*live));
	struct hail_addr local;

	cr_assert(live);
	live_open(live, engine, NULL);
	local = live_local(live);
	if (number % 3) {
		cr_assert_eq(live_send(live, "myself", &local), 0);
		live_until(engine, live->datagrams == 1);
		live_expect_last(live, "myself");
	}
	if (number % 3 == 1)
		live_close(live);
	cr_assert_eq(hail_engine_destroy(engine), 0);
	free(live);
}

Test(many, two_hundred_engines_one_after_the_other_leave_nothing_behind)
{
	unsigned descriptors = plain_descriptors();

	network_enter_own();
	for (unsigned i = 0; i < ENGINES; i++)
		live_shortly(i);
	cr_assert_eq(plain_descriptors(), descriptors);
}
