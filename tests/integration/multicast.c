/* SPDX-License-Identifier: MIT */
/* multicast.c: joining and leaving groups, and what is refused, on the loopback
 * interface. What is heard across links is tests/netns/multicast.c's. */
#include "support/live.h"
#include "support/network.h"

#include <net/if.h>
#include <pthread.h>
#include <stdio.h>

#define JOINS_MAX 65536

/* The same in both families. */
struct family {
	const char *any;
	const char *group, *other;
	const char *source, *second;
	const char *host; /* of this machine */
	const char *nobody;
	const char *groups; /* from here on: see numbered() */
	const char *sources;
};

static const struct family v4 = {
	.any = "0.0.0.0",
	.group = "239.1.2.3",
	.other = "239.1.2.4",
	.source = "10.1.0.1",
	.second = "10.1.0.2",
	.host = "127.0.0.1",
	.nobody = "0.0.0.0",
	.groups = "239.2.0.1",
	.sources = "10.2.0.1",
};

static const struct family v6 = {
	.any = "::",
	.group = "ff15::1:3",
	.other = "ff15::1:4",
	.source = "fd01::1",
	.second = "fd01::2",
	.host = "::1",
	.nobody = "::",
	.groups = "ff15::2:0:1",
	.sources = "fd02::1",
};

/* IPv4 on a socket of both. */
static const struct family v4_of_dual = {
	.any = "::",
	.group = "239.1.2.3",
	.other = "::ffff:239.1.2.4",
	.source = "10.1.0.1",
	.second = "::ffff:10.1.0.2",
	.host = "127.0.0.1",
	.nobody = "::ffff:0.0.0.0",
	.groups = "::ffff:239.2.0.1",
	.sources = "10.2.0.1",
};

static const struct family *const families[] = {&v4, &v6, &v4_of_dual};

#define for_each_family(family)                                                \
	for (size_t at_ = 0; at_ < live_count(families); at_++)                \
		for (const struct family *family = families[at_]; family;      \
		     family = NULL)

/* A socket, and a group with two sources. */
struct scene {
	struct hail_engine *engine;
	struct live live;
	struct hail_socket *socket;
	struct hail_addr group, source, second;
	uint32_t lo;
};

static void scene_start(struct scene *scene, const struct family *family)
{
	*scene = (struct scene){.engine = live_engine(NULL)};
	live_open(&scene->live, scene->engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(family->any, 0)));
	scene->socket = scene->live.socket;
	scene->group = live_addr(family->group, 0);
	scene->source = live_addr(family->source, 0);
	scene->second = live_addr(family->second, 0);
	scene->lo = if_nametoindex("lo");
	cr_assert_neq(scene->lo, 0);
}

static int join(const struct scene *scene)
{
	return hail_multicast_join(scene->socket, &scene->group, scene->lo);
}

static int leave(const struct scene *scene)
{
	return hail_multicast_leave(scene->socket, &scene->group, scene->lo);
}

static int join_source(const struct scene *scene,
		       const struct hail_addr *source)
{
	return hail_multicast_join_source(scene->socket, &scene->group, source,
					  scene->lo);
}

static int leave_source(const struct scene *scene,
			const struct hail_addr *source)
{
	return hail_multicast_leave_source(scene->socket, &scene->group, source,
					   scene->lo);
}

static int block(const struct scene *scene, const struct hail_addr *source)
{
	return hail_multicast_block(scene->socket, &scene->group, source,
				    scene->lo);
}

static int unblock(const struct scene *scene, const struct hail_addr *source)
{
	return hail_multicast_unblock(scene->socket, &scene->group, source,
				      scene->lo);
}

/* All six calls answer the same. */
static void assert_all(struct hail_socket *socket,
		       const struct hail_addr *group,
		       const struct hail_addr *source, uint32_t interface,
		       int answer)
{
	const int answers[] = {
		hail_multicast_join(socket, group, interface),
		hail_multicast_leave(socket, group, interface),
		hail_multicast_join_source(socket, group, source, interface),
		hail_multicast_leave_source(socket, group, source, interface),
		hail_multicast_block(socket, group, source, interface),
		hail_multicast_unblock(socket, group, source, interface),
	};

	for (size_t i = 0; i < live_count(answers); i++)
		cr_assert_eq(answers[i], answer, "call %zu: %d, not %d", i,
			     answers[i], answer);
}

