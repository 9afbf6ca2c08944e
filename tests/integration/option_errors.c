/* SPDX-License-Identifier: MIT */
/* option_errors.c: options out of their range or against each other, and what
 * can't be had, are refused, and nothing has changed. */
#include "support/child.h"
#include "support/descriptor.h"

/* A constant, other than the compound literal. */
#define OPTIONS(...)                                                           \
	{                                                                      \
		.size = sizeof(struct hail_socket_options), __VA_ARGS__        \
	}
#define NOWHERE 1000000 /* the index of no interface */

static const struct {
	struct hail_socket_options options;
	int error;
} refused[] = {
	{OPTIONS(.ttl = 256), -EINVAL},
	{OPTIONS(.ttl = UINT32_MAX), -EINVAL},
	{OPTIONS(.multicast_ttl = 256), -EINVAL},
	{OPTIONS(.multicast_ttl = HAIL_ZERO - 1), -EINVAL},
	{OPTIONS(.tos = 256), -EINVAL},
	{OPTIONS(.tos = UINT32_MAX), -EINVAL},
	{OPTIONS(.path_mtu = HAIL_PATH_MTU_OMIT + 1), -EINVAL},
	{OPTIONS(.path_mtu = UINT32_MAX), -EINVAL},
	{OPTIONS(.coalesce = HAIL_COALESCE_OFF + 1), -EINVAL},
	{OPTIONS(.coalesce = UINT32_MAX), -EINVAL},
	{OPTIONS(.txtime = HAIL_TXTIME_TAI + 1), -EINVAL},
	{OPTIONS(.txtime = UINT32_MAX), -EINVAL},
	{OPTIONS(.facts = HAIL_FACT_ALL + 1), -EINVAL},
	{OPTIONS(.facts = 1u << 31), -EINVAL},
	{OPTIONS(.busy_poll_us = 1u << 31), -EINVAL},
	{OPTIONS(.exclusive = true, .reuse_addr = true), -EINVAL},
	{OPTIONS(.exclusive = true, .reuse_port = true), -EINVAL},
	{OPTIONS(.device = NOWHERE), -ENODEV},
	{OPTIONS(.device = UINT32_MAX), -ENODEV},
	{OPTIONS(.multicast_interface = NOWHERE), -ENODEV},
	{OPTIONS(.multicast_interface = UINT32_MAX), -ENODEV},
};

Test(option_errors, what_cannot_be_had_is_refused_at_opening)
{
	struct hail_engine *engine = live_engine(NULL);
	unsigned descriptors = plain_descriptors();

	for (size_t i = 0; i < live_count(refused); i++) {
		for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS;
		     kind++) {
			struct hail_socket_options options =
				descriptor_options(kind, &refused[i].options);
			struct live live = {0};
			int err = live_try_open(&live, engine, &options);

			cr_expect_eq(err, refused[i].error, "case %zu, %s: %d",
				     i, descriptor_names[kind], err);
			cr_expect_null(live.socket);
		}
	}
	cr_assert_eq(plain_descriptors(), descriptors);
	cr_assert_eq(live_stats(engine).sockets, 0);
	live_end(engine);
}

Test(option_errors, what_cannot_be_had_is_refused_at_adoption)
{
	struct hail_engine *engine = live_engine(NULL);

	for (size_t i = 0; i < live_count(refused); i++) {
		int fd = descriptor_open(DESCRIPTOR_DUAL);
		struct live live = {0};
		int err = descriptor_try_adopt(&live, engine, fd,
					       &refused[i].options);

		cr_expect_eq(err, refused[i].error, "case %zu: %d", i, err);
		cr_expect_null(live.socket);
		cr_expect_eq(close(fd), 0);
	}
	cr_assert_eq(live_stats(engine).sockets, 0);
	live_end(engine);
}

