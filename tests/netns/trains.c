/* SPDX-License-Identifier: MIT */
/* trains.c: trains on ways that are too narrow for their messages, or on
 * devices that can't cut: all that may arrive does, in order, and what can't is
 * told once. */
#include "router.h"

TestSuite(netns_trains, .timeout = 90);

#define WIDE 1500
#define NARROW 1300
#define ABOVE 2000 /* bytes of a message that no device here takes whole */
#define BATCH_MAX 40
#define SIZE_MAX_HERE 4000

/* A socket of hail's, and a plain one that it sends numbered datagrams to. */
struct track {
	struct pair pair;
	struct live live;
	struct hail_addr remote;
	struct arrivals arrivals;
	int fd;
	uint32_t sent;
};

static void open_socket(struct track *track, uint32_t path_mtu)
{
	bool six = track->remote.sa.sa_family == AF_INET6;

	live_open(&track->live, track->pair.engine,
		  &HAIL_SOCKET_OPTIONS(.local = live_addr(
					       six ? "::" : "0.0.0.0", 0),
				       .path_mtu = path_mtu));
}

static void start(struct track *track, const char *far_ip, uint32_t path_mtu)
{
	memset(track, 0, sizeof(*track));
	pair_start(&track->pair, NULL, (const char *const[]){"ethtool", NULL});
	track->fd = pair_far(&track->pair, far_ip, 0, &track->remote);
	open_socket(track, path_mtu);
}

static void end(struct track *track)
{
	close(track->fd);
	pair_end(&track->pair);
}

static void send_sizes(struct track *track, const size_t *sizes, uint32_t count)
{
	static unsigned char bytes[BATCH_MAX][SIZE_MAX_HERE];
	struct hail_message messages[BATCH_MAX];

	cr_assert_leq(count, BATCH_MAX);
	for (uint32_t i = 0; i < count; i++) {
		numbered_write(bytes[i], sizes[i], 0, track->sent++);
		messages[i] = (struct hail_message){bytes[i], sizes[i],
						    &track->remote};
	}
	cr_assert_eq(hail_send_many(track->live.socket, messages, count),
		     count);
}

static void send_equal(struct track *track, uint32_t count, size_t size)
{
	size_t sizes[BATCH_MAX];

	for (uint32_t i = 0; i < count; i++)
		sizes[i] = size;
	send_sizes(track, sizes, count);
}

/* So many of those that were sent have come, and none twice or late. */
static void assert_arrived(struct track *track, uint32_t count)
{
	pair_read_all(track->fd, &track->remote, &track->arrivals);
	cr_assert_eq(track->arrivals.corrupt, 0);
	cr_assert_eq(track->arrivals.disorder, 0, "%u came late",
		     track->arrivals.disorder);
	cr_assert_eq(track->arrivals.count[0], count, "%u, not %u",
		     track->arrivals.count[0], count);
}

static struct hail_traffic traffic(const struct track *track)
{
	return live_traffic(&track->live);
}

/* ---- Too long for the device ---- */

static void assert_fragments(const char *ip)
{
	struct track track;

	start(&track, ip, HAIL_PATH_MTU_WANT);
	send_equal(&track, 8, ABOVE);
	assert_arrived(&track, 8);
	cr_assert_eq(traffic(&track).train_refused, 1);
	cr_assert_eq(traffic(&track).trains, 0);
	send_equal(&track, 8, ABOVE);
	assert_arrived(&track, 16);
	cr_assert_eq(traffic(&track).train_refused, 1, "it was tried at once");
	send_equal(&track, 8, 1200);
	assert_arrived(&track, 24);
	cr_assert_eq(traffic(&track).trains, 1);
	live_settle(track.pair.engine);
	cr_assert_eq(track.live.errors, 0);
	end(&track);
}

Test(netns_trains, too_long_for_the_device_leave_as_fragments)
{
	assert_fragments(FAR_V4);
	assert_fragments(FAR_V6);
}

/* The kernel takes what is shorter than the segment that it bears. */
static void assert_nothing_passes(const char *ip)
{
	static const size_t sizes[] = {ABOVE, 3000, 3000, 500,  50, 3000,
				       3000,  1000, 1000, 1000, 50, 3500};
	struct track track;

	for (uint32_t first = 0; first < live_count(sizes) - 2; first++) {
		start(&track, ip, HAIL_PATH_MTU_WANT);
		send_sizes(&track, sizes + first,
			   (uint32_t)live_count(sizes) - first);
		assert_arrived(&track, track.sent);
		end(&track);
	}
}

Test(netns_trains, that_are_refused_are_not_overtaken_in_ipv4)
{
	assert_nothing_passes(FAR_V4);
}

