/* SPDX-License-Identifier: MIT */
/* trains.c: what leaves as a train arrives as the datagrams that it was made
 * of, at plain receivers and at such as coalesce. */
#include "support/live.h"
#include "support/numbered.h"

#include <netinet/udp.h>

#define MESSAGES_MAX 400
#define SIZE_MAX_HERE 32753
#define RECEIVE_BUFFER (4 << 20)

TestSuite(trains, .timeout = 90);

/* A socket of hail's, and plain ones that it sends numbered datagrams to. */
#define SINKS 4
struct yard {
	struct hail_engine *engine;
	struct live live;
	int fds[SINKS];
	struct hail_addr remotes[SINKS];
	uint32_t sent[SINKS], read[SINKS];
	bool connected; /* to the first: messages name no remote */
};

static unsigned char bytes[MESSAGES_MAX][SIZE_MAX_HERE];

static void start(struct yard *yard, const char *local, const char *far,
		  const char *named, struct hail_socket_options options)
{
	options.local = live_addr(local, 0);
	memset(yard, 0, sizeof(*yard));
	yard->engine = live_engine(NULL);
	for (int i = 0; i < SINKS; i++) {
		yard->fds[i] = plain_open(far, RECEIVE_BUFFER);
		cr_assert_geq(yard->fds[i], 0);
		yard->remotes[i] = live_addr(named, plain_port(yard->fds[i]));
	}
	live_open(&yard->live, yard->engine, &options);
	live_settle(yard->engine);
}

static void start_v4(struct yard *yard)
{
	start(yard, "127.0.0.1", "127.0.0.1", "127.0.0.1",
	      HAIL_SOCKET_OPTIONS(.window = 0));
}

static void end(struct yard *yard)
{
	for (int i = 0; i < SINKS; i++) {
		cr_assert(plain_silent(yard->fds[i]));
		close(yard->fds[i]);
	}
	cr_assert_eq(yard->live.errors, 0);
	live_end(yard->engine);
}

/* The next message to a sink. */
static struct hail_message next(struct yard *yard, uint32_t at, uint32_t sink,
				size_t size)
{
	cr_assert_leq(size, SIZE_MAX_HERE);
	numbered_write(bytes[at], size, sink, yard->sent[sink]++);
	return (struct hail_message){
		bytes[at], size, yard->connected ? NULL : &yard->remotes[sink]};
}

static void offer(struct yard *yard, const struct hail_message *messages,
		  size_t count)
{
	cr_assert_eq(hail_send_many(yard->live.socket, messages, count), count);
	memset(bytes, 0xdd, count * SIZE_MAX_HERE);
}

static void send_equal(struct yard *yard, uint32_t count, size_t size,
		       size_t last)
{
	static struct hail_message messages[MESSAGES_MAX];

	for (uint32_t i = 0; i < count; i++)
		messages[i] = next(yard, i, 0, i + 1 < count ? size : last);
	offer(yard, messages, count);
}

/* Each datagram whole and in order; all that were sent. */
static void read_all(struct yard *yard)
{
	static unsigned char data[65536];

	for (uint32_t i = 0; i < SINKS; i++) {
		for (; yard->read[i] < yard->sent[i]; yard->read[i]++) {
			ssize_t size =
				plain_receive(yard->fds[i], data, sizeof(data));
			uint32_t sink, number;

			cr_assert_geq(size, 0, "%u of %u: %zd", yard->read[i],
				      yard->sent[i], size);
			cr_assert(numbered_read(data, (size_t)size, &sink,
						&number));
			cr_assert_eq(sink, i);
			cr_assert_eq(number, yard->read[i]);
		}
	}
}

static uint64_t trains(const struct yard *yard)
{
	return live_traffic(&yard->live).trains;
}

/* ---- What arrives ---- */

static void assert_sizes(struct yard *yard)
{
	static const size_t sizes[] = {8,    9,    160,  1000,  1232,
				       1472, 2048, 9000, 32753, 511};

	for (size_t i = 0; i < live_count(sizes); i++) {
		size_t size = sizes[i];

		send_equal(yard, 2, size, size);
		send_equal(yard, 2, size, NUMBERED_MIN);
		send_equal(yard, 3, size, size);
		send_equal(yard, 7, size, NUMBERED_MIN + size / 2);
		read_all(yard);
	}
	cr_assert_gt(trains(yard), 4 * live_count(sizes) - 1);
	cr_assert_eq(live_traffic(&yard->live).train_refused, 0);
}