/* And those four that name a source. */
static void assert_sources(struct hail_socket *socket,
			   const struct hail_addr *group,
			   const struct hail_addr *source, uint32_t interface,
			   int answer)
{
	const int answers[] = {
		hail_multicast_join_source(socket, group, source, interface),
		hail_multicast_leave_source(socket, group, source, interface),
		hail_multicast_block(socket, group, source, interface),
		hail_multicast_unblock(socket, group, source, interface),
	};

	for (size_t i = 0; i < live_count(answers); i++)
		cr_assert_eq(answers[i], answer, "call %zu: %d, not %d", i,
			     answers[i], answer);
}

TestSuite(multicast, .init = network_enter_own, .timeout = 60);

Test(multicast, what_is_not_a_group_is_refused)
{
	const struct hail_addr none = {0}, odd = {.sa.sa_family = AF_UNIX};
	struct scene scene;

	for_each_family(family)
	{
		struct hail_addr host = live_addr(family->host, 0);
		struct hail_addr nobody = live_addr(family->nobody, 0);
		const struct hail_addr *const wrong[] = {NULL, &none, &odd,
							 &host, &nobody};

		scene_start(&scene, family);
		for (size_t i = 0; i < live_count(wrong); i++)
			assert_all(scene.socket, wrong[i], &scene.source,
				   scene.lo, -EINVAL);
		assert_all(NULL, &scene.group, &scene.source, scene.lo,
			   -EINVAL);
		live_end(scene.engine);
	}
}

Test(multicast, what_cannot_be_a_source_is_refused)
{
	const struct hail_addr none = {0}, odd = {.sa.sa_family = AF_UNIX};
	struct scene scene;

	for_each_family(family)
	{
		struct hail_addr group = live_addr(family->other, 0);
		struct hail_addr nobody = live_addr(family->nobody, 0);
		const struct hail_addr *const wrong[] = {NULL, &none, &odd,
							 &group, &nobody};

		scene_start(&scene, family);
		for (size_t i = 0; i < live_count(wrong); i++)
			assert_sources(scene.socket, &scene.group, wrong[i],
				       scene.lo, -EINVAL);
		live_end(scene.engine);
	}
}

Test(multicast, a_group_and_a_source_of_different_families_are_refused)
{
	struct hail_addr group4 = live_addr(v4.group, 0);
	struct hail_addr group6 = live_addr(v6.group, 0);
	struct hail_addr source4 = live_addr(v4.source, 0);
	struct hail_addr mapped4 = live_addr("::ffff:10.1.0.1", 0);
	struct hail_addr source6 = live_addr(v6.source, 0);
	struct scene scene;

	scene_start(&scene, &v6);
	assert_sources(scene.socket, &group4, &source6, scene.lo, -EINVAL);
	assert_sources(scene.socket, &group6, &source4, scene.lo, -EINVAL);
	assert_sources(scene.socket, &group6, &mapped4, scene.lo, -EINVAL);
	live_end(scene.engine);
}

Test(multicast, a_group_of_a_family_that_the_socket_cannot_reach_is_refused)
{
	struct hail_addr group4 = live_addr(v4.group, 0);
	struct hail_addr mapped4 = live_addr("::ffff:239.1.2.3", 0);
	struct hail_addr group6 = live_addr(v6.group, 0);
	struct hail_addr source4 = live_addr(v4.source, 0);
	struct hail_addr source6 = live_addr(v6.source, 0);
	struct live only6 = {0};
	struct scene scene;

	scene_start(&scene, &v4);
	assert_all(scene.socket, &group6, &source6, scene.lo, -EAFNOSUPPORT);
	assert_all(scene.socket, &mapped4, &source4, scene.lo, -EAFNOSUPPORT);
	live_open(&only6, scene.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr("::", 0),
				       .ipv6_only = true));
	assert_all(only6.socket, &group4, &source4, scene.lo, -EAFNOSUPPORT);
	assert_all(only6.socket, &mapped4, &source4, scene.lo, -EAFNOSUPPORT);
	cr_assert_eq(hail_multicast_join(only6.socket, &group6, scene.lo), 0);
	live_end(scene.engine);
}

