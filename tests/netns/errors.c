/* SPDX-License-Identifier: MIT */
/* errors.c: what routers and hosts on a link say to a socket with the option
 * `errors`, true and forged; who is healthy loses nothing by it. */
#include "router.h"

TestSuite(errors, .timeout = 90);

#define ROUNDS 50
#define SIZE 100

struct scene {
	struct pair pair;
	struct live live;
	struct hail_addr good;
	int fd;
	uint32_t next; /* numbered datagram to the good one */
};

static void open_socket(struct scene *scene, const char *any, const char *far,
			struct hail_socket_options options)
{
	memset(&scene->live, 0, sizeof(scene->live));
	scene->next = 0;
	options.local = live_addr(any, 0);
	options.errors = true;
	options.no_trains = true; /* the network answers each */
	live_open(&scene->live, scene->pair.engine, &options);
	scene->fd = pair_far(&scene->pair, far, 0, &scene->good);
}

static void close_socket(struct scene *scene)
{
	live_close(&scene->live);
	close(scene->fd);
}

static void start(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	pair_start(&scene->pair, NULL, NULL);
	router_start(&scene->pair);
}

static int send_size(struct scene *scene, size_t size)
{
	unsigned char payload[1500];

	numbered_write(payload, size, 0, scene->next++);
	return hail_send(scene->live.socket, payload, size, &scene->good);
}

/* All but the first `lost` of them. */
static void assert_all_came(struct scene *scene, uint32_t lost)
{
	struct arrivals arrivals = {0};

	pair_read_all(scene->fd, &scene->good, &arrivals);
	cr_assert_eq(arrivals.count[0], scene->next - lost, "%u of %u",
		     arrivals.count[0], scene->next);
	cr_assert_eq(arrivals.disorder + arrivals.corrupt, 0);
	cr_assert_eq(live_traffic(&scene->live).failed, 0);
}

/* What is said of remotes that can't be reached: by a dead port's host, which
 * is the far end, and by the far end as a router. */
static const struct refusal {
	const char *any, *far; /* the socket, and where the healthy one is */
	const char *ip;        /* the bad one; NULL: the far end's dead port */
	const char *told, *offender;
	uint8_t version, type, code;
	int error;
} refusals[] = {
	{"0.0.0.0", FAR_V4, NULL, FAR_V4, FAR_V4, 4, 3, 3, -ECONNREFUSED},
	{"::", FAR_V6, NULL, FAR_V6, FAR_V6, 6, 1, 4, -ECONNREFUSED},
	{"::", FAR_V4, NULL, "::ffff:" FAR_V4, "::ffff:" FAR_V4, 4, 3, 3,
	 -ECONNREFUSED},
	{"0.0.0.0", FAR_V4, ROUTER_UNREACHABLE_V4, ROUTER_UNREACHABLE_V4,
	 FAR_V4, 4, 3, 1, -EHOSTUNREACH},
	{"0.0.0.0", FAR_V4, ROUTER_PROHIBITED_V4, ROUTER_PROHIBITED_V4, FAR_V4,
	 4, 3, 13, -EHOSTUNREACH},
	{"0.0.0.0", FAR_V4, ROUTER_NO_ROUTE_V4, ROUTER_NO_ROUTE_V4, FAR_V4, 4,
	 3, 0, -ENETUNREACH},
	{"::", FAR_V4, ROUTER_PROHIBITED_V4, "::ffff:" ROUTER_PROHIBITED_V4,
	 "::ffff:" FAR_V4, 4, 3, 13, -EHOSTUNREACH},
	{"::", FAR_V6, ROUTER_UNREACHABLE_V6, ROUTER_UNREACHABLE_V6, FAR_V6, 6,
	 1, 0, -ENETUNREACH},
	{"::", FAR_V6, ROUTER_PROHIBITED_V6, ROUTER_PROHIBITED_V6, FAR_V6, 6, 1,
	 1, -EACCES},
	{"::", FAR_V6, ROUTER_NO_ROUTE_V6, ROUTER_NO_ROUTE_V6, FAR_V6, 6, 1, 0,
	 -ENETUNREACH},
};

static void assert_error(const struct hail_error *error,
			 const struct refusal *refusal, uint16_t port)
{
	struct hail_addr remote = live_addr(refusal->told, port);
	struct hail_addr offender = live_addr(refusal->offender, 0);

	cr_assert_eq(error->code, refusal->error, "%s: %d", refusal->told,
		     error->code);
	cr_assert_eq(error->kind, HAIL_ERROR_REMOTE);
	cr_assert_eq(error->icmp_version, refusal->version);
	cr_assert_eq(error->icmp_type, refusal->type);
	cr_assert_eq(error->icmp_code, refusal->code);
	cr_assert(hail_addr_equal(&error->remote, &remote));
	cr_assert(hail_addr_equal(&error->offender, &offender));
	cr_assert_eq(error->mtu, 0);
}