Test(trains, arrive_as_the_datagrams_that_they_were_made_of)
{
	static const char *const ways[][3] = {
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"::1", "::1", "::1"},
		{"::", "127.0.0.1", "::ffff:127.0.0.1"},
		{"::", "127.0.0.1", "127.0.0.1"},
	};
	struct yard yard;

	for (size_t i = 0; i < live_count(ways); i++) {
		start(&yard, ways[i][0], ways[i][1], ways[i][2],
		      HAIL_SOCKET_OPTIONS(.window = 0));
		assert_sizes(&yard);
		end(&yard);
	}
}

Test(trains, arrive_from_a_connected_socket_too)
{
	static const char *const ips[] = {"127.0.0.1", "::1"};
	struct yard yard;

	for (size_t i = 0; i < live_count(ips); i++) {
		start(&yard, ips[i], ips[i], ips[i],
		      HAIL_SOCKET_OPTIONS(.window = 0));
		cr_assert_eq(
			hail_socket_connect(yard.live.socket, &yard.remotes[0]),
			0);
		yard.connected = true;
		assert_sizes(&yard);
		end(&yard);
	}
}

/* One reception with UDP_GRO: how many bytes, and in pieces of which size. */
static size_t receive_coalesced(int fd, int *segment)
{
	static unsigned char data[65536];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {data, sizeof(data)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(fd, &message, 0);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

	cr_assert_geq(size, 0);
	*segment = 0;
	if (cmsg && cmsg->cmsg_level == IPPROTO_UDP &&
	    cmsg->cmsg_type == UDP_GRO)
		memcpy(segment, CMSG_DATA(cmsg), sizeof(*segment));
	return (size_t)size;
}

Test(trains, arrive_as_one_piece_where_the_receiver_coalesces)
{
	const int on = 1;
	struct yard yard;
	int segment;

	start_v4(&yard);
	cr_assert_eq(
		setsockopt(yard.fds[0], IPPROTO_UDP, UDP_GRO, &on, sizeof(on)),
		0);
	send_equal(&yard, 64, 160, 100);
	cr_assert_eq(receive_coalesced(yard.fds[0], &segment), 63 * 160 + 100);
	cr_assert_eq(segment, 160);
	send_equal(&yard, 1, 160, 160);
	cr_assert_eq(receive_coalesced(yard.fds[0], &segment), 160);
	cr_assert_eq(segment, 0);
	end(&yard);
}

Test(trains, leave_empty_datagrams_where_they_are)
{
	static const size_t sizes[] = {8, 8, 0, 8, 8, 0, 0, 8};
	struct hail_message messages[live_count(sizes)];
	unsigned char data[16];
	struct yard yard;

	start_v4(&yard);
	for (size_t i = 0; i < live_count(sizes); i++)
		messages[i] = (struct hail_message){"12345678", sizes[i],
						    &yard.remotes[0]};
	offer(&yard, messages, live_count(sizes));
	for (size_t i = 0; i < live_count(sizes); i++)
		cr_assert_eq(plain_receive(yard.fds[0], data, sizeof(data)),
			     sizes[i]);
	cr_assert_eq(trains(&yard), 2);
	end(&yard);
}

/* ---- How much rides in one ---- */

Test(trains, are_of_128_messages_at_most)
{
	static const uint32_t counts[] = {128, 129, 300};
	static const uint64_t made[] = {1, 1, 3};
	struct yard yard;

	for (size_t i = 0; i < live_count(counts); i++) {
		start_v4(&yard);
		send_equal(&yard, counts[i], 40, 40);
		read_all(&yard);
		cr_assert_eq(trains(&yard), made[i]);
		cr_assert_eq(live_traffic(&yard.live).train_refused, 0);
		end(&yard);
	}
}

static void assert_bytes(const char *ip, size_t limit)
{
	size_t third = limit / 3;
	struct yard yard;

	start(&yard, ip, ip, ip, HAIL_SOCKET_OPTIONS(.window = 0));
	send_equal(&yard, 3, third, limit - 2 * third - (limit % 3));
	send_equal(&yard, 4, third, third);
	read_all(&yard);
	cr_assert_eq(trains(&yard), 2);
	cr_assert_eq(live_traffic(&yard.live).train_sent, 6);
	cr_assert_eq(live_traffic(&yard.live).train_refused, 0);
	end(&yard);
}

Test(trains, are_of_as_many_bytes_as_a_datagram)
{
	assert_bytes("127.0.0.1", 65507);
	assert_bytes("::1", 65527);
}

/* ---- Costs ---- */

static void fill_mix(struct yard *yard, struct hail_message *messages)
{
	static const size_t sizes[] = {100, 160, 240, 1200};

	for (uint32_t i = 0; i < 128; i++)
		messages[i] = next(yard, i, i % 3 ? i % SINKS : i / 3 % SINKS,
				   sizes[i / 32]);
}

Test(trains, and_all_that_is_between_them_are_one_enter)
{
	struct hail_engine_stats before, after;
	struct hail_message messages[128];
	struct yard yard;

	start_v4(&yard);
	for (int round = 0; round < 3; round++) {
		fill_mix(&yard, messages);
		before = live_stats(yard.engine);
		offer(&yard, messages, 128);
		after = live_stats(yard.engine);
		cr_assert_eq(after.enters, before.enters + 1);
		cr_assert_eq(after.submissions, before.submissions + 16);
		read_all(&yard);
	}
	end(&yard);
}

Test(trains, are_not_made_where_they_are_unwanted)
{
	struct hail_engine_stats before, after;
	struct yard yard;

	start(&yard, "127.0.0.1", "127.0.0.1", "127.0.0.1",
	      HAIL_SOCKET_OPTIONS(.no_trains = true));
	before = live_stats(yard.engine);
	send_equal(&yard, 64, 160, 160);
	after = live_stats(yard.engine);
	cr_assert_eq(after.submissions, before.submissions + 64);
	cr_assert_eq(trains(&yard), 0);
	read_all(&yard);
	end(&yard);
}

/* ---- From handlers ---- */

static void send_inside(struct live *live)
{
	struct yard *yard = live->arg;

	for (int i = 0; i < 10; i++) {
		struct hail_message message = next(yard, 0, 0, 200);

		cr_assert_eq(hail_send(live->socket, message.data, message.size,
				       message.remote),
			     0);
		send_equal(yard, 5, 200, 200);
		memset(bytes[0], 0xdd, SIZE_MAX_HERE);
	}
}

Test(trains, are_made_of_what_handlers_send)
{
	struct yard yard;

	start_v4(&yard);
	yard.live.arg = &yard;
	live_inside(&yard.live, send_inside);
	read_all(&yard);
	cr_assert_eq(trains(&yard), 1);
	cr_assert_eq(live_traffic(&yard.live).train_sent, 60);
	end(&yard);
}

/* ---- Forwarding ---- */

static void forward(struct live *live, const struct hail_datagram *batch,
		    size_t count)
{
	struct yard *yard = live->arg;
	struct hail_message messages[128];

	cr_assert_leq(count, live_count(messages));
	for (size_t i = 0; i < count; i++)
		messages[i] = (struct hail_message){
			batch[i].data, batch[i].size, &yard->remotes[0]};
	yard->sent[0] += (uint32_t)count;
	cr_assert_eq(hail_send_many(live->socket, messages, count), count);
}

/* A train comes, is cut into its datagrams, and goes on as a train, each byte
 * still where the kernel wrote it. */
static void assert_forwarded(bool coalesce)
{
	static unsigned char data[64 * 160];
	struct yard yard;
	int fd = live_plain();

	start(&yard, "127.0.0.1", "127.0.0.1", "127.0.0.1",
	      HAIL_SOCKET_OPTIONS(.coalesce = coalesce));
	yard.live.arg = &yard;
	yard.live.on_data = forward;
	for (uint32_t i = 0; i < 64; i++)
		numbered_write(data + (size_t)i * 160, 160, 0, i);
	cr_assert(plain_send_train(fd, data, sizeof(data), 160,
				   live_port(&yard.live)));
	live_until(yard.engine, yard.live.datagrams == 64);
	live_settle(yard.engine);
	read_all(&yard);
	cr_assert_gt(trains(&yard), 0);
	close(fd);
	end(&yard);
}

Test(trains, go_on_as_they_came)
{
	assert_forwarded(true);
}

Test(trains, are_made_of_what_came_singly)
{
	assert_forwarded(false);
}

static struct hail_datagram kept[8];
static size_t kept_count;

static void keep(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	(void)live;
	for (size_t i = 0; i < count; i++) {
		kept[kept_count++] = batch[i];
		hail_buffer_retain(batch[i].buffer);
	}
}

Test(trains, are_made_of_buffers_that_were_retained)
{
	struct hail_message messages[8];
	unsigned char data[100];
	struct yard yard;
	int fd = live_plain();

	start_v4(&yard);
	yard.live.on_data = keep;
	for (uint32_t i = 0; i < 8; i++) {
		numbered_write(data, sizeof(data), 0, i);
		cr_assert(plain_send(fd, data, sizeof(data),
				     live_port(&yard.live)));
	}
	live_until(yard.engine, kept_count == 8);
	for (size_t i = 0; i < 8; i++)
		messages[i] = (struct hail_message){kept[i].data, kept[i].size,
						    &yard.remotes[0]};
	yard.sent[0] = 8;
	cr_assert_eq(hail_send_many(yard.live.socket, messages, 8), 8);
	read_all(&yard);
	cr_assert_eq(trains(&yard), 1);
	for (size_t i = 0; i < 8; i++)
		hail_buffer_release(kept[i].buffer);
	close(fd);
	end(&yard);
}
