/* SPDX-License-Identifier: MIT */
/* options.c: every option of engines and sockets at the ends of its range, and
 * options structs of other versions. */
#include "support/live.h"

#define FIRST (&HAIL_ENGINE_OPTIONS(.buffers_max = 16, .small_buffers_max = 16))

struct engine_case {
	struct hail_engine_options options;
	int expected;
};

static void try_engines(const struct engine_case *cases, size_t count)
{
	unsigned descriptors = plain_descriptors();

	for (size_t i = 0; i < count; i++) {
		struct hail_engine *engine = NULL;
		int err = hail_engine_create(&engine, &cases[i].options);

		cr_expect_eq(err, cases[i].expected, "case %zu: %d", i, err);
		if (err)
			cr_expect_null(engine, "case %zu", i);
		cr_assert_eq(hail_engine_destroy(engine), 0);
		cr_expect_eq(plain_descriptors(), descriptors, "case %zu", i);
	}
}

#define OPTIONS(...) HAIL_ENGINE_OPTIONS(__VA_ARGS__)

Test(options, an_engine_option_past_its_range_is_refused)
{
	const struct engine_case cases[] = {
		{OPTIONS(.entries = 32769), -EINVAL},
		{OPTIONS(.completions = 65537), -EINVAL},
		{OPTIONS(.entries = 64, .completions = 63), -EINVAL},
		{OPTIONS(.entries = 65, .completions = 100), -EINVAL},
		{OPTIONS(.buffers = 32769), -EINVAL},
		{OPTIONS(.buffers_max = 32769), -EINVAL},
		{OPTIONS(.buffers = 64, .buffers_max = 32), -EINVAL},
		{OPTIONS(.small_buffers = 32769), -EINVAL},
		{OPTIONS(.small_buffers_max = 32769), -EINVAL},
		{OPTIONS(.small_buffers = 64, .small_buffers_max = 32),
		 -EINVAL},
		{OPTIONS(.small_size = 65536), -EINVAL},
		{OPTIONS(.send_blocks = 1048577), -EINVAL},
		{OPTIONS(.send_blocks_large = 65537), -EINVAL},
		{OPTIONS(.budget = 4097), -EINVAL},
		{OPTIONS(.posts = 1048577), -EINVAL},
		{OPTIONS(.batch_wait_ns = 1000000001), -EINVAL},
		{OPTIONS(.batch_wait_ns = UINT64_MAX), -EINVAL},
		{OPTIONS(.napi_us = 1000001), -EINVAL},
		{OPTIONS(.napi_us = UINT32_MAX), -EINVAL},
		{OPTIONS(.entries = UINT32_MAX), -EINVAL},
		{OPTIONS(.backend = HAIL_BACKEND_PLAIN), -ENOTSUP},
		{OPTIONS(.backend = HAIL_BACKEND_PLAIN + 1), -EINVAL},
	};

	try_engines(cases, live_count(cases));
}

Test(options, an_engine_option_at_the_end_of_its_range_is_taken)
{
	const struct engine_case cases[] = {
		{OPTIONS(.entries = 1), 0},
		{OPTIONS(.entries = 1, .completions = 1), 0},
		{OPTIONS(.entries = 4096, .completions = 65536), 0},
		{OPTIONS(.buffers = 1, .buffers_max = 1), 0},
		{OPTIONS(.buffers_max = 1), 0},
		{OPTIONS(.small_buffers = 1, .small_buffers_max = 1), 0},
		{OPTIONS(.small_size = 1), 0},
		{OPTIONS(.small_size = 65535, .small_buffers_max = 16), 0},
		{OPTIONS(.send_blocks = 1, .send_blocks_large = 1), 0},
		{OPTIONS(.budget = 1), 0},
		{OPTIONS(.budget = 4096), 0},
		{OPTIONS(.posts = 1), 0},
		{OPTIONS(.posts = 1048576), 0},
		{OPTIONS(.spin_ns = UINT64_MAX), 0},
		{OPTIONS(.batch_wait_ns = 1), 0},
		{OPTIONS(.batch_wait_ns = 1000000000), 0},
		{OPTIONS(.napi_us = 1), 0},
		{OPTIONS(.napi_us = 1000000), 0},
		{OPTIONS(.backend = HAIL_BACKEND_URING), 0},
	};

	try_engines(cases, live_count(cases));
}

/* Reserved address space, which a sanitizer's own limits may refuse. */
Test(options, the_largest_pools_can_be_had)
{
	const struct engine_case cases[] = {
		{OPTIONS(.buffers_max = 32768), 0},
		{OPTIONS(.small_buffers_max = 32768), 0},
		{OPTIONS(.send_blocks = 1048576), 0},
		{OPTIONS(.send_blocks_large = 65536), 0},
		{OPTIONS(.entries = 32768), 0},
	};

	try_engines(cases, live_count(cases));
}

Test(options, counts_are_rounded_up_to_powers_of_two)
{
	struct hail_engine *engine =
		live_engine(&OPTIONS(.buffers = 5, .small_buffers = 9,
				     .send_blocks = 3, .send_blocks_large = 1));
	struct hail_engine_stats stats = live_stats(engine);

	cr_assert_eq(stats.buffers.total, 8);
	cr_assert_eq(stats.small_buffers.total, 16);
	cr_assert_eq(stats.send_blocks.total, 4);
	cr_assert_eq(stats.send_blocks_large.total, 1);
	live_end(engine);
}

/* What programs of another version hand over: ours, and more behind it. */
struct newer_engine_options {
	struct hail_engine_options known;
	uint64_t unknown;
};