static struct hail_addr find_bad(struct scene *scene,
				 const struct refusal *refusal)
{
	struct hail_addr bad;

	if (refusal->ip)
		return live_addr(refusal->ip, 4242);
	close(pair_far(&scene->pair, refusal->far, 0, &bad));
	return bad;
}

/* By single sends, with turns between, and by a batch. */
static void send_both_ways(struct scene *scene, const struct hail_addr *bad)
{
	static unsigned char payloads[ROUNDS][SIZE];
	struct hail_message messages[2 * ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		cr_assert_eq(hail_send(scene->live.socket, "?", 1, bad), 0);
		cr_assert_eq(send_size(scene, SIZE), 0);
		live_turn(scene->pair.engine);
	}
	for (int i = 0; i < ROUNDS; i++) {
		numbered_write(payloads[i], SIZE, 0, scene->next++);
		messages[2 * i] = (struct hail_message){"?", 1, bad};
		messages[2 * i + 1] =
			(struct hail_message){payloads[i], SIZE, &scene->good};
	}
	cr_assert_eq(hail_send_many(scene->live.socket, messages, 2 * ROUNDS),
		     2 * ROUNDS);
}

/* A router answers a few times at once, a host each time. */
static void assert_refused(struct scene *scene, const struct refusal *refusal)
{
	unsigned answers = refusal->ip ? 3 : 2 * ROUNDS;
	struct hail_addr bad;

	open_socket(scene, refusal->any, refusal->far,
		    HAIL_SOCKET_OPTIONS(.window = 0));
	bad = find_bad(scene, refusal);
	send_both_ways(scene, &bad);
	live_until(scene->pair.engine, scene->live.errors >= answers);
	live_settle(scene->pair.engine);
	cr_assert_leq(scene->live.errors, 2 * ROUNDS);
	for (unsigned i = 0; i < scene->live.errors && i < LIVE_ERRORS_MAX; i++)
		assert_error(&scene->live.error[i], refusal,
			     hail_addr_port(&bad));
	assert_all_came(scene, 0);
	close_socket(scene);
}

Test(errors, each_refusal_is_told_with_who_refused_what_and_why)
{
	struct scene scene;

	for (size_t i = 0; i < live_count(refusals); i++) {
		start(&scene);
		assert_refused(&scene, &refusals[i]);
		pair_end(&scene.pair);
	}
}

static void assert_connected_told(struct scene *scene,
				  const struct refusal *refusal)
{
	struct hail_addr bad;

	open_socket(scene, refusal->any, refusal->far,
		    HAIL_SOCKET_OPTIONS(.window = 0));
	bad = find_bad(scene, refusal);
	cr_assert_eq(hail_socket_connect(scene->live.socket, &bad), 0);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(hail_send(scene->live.socket, "?", 1, NULL), 0);
		live_until(scene->pair.engine, scene->live.errors == i + 1);
		assert_error(&scene->live.error[i], refusal,
			     hail_addr_port(&bad));
	}
	cr_assert_eq(hail_socket_connect(scene->live.socket, &scene->good), 0);
	live_settle(scene->pair.engine);
	cr_assert_eq(scene->live.errors, 3);
	cr_assert_eq(hail_socket_disconnect(scene->live.socket), 0);
	cr_assert_eq(send_size(scene, SIZE), 0);
	assert_all_came(scene, 0);
	close_socket(scene);
}

Test(errors, each_refusal_is_told_to_a_connected_socket_as_well)
{
	struct scene scene;

	for (size_t i = 0; i < live_count(refusals); i++) {
		start(&scene);
		assert_connected_told(&scene, &refusals[i]);
		pair_end(&scene.pair);
	}
}

/* The router's second link is narrower than the first. */
#define NARROW 1400
#define LONG 1450
#define MTU 1500

static const struct way {
	const char *any, *beyond;
	const char *told, *offender;
	uint8_t version, type, code;
	size_t headers;
} ways[] = {
	{"0.0.0.0", BEYOND_V4, BEYOND_V4, FAR_V4, 4, 3, 4, 28},
	{"::", BEYOND_V6, BEYOND_V6, FAR_V6, 6, 2, 0, 48},
	{"::", BEYOND_V4, "::ffff:" BEYOND_V4, "::ffff:" FAR_V4, 4, 3, 4, 28},
};

