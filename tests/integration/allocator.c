/* SPDX-License-Identifier: MIT */
/* allocator.c: an engine takes all that it allocates from the allocator that it
 * is given, gives each piece back with its size, and lives with a refusal of
 * any of them. */
#include "support/live.h"

#include <stdint.h>

#define FILL 0xa5
#define PIECES_MAX 4096
/* More than a block of the socket table, and than the backend's first slots. */
#define SOCKETS 140
#define TIMERS 40
#define ROUNDS 200
#define BATCH 16

/* What was allocated, and what of it is still out. */
struct book {
	struct piece {
		void *memory;
		size_t size;
	} pieces[PIECES_MAX];
	size_t count;
	unsigned long allocations;
	unsigned long refuse; /* which of them is refused; 0: none */
	unsigned long refused;
	unsigned wrong; /* of what was released */
};

static void *book_allocate(size_t size, void *arg)
{
	struct book *book = arg;
	void *memory;

	cr_assert_gt(size, 0);
	if (++book->allocations == book->refuse) {
		book->refused++;
		return NULL;
	}
	cr_assert_lt(book->count, PIECES_MAX);
	memory = malloc(size);
	cr_assert_not_null(memory);
	memset(memory, FILL, size);
	book->pieces[book->count++] = (struct piece){memory, size};
	return memory;
}

static void book_release(void *memory, size_t size, void *arg)
{
	struct book *book = arg;
	size_t i = 0;

	while (i < book->count && book->pieces[i].memory != memory)
		i++;
	if (i == book->count || book->pieces[i].size != size) {
		book->wrong++;
		return;
	}
	book->pieces[i] = book->pieces[--book->count];
	memset(memory, FILL, size);
	free(memory);
}

static void assert_settled(const struct book *book)
{
	cr_assert_eq(book->wrong, 0, "%u wrong pieces were released",
		     book->wrong);
	cr_assert_eq(book->count, 0, "%zu pieces never came back", book->count);
}

static struct book book;

static int create(struct hail_engine **out)
{
	/* Copied: it needn't outlive the call. */
	struct hail_allocator allocator = {book_allocate, book_release, &book};
	int err = hail_engine_create(
		out, &HAIL_ENGINE_OPTIONS(.allocator = &allocator));

	memset(&allocator, FILL, sizeof(allocator));
	return err;
}

static void reset(unsigned long refuse)
{
	memset(&book, 0, sizeof(book));
	book.refuse = refuse;
}

/* ---- A typical use, in steps of which each may fail ---- */

struct use {
	struct hail_engine *engine;
	struct live live[SOCKETS];
	struct hail_timer *timers[TIMERS];
	unsigned fired;
};

/* Large, so not on the stack; each use begins with a cleared one. */
static struct use use;

/* Carries out a call again if it failed for want of memory, which only one
 * allocation does. */