Test(netns_trains, that_are_refused_are_not_overtaken_in_ipv6)
{
	assert_nothing_passes(FAR_V6);
}

static void send_inside(struct live *live)
{
	static const size_t sizes[] = {3000, 3000, 500, 50, 50, 3000, 3000, 60};

	send_sizes(live->arg, sizes, live_count(sizes));
}

Test(netns_trains, that_are_refused_are_not_overtaken_from_handlers)
{
	static const char *const ips[] = {FAR_V4, FAR_V6};
	struct track track;

	for (size_t i = 0; i < live_count(ips); i++) {
		start(&track, ips[i], HAIL_PATH_MTU_WANT);
		track.live.arg = &track;
		live_inside(&track.live, send_inside);
		assert_arrived(&track, 8);
		cr_assert_gt(traffic(&track).train_refused, 0);
		end(&track);
	}
}

static void assert_told_once(const char *ip)
{
	static const size_t sizes[] = {ABOVE, ABOVE, ABOVE, 1200,
				       1200,  1200,  ABOVE, 100};
	struct track track;

	start(&track, ip, HAIL_PATH_MTU_PROBE);
	send_sizes(&track, sizes, live_count(sizes));
	live_settle(track.pair.engine);
	cr_assert_eq(track.live.errors, 4);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(track.live.error[i].code, -EMSGSIZE);
		cr_assert_eq(track.live.error[i].kind, HAIL_ERROR_SEND);
		cr_assert_eq(track.live.error[i].size, ABOVE);
	}
	cr_assert_eq(traffic(&track).failed, 4);
	assert_arrived(&track, 4);
	end(&track);
}

Test(netns_trains, too_long_for_a_socket_that_probes_are_each_told_once)
{
	assert_told_once(FAR_V4);
	assert_told_once(FAR_V6);
}

/* ---- Devices ---- */

Test(netns_trains, pass_a_device_that_does_nothing_for_them)
{
	static const char *const ips[] = {FAR_V4, FAR_V6};
	struct track track;

	for (size_t i = 0; i < live_count(ips); i++) {
		start(&track, ips[i], 0);
		pair_run(track.pair.near,
			 "ethtool -K near tso off gso off tx off sg off "
			 ">/dev/null");
		for (int round = 0; round < 10; round++) {
			send_equal(&track, 30, 1200);
			send_equal(&track, 30, 100);
			assert_arrived(&track, track.sent);
		}
		cr_assert_eq(track.live.errors, 0);
		end(&track);
	}
}

/* ---- Ways that grow narrow ---- */

static uint32_t mtu_of(struct track *track)
{
	uint32_t mtu = 0;

	cr_assert_eq(
		hail_socket_path_mtu(track->live.socket, &track->remote, &mtu),
		0);
	return mtu;
}

/* The first to find the way narrow are lost on the network, and the kernel
 * learns of it. In IPv4 routers cut trains, since such as are longer than the
 * way's MTU as a whole leave without "don't fragment". Returns how many were
 * lost. */
static uint32_t learn(struct track *track, bool six)
{
	send_equal(track, 10, 1400);
	cr_assert_eq(traffic(track).trains, 1);
	if (!six) {
		assert_arrived(track, 10);
		send_equal(track, 1, 1400);
	}
	live_until(track->pair.engine, mtu_of(track) == NARROW);
	return six ? 10 : 1;
}

/* Behind the far end there is a narrower link. From when the kernel has learned
 * of it nothing is lost. */
static void assert_shrinks(const char *ip)
{
	struct track track;
	uint32_t lost;
	int beyond;

	memset(&track, 0, sizeof(track));
	pair_start(&track.pair, NULL, NULL);
	router_start(&track.pair);
	beyond = router_open_beyond(&track.pair, NARROW);
	track.fd = far_open(beyond, ip, 0, &track.remote);
	cr_assert_geq(track.fd, 0);
	open_socket(&track, HAIL_PATH_MTU_WANT);
	cr_assert_eq(mtu_of(&track), WIDE);
	lost = learn(&track, track.remote.sa.sa_family == AF_INET6);
	for (int round = 0; round < 5; round++) {
		send_equal(&track, 10, 1400);
		send_equal(&track, 10, 1000);
		assert_arrived(&track, track.sent - lost);
	}
	cr_assert_eq(traffic(&track).train_refused, 1);
	cr_assert_eq(traffic(&track).trains, 1 + 5);
	cr_assert_eq(track.live.errors, 0);
	close(beyond);
	end(&track);
}

Test(netns_trains, lose_nothing_when_the_way_has_grown_narrow_in_ipv4)
{
	assert_shrinks(BEYOND_V4);
}

Test(netns_trains, lose_nothing_when_the_way_has_grown_narrow_in_ipv6)
{
	assert_shrinks(BEYOND_V6);
}
