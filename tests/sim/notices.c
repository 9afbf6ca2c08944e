/* SPDX-License-Identifier: MIT */
/* notices.c: what lies in the error queue of a socket that asked for it comes
 * to its error handler, whole, in its order and in portions. */
#include "record.h"
#include "world.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#define ERRORS_PORT 1000

static const struct hail_socket_options *with_errors(void)
{
	static struct hail_socket_options options;

	options = HAIL_SOCKET_OPTIONS(.errors = true);
	return &options;
}

static struct hail_addr address(const char *ip, uint16_t port)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, ip, port), 0);
	return addr;
}

static void inject(struct seen *seen, const struct sim_record *record)
{
	sim_inject_record(seen->world->sim, seen->slot, record, 0);
}

/* Refusals by remotes whose ports count up. */
static void inject_refusals(struct seen *seen, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct hail_addr remote =
			remote_at((uint16_t)(ERRORS_PORT + first + i));
		struct sim_record record = record_refused(&remote);

		inject(seen, &record);
	}
}

/* The i-th error is that of the i-th refusal. */
static void assert_refusals(const struct seen *seen, uint32_t count)
{
	cr_assert_eq(seen->errors, count, "%u errors, not %u", seen->errors,
		     count);
	for (uint32_t i = 0; i < count && i < SEEN_ERRORS_MAX; i++) {
		cr_assert_eq(seen->error[i].code, -ECONNREFUSED);
		cr_assert_eq(seen->error[i].kind, HAIL_ERROR_REMOTE);
		cr_assert_eq(hail_addr_port(&seen->error[i].remote),
			     ERRORS_PORT + i);
	}
}

static void start(struct world *world, struct seen *seen,
		  const struct hail_engine_options *engine,
		  const struct hail_socket_options *options)
{
	world_start(world, engine);
	world_open(world, seen, options);
	world_settle(world);
}

static void finish(struct world *world, const struct seen *seen)
{
	cr_assert_eq(seen->late, 0);
	world_end(world);
}

/* The only error that one record brings. */
static struct hail_error told(const struct sim_record *record,
			      const struct hail_socket_options *options)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL, options);
	inject(&seen, record);
	world_settle(&world);
	cr_assert_eq(seen.errors, 1);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	finish(&world, &seen);
	return seen.error[0];
}

static void assert_from(const struct hail_error *error, const char *remote,
			uint16_t port, const char *offender)
{
	struct hail_addr to = address(remote, port);
	struct hail_addr by = address(offender, 0);

	cr_assert(hail_addr_equal(&error->remote, &to));
	cr_assert(hail_addr_equal(&error->offender, &by));
	/* It is no message of the caller's. */
	cr_assert_null(error->data);
	cr_assert_eq(error->size, 0);
	cr_assert_eq(error->time_ns, 0);
}

Test(notices, an_icmp_message_is_told_with_all_that_it_says)
{
	struct sock_extended_err extended = {
		.ee_errno = EHOSTUNREACH,
		.ee_origin = SO_EE_ORIGIN_ICMP,
		.ee_type = ICMP_DEST_UNREACH,
		.ee_code = ICMP_HOST_UNREACH,
	};
	struct hail_addr remote = address("192.0.2.7", 4000);
	/* The kernel leaves whatever it likes where a port would be. */
	struct hail_addr router = address("198.51.100.1", 77);
	struct sim_record record = record_of(&extended, &remote, &router);
	struct hail_error error = told(&record, with_errors());

	cr_assert_eq(error.code, -EHOSTUNREACH);
	cr_assert_eq(error.kind, HAIL_ERROR_REMOTE);
	cr_assert_eq(error.icmp_version, 4);
	cr_assert_eq(error.icmp_type, ICMP_DEST_UNREACH);
	cr_assert_eq(error.icmp_code, ICMP_HOST_UNREACH);
	cr_assert_eq(error.mtu, 0);
	assert_from(&error, "192.0.2.7", 4000, "198.51.100.1");
}