Test(options, engine_options_of_a_newer_header_are_taken_where_unset)
{
	struct newer_engine_options newer = {.known.size = sizeof(newer)};
	struct hail_engine *engine = NULL;

	cr_assert_eq(hail_engine_create(&engine, &newer.known), 0);
	live_end(engine);
	newer.unknown = 1;
	engine = NULL;
	cr_assert_eq(hail_engine_create(&engine, &newer.known), -E2BIG);
	cr_assert_null(engine);
}

Test(options, engine_options_of_an_older_header_are_taken)
{
	struct hail_engine_options older = {.entries = 7, .posts = 99999999};
	struct hail_engine *engine = NULL;

	older.size = offsetof(struct hail_engine_options, completions);
	cr_assert_eq(hail_engine_create(&engine, &older), 0);
	live_end(engine);
}

Test(options, options_without_a_size_are_refused)
{
	struct hail_engine *engine = live_engine(FIRST);
	struct hail_engine_options none = {0}, tiny = {.size = 7};
	struct hail_socket_options nothing = {0}, little = {.size = 7};
	struct hail_engine *other = NULL;
	struct hail_socket *socket = NULL;

	cr_assert_eq(hail_engine_create(&other, &none), -EINVAL);
	cr_assert_eq(hail_engine_create(&other, &tiny), -EINVAL);
	cr_assert_eq(hail_socket_open(&socket, engine, &nothing), -EINVAL);
	cr_assert_eq(hail_socket_open(&socket, engine, &little), -EINVAL);
	cr_assert_null(other);
	cr_assert_null(socket);
	live_end(engine);
}

struct newer_socket_options {
	struct hail_socket_options known;
	uint64_t unknown;
};

Test(options, socket_options_of_another_header_are_taken_where_unset)
{
	struct hail_engine *engine = live_engine(FIRST);
	struct newer_socket_options newer = {.known.size = sizeof(newer)};
	struct hail_socket_options older = {.window = 1, .low_water = 99};
	struct hail_socket *socket = NULL;

	cr_assert_eq(hail_socket_open(&socket, engine, &newer.known), 0);
	socket = NULL;
	newer.unknown = 1;
	cr_assert_eq(hail_socket_open(&socket, engine, &newer.known), -E2BIG);
	cr_assert_null(socket);
	older.size = offsetof(struct hail_socket_options, window);
	cr_assert_eq(hail_socket_open(&socket, engine, &older), 0);
	live_end(engine);
}

struct socket_case {
	struct hail_socket_options options;
	int expected;
};

static void try_sockets(const struct socket_case *cases, size_t count)
{
	struct hail_engine *engine = live_engine(FIRST);
	unsigned descriptors = plain_descriptors();

	for (size_t i = 0; i < count; i++) {
		struct hail_socket *socket = NULL;
		int err = hail_socket_open(&socket, engine, &cases[i].options);

		cr_expect_eq(err, cases[i].expected, "case %zu: %d", i, err);
		if (!err)
			hail_socket_close(socket);
		else
			cr_expect_null(socket, "case %zu", i);
		live_settle(engine);
		cr_expect_eq(plain_descriptors(), descriptors, "case %zu", i);
		cr_expect_eq(live_stats(engine).sockets, 0, "case %zu", i);
	}
	live_end(engine);
}

Test(options, socket_options_that_contradict_each_other_are_refused)
{
	const struct hail_addr odd = {.sa.sa_family = AF_UNIX};
	const struct socket_case cases[] = {
		{HAIL_SOCKET_OPTIONS(.local = odd), -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.remote = odd), -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.local = live_v4(0), .remote = live_v6(9)),
		 -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				     .remote = live_v4(9), .ipv6_only = true),
		 -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				     .remote = live_addr("::ffff:127.0.0.1", 9),
				     .ipv6_only = true),
		 -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.local = live_v4(0), .ipv6_only = true),
		 -EINVAL},
		{HAIL_SOCKET_OPTIONS(.remote = live_v4(9), .ipv6_only = true),
		 -EAFNOSUPPORT},
		{HAIL_SOCKET_OPTIONS(.remote = live_v4(0)), -EINVAL},
		{HAIL_SOCKET_OPTIONS(.remote = live_v6(0)), -EINVAL},
		{HAIL_SOCKET_OPTIONS(.window = 8, .low_water = 8), -EINVAL},
		{HAIL_SOCKET_OPTIONS(.low_water = 1024), -EINVAL},
		{HAIL_SOCKET_OPTIONS(.window = UINT32_MAX,
				     .low_water = UINT32_MAX),
		 -EINVAL},
	};

	try_sockets(cases, live_count(cases));
}

Test(options, a_socket_option_at_the_end_of_its_range_is_taken)
{
	const struct socket_case cases[] = {
		{HAIL_SOCKET_OPTIONS(.window = 1), 0},
		{HAIL_SOCKET_OPTIONS(.window = 2, .low_water = 1), 0},
		{HAIL_SOCKET_OPTIONS(.window = UINT32_MAX), 0},
		{HAIL_SOCKET_OPTIONS(.low_water = 1023), 0},
		{HAIL_SOCKET_OPTIONS(.datagram_max = 1), 0},
		{HAIL_SOCKET_OPTIONS(.datagram_max = UINT32_MAX), 0},
		{HAIL_SOCKET_OPTIONS(.receive_buffer = 1), 0},
		{HAIL_SOCKET_OPTIONS(.receive_buffer = UINT32_MAX), 0},
		{HAIL_SOCKET_OPTIONS(.send_buffer = 1), 0},
		{HAIL_SOCKET_OPTIONS(.send_buffer = UINT32_MAX), 0},
		{HAIL_SOCKET_OPTIONS(.remote = live_v4(65535)), 0},
		{HAIL_SOCKET_OPTIONS(.remote = live_v6(9), .ipv6_only = true),
		 0},
	};

	try_sockets(cases, live_count(cases));
}
