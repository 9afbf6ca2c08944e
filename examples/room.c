/* SPDX-License-Identifier: MIT */
/* room.c: a voice room. Whoever sends hears everyone else; who is silent for a
 * while has left. What comes in is sent on from the memory that it came in. */
#include "example.h"

#include <signal.h>

enum { MEMBERS_MAX = 64, BATCH = 16, SECOND = 1000000000 };

struct member {
	struct hail_addr remote;
	struct hail_peer *peer; /* makes sending cheaper; or NULL */
	uint64_t heard;
};

static struct hail_engine *engine;
static struct hail_socket *room;
static struct member members[MEMBERS_MAX];
static size_t member_count;
static unsigned long patience = 30; /* seconds */
static unsigned long dropped;

static void on_signal(int number)
{
	(void)number;
	hail_engine_stop(engine);
}

static void report(const struct member *member, const char *what)
{
	char text[HAIL_ADDR_TEXT_MAX];

	hail_addr_format(&member->remote, text, sizeof(text));
	printf("%s %s\n", text, what);
	fflush(stdout);
}

/* Who has sent; NULL: the room is full. */
static struct member *find_member(const struct hail_addr *remote)
{
	struct member *member = members;

	for (; member < members + member_count; member++)
		if (hail_addr_equal(&member->remote, remote))
			break;
	if (member == members + MEMBERS_MAX)
		return NULL;
	if (member == members + member_count) {
		*member = (struct member){.remote = *remote};
		hail_peer_open(&member->peer, room, remote);
		report(member, "came");
		member_count++;
	}
	member->heard = hail_engine_now(engine);
	return member;
}

static void each_second(struct hail_timer *timer, void *user)
{
	uint64_t now = hail_engine_now(engine);

	(void)timer;
	(void)user;
	for (size_t m = member_count; m-- > 0;) {
		if (now - members[m].heard < (uint64_t)patience * SECOND)
			continue;
		report(&members[m], "left");
		hail_peer_close(members[m].peer);
		members[m] = members[--member_count];
	}
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	static struct hail_message out[BATCH * MEMBERS_MAX];
	ssize_t taken;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct hail_message copy = {batch[i].data, batch[i].size, NULL};
		struct member *from = find_member(&batch[i].remote), *to;

		for (to = members; from && to < members + member_count; to++) {
			copy.remote = &to->remote;
			if (to != from)
				out[n++] = copy;
		}
	}
	/* Voice that can't leave now is of no use later. */
	taken = hail_send_many(socket, out, n);
	dropped += taken > 0 ? n - (size_t)taken : n;
}

int main(int argc, char **argv)
{
	struct hail_socket_options options =
		HAIL_SOCKET_OPTIONS(.handlers.data = on_data,
				    .window = BATCH * MEMBERS_MAX);
	struct hail_timer *timer;

	if (argc > 2 || (argc > 1 && !read_number(argv[1], 86400, &patience))) {
		fprintf(stderr, "usage: room [SECONDS]\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	check_engine(hail_engine_create(&engine,
					&HAIL_ENGINE_OPTIONS(.budget = BATCH)));
	check(hail_socket_open(&room, engine, &options), "socket");
	check(hail_timer_create(&timer, engine, each_second, NULL), "timer");
	check(hail_timer_start(timer, SECOND, SECOND), "timer");
	print_local(room);
	check(hail_engine_run(engine), "run");
	printf("dropped %lu\n", dropped);
	check(hail_engine_destroy(engine), "destroy");
	return EXIT_SUCCESS;
}
