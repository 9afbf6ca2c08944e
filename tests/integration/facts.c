/* SPDX-License-Identifier: MIT */
/* facts.c: what the kernel tells of a datagram on the loopback interface, and
 * what a message says of itself. Drops and many datagrams at once are in
 * facts_load.c, several interfaces in tests/netns/interfaces.c. */
#include "support/live.h"
#include "support/network.h"

#include <net/if.h>
#include <time.h>

/* Who hears, and whom the sender sends to: the last is an IPv4 peer of a socket
 * of both. */
static const struct family {
	const char *any, *to;
	const char *local; /* as the receiver is told */
} families[] = {
	{"0.0.0.0", "127.0.0.1", "127.0.0.1"},
	{"::", "::1", "::1"},
	{"::", "127.0.0.1", "::ffff:127.0.0.1"},
};

#define for_each_family(family)                                                \
	for (const struct family *family = families;                           \
	     family < families + live_count(families); family++)

/* What the loopback tells of every datagram: nothing was dropped, and it has no
 * clock of its own. */
#define TOLD (HAIL_FACT_LOCAL | HAIL_FACT_TTL | HAIL_FACT_TOS | HAIL_FACT_TIME)

/* A receiver that reads the facts of each datagram, and a sender. */
struct scene {
	struct hail_engine *engine;
	struct live receiver, sender;
	struct hail_addr to;
	struct hail_facts facts; /* of the latest */
	struct hail_datagram last;
	struct hail_buffer *kept; /* retained, where `keep` is set */
	bool keep;
};

static void read_facts(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct scene *scene = live->arg;
	const struct hail_datagram *last = &batch[count - 1];

	scene->facts = (struct hail_facts){.size = sizeof(scene->facts)};
	scene->last = *last;
	cr_assert_eq(hail_datagram_facts(last, &scene->facts), 0);
	if (!scene->keep)
		return;
	scene->keep = false;
	scene->kept = last->buffer;
	cr_assert_eq(hail_buffer_retain(last->buffer), 0);
}

/* Options of the receiver but for its address; the sender's are none. */
static void start(struct scene *scene, const struct family *family,
		  struct hail_socket_options options)
{
	*scene = (struct scene){.engine = live_engine(NULL)};
	scene->receiver.on_data = read_facts;
	scene->receiver.arg = scene;
	options.local = live_addr(family->any, 0);
	live_open(&scene->receiver, scene->engine, &options);
	live_open(&scene->sender, scene->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(family->any, 0)));
	scene->to = live_addr(family->to, live_port(&scene->receiver));
}

static void start_with(struct scene *scene, const struct family *family,
		       uint32_t facts)
{
	start(scene, family, HAIL_SOCKET_OPTIONS(.facts = facts));
}

static void await_next(struct scene *scene)
{
	size_t seen = scene->receiver.datagrams;

	live_until(scene->engine, scene->receiver.datagrams > seen);
}

static void send_with(struct scene *scene,
		      const struct hail_message_facts *facts)
{
	cr_assert_eq(hail_send_with(scene->sender.socket, "text", 4, &scene->to,
				    facts),
		     0);
	await_next(scene);
}

static uint64_t now_realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool same(const struct hail_addr *addr, const char *ip)
{
	struct hail_addr wanted = live_addr(ip, 0);

	return hail_addr_equal(addr, &wanted);
}

