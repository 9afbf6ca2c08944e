/* SPDX-License-Identifier: MIT */
/* interfaces.c: with two links, a socket that is bound to all addresses knows
 * by which one and to which address a datagram came, and can answer by the
 * same. And what a router does to the TTL is seen. */
#include "router.h"

#include <net/if.h>

TestSuite(interfaces, .timeout = 90);

#define NEAR2_V4 "10.5.0.1"
#define FAR2_V4 "10.5.0.2"
#define NEAR2_V6 "fd05::1"
#define FAR2_V6 "fd05::2"
/* The far end is one host: this address is reached by both links, and by the
 * first where nothing is said. */
#define HOST_V4 "10.9.0.9"
#define HOST_V6 "fd09::9"

#define ROUNDS 20

static const struct family {
	const char *any, *host;
	const char *to[2];   /* the near end's addresses, by link */
	const char *told[2]; /* as the socket is told of them */
} families[] = {
	{"0.0.0.0", HOST_V4, {NEAR_V4, NEAR2_V4}, {NEAR_V4, NEAR2_V4}},
	{"::", HOST_V6, {NEAR_V6, NEAR2_V6}, {NEAR_V6, NEAR2_V6}},
	{"::",
	 HOST_V4,
	 {NEAR_V4, NEAR2_V4},
	 {"::ffff:" NEAR_V4, "::ffff:" NEAR2_V4}},
};

#define for_each_family(family)                                                \
	for (const struct family *family = families;                           \
	     family < families + live_count(families); family++)

/* A socket of hail that keeps the facts of the latest datagram. */
struct end {
	struct live live;
	struct hail_facts facts;
	uint32_t links[2]; /* indices */
	bool interface_alone;
};

struct scene {
	struct pair pair;
	struct end near, far;
};

static void read_facts(struct live *live, const struct hail_datagram *batch,
		       size_t count)
{
	struct end *end = live->arg;

	end->facts = (struct hail_facts){.size = sizeof(end->facts)};
	cr_assert_eq(hail_datagram_facts(&batch[count - 1], &end->facts), 0);
}

/* In a namespace, whose links have these names. */
static void open_end(struct end *end, const struct pair *pair, int network,
		     const char *ip)
{
	const char *names[2] = {"near", "near2"};

	if (network == pair->far) {
		names[0] = "far";
		names[1] = "far2";
	}
	memset(end, 0, sizeof(*end));
	end->live.on_data = read_facts;
	end->live.arg = end;
	cr_assert_eq(network_enter(network), 0);
	for (int i = 0; i < 2; i++)
		end->links[i] = if_nametoindex(names[i]);
	live_open(&end->live, pair->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(ip, 0),
				       .facts = HAIL_FACT_LOCAL |
						HAIL_FACT_TTL | HAIL_FACT_TOS));
	cr_assert_eq(network_enter(pair->near), 0);
}

static const struct {
	bool far;
	const char *line;
} lines[] = {
	{false, "ip addr add " NEAR2_V4 "/24 dev near2"},
	{false, "ip addr add " NEAR2_V6 "/64 dev near2"},
	{true, "ip addr add " FAR2_V4 "/24 dev far2"},
	{true, "ip addr add " FAR2_V6 "/64 dev far2"},
	{true, "ip addr add " HOST_V4 "/32 dev lo"},
	{true, "ip addr add " HOST_V6 "/128 dev lo"},
	{false, "ip link set dev near2 up"},
	{true, "ip link set dev far2 up"},
};

static const char *const routes[] = {
	"ip route add " HOST_V4 " via " FAR_V4 " dev near metric 10",
	"ip route add " HOST_V4 " via " FAR2_V4 " dev near2 metric 20",
	"ip route add " HOST_V6 " via " FAR_V6 " dev near metric 10",
	"ip route add " HOST_V6 " via " FAR2_V6 " dev near2 metric 20",
};

static void start(struct scene *scene)
{
	const struct pair *pair = &scene->pair;

	memset(scene, 0, sizeof(*scene));
	pair_start(&scene->pair, NULL, NULL);
	cr_assert_eq(network_link(pair->near, "near2", pair->far, "far2"), 0);
	for (size_t i = 0; i < live_count(lines); i++)
		pair_run(lines[i].far ? pair->far : pair->near, "%s",
			 lines[i].line);
	cr_assert_eq(network_await(pair->near, "near2"), 0);
	cr_assert_eq(network_await(pair->far, "far2"), 0);
	for (size_t i = 0; i < live_count(routes); i++)
		pair_run(pair->near, "%s", routes[i]);
}

static void open_ends(struct scene *scene, const struct family *family)
{
	open_end(&scene->near, &scene->pair, scene->pair.near, family->any);
	open_end(&scene->far, &scene->pair, scene->pair.far, family->host);
}

