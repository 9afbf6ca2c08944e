/* SPDX-License-Identifier: MIT */
/* handlers.c: inside every handler a socket can be closed, its user's memory
 * freed, another opened on the same port, and datagrams sent; turning, running
 * and destroying the engine there is refused. */
#include "support/live.h"

enum where { IN_DATA, IN_DRAIN, IN_ERROR, IN_CLOSE, IN_TIMER, IN_POST, WHERES };

static const char *const names[WHERES] = {"data",  "drain", "error",
					  "close", "timer", "post"};

/* One that does everything at once, the first time it is called. */
struct act {
	enum where where;
	struct hail_engine *engine;
	struct hail_socket *socket;
	struct hail_timer *timer;
	struct hail_addr local;
	struct hail_addr peer;
	unsigned calls, closes;
	void (*deed)(struct act *act);
};

static void go(struct act *act, enum where where)
{
	if (act->where == where && !act->calls++)
		act->deed(act);
}

static void act_data(struct hail_socket *socket,
		     const struct hail_datagram *batch, size_t count)
{
	(void)batch;
	(void)count;
	go(hail_socket_user(socket), IN_DATA);
}

static void act_drain(struct hail_socket *socket)
{
	go(hail_socket_user(socket), IN_DRAIN);
}

static void act_error(struct hail_socket *socket,
		      const struct hail_error *error)
{
	(void)error;
	go(hail_socket_user(socket), IN_ERROR);
}

static void act_close(struct hail_socket *socket)
{
	struct act *act = hail_socket_user(socket);

	act->closes++;
	go(act, IN_CLOSE);
}

static void act_timer(struct hail_timer *timer, void *user)
{
	(void)timer;
	go(user, IN_TIMER);
}

static void act_post(struct hail_engine *engine, void *arg)
{
	(void)engine;
	go(arg, IN_POST);
}

static const struct hail_handlers act_handlers = {
	.data = act_data,
	.drain = act_drain,
	.error = act_error,
	.close = act_close,
};

/* Two sends in a handler where the window holds one: drain is owed. */
static void refuse(struct hail_engine *engine, void *arg)
{
	struct act *act = arg;

	(void)engine;
	cr_assert_eq(hail_send(act->socket, "x", 1, &act->peer), 0);
	cr_assert_eq(hail_send(act->socket, "x", 1, &act->peer), -EAGAIN);
}

/* Brings the handler about; `fd` is the peer. */
static void provoke(struct act *act, int fd)
{
	static struct hail_addr everybody;
	struct hail_message message = {"x", 1, &everybody};

	everybody = live_addr("127.255.255.255", 9);
	switch (act->where) {
	case IN_DATA:
		live_plain_send(fd, "go", hail_addr_port(&act->local));
		break;
	case IN_DRAIN:
		hail_engine_post(act->engine, refuse, act);
		break;
	case IN_ERROR:
		cr_assert_eq(hail_send_many(act->socket, &message, 1), 1);
		break;
	case IN_CLOSE:
		hail_socket_close(act->socket);
		break;
	case IN_TIMER:
		hail_timer_start(act->timer, 1, 0);
		break;
	default:
		hail_engine_post(act->engine, act_post, act);
	}
}

static struct act *start(enum where where, int fd, void (*deed)(struct act *))
{
	struct act *act = calloc(1, sizeof(*act));

	cr_assert_not_null(act);
	act->where = where;
	act->deed = deed;
	act->engine = live_engine(NULL);
	act->peer = live_v4(plain_port(fd));
	cr_assert_eq(
		hail_socket_open(&act->socket, act->engine,
				 &HAIL_SOCKET_OPTIONS(.local = live_v4(0),
						      .window = 1,
						      .handlers = act_handlers,
						      .user = act)),
		0);
	cr_assert_eq(hail_socket_local(act->socket, &act->local), 0);
	cr_assert_eq(
		hail_timer_create(&act->timer, act->engine, act_timer, act), 0);
	live_settle(act->engine);
	return act;
}

/* Every handler in turn does the deed; `check` looks at what came of it. */
static void in_every_handler(void (*deed)(struct act *),
			     void (*check)(struct act *, int fd))
{
	for (enum where where = 0; where < WHERES; where++) {
		int fd = live_plain();
		struct act *act = start(where, fd, deed);
		struct hail_engine *engine = act->engine;

		provoke(act, fd);
		live_until(engine, act->calls);
		live_settle(engine);
		check(act, fd);
		free(act);
		live_end(engine);
		close(fd);
	}
}

static void close_twice(struct act *act)
{
	cr_assert_eq(hail_socket_close(act->socket), 0);
	cr_assert_eq(hail_socket_close(act->socket), 0);
}

static void check_closed(struct act *act, int fd)
{
	int again = plain_open_at(&act->local.sa, sizeof(act->local.v4), 0);

	(void)fd;
	cr_assert_eq(act->closes, 1, "closed in %s", names[act->where]);
	cr_assert_geq(again, 0, "closed in %s", names[act->where]);
	close(again);
}