/* What was asked for, of what is told, is right; all else is zero. */
static void assert_facts(const struct scene *scene, const struct family *family,
			 uint32_t asked, uint64_t since)
{
	const struct hail_facts *facts = &scene->facts;
	bool local = asked & HAIL_FACT_LOCAL, time = asked & HAIL_FACT_TIME;

	cr_assert_eq(facts->known, asked & TOLD, "%s asked 0x%x, told 0x%x",
		     family->to, asked, facts->known);
	cr_assert_eq(facts->interface, local ? if_nametoindex("lo") : 0);
	if (local)
		cr_assert(same(&facts->local, family->local));
	else
		cr_assert_eq(facts->local.sa.sa_family, AF_UNSPEC);
	cr_assert_eq(facts->ttl, asked & HAIL_FACT_TTL ? 64 : 0);
	cr_assert_eq(facts->tos, 0);
	cr_assert_eq(facts->drops, 0);
	cr_assert_eq(facts->device_time_ns, 0);
	if (time)
		cr_assert(facts->time_ns >= since &&
			  facts->time_ns <= now_realtime());
	else
		cr_assert_eq(facts->time_ns, 0);
}

static void set_up(void)
{
	network_enter_own();
	cr_assert_geq(plain_stamping(), 0);
}

TestSuite(facts, .init = set_up, .timeout = 60);

Test(facts, every_choice_of_facts_is_told_and_nothing_besides)
{
	for_each_family(family)
	{
		for (uint32_t asked = 0; asked <= HAIL_FACT_ALL; asked++) {
			uint64_t since = now_realtime();
			struct scene scene;

			start_with(&scene, family, asked);
			send_with(&scene, NULL);
			assert_facts(&scene, family, asked, since);
			live_expect_last(&scene.receiver, "text");
			hail_engine_destroy(scene.engine);
		}
	}
}

Test(facts, the_local_address_is_the_one_that_was_sent_to)
{
	static const char *const told[] = {"127.0.0.2", "127.3.4.5"};
	static const char *const mapped[] = {"::ffff:127.0.0.2",
					     "::ffff:127.3.4.5"};

	for_each_family(family)
	{
		const char *const *wanted = family == families ? told : mapped;
		struct scene scene;

		start_with(&scene, family, HAIL_FACT_LOCAL);
		for (size_t i = 0; i < live_count(told); i++) {
			scene.to =
				live_addr(told[i], live_port(&scene.receiver));
			if (!strcmp(family->to, "::1"))
				break;
			send_with(&scene, NULL);
			cr_assert(same(&scene.facts.local, wanted[i]));
		}
		live_end(scene.engine);
	}
}

Test(facts, ttl_and_tos_of_a_message_arrive)
{
	static const uint32_t values[] = {1, 2, 17, 64, 128, 184, 254, 255};

	for_each_family(family)
	{
		struct scene scene;

		start_with(&scene, family, HAIL_FACT_ALL);
		for (size_t i = 0; i < live_count(values); i++) {
			uint32_t tos = values[live_count(values) - 1 - i];

			send_with(&scene, &HAIL_MESSAGE_FACTS(.ttl = values[i],
							      .tos = tos));
			cr_assert_eq(scene.facts.ttl, values[i]);
			cr_assert_eq(scene.facts.tos, tos);
		}
		send_with(&scene, &HAIL_MESSAGE_FACTS(.ttl = 9));
		cr_assert_eq(scene.facts.ttl, 9);
		cr_assert_eq(scene.facts.tos, 0);
		send_with(&scene, &HAIL_MESSAGE_FACTS(.tos = 9));
		cr_assert_eq(scene.facts.ttl, 64);
		cr_assert_eq(scene.facts.tos, 9);
		live_end(scene.engine);
	}
}

/* With and without a code point, over each mark as the socket's own. */
static void assert_marks(struct scene *scene, uint32_t own)
{
	for (uint32_t tos = 0; tos <= 184 + 3; tos = tos == 3 ? 184 : tos + 1) {
		send_with(scene,
			  &HAIL_MESSAGE_FACTS(.tos = tos ? tos : HAIL_ZERO));
		cr_assert_eq(scene->facts.known & HAIL_FACT_TOS, HAIL_FACT_TOS);
		cr_assert_eq(HAIL_ECN(scene->facts.tos), HAIL_ECN(tos));
		cr_assert_eq(scene->facts.tos, tos);
		send_with(scene, NULL);
		cr_assert_eq(scene->facts.tos, own, "%u, not %u",
			     scene->facts.tos, own);
	}
}