/* The healthy one is beyond the narrow link. */
static void start_narrow(struct scene *scene, const struct way *way,
			 uint32_t path_mtu)
{
	int beyond, far;

	start(scene);
	beyond = router_open_beyond(&scene->pair, NARROW);
	far = scene->pair.far;
	scene->pair.far = beyond;
	open_socket(scene, way->any, way->beyond,
		    HAIL_SOCKET_OPTIONS(.path_mtu = path_mtu));
	scene->pair.far = far;
	close(beyond);
}

static void end_narrow(struct scene *scene)
{
	close_socket(scene);
	pair_end(&scene->pair);
}

static void assert_narrow(const struct scene *scene, const struct way *way,
			  unsigned i)
{
	const struct hail_error *error = &scene->live.error[i];
	struct hail_addr offender = live_addr(way->offender, 0);
	struct hail_addr remote =
		live_addr(way->told, hail_addr_port(&scene->good));

	cr_assert_eq(error->kind, HAIL_ERROR_PATH_MTU);
	cr_assert_eq(error->code, -EMSGSIZE);
	cr_assert_eq(error->mtu, NARROW);
	cr_assert_eq(error->icmp_version, way->version);
	cr_assert_eq(error->icmp_type, way->type);
	cr_assert_eq(error->icmp_code, way->code);
	cr_assert(hail_addr_equal(&error->remote, &remote));
	cr_assert(hail_addr_equal(&error->offender, &offender));
}

Test(errors, a_narrower_path_is_told_and_what_follows_is_cut_where_wanted)
{
	struct scene scene;

	for (size_t i = 0; i < live_count(ways); i++) {
		start_narrow(&scene, &ways[i], HAIL_PATH_MTU_WANT);
		cr_assert_eq(send_size(&scene, LONG), 0);
		live_until(scene.pair.engine, scene.live.errors == 1);
		assert_narrow(&scene, &ways[i], 0);
		for (int n = 0; n < ROUNDS; n++)
			cr_assert_eq(send_size(&scene, LONG), 0);
		live_settle(scene.pair.engine);
		cr_assert_eq(scene.live.errors, 1);
		assert_all_came(&scene, 1);
		end_narrow(&scene);
	}
}

Test(errors, while_the_path_is_probed_each_that_is_too_long_is_lost_and_told)
{
	struct scene scene;

	for (size_t i = 0; i < live_count(ways); i++) {
		size_t fits = NARROW - ways[i].headers;

		start_narrow(&scene, &ways[i], HAIL_PATH_MTU_PROBE);
		for (unsigned n = 0; n < 10; n++) {
			cr_assert_eq(send_size(&scene, n % 2 ? LONG : fits + 1),
				     0);
			live_until(scene.pair.engine,
				   scene.live.errors == n + 1);
			assert_narrow(&scene, &ways[i], n);
		}
		for (int n = 0; n < ROUNDS; n++)
			cr_assert_eq(send_size(&scene, fits), 0);
		live_settle(scene.pair.engine);
		cr_assert_eq(scene.live.errors, 10);
		assert_all_came(&scene, 10);
		end_narrow(&scene);
	}
}

static const unsigned char beyond_mtu[MTU + 1];

static void send_beyond_mtu(struct hail_engine *engine, void *arg)
{
	struct scene *scene = arg;

	(void)engine;
	cr_assert_eq(hail_send(scene->live.socket, beyond_mtu,
			       sizeof(beyond_mtu), &scene->good),
		     0);
}

/* The near end's own kernel says it, of its own link. */
static void assert_own(const struct scene *scene, const struct way *way)
{
	struct hail_addr remote = live_addr(way->told, 0);
	const struct hail_error *error = &scene->live.error[0];

	cr_assert_eq(error->kind, HAIL_ERROR_PATH_MTU);
	cr_assert_eq(error->code, -EMSGSIZE);
	cr_assert_eq(error->mtu, MTU);
	cr_assert_eq(error->icmp_version, 0);
	cr_assert_eq(error->offender.sa.sa_family, AF_UNSPEC);
	remote.v4.sin_port = error->remote.v4.sin_port;
	cr_assert(hail_addr_equal(&error->remote, &remote));
}

static void assert_errors(struct scene *scene, unsigned count)
{
	live_until(scene->pair.engine, scene->live.errors >= count);
	live_settle(scene->pair.engine);
	cr_assert_eq(scene->live.errors, count, "%u, not %u",
		     scene->live.errors, count);
}