static void close_ends(struct scene *scene)
{
	live_close(&scene->near.live);
	live_close(&scene->far.live);
}

/* From the far end to one of the near one's addresses. */
static void speak(struct scene *scene, const char *ip)
{
	struct hail_addr to = live_addr(ip, live_port(&scene->near.live));
	size_t heard = scene->near.live.datagrams;

	cr_assert_eq(live_send(&scene->far.live, "hello", &to), 0);
	live_until(scene->pair.engine, scene->near.live.datagrams == heard + 1);
}

static void assert_came(const struct scene *scene, uint32_t interface,
			const char *ip)
{
	const struct hail_facts *facts = &scene->near.facts;
	struct hail_addr local = live_addr(ip, 0);

	cr_assert(facts->known & HAIL_FACT_LOCAL);
	cr_assert_eq(facts->interface, interface, "%s came by %u", ip,
		     facts->interface);
	cr_assert(hail_addr_equal(&facts->local, &local));
}

Test(interfaces, each_datagram_tells_by_which_one_and_to_which_address_it_came)
{
	struct scene scene;

	start(&scene);
	for_each_family(family)
	{
		open_ends(&scene, family);
		for (int i = 0; i < ROUNDS; i++) {
			int link = i % 3 % 2;

			speak(&scene, family->to[link]);
			assert_came(&scene, scene.near.links[link],
				    family->told[link]);
		}
		close_ends(&scene);
	}
	pair_end(&scene.pair);
}

/* A host takes what is for any of its addresses by any of its links. */
Test(interfaces, the_address_need_not_be_of_the_interface)
{
	struct scene scene;

	start(&scene);
	pair_run(scene.pair.far, "ip route add " NEAR2_V4 " via " NEAR_V4);
	pair_run(scene.pair.far, "ip route add " NEAR2_V6 " via " NEAR_V6);
	for_each_family(family)
	{
		open_ends(&scene, family);
		for (int link = 0; link < 2; link++) {
			speak(&scene, family->to[link]);
			assert_came(&scene, scene.near.links[0],
				    family->told[link]);
		}
		close_ends(&scene);
	}
	pair_end(&scene.pair);
}

/* The far end has heard an answer: by which link, and from whom. */
static void assert_answered(struct scene *scene, size_t count, int link,
			    const char *from)
{
	struct hail_addr wanted = live_addr(from, live_port(&scene->near.live));

	live_until(scene->pair.engine, scene->far.live.datagrams == count);
	cr_assert_eq(scene->far.facts.interface, scene->far.links[link]);
	cr_assert(hail_addr_equal(&scene->far.live.last_remote, &wanted));
}

/* In IPv6 with a source the way of the lower metric is taken, so there the
 * interface is said alone; the kernel has a source for it. */
static void answer(struct live *live, const struct hail_datagram *batch,
		   size_t count)
{
	struct end *end = live->arg;
	struct hail_message_facts facts = HAIL_MESSAGE_FACTS(.ttl = 9);

	read_facts(live, batch, count);
	facts.interface = end->facts.interface;
	if (!end->interface_alone)
		facts.source = end->facts.local;
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send_with(live->socket, batch[i].data,
					    batch[i].size, &batch[i].remote,
					    &facts),
			     0);
}

Test(interfaces, an_answer_by_the_facts_leaves_where_the_question_came)
{
	struct scene scene;

	start(&scene);
	for_each_family(family)
	{
		open_ends(&scene, family);
		scene.near.live.on_data = answer;
		scene.near.interface_alone = family == &families[1];
		for (unsigned i = 1; i <= ROUNDS; i++) {
			int link = i % 2;

			speak(&scene, family->to[link]);
			assert_answered(&scene, i, link, family->to[link]);
		}
		close_ends(&scene);
	}
	pair_end(&scene.pair);
}

/* Each alone: the source doesn't choose the way, nor the way another's address.
 * Without facts routes decide. */
Test(interfaces, source_and_interface_are_chosen_each_by_itself)
{
	struct hail_message_facts none = HAIL_MESSAGE_FACTS(.ttl = 9);
	struct scene scene;

	start(&scene);
	for_each_family(family)
	{
		struct hail_message_facts source = none, interface = none;
		struct hail_addr host;
		struct live *near;

		open_ends(&scene, family);
		near = &scene.near.live;
		host = live_addr(family->host, live_port(&scene.far.live));
		source.source = live_addr(family->told[1], 0);
		interface.interface = scene.near.links[1];
		cr_assert_eq(hail_send_with(near->socket, "x", 1, &host, &none),
			     0);
		assert_answered(&scene, 1, 0, family->to[0]);
		cr_assert_eq(
			hail_send_with(near->socket, "x", 1, &host, &source),
			0);
		assert_answered(&scene, 2, 0, family->to[1]);
		cr_assert_eq(
			hail_send_with(near->socket, "x", 1, &host, &interface),
			0);
		assert_answered(&scene, 3, 1, family->to[1]);
		close_ends(&scene);
	}
	pair_end(&scene.pair);
}