Test(notices, an_icmpv6_message_is_told_with_all_that_it_says)
{
	struct sock_extended_err extended = {
		.ee_errno = EMSGSIZE,
		.ee_origin = SO_EE_ORIGIN_ICMP6,
		.ee_type = ICMP6_PACKET_TOO_BIG,
		.ee_info = 1400,
	};
	struct hail_addr remote = address("2001:db8::7", 4000);
	struct hail_addr router = address("2001:db8:1::1", 0);
	struct sim_record record = record_of(&extended, &remote, &router);
	struct hail_error error = told(&record, with_errors());

	cr_assert_eq(error.code, -EMSGSIZE);
	cr_assert_eq(error.kind, HAIL_ERROR_PATH_MTU);
	cr_assert_eq(error.icmp_version, 6);
	cr_assert_eq(error.icmp_type, ICMP6_PACKET_TOO_BIG);
	cr_assert_eq(error.icmp_code, 0);
	cr_assert_eq(error.mtu, 1400);
	assert_from(&error, "2001:db8::7", 4000, "2001:db8:1::1");
}

Test(notices, what_the_kernel_dropped_itself_is_told_as_local)
{
	struct sock_extended_err extended = {
		.ee_errno = ENOBUFS,
		.ee_origin = SO_EE_ORIGIN_LOCAL,
	};
	struct hail_addr remote = remote_at(4000);
	struct sim_record record = record_of(&extended, &remote, NULL);
	struct hail_error error = told(&record, with_errors());

	cr_assert_eq(error.code, -ENOBUFS);
	cr_assert_eq(error.kind, HAIL_ERROR_LOCAL);
	cr_assert_eq(error.icmp_version, 0);
	cr_assert_eq(error.offender.sa.sa_family, AF_UNSPEC);
	cr_assert(hail_addr_equal(&error.remote, &remote));
}

Test(notices,
     a_record_without_a_remote_is_about_the_one_that_it_is_connected_to)
{
	struct hail_addr remote = address("127.0.0.1", 9);
	struct sock_extended_err extended = {
		.ee_errno = ENOBUFS,
		.ee_origin = SO_EE_ORIGIN_LOCAL,
	};
	struct sim_record record = record_of(&extended, NULL, NULL);
	struct hail_error error =
		told(&record,
		     &HAIL_SOCKET_OPTIONS(.errors = true, .remote = remote));

	cr_assert(hail_addr_equal(&error.remote, &remote));
}

Test(notices, a_missed_transmit_time_is_told_to_a_socket_with_txtime)
{
	const uint64_t time_ns = UINT64_C(0x1234567800abcdef);
	struct sim_record record =
		record_txtime(SO_EE_CODE_TXTIME_MISSED, time_ns);
	struct hail_error error = told(
		&record, &HAIL_SOCKET_OPTIONS(.txtime = HAIL_TXTIME_MONOTONIC));

	cr_assert_eq(error.code, -ECANCELED);
	cr_assert_eq(error.kind, HAIL_ERROR_TXTIME);
	cr_assert_eq(error.time_ns, time_ns);
	record = record_txtime(SO_EE_CODE_TXTIME_INVALID_PARAM, time_ns);
	error = told(&record,
		     &HAIL_SOCKET_OPTIONS(.txtime = HAIL_TXTIME_MONOTONIC));
	cr_assert_eq(error.code, -EINVAL);
	cr_assert_eq(error.time_ns, time_ns);
}

/* Neither the handler is called, nor does the record stay. */
static void assert_untold(const struct sim_record *record,
			  const struct hail_socket_options *options)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, NULL, options);
	inject(&seen, record);
	world_settle(&world);
	cr_assert_eq(seen.errors, 0);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	finish(&world, &seen);
}

Test(notices, a_missed_transmit_time_is_told_to_no_socket_without_txtime)
{
	struct sim_record record = record_txtime(SO_EE_CODE_TXTIME_MISSED, 1);

	assert_untold(&record, with_errors());
}

static void on_sent(struct hail_socket *socket, const struct hail_sent *sent)
{
	(void)socket;
	(void)sent;
}

Test(notices, an_icmp_message_is_told_to_no_socket_without_errors)
{
	struct hail_addr remote = remote_at(ERRORS_PORT);
	struct sim_record record = record_refused(&remote);

	assert_untold(&record,
		      &HAIL_SOCKET_OPTIONS(.txtime = HAIL_TXTIME_MONOTONIC));
	assert_untold(&record, &HAIL_SOCKET_OPTIONS(.sent = on_sent));
}