Test(handlers, the_socket_can_be_closed_in_every_one)
{
	in_every_handler(close_twice, check_closed);
}

static void send_three(struct act *act)
{
	struct hail_socket *socket = act->socket;
	struct hail_addr out;

	/* A closed one takes none: a new one does. */
	if (hail_socket_local(socket, &out))
		cr_assert_eq(hail_socket_open(&socket, act->engine, NULL), 0);
	else
		cr_assert_eq(hail_send(socket, "1", 1, &act->peer), 0);
	if (socket != act->socket)
		cr_assert_eq(hail_send(socket, "1", 1, &act->peer), 0);
}

static void check_sent(struct act *act, int fd)
{
	/* The refused sends' first has left before. */
	if (act->where == IN_DRAIN)
		live_expect(fd, "x");
	live_expect(fd, "1");
	cr_assert(plain_silent(fd), "sent in %s", names[act->where]);
}

Test(handlers, datagrams_can_be_sent_in_every_one)
{
	in_every_handler(send_three, check_sent);
}

static struct live reopened;

/* Where the port isn't free yet, the close handler takes it. */
static void reopen(struct act *act)
{
	cr_assert_eq(live_try_open(&reopened, act->engine,
				   &HAIL_SOCKET_OPTIONS(.local = act->local)),
		     0, "opened in close, because of %s", names[act->where]);
}

static void close_to_reopen(struct act *act)
{
	cr_assert_eq(hail_socket_close(act->socket), 0);
	if (act->where == IN_CLOSE) {
		reopen(act);
		return;
	}
	act->calls = 0;
	act->where = IN_CLOSE;
	act->deed = reopen;
}

static void check_reopened(struct act *act, int fd)
{
	cr_assert_eq(live_port(&reopened), hail_addr_port(&act->local));
	while (!plain_silent(fd))
		live_expect(fd, "x");
	live_plain_send(fd, "new", live_port(&reopened));
	live_until(act->engine, reopened.datagrams);
	cr_assert_eq(live_send(&reopened, "answer", &reopened.last_remote), 0);
	live_expect(fd, "answer");
	reopened = (struct live){0};
}

Test(handlers, its_port_can_be_opened_again_in_the_close_handler)
{
	in_every_handler(close_to_reopen, check_reopened);
}

static void open_another(struct act *act)
{
	live_open(&reopened, act->engine, NULL);
	act->local = live_local(&reopened);
}

Test(handlers, other_sockets_can_be_opened_in_every_one)
{
	in_every_handler(open_another, check_reopened);
}

static void nest(struct act *act)
{
	cr_assert_eq(hail_engine_turn(act->engine, 0), -EBUSY);
	cr_assert_eq(hail_engine_turn(act->engine, -1), -EBUSY);
	cr_assert_eq(hail_engine_run(act->engine), -EBUSY);
	cr_assert_eq(hail_engine_destroy(act->engine), -EBUSY);
}

static void check_nothing(struct act *act, int fd)
{
	(void)act;
	(void)fd;
}

Test(handlers, turning_running_and_destroying_are_refused_in_every_one)
{
	in_every_handler(nest, check_nothing);
}

static unsigned started;

static void count_started(struct hail_timer *timer, void *user)
{
	(void)user;
	started++;
	cr_assert_eq(hail_timer_destroy(timer), 0);
}

static void start_timer(struct act *act)
{
	struct hail_timer *timer;

	cr_assert_eq(
		hail_timer_create(&timer, act->engine, count_started, NULL), 0);
	cr_assert_eq(hail_timer_start(timer, 0, 0), 0);
	/* Its own may go, even while it fires. */
	cr_assert_eq(hail_timer_destroy(act->timer), 0);
}

static void check_started(struct act *act, int fd)
{
	(void)fd;
	cr_assert_eq(started, (unsigned)act->where + 1);
}

Test(handlers, timers_can_be_started_and_destroyed_in_every_one)
{
	in_every_handler(start_timer, check_started);
}

/* The user's memory goes with the close handler. */
static void free_user(struct hail_socket *socket)
{
	struct act *act = hail_socket_user(socket);
	struct hail_engine *engine = act->engine;

	memset(act, 0xff, sizeof(*act));
	free(act);
	hail_engine_unref(engine);
}

Test(handlers, the_users_memory_can_be_freed_in_the_close_handler)
{
	struct hail_handlers handlers = act_handlers;

	handlers.close = free_user;
	for (enum where where = 0; where < WHERES; where++) {
		int fd = live_plain();
		struct act *act = start(where, fd, close_twice);
		struct hail_engine *engine = act->engine;

		cr_assert_eq(hail_socket_set_handlers(act->socket, &handlers),
			     0);
		cr_assert_eq(hail_engine_ref(engine), 0);
		provoke(act, fd);
		live_plain_send(fd, "late", hail_addr_port(&act->local));
		cr_assert_eq(hail_engine_run(engine), 0);
		live_settle(engine);
		live_end(engine);
		close(fd);
	}
}