/* With one more network behind the far end, which is a router. */
static int start_routed(struct scene *scene)
{
	start(scene);
	router_start(&scene->pair);
	return router_open_beyond(&scene->pair, 1500);
}

/* The far end of these is beyond the router; returns where. */
static struct hail_addr open_routed_ends(struct scene *scene, int beyond,
					 const struct family *family)
{
	static const char *const ips[] = {BEYOND_V4, BEYOND_V6, BEYOND_V4};
	const char *ip = ips[family - families];

	open_end(&scene->near, &scene->pair, scene->pair.near, family->any);
	open_end(&scene->far, &scene->pair, beyond, ip);
	return live_addr(ip, live_port(&scene->far.live));
}

/* The far end has read the facts of one more. */
static void send_far(struct scene *scene, const struct hail_addr *to,
		     const struct hail_message_facts *facts)
{
	size_t before = scene->far.live.datagrams;

	cr_assert_eq(hail_send_with(scene->near.live.socket, "x", 1, to, facts),
		     0);
	live_until(scene->pair.engine, scene->far.live.datagrams == before + 1);
}

Test(interfaces, a_router_takes_one_of_the_ttl_each_way)
{
	static const uint32_t ttls[] = {2, 17, 64, 255};
	struct scene scene;
	int beyond = start_routed(&scene);

	for_each_family(family)
	{
		struct hail_addr to = open_routed_ends(&scene, beyond, family);

		for (unsigned i = 0; i < live_count(ttls); i++) {
			send_far(&scene, &to,
				 &HAIL_MESSAGE_FACTS(.ttl = ttls[i]));
			cr_assert_eq(scene.far.facts.ttl, ttls[i] - 1);
			speak(&scene, family->to[0]);
			cr_assert_eq(scene.near.facts.ttl, 63);
		}
		close_ends(&scene);
	}
	close(beyond);
	pair_end(&scene.pair);
}

/* The router leaves the marks alone, and adds none while it isn't congested. */
Test(interfaces, marks_of_congestion_pass_a_router)
{
	static const uint32_t marks[] = {HAIL_ECN_ECT_0, HAIL_ECN_ECT_1,
					 HAIL_ECN_CE, HAIL_ZERO};
	struct scene scene;
	int beyond = start_routed(&scene);

	for_each_family(family)
	{
		struct hail_addr to = open_routed_ends(&scene, beyond, family);

		for (unsigned i = 0; i < live_count(marks); i++) {
			uint32_t mark = marks[i] == HAIL_ZERO ? 0 : marks[i];

			send_far(&scene, &to,
				 &HAIL_MESSAGE_FACTS(.tos = marks[i]));
			cr_assert(scene.far.facts.known & HAIL_FACT_TOS);
			cr_assert_eq(HAIL_ECN(scene.far.facts.tos), mark);
		}
		close_ends(&scene);
	}
	close(beyond);
	pair_end(&scene.pair);
}

/* The last router says so: time exceeded. */
Test(interfaces, a_message_whose_ttl_ends_at_the_router_is_told_as_such)
{
	struct hail_addr to = live_addr(BEYOND_V4, 9);
	struct hail_addr to_v6 = live_addr(BEYOND_V6, 9);
	struct live live = {0};
	struct scene scene;
	int beyond = start_routed(&scene);

	live_open(&live, scene.pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				       .errors = true));
	cr_assert_eq(hail_send_with(live.socket, "x", 1, &to,
				    &HAIL_MESSAGE_FACTS(.ttl = 1)),
		     0);
	live_until(scene.pair.engine, live.errors == 1);
	cr_assert_eq(live.error[0].icmp_version, 4);
	cr_assert_eq(live.error[0].icmp_type, 11);
	cr_assert_eq(live.error[0].code, -EHOSTUNREACH);
	cr_assert_eq(hail_send_with(live.socket, "x", 1, &to_v6,
				    &HAIL_MESSAGE_FACTS(.ttl = 1)),
		     0);
	live_until(scene.pair.engine, live.errors == 2);
	cr_assert_eq(live.error[1].icmp_version, 6);
	cr_assert_eq(live.error[1].icmp_type, 3);
	cr_assert_eq(live.error[1].code, -EHOSTUNREACH);
	close(beyond);
	pair_end(&scene.pair);
}