Test(notices, a_record_that_makes_no_sense_is_passed_over)
{
	struct world world;
	struct seen seen = {0};
	struct sim_record broken = {.control_size = 20};

	start(&world, &seen, NULL, with_errors());
	inject(&seen, &broken);
	broken.control_size = 0;
	inject(&seen, &broken);
	inject_refusals(&seen, 0, 1);
	world_settle(&world);
	assert_refusals(&seen, 1);
	finish(&world, &seen);
}

Test(notices, the_error_queue_is_watched_only_where_somebody_asked_for_it)
{
	static const struct {
		struct hail_socket_options options;
		bool watched;
	} cases[] = {
		{{.size = sizeof(struct hail_socket_options)}, false},
		{{.size = sizeof(struct hail_socket_options), .errors = true},
		 true},
		{{.size = sizeof(struct hail_socket_options),
		  .txtime = HAIL_TXTIME_MONOTONIC},
		 true},
		{{.size = sizeof(struct hail_socket_options), .sent = on_sent},
		 true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;
		struct seen seen = {0};

		start(&world, &seen, NULL, &cases[i].options);
		cr_assert_eq(!!(sim_armed(world.sim, seen.slot) & HL_ARM_ERROR),
			     cases[i].watched, "case %zu", i);
		finish(&world, &seen);
	}
}

Test(notices, what_came_before_the_first_turn_is_told_too)
{
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, with_errors());
	inject_refusals(&seen, 0, 3);
	world_settle(&world);
	assert_refusals(&seen, 3);
	finish(&world, &seen);
}

Test(notices, a_turn_tells_a_budgetful_and_the_next_ones_the_rest)
{
	struct world world;
	struct seen seen = {0};
	uint32_t before;

	start(&world, &seen, &HAIL_ENGINE_OPTIONS(.budget = 4), with_errors());
	inject_refusals(&seen, 0, 23);
	do {
		before = seen.errors;
		world_turn(&world);
		cr_assert_leq(seen.errors, before + 4);
	} while (seen.errors != before);
	assert_refusals(&seen, 23);
	finish(&world, &seen);
}

/* Of two sockets neither waits until the other's queue is empty. */
Test(notices, a_full_queue_keeps_no_other_socket_waiting)
{
	struct world world;
	struct seen seen = {0}, other = {0};

	start(&world, &seen, &HAIL_ENGINE_OPTIONS(.budget = 2), with_errors());
	world_open(&world, &other, with_errors());
	world_settle(&world);
	inject_refusals(&seen, 0, 50);
	inject_refusals(&other, 0, 1);
	world_turn(&world);
	cr_assert_eq(other.errors, 1);
	cr_assert_leq(seen.errors, 2);
	world_settle(&world);
	assert_refusals(&seen, 50);
	finish(&world, &seen);
}

static void miss_none(uint64_t seed)
{
	struct world world;
	struct seen seen = {0};
	uint32_t count = 0;

	world_start_seeded(&world, seed, &HAIL_ENGINE_OPTIONS(.budget = 4));
	world_open(&world, &seen, with_errors());
	*sim_chaos(world.sim) = (struct sim_chaos){
		.late = 60,
		.delay = 3,
		.reorder = true,
	};
	while (count < 60) {
		uint32_t more = sim_random(world.sim, 4);

		inject_refusals(&seen, count, more);
		count += more;
		world_turn(&world);
	}
	*sim_chaos(world.sim) = (struct sim_chaos){0};
	world_settle(&world);
	assert_refusals(&seen, count);
	cr_assert(sim_armed(world.sim, seen.slot) & HL_ARM_ERROR);
	finish(&world, &seen);
}

Test(notices, a_poll_that_ends_is_armed_again_and_nothing_is_missed)
{
	for (uint64_t seed = 0; seed < 40; seed++)
		miss_none(seed);
}

static void close_at_third(struct seen *seen, const struct hail_error *error)
{
	(void)error;
	if (seen->errors == 3)
		seen_close(seen);
}