Test(multicast, an_unknown_interface_is_told)
{
	const uint32_t unknown[] = {12345678, INT32_MAX, UINT32_MAX};
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		for (size_t i = 0; i < live_count(unknown); i++)
			assert_all(scene.socket, &scene.group, &scene.source,
				   unknown[i], -ENODEV);
		live_end(scene.engine);
	}
}

Test(multicast, without_a_route_the_kernel_finds_no_interface)
{
	struct scene scene;

	if (geteuid() != 0)
		cr_skip_test("only root may have a network without routes");
	for_each_family(family)
	{
		scene_start(&scene, family);
		assert_all(scene.socket, &scene.group, &scene.source, 0,
			   -ENODEV);
		live_end(scene.engine);
	}
}

Test(multicast, an_unknown_scope_of_a_group_is_told)
{
	struct scene scene;

	scene_start(&scene, &v6);
	scene.group = live_addr("ff12::1:3", 0);
	scene.group.v6.sin6_scope_id = 12345678;
	assert_all(scene.socket, &scene.group, &scene.source, 0, -ENODEV);
	scene.group.v6.sin6_scope_id = scene.lo;
	cr_assert_eq(hail_multicast_join(scene.socket, &scene.group, 0), 0);
	cr_assert_eq(join(&scene), -EADDRINUSE);
	cr_assert_eq(hail_multicast_leave(scene.socket, &scene.group, 0), 0);
	cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
	live_end(scene.engine);
}

Test(multicast, a_group_is_joined_once_and_left_once)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
		for (int round = 0; round < 3; round++) {
			cr_assert_eq(join(&scene), 0);
			cr_assert_eq(join(&scene), -EADDRINUSE);
			cr_assert_eq(leave(&scene), 0);
			cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
		}
		live_end(scene.engine);
	}
}

Test(multicast, ports_and_flow_labels_do_not_count)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		scene.group.v4.sin_port = htons(53);
		cr_assert_eq(join(&scene), 0);
		scene.group = live_addr(family->group, 0);
		if (scene.group.sa.sa_family == AF_INET6)
			scene.group.v6.sin6_flowinfo = htonl(5);
		cr_assert_eq(join(&scene), -EADDRINUSE);
		cr_assert_eq(leave(&scene), 0);
		live_end(scene.engine);
	}
}

Test(multicast, a_mapped_group_is_the_one_of_ipv4)
{
	struct scene scene;

	scene_start(&scene, &v4_of_dual);
	cr_assert_eq(join(&scene), 0);
	scene.group = live_addr("::ffff:239.1.2.3", 0);
	cr_assert_eq(join(&scene), -EADDRINUSE);
	scene.source = live_addr("::ffff:10.1.0.1", 0);
	cr_assert_eq(block(&scene, &scene.source), 0);
	scene.group = live_addr("239.1.2.3", 0);
	scene.source = live_addr("10.1.0.1", 0);
	cr_assert_eq(block(&scene, &scene.source), -EADDRINUSE);
	cr_assert_eq(leave(&scene), 0);
	live_end(scene.engine);
}

Test(multicast, a_dual_stack_socket_has_groups_of_both_families)
{
	struct hail_addr four = live_addr(v4.group, 0);
	struct scene scene;

	scene_start(&scene, &v6);
	cr_assert_eq(join(&scene), 0);
	cr_assert_eq(hail_multicast_join(scene.socket, &four, scene.lo), 0);
	cr_assert_eq(join(&scene), -EADDRINUSE);
	cr_assert_eq(leave(&scene), 0);
	cr_assert_eq(hail_multicast_leave(scene.socket, &four, scene.lo), 0);
	live_end(scene.engine);
}