/* In the order of the tests: each leaves what is there as it was. */
static const struct {
	uint32_t option, value;
	int error;
} unsettable[] = {
	{0, 0, -EINVAL},
	{HAIL_OPTION_TXTIME + 1, 0, -EINVAL},
	{UINT32_MAX, 0, -EINVAL},
	{256 + HAIL_OPTION_TTL, 1, -EINVAL},
	{HAIL_OPTION_REUSE_ADDR, 2, -EINVAL},
	{HAIL_OPTION_REUSE_PORT, UINT32_MAX, -EINVAL},
	{HAIL_OPTION_EXCLUSIVE, 0, -EINVAL},
	{HAIL_OPTION_EXCLUSIVE, 2, -EINVAL},
	{HAIL_OPTION_BROADCAST, 2, -EINVAL},
	{HAIL_OPTION_FREE_BIND, 2, -EINVAL},
	{HAIL_OPTION_TTL, 0, -EINVAL},
	{HAIL_OPTION_TTL, 256, -EINVAL},
	{HAIL_OPTION_TTL, UINT32_MAX, -EINVAL},
	{HAIL_OPTION_MULTICAST_TTL, 256, -EINVAL},
	{HAIL_OPTION_MULTICAST_TTL, HAIL_ZERO, -EINVAL},
	{HAIL_OPTION_MULTICAST_LOOP, 2, -EINVAL},
	{HAIL_OPTION_MULTICAST_INTERFACE, NOWHERE, -ENODEV},
	{HAIL_OPTION_MULTICAST_INTERFACE, UINT32_MAX, -ENODEV},
	{HAIL_OPTION_TOS, 256, -EINVAL},
	{HAIL_OPTION_DEVICE, NOWHERE, -ENODEV},
	{HAIL_OPTION_PATH_MTU, HAIL_PATH_MTU_OMIT + 1, -EINVAL},
	{HAIL_OPTION_DONT_FRAGMENT, 2, -EINVAL},
	{HAIL_OPTION_BUSY_POLL, 1u << 31, -EINVAL},
	{HAIL_OPTION_RECEIVE_BUFFER_BOOKED, 100000, -ENOTSUP},
	{HAIL_OPTION_SEND_BUFFER_BOOKED, 100000, -ENOTSUP},
	{HAIL_OPTION_ERRORS, 1, -ENOTSUP},
	{HAIL_OPTION_COALESCE, 1, -ENOTSUP},
	{HAIL_OPTION_FACTS, HAIL_FACT_TTL, -ENOTSUP},
	{HAIL_OPTION_TXTIME, HAIL_TXTIME_MONOTONIC, -ENOTSUP},
};

#define OPTION_END (HAIL_OPTION_TXTIME + 1)

static void read_all(struct hail_socket *socket, uint32_t *values)
{
	for (uint32_t i = 1; i < OPTION_END; i++) {
		values[i] = UINT32_MAX;
		hail_socket_get(socket, i, &values[i]);
	}
}

Test(option_errors, what_cannot_be_set_later_is_refused_and_changes_nothing)
{
	const struct hail_socket_options given = OPTIONS(.ttl = 9, .tos = 8);
	struct hail_engine *engine = live_engine(NULL);

	for (enum descriptor_kind kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
		struct hail_socket_options options =
			descriptor_options(kind, &given);
		uint32_t before[OPTION_END], after[OPTION_END];
		struct live live = {0};

		live_open(&live, engine, &options);
		read_all(live.socket, before);
		for (size_t i = 0; i < live_count(unsettable); i++) {
			int err = hail_socket_set(live.socket,
						  unsettable[i].option,
						  unsettable[i].value);

			cr_expect_eq(err, unsettable[i].error,
				     "case %zu, %s: %d", i,
				     descriptor_names[kind], err);
		}
		read_all(live.socket, after);
		for (uint32_t i = 1; i < OPTION_END; i++)
			cr_expect_eq(after[i], before[i], "option %u", i);
		live_close(&live);
	}
	live_end(engine);
}

Test(option_errors, an_option_that_is_not_there_cannot_be_read)
{
	const uint32_t none[] = {0, OPTION_END, 256 + HAIL_OPTION_TTL,
				 UINT32_MAX};
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	uint32_t value = 77;

	live_open(&live, engine, NULL);
	for (size_t i = 0; i < live_count(none); i++)
		cr_expect_eq(hail_socket_get(live.socket, none[i], &value),
			     -EINVAL);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_TTL, NULL),
		     -EINVAL);
	cr_assert_eq(hail_socket_get(NULL, HAIL_OPTION_TTL, &value), -EINVAL);
	cr_assert_eq(hail_socket_set(NULL, HAIL_OPTION_TTL, 1), -EINVAL);
	cr_assert_eq(value, 77);
	live_end(engine);
}

