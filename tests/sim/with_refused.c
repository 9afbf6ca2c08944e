/* SPDX-License-Identifier: MIT */
/* with_refused.c: facts that can't be honoured are refused with the errors that
 * facts.h names, and nothing of the call remains. */
#include "world.h"

#include <netinet/in.h>

/* A later library's facts, with a member that this one doesn't know. */
struct later_facts {
	struct hail_message_facts known;
	uint64_t unknown;
};

static struct hail_addr address(const char *ip, uint16_t port)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, ip, port), 0);
	return addr;
}

/* A socket that one call after the other is made on. */
struct subject {
	struct seen seen;
	struct hail_addr remote;
	bool connected;
	const struct hail_message_facts *facts;
	int expected;
};

static uint32_t number = 5;

static struct hail_message message_of(const struct subject *subject)
{
	return (struct hail_message){
		.data = &number,
		.size = sizeof(number),
		.remote = subject->connected ? NULL : &subject->remote,
	};
}

/* The one that is refused stands behind two good ones, and before another. */
static void try_batch(struct subject *subject)
{
	const struct hail_message_facts *facts[4] = {0};
	struct hail_message messages[4];

	for (int i = 0; i < 4; i++)
		messages[i] = message_of(subject);
	facts[2] = subject->facts;
	cr_assert_eq(
		hail_send_many_with(subject->seen.socket, messages, facts, 4),
		2);
	cr_assert_eq(hail_send_many_with(subject->seen.socket, &messages[2],
					 &facts[2], 2),
		     subject->expected);
}

static void try_both(struct subject *subject)
{
	struct hail_message message = message_of(subject);
	int err = hail_send_with(subject->seen.socket, message.data,
				 message.size, message.remote, subject->facts);

	cr_assert_eq(err, subject->expected, "%d, not %d", err,
		     subject->expected);
	try_batch(subject);
}

static void try_in_handler(struct seen *seen, const struct hail_datagram *batch,
			   size_t count)
{
	(void)batch;
	(void)count;
	try_both((struct subject *)(void *)seen);
}

/* Two messages of each batch were taken, plain, and nothing else happened. */
static void assert_two_more(const struct world *world, struct subject *subject,
			    size_t before)
{
	struct hail_traffic traffic = seen_traffic(&subject->seen);

	cr_assert_eq(sim_sent_count(world->sim), before + 2);
	for (size_t i = before; i < before + 2; i++)
		cr_assert_eq(sim_sent(world->sim, i)->control.size, 0);
	cr_assert_eq(seen_in_flight(&subject->seen), 0);
	cr_assert_eq(traffic.refused, 0);
	cr_assert_eq(traffic.failed, 0);
	cr_assert_eq(subject->seen.errors, 0);
	cr_assert_eq(subject->seen.drains, 0);
	cr_assert_eq(world_stats(world).send_blocks.in_use, 0);
}

/* Is refused straight on, from a handler, and while others wait. */
static void refuse(struct world *world, struct subject *subject, int expected)
{
	struct seen *seen = &subject->seen;
	size_t before = sim_sent_count(world->sim);
	struct hail_addr from = address("127.0.0.1", 9);

	subject->expected = expected;
	try_both(subject);
	assert_two_more(world, subject, before);
	if (!subject->connected)
		from = remote_at(9);
	sim_inject(world->sim, seen->slot, &from, &number, sizeof(number));
	world_settle(world);
	assert_two_more(world, subject, before + 2);
	seen_block(seen);
	try_both(subject);
	cr_assert_eq(seen_in_flight(seen), 2);
	seen_unblock(seen);
	world_settle(world);
	assert_two_more(world, subject, before + 4);
}

static void start(struct world *world, struct subject *subject,
		  const struct hail_socket_options *options)
{
	*subject = (struct subject){
		.remote = remote_at(9),
		.connected = options && options->remote.sa.sa_family,
	};
	subject->seen.on_data = try_in_handler;
	world_start(world, NULL);
	world_open(world, &subject->seen, options);
	world_settle(world);
}

static void refuse_facts(const struct hail_socket_options *options,
			 struct hail_message_facts facts, int expected)
{
	struct world world;
	struct subject subject;

	start(&world, &subject, options);
	subject.facts = &facts;
	refuse(&world, &subject, expected);
	world_end(&world);
}

Test(with_refused, a_tos_or_a_ttl_out_of_range_is_einval)
{
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.tos = 256), -EINVAL);
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.tos = HAIL_ZERO - 1), -EINVAL);
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.ttl = 256), -EINVAL);
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.ttl = HAIL_ZERO), -EINVAL);
}

Test(with_refused, a_transmit_time_without_txtime_is_einval)
{
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.txtime_ns = 1), -EINVAL);
	refuse_facts(&HAIL_SOCKET_OPTIONS(.errors = true),
		     HAIL_MESSAGE_FACTS(.txtime_ns = 1), -EINVAL);
}

Test(with_refused, a_timestamp_without_sent_is_einval)
{
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.timestamp = true), -EINVAL);
	refuse_facts(&HAIL_SOCKET_OPTIONS(.txtime = HAIL_TXTIME_MONOTONIC),
		     HAIL_MESSAGE_FACTS(.timestamp = true), -EINVAL);
}