Test(multicast, a_source_is_joined_once_and_left_once)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_eq(leave_source(&scene, &scene.source),
			     -EADDRNOTAVAIL);
		cr_assert_eq(join_source(&scene, &scene.source), 0);
		cr_assert_eq(join_source(&scene, &scene.source), -EADDRINUSE);
		cr_assert_eq(leave_source(&scene, &scene.second),
			     -EADDRNOTAVAIL);
		cr_assert_eq(join_source(&scene, &scene.second), 0);
		cr_assert_eq(leave_source(&scene, &scene.source), 0);
		cr_assert_eq(leave_source(&scene, &scene.source),
			     -EADDRNOTAVAIL);
		cr_assert_eq(leave_source(&scene, &scene.second), 0);
		cr_assert_eq(leave_source(&scene, &scene.second),
			     -EADDRNOTAVAIL);
		/* With the last source the group is left. */
		cr_assert_eq(join(&scene), 0);
		live_end(scene.engine);
	}
}

Test(multicast, a_source_is_blocked_once_and_unblocked_once)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		assert_sources(scene.socket, &scene.group, NULL, scene.lo,
			       -EINVAL);
		cr_assert_eq(block(&scene, &scene.source), -EADDRNOTAVAIL);
		cr_assert_eq(unblock(&scene, &scene.source), -EADDRNOTAVAIL);
		cr_assert_eq(join(&scene), 0);
		cr_assert_eq(unblock(&scene, &scene.source), -EADDRNOTAVAIL);
		cr_assert_eq(block(&scene, &scene.source), 0);
		cr_assert_eq(block(&scene, &scene.source), -EADDRINUSE);
		cr_assert_eq(block(&scene, &scene.second), 0);
		cr_assert_eq(unblock(&scene, &scene.source), 0);
		cr_assert_eq(unblock(&scene, &scene.source), -EADDRNOTAVAIL);
		cr_assert_eq(leave(&scene), 0);
		cr_assert_eq(unblock(&scene, &scene.second), -EADDRNOTAVAIL);
		live_end(scene.engine);
	}
}

/* Where no source is blocked Linux would take it, and hear no others. */
static void assert_any_stays_any(const struct scene *scene)
{
	cr_assert_eq(join_source(scene, &scene->source), -EINVAL);
	cr_assert_eq(leave_source(scene, &scene->source), -EINVAL);
	cr_assert_eq(join_source(scene, &scene->second), -EINVAL);
	cr_assert_eq(leave_source(scene, &scene->second), -EINVAL);
	cr_assert_eq(join(scene), -EADDRINUSE);
}

Test(multicast, a_group_joined_for_any_source_takes_no_single_ones)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_eq(join(&scene), 0);
		assert_any_stays_any(&scene);
		cr_assert_eq(block(&scene, &scene.source), 0);
		assert_any_stays_any(&scene);
		cr_assert_eq(unblock(&scene, &scene.source), 0);
		assert_any_stays_any(&scene);
		cr_assert_eq(leave(&scene), 0);
		live_end(scene.engine);
	}
}

Test(multicast, a_group_joined_for_single_sources_takes_nothing_of_any)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_eq(join_source(&scene, &scene.source), 0);
		cr_assert_eq(join(&scene), -EINVAL);
		cr_assert_eq(block(&scene, &scene.source), -EINVAL);
		cr_assert_eq(block(&scene, &scene.second), -EINVAL);
		cr_assert_eq(unblock(&scene, &scene.source), -EINVAL);
		cr_assert_eq(unblock(&scene, &scene.second), -EINVAL);
		cr_assert_eq(join_source(&scene, &scene.source), -EADDRINUSE);
		cr_assert_eq(leave_source(&scene, &scene.source), 0);
		cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
		live_end(scene.engine);
	}
}

Test(multicast, leaving_a_group_leaves_all_its_sources)
{
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_eq(join_source(&scene, &scene.source), 0);
		cr_assert_eq(join_source(&scene, &scene.second), 0);
		cr_assert_eq(leave(&scene), 0);
		cr_assert_eq(leave_source(&scene, &scene.source),
			     -EADDRNOTAVAIL);
		cr_assert_eq(join(&scene), 0);
		live_end(scene.engine);
	}
}

