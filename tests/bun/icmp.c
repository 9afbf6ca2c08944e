/* SPDX-License-Identifier: MIT */
/* icmp.c: what the network says of dead destinations. Bun asks for it on every
 * socket: without an error handler the process dies of it, and after one dead
 * destination the next healthy send fails and its datagram is lost (of 50
 * healthy ones between dead ones none arrives). */
#include "netns/pair.h"

TestSuite(bun_icmp, .init = network_enter_own);

#define HEALTHY 50

static struct live_batch batch;

/* A socket that talks, and a port where nobody listens. */
struct scene {
	struct live_talk talk;
	struct hail_addr dead;
	int holder;
};

static void scene_start(struct scene *scene, bool errors)
{
	scene->dead = live_v4(plain_dead_port(&scene->holder));
	scene->talk.live.arg = scene;
	live_talk_start(&scene->talk, &HAIL_SOCKET_OPTIONS(.errors = errors));
	live_batch_fill(&batch, &scene->talk.remote);
}

static void scene_end(struct scene *scene)
{
	close(scene->holder);
	live_talk_end(&scene->talk);
}

/* By turns to the dead and to the healthy. */
static void send_by_turns(struct scene *scene)
{
	struct live *live = &scene->talk.live;

	for (int i = 0; i < HEALTHY; i++) {
		cr_assert_eq(live_send(live, "?", &scene->dead), 0);
		cr_assert_eq(
			live_send(live, batch.texts[i], &scene->talk.remote),
			0);
	}
	live_settle(scene->talk.engine);
}

static void send_batch(struct live *live)
{
	struct scene *scene = live->arg;
	struct hail_message messages[2 * HEALTHY];

	for (int i = 0; i < HEALTHY; i++) {
		messages[2 * i] = (struct hail_message){"?", 1, &scene->dead};
		messages[2 * i + 1] = batch.messages[i];
	}
	cr_assert_eq(hail_send_many(live->socket, messages, 2 * HEALTHY),
		     2 * HEALTHY);
}

static void assert_all_healthy_arrive(bool errors)
{
	struct scene scene = {0};

	scene_start(&scene, errors);
	send_by_turns(&scene);
	live_batch_expect(&batch, scene.talk.fd, 0, HEALTHY);
	send_batch(&scene.talk.live);
	live_settle(scene.talk.engine);
	live_batch_expect(&batch, scene.talk.fd, 0, HEALTHY);
	live_inside(&scene.talk.live, send_batch);
	live_batch_expect(&batch, scene.talk.fd, 0, HEALTHY);
	live_talk_hear(&scene.talk, "reception goes on");
	cr_assert_eq(scene.talk.live.errors > 0, errors);
	cr_assert_eq(live_traffic(&scene.talk.live).failed, 0);
	scene_end(&scene);
}

Test(bun_icmp, healthy_sends_between_dead_ones_all_arrive)
{
	assert_all_healthy_arrive(false);
}

Test(bun_icmp, healthy_sends_all_arrive_with_errors_asked_for_too)
{
	assert_all_healthy_arrive(true);
}

Test(bun_icmp, errors_are_off_unless_asked)
{
	struct scene scene = {0};

	scene_start(&scene, false);
	send_by_turns(&scene);
	cr_assert_eq(scene.talk.live.errors, 0);
	scene_end(&scene);
}

Test(bun_icmp, no_error_handler_is_needed)
{
	struct hail_handlers mute = live_handlers;
	struct scene scene = {0};

	mute.error = NULL;
	scene_start(&scene, true);
	cr_assert_eq(hail_socket_set_handlers(scene.talk.live.socket, &mute),
		     0);
	send_by_turns(&scene);
	live_batch_expect(&batch, scene.talk.fd, 0, HEALTHY);
	live_talk_hear(&scene.talk, "alive");
	scene_end(&scene);
}

static const struct hail_error *first_error(struct live_talk *talk)
{
	live_until(talk->engine, talk->live.errors > 0);
	return &talk->live.error[0];
}

Test(bun_icmp, an_error_tells_the_destination_and_the_type_and_code)
{
	struct scene scene = {0};
	const struct hail_error *error;

	scene_start(&scene, true);
	cr_assert_eq(live_send(&scene.talk.live, "?", &scene.dead), 0);
	error = first_error(&scene.talk);
	cr_assert_eq(error->code, -ECONNREFUSED);
	cr_assert_eq(error->kind, HAIL_ERROR_REMOTE);
	cr_assert(hail_addr_equal(&error->remote, &scene.dead));
	cr_assert_eq(error->icmp_version, 4);
	cr_assert_eq(error->icmp_type, 3);
	cr_assert_eq(error->icmp_code, 3);
	cr_assert(hail_addr_is_loopback(&error->offender));
	scene_end(&scene);
}

Test(bun_icmp, an_error_of_ipv6_tells_them_too)
{
	struct live_talk talk = {.ip = "::1"};
	const struct hail_error *error;

	live_talk_start(&talk, &HAIL_SOCKET_OPTIONS(.errors = true));
	close(talk.fd);
	cr_assert_eq(live_send(&talk.live, "?", &talk.remote), 0);
	error = first_error(&talk);
	cr_assert_eq(error->code, -ECONNREFUSED);
	cr_assert(hail_addr_equal(&error->remote, &talk.remote));
	cr_assert_eq(error->icmp_version, 6);
	cr_assert_eq(error->icmp_type, 1);
	cr_assert_eq(error->icmp_code, 4);
	talk.fd = -1;
	live_talk_end(&talk);
}

Test(bun_icmp, a_dual_stack_socket_is_told_of_ipv4_and_its_healthy_sends_arrive)
{
	struct scene scene = {0};
	const struct hail_error *error;
	struct hail_addr told;

	scene.dead = live_v4(plain_dead_port(&scene.holder));
	live_talk_start(&scene.talk,
			&HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
					     .errors = true));
	live_batch_fill(&batch, &scene.talk.remote);
	send_by_turns(&scene);
	live_batch_expect(&batch, scene.talk.fd, 0, HEALTHY);
	error = first_error(&scene.talk);
	told = error->remote;
	cr_assert_eq(hail_addr_unmap(&told), 0);
	cr_assert(hail_addr_equal(&told, &scene.dead));
	cr_assert_eq(error->icmp_version, 4);
	cr_assert_eq(error->icmp_type, 3);
	cr_assert_eq(error->icmp_code, 3);
	scene_end(&scene);
}

/* The one of the router before a narrow link. */
Test(bun_icmp, an_error_tells_the_mtu)
{
	static const char payload[1400];
	const struct hail_error *error;
	struct live_talk talk = {0};
	struct hail_addr remote;
	struct pair pair;

	pair_start(&pair, NULL, NULL);
	talk.engine = pair.engine;
	talk.fd = pair_narrow(&pair, &remote);
	live_open(&talk.live, pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(NEAR_V4, 0),
				       .errors = true));
	cr_assert_eq(
		hail_send(talk.live.socket, payload, sizeof(payload), &remote),
		0);
	error = first_error(&talk);
	cr_assert_eq(error->code, -EMSGSIZE);
	cr_assert_eq(error->kind, HAIL_ERROR_PATH_MTU);
	cr_assert(hail_addr_equal(&error->remote, &remote));
	cr_assert_eq(error->mtu, strtoul(PAIR_NARROW, NULL, 10));
	cr_assert_eq(error->icmp_version, 4);
	pair_end(&pair);
	close(talk.fd);
}