Test(notices, a_handler_that_closes_the_socket_is_told_of_no_more)
{
	for (uint32_t budget = 1; budget <= 16; budget *= 2) {
		struct world world;
		struct seen seen = {.on_error = close_at_third};

		start(&world, &seen, &HAIL_ENGINE_OPTIONS(.budget = budget),
		      with_errors());
		inject_refusals(&seen, 0, 10);
		world_settle(&world);
		assert_refusals(&seen, 3);
		cr_assert_eq(seen.closes, 1);
		cr_assert_eq(sim_attached(world.sim), 0);
		finish(&world, &seen);
	}
}

static void close_other(struct seen *seen, const struct hail_error *error)
{
	struct seen *other = seen->arg;

	(void)error;
	if (!other->closing)
		seen_close(other);
}

/* Each closes the other when it is told of an error: one of them comes
 * first. */
Test(notices, a_handler_may_close_another_that_has_errors_in_the_same_turn)
{
	struct world world;
	struct seen a = {.on_error = close_other},
		    b = {.on_error = close_other};

	a.arg = &b;
	b.arg = &a;
	start(&world, &a, NULL, with_errors());
	world_open(&world, &b, with_errors());
	world_settle(&world);
	inject_refusals(&a, 0, 5);
	inject_refusals(&b, 0, 5);
	world_settle(&world);
	cr_assert_eq(a.closes + b.closes, 1);
	assert_refusals(a.closes ? &b : &a, 5);
	cr_assert_eq(a.errors + b.errors, 5);
	cr_assert_eq(b.late, 0);
	finish(&world, &a);
}

Test(notices, nothing_is_told_after_a_close)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world world;
		struct seen seen = {0};

		world_start_seeded(&world, seed, NULL);
		world_open(&world, &seen, with_errors());
		world_settle(&world);
		*sim_chaos(world.sim) = (struct sim_chaos){
			.late = (unsigned)seed * 4,
			.delay = (unsigned)seed % 5,
		};
		inject_refusals(&seen, 0, 3);
		seen_close(&seen);
		inject_refusals(&seen, 3, 3);
		cr_assert_eq(hail_engine_run(world.engine), 0);
		cr_assert_eq(seen.errors, 0);
		cr_assert_eq(seen.closes, 1);
		finish(&world, &seen);
	}
}

Test(notices, without_an_error_handler_the_queue_is_emptied_all_the_same)
{
	struct world world;
	struct seen seen = {0};
	struct hail_handlers none = {0};
	struct hail_addr remote = remote_at(ERRORS_PORT);
	struct sim_record record = record_refused(&remote);

	start(&world, &seen, NULL, with_errors());
	cr_assert_eq(hail_socket_set_handlers(seen.socket, &none), 0);
	world_settle(&world);
	for (int i = 0; i < 200; i++)
		sim_inject_record(world.sim, seen.slot, &record, -ECONNREFUSED);
	world_settle(&world);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	cr_assert_eq(seen_send(&seen, 1), 0);
	cr_assert_eq(seen_traffic(&seen).retried, 0);
	assert_sent(&world, 1, 1);
	finish(&world, &seen);
}

/* What a connected socket's reception ends with is in the queue too. */
Test(notices, a_connected_socket_with_errors_is_told_of_each_only_once)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote = address("127.0.0.1", ERRORS_PORT);
	struct sim_record record = record_refused(&remote);

	start(&world, &seen, NULL,
	      &HAIL_SOCKET_OPTIONS(.errors = true, .remote = remote));
	inject(&seen, &record);
	sim_inject_error(world.sim, seen.slot, -ECONNREFUSED);
	world_settle(&world);
	assert_refusals(&seen, 1);
	cr_assert(sim_armed(world.sim, seen.slot) & HL_ARM_RECEIVE);
	finish(&world, &seen);
}

/* More than there are records for are dropped, and the socket lives on. */
Test(notices, a_flood_is_survived)
{
	struct world world;
	struct seen seen = {0};

	start(&world, &seen, &HAIL_ENGINE_OPTIONS(.entries = 4, .budget = 256),
	      with_errors());
	inject_refusals(&seen, 0, 1000);
	world_settle(&world);
	cr_assert_gt(seen.errors, 0);
	cr_assert_leq(seen.errors, 1000);
	cr_assert_eq(sim_records(world.sim, seen.slot), 0);
	cr_assert_eq(seen_send_many(&seen, 0, 100), 100);
	assert_sent(&world, 0, 100);
	finish(&world, &seen);
}