/* And of a queued one that it was refused. */
Test(errors, what_exceeds_the_interface_is_refused_and_its_mtu_is_told_once)
{
	struct scene scene;

	for (size_t i = 0; i < live_count(ways); i++) {
		start_narrow(&scene, &ways[i], HAIL_PATH_MTU_PROBE);
		for (unsigned n = 1; n <= 3; n++) {
			cr_assert_eq(hail_send(scene.live.socket, beyond_mtu,
					       sizeof(beyond_mtu), &scene.good),
				     -EMSGSIZE);
			assert_errors(&scene, n);
			assert_own(&scene, &ways[i]);
		}
		cr_assert_eq(hail_engine_post(scene.pair.engine,
					      send_beyond_mtu, &scene),
			     0);
		assert_errors(&scene, 5);
		cr_assert_eq(live_traffic(&scene.live).failed, 1);
		cr_assert_eq(hail_engine_post(scene.pair.engine,
					      send_beyond_mtu, &scene),
			     0);
		assert_errors(&scene, 7);
		cr_assert_eq(send_size(&scene, NARROW - 48), 0);
		end_narrow(&scene);
	}
}

static struct hail_addr source_of(const struct scene *scene)
{
	return live_addr(NEAR_V4, live_port(&scene->live));
}

/* Kind PATH_MTU where a link may be so narrow, and REMOTE where none may. */
static void assert_forged(struct scene *scene, uint16_t mtu)
{
	unsigned errors = scene->live.errors;
	struct hail_addr local = source_of(scene);
	const struct hail_error *error = &scene->live.error[errors];

	pair_forge_mtu(&local, &scene->good, mtu);
	live_until(scene->pair.engine, scene->live.errors == errors + 1);
	cr_assert_eq(error->code, -EMSGSIZE);
	cr_assert_eq(error->kind,
		     mtu < 68 ? HAIL_ERROR_REMOTE : HAIL_ERROR_PATH_MTU);
	cr_assert_eq(error->mtu, mtu < 68 ? 0 : mtu);
	cr_assert_eq(error->icmp_type, 3);
	cr_assert_eq(error->icmp_code, 4);
	cr_assert(hail_addr_equal(&error->remote, &scene->good));
}

static void assert_forging_harms_nothing(uint32_t path_mtu)
{
	static const uint16_t mtus[] = {0, 1, 20, 67, 68, 552, 1280, 65535};
	struct scene scene;

	start(&scene);
	open_socket(&scene, "0.0.0.0", FAR_V4,
		    HAIL_SOCKET_OPTIONS(.path_mtu = path_mtu));
	for (size_t i = 0; i < live_count(mtus); i++) {
		cr_assert_eq(send_size(&scene, SIZE), 0);
		assert_forged(&scene, mtus[i]);
		for (size_t size = 20; size <= MTU - 28; size += 66)
			cr_assert_eq(send_size(&scene, size), 0);
		cr_assert_eq(send_size(&scene, MTU - 28), 0);
	}
	assert_all_came(&scene, 0);
	cr_assert_eq(scene.live.errors, live_count(mtus));
	close_socket(&scene);
	pair_end(&scene.pair);
}

Test(errors, a_forged_path_mtu_harms_nothing_and_an_impossible_one_is_not_told)
{
	assert_forging_harms_nothing(HAIL_PATH_MTU_PROBE);
	assert_forging_harms_nothing(HAIL_PATH_MTU_WANT);
}

Test(errors, ten_thousand_forged_messages_harm_nothing)
{
	struct hail_addr local, near;
	struct scene scene;

	start(&scene);
	open_socket(&scene, "0.0.0.0", FAR_V4, HAIL_SOCKET_OPTIONS(.ttl = 64));
	local = near = source_of(&scene);
	for (unsigned i = 1; i <= 10000; i++) {
		if (i % 3)
			pair_forge(&local, &scene.good, 3, i % 16);
		else
			pair_forge_mtu(&local, &scene.good, (uint16_t)i);
		if (i % 200)
			continue;
		cr_assert_eq(send_size(&scene, SIZE), 0);
		if (i % 1000)
			continue;
		live_settle(scene.pair.engine);
		cr_assert_eq(far_send(scene.fd, "here", 4, &near), 0);
		live_until(scene.pair.engine, scene.live.datagrams == i / 1000);
	}
	cr_assert_gt(scene.live.errors, 0);
	cr_assert_leq(scene.live.errors, 10000);
	assert_all_came(&scene, 0);
	close_socket(&scene);
	pair_end(&scene.pair);
}