Test(with_refused, a_size_of_0_is_einval)
{
	refuse_facts(NULL, (struct hail_message_facts){.ttl = 1}, -EINVAL);
}

Test(with_refused, a_source_of_the_other_family_is_eafnosupport)
{
	struct hail_addr v6 = address("2001:db8::1", 0);
	struct hail_addr unix_like = {.sa = {.sa_family = AF_UNIX}};

	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.source = v6), -EAFNOSUPPORT);
	refuse_facts(NULL, HAIL_MESSAGE_FACTS(.source = unix_like),
		     -EAFNOSUPPORT);
	refuse_facts(&HAIL_SOCKET_OPTIONS(.remote = address("127.0.0.1", 9)),
		     HAIL_MESSAGE_FACTS(.source = v6), -EAFNOSUPPORT);
}

Test(with_refused, a_member_past_the_librarys_own_is_e2big)
{
	struct later_facts later = {
		.known = HAIL_MESSAGE_FACTS(.ttl = 1),
		.unknown = 1,
	};
	struct world world;
	struct subject subject;

	later.known.size = sizeof(later);
	start(&world, &subject, NULL);
	subject.facts = &later.known;
	refuse(&world, &subject, -E2BIG);
	world_end(&world);
}

Test(with_refused, a_later_librarys_facts_are_good_where_the_rest_is_zero)
{
	struct later_facts later = {.known = HAIL_MESSAGE_FACTS(.ttl = 1)};
	struct hail_addr remote = remote_at(9);
	struct world world;
	struct subject subject;

	later.known.size = sizeof(later);
	start(&world, &subject, NULL);
	cr_assert_eq(hail_send_with(subject.seen.socket, &number,
				    sizeof(number), &remote, &later.known),
		     0);
	cr_assert_eq(sim_sent(world.sim, 0)->control.size,
		     CMSG_SPACE(sizeof(int)));
	world_end(&world);
}

Test(with_refused, facts_that_say_nothing_are_none)
{
	struct hail_message_facts nothing = HAIL_MESSAGE_FACTS(.tag = 7);
	struct hail_addr remote = remote_at(9);
	struct world world;
	struct subject subject;

	start(&world, &subject, NULL);
	cr_assert_eq(hail_send_with(subject.seen.socket, &number,
				    sizeof(number), &remote, &nothing),
		     0);
	cr_assert_eq(sim_sent(world.sim, 0)->control.size, 0);
	world_end(&world);
}

/* As hail_send(), whatever the facts say. */
static int send_with(struct subject *subject, const void *data, size_t size,
		     const struct hail_addr *remote)
{
	struct hail_message_facts good = HAIL_MESSAGE_FACTS(.ttl = 9);
	const struct hail_message message = {data, size, remote};
	const struct hail_message_facts *facts = &good;
	int err =
		hail_send_with(subject->seen.socket, data, size, remote, &good);

	cr_assert_eq(
		hail_send_many_with(subject->seen.socket, &message, &facts, 1),
		err);
	return err;
}

Test(with_refused, a_bad_message_is_refused_as_without_facts)
{
	static const unsigned char bytes[65508];
	struct hail_addr remote = remote_at(9), nowhere = remote_at(0);
	struct hail_addr v6 = address("2001:db8::1", 9);
	struct world world;
	struct subject subject;

	start(&world, &subject, NULL);
	cr_assert_eq(send_with(&subject, bytes, 65508, &remote), -EMSGSIZE);
	cr_assert_eq(send_with(&subject, bytes, 1, NULL), -EDESTADDRREQ);
	cr_assert_eq(send_with(&subject, bytes, 1, &nowhere), -EINVAL);
	cr_assert_eq(send_with(&subject, NULL, 1, &remote), -EINVAL);
	cr_assert_eq(send_with(&subject, bytes, 1, &v6), -EAFNOSUPPORT);
	cr_assert_eq(hail_send_with(NULL, bytes, 1, &remote, NULL), -EINVAL);
	seen_close(&subject.seen);
	cr_assert_eq(send_with(&subject, bytes, 1, &remote), -EBADF);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 0);
	world_end(&world);
}

Test(with_refused, a_remote_on_a_connected_socket_is_eisconn)
{
	struct hail_addr remote = remote_at(9);
	struct world world;
	struct subject subject;

	start(&world, &subject,
	      &HAIL_SOCKET_OPTIONS(.remote = address("127.0.0.1", 9)));
	cr_assert_eq(send_with(&subject, &number, 4, &remote), -EISCONN);
	cr_assert_eq(sim_sent_count(world.sim), 0);
	world_end(&world);
}

Test(with_refused, a_batch_without_facts_is_a_plain_one)
{
	struct world world;
	struct subject subject;
	struct hail_message messages[3];

	start(&world, &subject, NULL);
	for (int i = 0; i < 3; i++)
		messages[i] = message_of(&subject);
	cr_assert_eq(
		hail_send_many_with(subject.seen.socket, messages, NULL, 3), 3);
	cr_assert_eq(hail_send_many_with(subject.seen.socket, NULL, NULL, 3),
		     -EINVAL);
	cr_assert_eq(hail_send_many_with(subject.seen.socket, NULL, NULL, 0),
		     0);
	cr_assert_eq(sim_sent_count(world.sim), 3);
	world_end(&world);
}