/* One of 65535 addresses that differ in their last two bytes. */
static struct hail_addr numbered(const char *first, unsigned number)
{
	struct hail_addr addr = live_addr(first, 0);
	uint8_t *last = addr.sa.sa_family == AF_INET
				? (uint8_t *)&addr.v4.sin_addr + 2
				: addr.v6.sin6_addr.s6_addr + 14;

	last[0] = (uint8_t)(number >> 8);
	last[1] = (uint8_t)(number + 1);
	return addr;
}

/* Joins groups until the kernel takes no more; returns how many it took. */
static unsigned fill(const struct scene *scene, const struct family *family)
{
	unsigned joined;
	int err = 0;

	for (joined = 0; joined < JOINS_MAX; joined++) {
		struct hail_addr group = numbered(family->groups, joined);

		err = hail_multicast_join(scene->socket, &group, scene->lo);
		if (err)
			break;
	}
	cr_assert_eq(err, -ENOBUFS, "after %u: %d", joined, err);
	return joined;
}

Test(multicast, more_groups_than_the_system_allows_are_refused)
{
	struct hail_addr first;
	struct scene scene;

	for_each_family(family)
	{
		scene_start(&scene, family);
		cr_assert_gt(fill(&scene, family), 1);
		first = numbered(family->groups, 0);
		cr_assert_eq(
			hail_multicast_leave(scene.socket, &first, scene.lo),
			0);
		cr_assert_eq(join(&scene), 0);
		live_end(scene.engine);
	}
}

Test(multicast, more_sources_than_the_system_allows_are_refused)
{
	struct scene scene;

	for_each_family(family)
	{
		struct hail_addr source;
		unsigned joined = 0;
		int err;

		scene_start(&scene, family);
		do {
			source = numbered(family->sources, joined++);
			err = join_source(&scene, &source);
		} while (!err && joined < JOINS_MAX);
		cr_assert_eq(err, -ENOBUFS, "after %u: %d", joined, err);
		cr_assert_gt(joined, 2);
		source = numbered(family->sources, 0);
		cr_assert_eq(leave_source(&scene, &source), 0);
		cr_assert_eq(join_source(&scene, &scene.source), 0);
		live_end(scene.engine);
	}
}

/* There is room for the group and none for its source: what the kernel leaves
 * behind then is a group that is heard from nobody. */
Test(multicast, a_source_that_finds_no_memory_leaves_nothing_joined)
{
	struct hail_addr first = numbered(v6.groups, 0);
	struct scene scene;

	scene_start(&scene, &v6);
	fill(&scene, &v6);
	cr_assert_eq(hail_multicast_leave(scene.socket, &first, scene.lo), 0);
	cr_assert_eq(join_source(&scene, &scene.source), -ENOBUFS);
	cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
	cr_assert_eq(join(&scene), 0);
	live_end(scene.engine);
}

static void join_in_close(struct live *live)
{
	const struct scene *scene = live->arg;

	assert_all(live->socket, &scene->group, &scene->source, scene->lo,
		   -EBADF);
}

Test(multicast, a_closed_socket_joins_nothing)
{
	struct scene scene;

	scene_start(&scene, &v4);
	scene.live.arg = &scene;
	scene.live.on_close = join_in_close;
	cr_assert_eq(hail_socket_close(scene.socket), 0);
	assert_all(scene.socket, &scene.group, &scene.source, scene.lo, -EBADF);
	live_until(scene.engine, scene.live.closes == 1);
	live_end(scene.engine);
}

static void *refused_elsewhere(void *arg)
{
	struct scene *scene = arg;

	assert_all(scene->socket, &scene->group, &scene->source, scene->lo,
		   -EPERM);
	return NULL;
}

Test(multicast, another_thread_is_refused)
{
	struct scene scene;
	pthread_t thread;

	scene_start(&scene, &v4);
	cr_assert_eq(pthread_create(&thread, NULL, refused_elsewhere, &scene),
		     0);
	pthread_join(thread, NULL);
	cr_assert_eq(leave(&scene), -EADDRNOTAVAIL);
	live_end(scene.engine);
}