Test(option_errors, an_option_of_ipv6_is_none_of_an_ipv4_socket)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live four = {0}, six = {0};
	uint32_t value = 77;

	live_open(&four, engine, NULL);
	cr_assert_eq(
		hail_socket_get(four.socket, HAIL_OPTION_IPV6_ONLY, &value),
		-EAFNOSUPPORT);
	cr_assert_eq(value, 77);
	cr_assert_eq(hail_socket_set(four.socket, HAIL_OPTION_IPV6_ONLY, 1),
		     -EAFNOSUPPORT);
	live_open(&six, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	cr_assert_eq(hail_socket_get(six.socket, HAIL_OPTION_IPV6_ONLY, &value),
		     0);
	cr_assert_eq(value, 0);
	cr_assert_eq(hail_socket_set(six.socket, HAIL_OPTION_IPV6_ONLY, 1),
		     -ENOTSUP);
	live_end(engine);
}

Test(option_errors, a_closed_socket_has_no_options)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	uint32_t value = 77;

	live_open(&live, engine, NULL);
	cr_assert_eq(hail_socket_close(live.socket), 0);
	cr_assert_eq(hail_socket_set(live.socket, HAIL_OPTION_TTL, 1), -EBADF);
	cr_assert_eq(hail_socket_get(live.socket, HAIL_OPTION_TTL, &value),
		     -EBADF);
	cr_assert_eq(value, 77);
	live_end(engine);
}

/* A user without rights has the options that need none. */
static int adopt_without_rights(void *arg)
{
	struct hail_socket *socket = NULL;
	struct hail_engine *engine = NULL;
	int fd = descriptor_open(DESCRIPTOR_DUAL);

	(void)arg;
	if (child_drop_rights())
		return CHILD_SKIP;
	CHECK(hail_engine_create(&engine, NULL) == 0);
	CHECK(hail_socket_adopt(
		      &socket, engine, fd,
		      &HAIL_SOCKET_OPTIONS(.errors = true, .coalesce = true,
					   .facts = HAIL_FACT_ALL,
					   .txtime = HAIL_TXTIME_MONOTONIC)) ==
	      0);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

Test(option_errors, adoption_needs_no_rights)
{
	int line = child_run(adopt_without_rights, NULL);

	if (line == CHILD_SKIP)
		cr_skip_test("the rights can't be dropped");
	cr_assert_eq(line, 0, "the check in line %d failed", line);
}

/* As a user without rights. */
static int ask_for_too_much(void *arg)
{
	const struct hail_socket_options much[] = {
		OPTIONS(.mark = 1),
		OPTIONS(.priority = 7),
		OPTIONS(.txtime = HAIL_TXTIME_TAI),
	};
	struct hail_socket *socket = NULL;
	struct hail_engine *engine = NULL;
	uint32_t priority = 77;

	(void)arg;
	if (child_drop_rights())
		return CHILD_SKIP;
	CHECK(hail_engine_create(&engine, NULL) == 0);
	for (size_t i = 0; i < live_count(much); i++)
		CHECK(hail_socket_open(&socket, engine, &much[i]) == -EPERM);
	CHECK(!socket);
	CHECK(hail_socket_open(&socket, engine,
			       &HAIL_SOCKET_OPTIONS(.priority = 6, .ttl = 3)) ==
	      0);
	CHECK(hail_socket_set(socket, HAIL_OPTION_MARK, 1) == -EPERM);
	CHECK(hail_socket_set(socket, HAIL_OPTION_PRIORITY, 7) == -EPERM);
	CHECK(hail_socket_get(socket, HAIL_OPTION_PRIORITY, &priority) == 0);
	CHECK(priority == 6);
	CHECK(hail_engine_destroy(engine) == 0);
	return 0;
}

Test(option_errors, what_needs_rights_is_refused_to_those_without)
{
	int line = child_run(ask_for_too_much, NULL);

	if (line == CHILD_SKIP)
		cr_skip_test("the rights can't be dropped");
	cr_assert_eq(line, 0, "the check in line %d failed", line);
}
