/* SPDX-License-Identifier: MIT */
/* The options macros give a literal with its size, empty or not. A plain
 * program: it links nothing, so that only the headers are tried. */
#include <hail/hail.h>

#include <stdio.h>

static void on_drain(struct hail_socket *socket)
{
	(void)socket;
}

static int failed;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	printf("does not hold: %s\n", what);
	failed = 1;
}

#define CHECK(condition) check(condition, #condition)

static void check_socket(const struct hail_socket_options *empty,
			 const struct hail_socket_options *given)
{
	CHECK(empty->size == sizeof(*empty));
	CHECK(empty->window == 0);
	CHECK(given->size == sizeof(*given));
	CHECK(given->window == 8);
	CHECK(given->handlers.drain == on_drain);
	CHECK(given->handlers.data == NULL);
}

static void check_engine(const struct hail_engine_options *empty,
			 const struct hail_engine_options *given)
{
	CHECK(empty->size == sizeof(*empty));
	CHECK(given->size == sizeof(*given));
	CHECK(given->entries == 64);
	CHECK(given->spin_ns == 1000);
}

int main(void)
{
	check_socket(
		&HAIL_SOCKET_OPTIONS(),
		&HAIL_SOCKET_OPTIONS(.handlers.drain = on_drain, .window = 8));
	check_engine(&HAIL_ENGINE_OPTIONS(),
		     &HAIL_ENGINE_OPTIONS(.entries = 64, .spin_ns = 1000));
	return failed;
}