#define again(call)                                                            \
	do {                                                                   \
		unsigned long before_ = book.refused;                          \
		int err_ = (call);                                             \
                                                                               \
		if (err_ == -ENOMEM && book.refused > before_)                 \
			err_ = (call);                                         \
		else                                                           \
			cr_assert_eq(book.refused, before_,                    \
				     "a refusal wasn't told: %s", #call);      \
		cr_assert_eq(err_, 0, "%s: %s", #call, hail_strerror(err_));   \
	} while (0)

static void count_fired(struct hail_timer *timer, void *user)
{
	struct use *of = user;

	(void)timer;
	of->fired++;
}

static void start_timers(void)
{
	for (int i = 0; i < TIMERS; i++) {
		again(hail_timer_create(&use.timers[i], use.engine, count_fired,
					&use));
		cr_assert_eq(hail_timer_start(use.timers[i], 0, 0), 0);
	}
}

/* Each socket sends one datagram to the next. */
static void send_around(void)
{
	for (int i = 0; i < SOCKETS; i++) {
		struct hail_addr next =
			live_local(&use.live[(i + 1) % SOCKETS]);

		cr_assert_eq(live_send(&use.live[i], "around", &next), 0);
	}
	for (int i = 0; i < SOCKETS; i++)
		live_until(use.engine, use.live[i].datagrams == 1);
}

/* Returns whether an allocation was refused on the way. */
static bool use_all(unsigned long refuse)
{
	reset(refuse);
	memset(&use, 0, sizeof(use));
	again(create(&use.engine));
	for (int i = 0; i < SOCKETS; i++)
		again(live_try_open(&use.live[i], use.engine, NULL));
	start_timers();
	send_around();
	live_until(use.engine, use.fired == TIMERS);
	for (int i = 0; i < TIMERS; i += 2)
		cr_assert_eq(hail_timer_destroy(use.timers[i]), 0);
	live_close(&use.live[0]);
	again(live_try_open(&use.live[0], use.engine, NULL));
	live_end(use.engine);
	assert_settled(&book);
	return book.refused;
}

Test(allocator, all_of_it_comes_back_with_the_size_it_was_asked_for)
{
	cr_assert_not(use_all(0));
	cr_assert_gt(book.allocations, 10);
}

Test(allocator, whichever_is_refused_only_fails_the_call_that_asked)
{
	unsigned long which = 1;

	while (use_all(which))
		cr_assert_lt(++which, PIECES_MAX);
	cr_assert_gt(which, 10);
}

Test(allocator, whichever_is_refused_the_engine_can_be_destroyed_at_once)
{
	unsigned long which = 0;

	do {
		struct hail_engine *engine = NULL;
		struct live live = {0};

		reset(++which);
		if (!create(&engine))
			live_try_open(&live, engine, NULL);
		else
			cr_assert_null(engine);
		cr_assert_eq(hail_engine_destroy(engine), 0);
		assert_settled(&book);
	} while (book.refused);
	cr_assert_gt(which, 10);
}

Test(allocator, an_engine_that_is_made_fails_with_enomem_and_no_other_error)
{
	unsigned long which = 0;
	int err;

	do {
		struct hail_engine *engine = NULL;

		reset(++which);
		err = create(&engine);
		cr_assert_eq(err, book.refused ? -ENOMEM : 0);
		cr_assert_eq(hail_engine_destroy(engine), 0);
	} while (err);
}

/* ---- Datagrams ---- */

static const unsigned char payload[200];

static void echo(struct live *live, const struct hail_datagram *batch,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		hail_send(live->socket, i % 2 ? batch[i].data : payload,
			  batch[i].size, &batch[i].remote);
}

static void exchange(struct live *client, const struct hail_addr *server)
{
	size_t due = client->datagrams + BATCH;
	struct hail_message messages[BATCH];

	for (int i = 0; i < BATCH; i++)
		messages[i] =
			(struct hail_message){payload, sizeof(payload), server};
	cr_assert_eq(hail_send_many(client->socket, messages, BATCH), BATCH);
	live_until(client->engine, client->datagrams >= due);
}

Test(allocator, nothing_is_allocated_for_a_datagram)
{
	struct hail_engine *engine = NULL;
	struct live client = {0}, server = {.on_data = echo};
	struct hail_addr remote;
	unsigned long before;

	reset(0);
	cr_assert_eq(create(&engine), 0);
	live_open(&client, engine, NULL);
	live_open(&server, engine, NULL);
	remote = live_local(&server);
	before = book.allocations;
	for (int i = 0; i < ROUNDS; i++)
		exchange(&client, &remote);
	cr_assert_eq(book.allocations, before);
	live_end(engine);
	assert_settled(&book);
}

/* ---- Others ---- */

Test(allocator, one_that_lacks_a_function_is_refused)
{
	static const struct hail_allocator bad[] = {
		{NULL, book_release, &book},
		{book_allocate, NULL, &book},
		{NULL, NULL, NULL},
	};

	reset(0);
	for (size_t i = 0; i < live_count(bad); i++) {
		struct hail_engine *engine = NULL;
		int err = hail_engine_create(
			&engine, &HAIL_ENGINE_OPTIONS(.allocator = &bad[i]));

		cr_assert_eq(err, -EINVAL, "case %zu: %d", i, err);
		cr_assert_null(engine);
	}
	cr_assert_eq(book.allocations, 0);
}

Test(allocator, engines_have_their_own)
{
	struct hail_engine *own = NULL, *plain = live_engine(NULL);
	struct live live = {0};
	struct hail_timer *timer;
	unsigned long allocations;

	reset(0);
	cr_assert_eq(create(&own), 0);
	live_open(&live, plain, NULL);
	allocations = book.allocations;
	for (int i = 0; i < TIMERS; i++)
		cr_assert_eq(
			hail_timer_create(&timer, plain, count_fired, NULL), 0);
	live_end(plain);
	cr_assert_eq(book.allocations, allocations);
	live_end(own);
	assert_settled(&book);
}