Test(facts, ecn_marks_arrive_whatever_the_sockets_own_mark_is)
{
	static const uint32_t marks[] = {HAIL_ECN_NOT_ECT, HAIL_ECN_ECT_1,
					 HAIL_ECN_ECT_0, HAIL_ECN_CE};

	for_each_family(family)
	{
		struct scene scene;

		start_with(&scene, family, HAIL_FACT_TOS);
		for (size_t i = 0; i < live_count(marks); i++) {
			cr_assert_eq(hail_socket_set(scene.sender.socket,
						     HAIL_OPTION_TOS, marks[i]),
				     0);
			assert_marks(&scene, marks[i]);
		}
		live_end(scene.engine);
	}
}

Test(facts, receive_times_never_go_back_and_lie_between_sending_and_reading)
{
	struct scene scene;
	uint64_t last = now_realtime();

	start_with(&scene, &families[0], HAIL_FACT_TIME);
	for (int i = 0; i < 300; i++) {
		uint64_t since = now_realtime();

		send_with(&scene, NULL);
		cr_assert_geq(scene.facts.time_ns, since);
		cr_assert_geq(scene.facts.time_ns, last);
		cr_assert_leq(scene.facts.time_ns, now_realtime());
		last = scene.facts.time_ns;
	}
	live_end(scene.engine);
}

Test(facts, they_are_readable_as_long_as_the_buffer_is_retained)
{
	struct hail_facts facts = {.size = sizeof(facts)}, before;
	struct scene scene;

	start_with(&scene, &families[0], HAIL_FACT_ALL);
	scene.keep = true;
	send_with(&scene, &HAIL_MESSAGE_FACTS(.ttl = 77, .tos = 33));
	before = scene.facts;
	struct hail_datagram kept = scene.last;
	for (unsigned i = 0; i < 300; i++)
		send_with(&scene, &HAIL_MESSAGE_FACTS(.ttl = i % 255 + 1));
	cr_assert_eq(hail_datagram_facts(&kept, &facts), 0);
	cr_assert(!memcmp(&facts, &before, sizeof(facts)));
	cr_assert_eq(facts.ttl, 77);
	cr_assert_eq(facts.tos, 33);
	cr_assert_eq(hail_buffer_release(scene.kept), 0);
	facts.ttl = 1;
	cr_assert_eq(hail_datagram_facts(&kept, &facts), -EINVAL);
	cr_assert_eq(facts.ttl, 1);
	live_end(scene.engine);
}

Test(facts, of_a_datagram_that_its_handler_has_left_they_are_refused)
{
	struct hail_facts facts = {.size = sizeof(facts)};
	struct scene scene;

	start_with(&scene, &families[0], HAIL_FACT_ALL);
	send_with(&scene, NULL);
	cr_assert_eq(hail_datagram_facts(&scene.last, &facts), -EINVAL);
	live_end(scene.engine);
}

static void misuse(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	struct hail_facts facts = {.size = 0, .tos = 99};
	struct hail_datagram no_buffer = *batch;
	size_t until_time = offsetof(struct hail_facts, time_ns);

	cr_assert_eq(count, 1);
	no_buffer.buffer = NULL;
	cr_assert_eq(hail_datagram_facts(NULL, &facts), -EINVAL);
	cr_assert_eq(hail_datagram_facts(batch, NULL), -EINVAL);
	cr_assert_eq(hail_datagram_facts(batch, &facts), -EINVAL);
	facts.size = sizeof(facts) + 1;
	cr_assert_eq(hail_datagram_facts(batch, &facts), -E2BIG);
	facts.size = sizeof(facts);
	cr_assert_eq(hail_datagram_facts(&no_buffer, &facts), -EINVAL);
	cr_assert_eq(facts.tos, 99);
	/* An older program's. */
	facts.size = until_time;
	cr_assert_eq(hail_datagram_facts(batch, &facts), 0);
	cr_assert_eq(facts.ttl, 64);
	cr_assert_eq(facts.time_ns, 0);
	cr_assert_eq(facts.size, until_time);
	live->arg = NULL;
}

