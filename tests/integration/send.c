/* SPDX-License-Identifier: MIT */
/* send.c: what can be sent arrives, as it was when the call was made; of what
 * can't, the caller is told what hail itself can see. What the kernel says is
 * in send_errors.c. */
#include "support/live.h"

#include <arpa/inet.h>

static unsigned char payload[70000];

static void fill_payload(void)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (unsigned char)(i * 31 + i / 251);
}

/* Sends a datagram of `size` bytes to a plain socket of `ip`, in fragments
 * where the loopback is too narrow for it. */
static void assert_carried(const char *ip, size_t size)
{
	static unsigned char got[70000];
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = plain_open(ip, 0);
	struct hail_addr remote = live_addr(ip, plain_port(fd));

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .path_mtu = HAIL_PATH_MTU_WANT));
	cr_assert_eq(hail_send(live.socket, payload, size, &remote), 0);
	cr_assert_eq(plain_receive(fd, got, sizeof(got)), (ssize_t)size);
	cr_assert(!memcmp(got, payload, size));
	cr_assert(plain_silent(fd));
	close(fd);
	live_end(engine);
}

Test(send, every_size_of_ipv4_arrives)
{
	fill_payload();
	assert_carried("127.0.0.1", 0);
	assert_carried("127.0.0.1", 1);
	assert_carried("127.0.0.1", 1472);
	assert_carried("127.0.0.1", 65507);
}

Test(send, every_size_of_ipv6_arrives)
{
	fill_payload();
	assert_carried("::1", 0);
	assert_carried("::1", 1);
	assert_carried("::1", 65507);
	assert_carried("::1", 65508);
	assert_carried("::1", 65527);
}

static void assert_too_long(const char *ip, size_t size)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	int fd = plain_open(ip, 0);
	struct hail_addr remote = live_addr(ip, plain_port(fd));
	struct hail_message message = {payload, size, &remote};

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .path_mtu = HAIL_PATH_MTU_WANT));
	cr_assert_eq(hail_send(live.socket, payload, size, &remote), -EMSGSIZE);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), -EMSGSIZE);
	live_settle(engine);
	cr_assert(plain_silent(fd));
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).failed, 0);
	close(fd);
	live_end(engine);
}

Test(send, one_byte_too_many_is_refused_once)
{
	assert_too_long("127.0.0.1", 65508);
	assert_too_long("::1", 65528);
}

Test(send, an_ipv4_destination_of_a_dual_stack_socket_has_ipv4s_limit)
{
	struct hail_engine *engine = live_engine(NULL);
	struct live live = {0};
	struct hail_addr plain = live_v4(9);
	struct hail_addr mapped = live_addr("::ffff:127.0.0.1", 9);

	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0)));
	cr_assert_eq(hail_send(live.socket, payload, 65508, &plain), -EMSGSIZE);
	cr_assert_eq(hail_send(live.socket, payload, 65508, &mapped),
		     -EMSGSIZE);
	cr_assert_eq(hail_send(live.socket, payload, 65507, &plain), 0);
	live_end(engine);
}

#define MANY 10000

static struct hail_message many[MANY];
static uint32_t numbers[MANY];

/* As many messages to `remote`, each with its number in it. */
static void number_messages(size_t count, const struct hail_addr *remote)
{
	for (size_t i = 0; i < count; i++) {
		numbers[i] = (uint32_t)i;
		many[i] = (struct hail_message){&numbers[i], sizeof(uint32_t),
						remote};
	}
}

static void expect_numbers(int fd, uint32_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t got = 0;

		cr_assert_eq(plain_receive(fd, &got, sizeof(got)), sizeof(got));
		cr_assert_eq(got, first + i);
	}
	cr_assert(plain_silent(fd));
}

/* Whether the kernel gives a test a receive buffer for all of them. */
static bool roomy(int fd, size_t count)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
	return (size_t)bytes / 1024 >= count;
}