Test(facts, asking_wrongly_is_refused_and_asking_for_less_gives_less)
{
	struct scene scene;

	start_with(&scene, &families[0], HAIL_FACT_ALL);
	scene.receiver.on_data = misuse;
	send_with(&scene, NULL);
	cr_assert_null(scene.receiver.arg);
	live_end(scene.engine);
}

static bool came_from(const struct scene *scene, const char *ip)
{
	struct hail_addr wanted = live_addr(ip, live_port(&scene->sender));

	return hail_addr_equal(&scene->receiver.last_remote, &wanted);
}

Test(facts, the_source_of_a_message_is_what_the_receiver_sees)
{
	static const char *const sources[] = {"127.0.0.2", "127.9.8.7",
					      "127.0.0.1"};
	static const char *const mapped[] = {
		"::ffff:127.0.0.2", "::ffff:127.9.8.7", "::ffff:127.0.0.1"};
	struct hail_addr source;
	struct scene scene;

	for (size_t i = 0; i < live_count(sources); i++) {
		start_with(&scene, &families[0], 0);
		source = live_addr(sources[i], 0);
		send_with(&scene, &HAIL_MESSAGE_FACTS(.source = source));
		cr_assert(came_from(&scene, sources[i]));
		send_with(&scene, NULL);
		cr_assert(came_from(&scene, "127.0.0.1"));
		live_end(scene.engine);

		start_with(&scene, &families[2], 0);
		send_with(&scene, &HAIL_MESSAGE_FACTS(.source = source));
		cr_assert(came_from(&scene, mapped[i]));
		source = live_addr(mapped[i], 0);
		scene.to = live_addr("::ffff:127.0.0.1",
				     live_port(&scene.receiver));
		send_with(&scene, &HAIL_MESSAGE_FACTS(.source = source));
		cr_assert(came_from(&scene, mapped[i]));
		live_end(scene.engine);
	}
	start_with(&scene, &families[1], 0);
	source = live_v6(0);
	send_with(&scene,
		  &HAIL_MESSAGE_FACTS(.source = source,
				      .interface = if_nametoindex("lo")));
	cr_assert(came_from(&scene, "::1"));
	live_end(scene.engine);
}

static int try_source(struct scene *scene, const char *ip, uint32_t interface)
{
	struct hail_message_facts facts =
		HAIL_MESSAGE_FACTS(.interface = interface);

	if (ip)
		facts.source = live_addr(ip, 0);
	return hail_send_with(scene->sender.socket, "x", 1, &scene->to, &facts);
}

Test(facts, a_source_or_an_interface_that_is_not_there_is_refused)
{
	for_each_family(family)
	{
		bool six = family == &families[1];
		struct scene scene;

		start_with(&scene, family, 0);
		if (six)
			cr_assert_eq(try_source(&scene, "2001:db8::1", 0),
				     -EINVAL);
		else
			cr_assert_eq(try_source(&scene, "192.0.2.1", 0),
				     -ENETUNREACH);
		cr_assert_eq(try_source(&scene, NULL, 1 << 30), -ENODEV);
		cr_assert_eq(try_source(&scene, six ? "127.0.0.1" : "::1", 0),
			     -EAFNOSUPPORT);
		cr_assert_eq(try_source(&scene, NULL, UINT32_MAX), -ENODEV);
		/* Nothing of it sticks. */
		send_with(&scene, NULL);
		cr_assert_eq(live_traffic(&scene.sender).sent, 1);
		cr_assert_eq(scene.sender.errors, 0);
		live_end(scene.engine);
	}
}

Test(facts, in_a_batch_a_bad_source_is_told_and_the_others_leave)
{
	struct hail_message messages[3];
	const struct hail_message_facts
		bad = HAIL_MESSAGE_FACTS(.source = live_addr("192.0.2.1", 0)),
		good = HAIL_MESSAGE_FACTS(.ttl = 3);
	const struct hail_message_facts *facts[3] = {&good, &bad, NULL};
	struct scene scene;

	start_with(&scene, &families[0], HAIL_FACT_TTL);
	for (int i = 0; i < 3; i++)
		messages[i] = (struct hail_message){&"abc"[i], 1, &scene.to};
	cr_assert_eq(
		hail_send_many_with(scene.sender.socket, messages, facts, 3),
		3);
	live_until(scene.engine, scene.receiver.datagrams == 2);
	live_until(scene.engine, scene.sender.errors == 1);
	cr_assert_eq(scene.sender.error[0].code, -ENETUNREACH);
	cr_assert_eq(scene.sender.error[0].data, messages[1].data);
	live_expect_last(&scene.receiver, "c");
	cr_assert_eq(scene.facts.ttl, 64);
	live_end(scene.engine);
}

Test(facts, a_message_that_asks_for_what_its_socket_cannot_is_refused)
{
	const struct hail_message_facts wrong[] = {
		HAIL_MESSAGE_FACTS(.ttl = 256),
		HAIL_MESSAGE_FACTS(.tos = 256),
		HAIL_MESSAGE_FACTS(.ttl = HAIL_ZERO),
		HAIL_MESSAGE_FACTS(.txtime_ns = 1),
		HAIL_MESSAGE_FACTS(.timestamp = true),
		{.size = 0, .ttl = 1},
	};
	struct scene scene;

	start_with(&scene, &families[0], HAIL_FACT_ALL);
	for (size_t i = 0; i < live_count(wrong); i++)
		cr_assert_eq(hail_send_with(scene.sender.socket, "x", 1,
					    &scene.to, &wrong[i]),
			     -EINVAL);
	send_with(&scene, NULL);
	cr_assert_eq(live_traffic(&scene.sender).sent, 1);
	live_end(scene.engine);
}

/* Whole, cut by one, cut by many; and nothing at all. */
Test(facts, small_and_cut_and_empty_datagrams_have_their_facts)
{
	static const uint32_t maxima[] = {1, 3, 4, 5, 1500, 2048, 60000};
	static const char text[] = "text";

	for_each_family(family)
	{
		for (size_t i = 0; i < live_count(maxima); i++) {
			size_t size = maxima[i] < 4 ? maxima[i] : 4;
			struct scene scene;

			start(&scene, family,
			      HAIL_SOCKET_OPTIONS(.facts = HAIL_FACT_ALL,
						  .datagram_max = maxima[i]));
			send_with(&scene,
				  &HAIL_MESSAGE_FACTS(.ttl = 5, .tos = 6));
			cr_assert_eq(scene.facts.known, TOLD);
			cr_assert_eq(scene.facts.ttl, 5);
			cr_assert_eq(scene.facts.tos, 6);
			cr_assert_eq(scene.last.size, size);
			cr_assert_eq(scene.last.true_size, 4);
			cr_assert_eq(scene.last.flags,
				     size < 4 ? HAIL_DATAGRAM_TRUNCATED : 0);
			cr_assert(!memcmp(scene.receiver.last, text, size));
			cr_assert_eq(
				hail_send_with(scene.sender.socket, NULL, 0,
					       &scene.to,
					       &HAIL_MESSAGE_FACTS(.ttl = 7)),
				0);
			await_next(&scene);
			cr_assert_eq(scene.last.size, 0);
			cr_assert_eq(scene.facts.ttl, 7);
			hail_engine_destroy(scene.engine);
		}
	}
}