static void assert_batch(size_t count)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = plain_open("127.0.0.1", 8 << 20);
	struct hail_addr remote = live_v4(plain_port(fd));
	struct live live = {0};

	if (!roomy(fd, count))
		cr_skip_test("net.core.rmem_max is too small for %zu", count);
	number_messages(count, &remote);
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_send_many(live.socket, many, count), (ssize_t)count);
	expect_numbers(fd, 0, count);
	cr_assert_eq(live_traffic(&live).sent, count);
	close(fd);
	live_end(engine);
}

Test(send, batches_of_every_size_arrive_in_order)
{
	assert_batch(0);
	assert_batch(1);
	assert_batch(64);
	assert_batch(256);
	assert_batch(257);
	assert_batch(MANY);
}

Test(send, a_batch_goes_to_the_destinations_of_its_messages)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr remotes[16];
	struct live live = {0};
	int fds[16];

	number_messages(64, NULL);
	for (size_t i = 0; i < 16; i++) {
		fds[i] = live_plain();
		remotes[i] = live_v4(plain_port(fds[i]));
	}
	for (size_t i = 0; i < 64; i++)
		many[i].remote = &remotes[i % 16];
	live_open(&live, engine, NULL);
	cr_assert_eq(hail_send_many(live.socket, many, 64), 64);
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t got = 0;

		cr_assert_eq(plain_receive(fds[i % 16], &got, sizeof(got)), 4);
		cr_assert_eq(got, i);
	}
	for (size_t i = 0; i < 16; i++)
		close(fds[i]);
	live_end(engine);
}

Test(send, a_batch_on_a_connected_socket_needs_no_destination)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct live live = {0};

	number_messages(64, NULL);
	live_open(&live, engine,
		  &HAIL_SOCKET_OPTIONS(.remote = live_v4(plain_port(fd))));
	cr_assert_eq(hail_send_many(live.socket, many, 64), 64);
	expect_numbers(fd, 0, 64);
	close(fd);
	live_end(engine);
}

/* What can be wrong with a message. */
static const struct unusable {
	const char *ip; /* NULL: no destination */
	uint16_t port;
	size_t size;
	bool no_data;
	int error;
} unusable[] = {
	{"127.0.0.1", 9, 65508, false, -EMSGSIZE},
	{"127.0.0.1", 0, 4, false, -EINVAL},
	{"127.0.0.1", 9, 4, true, -EINVAL},
	{"::1", 9, 4, false, -EAFNOSUPPORT},
	{"::ffff:127.0.0.1", 9, 4, false, -EAFNOSUPPORT},
	{NULL, 0, 4, false, -EDESTADDRREQ},
};

static struct hail_message make_unusable(const struct unusable *what,
					 struct hail_addr *remote)
{
	struct hail_message message = {
		.data = what->no_data ? NULL : payload,
		.size = what->size,
	};

	if (what->ip) {
		*remote = live_addr(what->ip, what->port);
		message.remote = remote;
	}
	return message;
}

/* Sends 64 of which the 20th can't be sent, as a caller does. */
static void send_around(struct live *live)
{
	const struct unusable *what = live->arg;
	struct hail_addr bad;

	many[20] = make_unusable(what, &bad);
	cr_assert_eq(hail_send_many(live->socket, many, 64), 20);
	cr_assert_eq(hail_send_many(live->socket, many + 20, 44), what->error);
	cr_assert_eq(hail_send(live->socket, many[20].data, many[20].size,
			       many[20].remote),
		     what->error);
	cr_assert_eq(hail_send_many(live->socket, many + 21, 43), 43);
}

static void send_around_posted(struct hail_engine *engine, void *arg)
{
	(void)engine;
	send_around(arg);
}

static void assert_around(const struct unusable *what, bool in_handler)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));
	struct live live = {.arg = (void *)(uintptr_t)what};

	number_messages(64, &remote);
	live_open(&live, engine, NULL);
	if (in_handler)
		hail_engine_post(engine, send_around_posted, &live);
	else
		send_around(&live);
	live_settle(engine);
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t got = 0;

		if (i == 20)
			continue;
		cr_assert_eq(plain_receive(fd, &got, sizeof(got)), 4);
		cr_assert_eq(got, i);
	}
	cr_assert(plain_silent(fd));
	cr_assert_eq(live.errors + live.drains, 0);
	close(fd);
	live_end(engine);
}

Test(send, an_unusable_message_stops_a_batch_before_it)
{
	for (size_t i = 0; i < live_count(unusable); i++) {
		assert_around(&unusable[i], false);
		assert_around(&unusable[i], true);
	}
}

Test(send, a_destination_must_be_of_a_family_that_the_socket_reaches)
{
	const struct hail_addr odd = {.sa.sa_family = AF_UNIX}, none = {0};
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr four = live_v4(9), six = live_v6(9);
	struct live v4 = {0}, v6 = {0};

	live_open(&v4, engine, NULL);
	live_open(&v6, engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_v6(0), .ipv6_only = true));
	cr_assert_eq(live_send(&v4, "x", &six), -EAFNOSUPPORT);
	cr_assert_eq(live_send(&v4, "x", &odd), -EAFNOSUPPORT);
	cr_assert_eq(live_send(&v4, "x", &none), -EAFNOSUPPORT);
	cr_assert_eq(live_send(&v6, "x", &four), -EAFNOSUPPORT);
	cr_assert_eq(live_send(&v4, "x", &four), 0);
	cr_assert_eq(live_send(&v6, "x", &six), 0);
	live_end(engine);
}

Test(send, port_0_is_refused_and_port_65535_isnt)
{
	struct hail_engine *engine = live_engine(NULL);
	struct hail_addr zero = live_v4(0), last = live_v4(65535);
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(live_send(&live, "x", &zero), -EINVAL);
	cr_assert_eq(live_send(&live, "x", &last), 0);
	live_end(engine);
}

Test(send, a_connected_socket_takes_no_destination)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));
	struct hail_message message = {"x", 1, &remote};
	struct live live = {0};

	live_open(&live, engine, &HAIL_SOCKET_OPTIONS(.remote = remote));
	cr_assert_eq(live_send(&live, "x", &remote), -EISCONN);
	cr_assert_eq(hail_send_many(live.socket, &message, 1), -EISCONN);
	cr_assert(plain_silent(fd));
	close(fd);
	live_end(engine);
}

/* Sends from memory that is overwritten as soon as the call returns. */
static void send_and_overwrite(struct live *live)
{
	/* Static, so that no compiler finds the overwriting useless. */
	static struct hail_addr remotes[2];
	static char text[3][8];
	struct hail_message messages[2] = {
		{text[0], 5, &remotes[0]},
		{text[1], 6, &remotes[0]},
	};
	int fd = *(int *)live->arg;

	memcpy(text, (char[3][8]){"first", "second", "third"}, sizeof(text));
	remotes[0] = remotes[1] = live_v4(plain_port(fd));
	cr_assert_eq(hail_send_many(live->socket, messages, 2), 2);
	memset(messages, 0, sizeof(messages));
	cr_assert_eq(hail_send(live->socket, text[2], 5, &remotes[1]), 0);
	memset(text, '!', sizeof(text));
	memset(remotes, 0xff, sizeof(remotes));
}

static void send_and_overwrite_posted(struct hail_engine *engine, void *arg)
{
	(void)engine;
	send_and_overwrite(arg);
}

Test(send, memory_is_the_callers_as_soon_as_the_call_returns)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct live live = {.arg = &fd};

	live_open(&live, engine, NULL);
	for (int in_handler = 0; in_handler < 2; in_handler++) {
		if (in_handler)
			hail_engine_post(engine, send_and_overwrite_posted,
					 &live);
		else
			send_and_overwrite(&live);
		live_settle(engine);
		live_expect(fd, "first");
		live_expect(fd, "second");
		live_expect(fd, "third");
	}
	close(fd);
	live_end(engine);
}

Test(send, outside_a_handler_it_has_left_when_the_call_returns)
{
	struct hail_engine *engine = live_engine(NULL);
	int fd = live_plain();
	struct hail_addr remote = live_v4(plain_port(fd));
	struct live live = {0};

	live_open(&live, engine, NULL);
	cr_assert_eq(live_send(&live, "at once", &remote), 0);
	cr_assert_not(plain_silent(fd));
	live_expect(fd, "at once");
	cr_assert_eq(live_traffic(&live).sent, 1);
	close(fd);
	live_end(engine);
}
