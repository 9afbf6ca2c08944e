/* SPDX-License-Identifier: MIT */
/*
 * outcome.c: every datagram that was taken has exactly one outcome: the kernel
 * took it, the error handler named it, or the close cancelled and counted it;
 * what was not taken has none. Random histories over many seeds, in which
 * everything fails that can fail, and the books are balanced at the end.
 */
#include "world.h"

#include <stdlib.h>

#define SOCKETS 4
#define STEPS 250
#define RECORDS_MAX 20000
#define BATCH_MAX 12
#define SIZE_MAX_SENT 2500

/* A message that was offered to hail; its memory tells which one it is. */
struct record {
	unsigned char bytes[SIZE_MAX_SENT];
	bool taken;
	unsigned sent, told;
};

enum debt { NONE, PERHAPS, CERTAIN };

/* A socket and whether drain is owed to it. */
struct party {
	struct seen seen;
	bool used;
	enum debt owed;
};

struct books {
	struct world world;
	struct party *parties[SOCKETS];
	struct record *records;
	size_t offered, taken, told;
	uint64_t seed;
	bool quiet; /* handlers start nothing new */
};

static struct books books;

static uint32_t dice(uint32_t bound)
{
	return sim_random(books.world.sim, bound);
}

/* ---- Sending ---- */

static struct hail_message new_message(const struct hail_addr *remote)
{
	struct record *record = &books.records[books.offered];
	uint32_t id = (uint32_t)books.offered++;

	memcpy(record->bytes, &id, sizeof(id));
	return (struct hail_message){
		.data = record->bytes,
		.size = sizeof(id) + dice(dice(8) ? 64 : SIZE_MAX_SENT - 4),
		.remote = remote,
	};
}

/* The caller's memory is the caller's again. */
static void settle_messages(const struct hail_message *messages, size_t count,
			    size_t taken)
{
	for (size_t i = 0; i < count; i++) {
		struct record *record = (void *)(uintptr_t)messages[i].data;

		memset(record->bytes, 0xdd, sizeof(record->bytes));
		record->taken = i < taken;
	}
	books.taken += taken;
}

static bool is_kernels_word(ssize_t result)
{
	return result == -EPERM || result == -ENETUNREACH ||
	       result == -EHOSTUNREACH || result == -EMSGSIZE ||
	       result == -ECONNREFUSED;
}

static void send_single(struct party *party)
{
	struct hail_addr remote = remote_at((uint16_t)(1 + dice(5)));
	struct hail_message message = new_message(&remote);
	int result = hail_send(party->seen.socket, message.data, message.size,
			       message.remote);

	settle_messages(&message, 1, result == 0);
	if (result == -EAGAIN)
		party->owed = CERTAIN;
	else if (result)
		cr_assert(is_kernels_word(result), "%d", result);
}

static void send_batch(struct party *party)
{
	struct hail_addr remote = remote_at((uint16_t)(1 + dice(5)));
	struct hail_message messages[BATCH_MAX];
	size_t count = 1 + dice(BATCH_MAX);
	ssize_t result;

	for (size_t i = 0; i < count; i++)
		messages[i] = new_message(&remote);
	result = hail_send_many(party->seen.socket, messages, count);
	settle_messages(messages, count, result > 0 ? (size_t)result : 0);
	if (result < 0) {
		cr_assert_eq(result, -EAGAIN);
		party->owed = CERTAIN;
	} else if (result < (ssize_t)count && party->owed == NONE) {
		party->owed = PERHAPS;
	}
}

static void send_some(struct party *party)
{
	if (books.offered + BATCH_MAX > RECORDS_MAX || party->seen.closing)
		return;
	if (dice(2))
		send_single(party);
	else
		send_batch(party);
}

/* ---- Handlers ---- */

static void close_party(struct party *party)
{
	party->owed = NONE;
	seen_close(&party->seen);
}

/* What any handler may do. */
static void act(struct seen *seen)
{
	struct party *other = books.parties[dice(SOCKETS)];

	if (books.quiet)
		return;
	send_some((struct party *)(void *)seen);
	if (dice(4) == 0 && other && !other->seen.closing)
		send_some(other);
	if (dice(40) == 0 && other && !other->seen.closing)
		close_party(other);
}

static void on_data(struct seen *seen, const struct hail_datagram *batch,
		    size_t count)
{
	(void)batch;
	(void)count;
	act(seen);
}

static void on_drain(struct seen *seen)
{
	struct party *party = (struct party *)(void *)seen;

	cr_assert_neq(party->owed, NONE, "seed %lu: drain unasked", books.seed);
	party->owed = NONE;
	act(seen);
}

static void on_error(struct seen *seen, const struct hail_error *error)
{
	const unsigned char *first = books.records[0].bytes;
	size_t offset = (size_t)((const unsigned char *)error->data - first);

	if (error->kind == HAIL_ERROR_SEND) {
		cr_assert_lt(offset / sizeof(struct record), books.offered);
		books.records[offset / sizeof(struct record)].told++;
		books.told++;
	}
	act(seen);
}

static void on_close(struct seen *seen)
{
	for (int i = 0; i < SOCKETS; i++)
		if (books.parties[i] && &books.parties[i]->seen == seen)
			books.parties[i] = NULL;
	cr_assert_eq(seen->late, 0);
	cr_assert_eq(seen->closes, 1);
	free(seen);
}

/* ---- The history ---- */

static struct party *open_party(void)
{
	struct party *party = calloc(1, sizeof(*party));

	cr_assert_not_null(party);
	party->seen.on_data = on_data;
	party->seen.on_drain = on_drain;
	party->seen.on_error = on_error;
	party->seen.on_close = on_close;
	world_open(&books.world, &party->seen,
		   &HAIL_SOCKET_OPTIONS(.window = 2 + dice(20)));
	return party;
}

static void change_link(struct party *party)
{
	static const uint32_t credits[] = {0, 3, 20, SIM_UNLIMITED,
					   SIM_UNLIMITED};
	struct sim *sim = books.world.sim;

	sim_credit(sim, party->seen.slot, credits[dice(5)]);
	if (dice(3) == 0)
		sim_stop(sim, party->seen.slot);
	if (dice(4) == 0)
		sim_capacity(sim, party->seen.slot, 2000 + dice(20000));
}

static void step(void)
{
	struct party **party = &books.parties[dice(SOCKETS)];

	if (!*party) {
		*party = open_party();
		return;
	}
	if ((*party)->seen.closing) {
		world_turn(&books.world);
		return;
	}
	switch (dice(12)) {
	case 0:
		change_link(*party);
		break;
	case 1:
		sim_inject_error(books.world.sim, (*party)->seen.slot,
				 -ECONNREFUSED);
		break;
	case 2:
		if (dice(10) == 0)
			close_party(*party);
		break;
	case 3:
	case 4:
		seen_inject(&(*party)->seen, 0, 1 + dice(6));
		break;
	case 5:
	case 6:
	case 7:
		world_turn(&books.world);
		break;
	default:
		send_some(*party);
	}
}

/* The kernel becomes kind again, and everything that is owed must come. */
static void calm_down(void)
{
	struct sim *sim = books.world.sim;

	books.quiet = true;
	*sim_chaos(sim) = (struct sim_chaos){0};
	for (int i = 0; i < SOCKETS; i++) {
		struct party *party = books.parties[i];

		if (!party || party->seen.closing)
			continue;
		sim_credit(sim, party->seen.slot, SIM_UNLIMITED);
		sim_drain(sim, party->seen.slot, SIM_UNLIMITED);
	}
	world_settle(&books.world);
	for (int i = 0; i < SOCKETS; i++) {
		struct party *party = books.parties[i];

		if (!party)
			continue;
		cr_assert_not(party->seen.closing, "seed %lu: never closed",
			      books.seed);
		cr_assert_neq(party->owed, CERTAIN,
			      "seed %lu: drain is missing", books.seed);
		cr_assert_eq(seen_in_flight(&party->seen), 0, "seed %lu",
			     books.seed);
	}
}

/* Half of the histories end with sockets that have much in flight. */
static void close_all(void)
{
	books.quiet = true;
	for (int i = 0; i < SOCKETS; i++)
		if (books.parties[i] && !books.parties[i]->seen.closing)
			close_party(books.parties[i]);
	cr_assert_eq(hail_engine_run(books.world.engine), 0, "seed %lu",
		     books.seed);
	for (int i = 0; i < SOCKETS; i++)
		cr_assert_null(books.parties[i]);
}

static void count_sent(void)
{
	for (size_t i = 0; i < sim_sent_count(books.world.sim); i++) {
		uint32_t id = sent_number(&books.world, i);

		cr_assert_lt(id, books.offered, "seed %lu: never offered",
			     books.seed);
		books.records[id].sent++;
	}
}

static void balance(void)
{
	struct hail_engine_stats stats = world_stats(&books.world);
	size_t lost = 0;

	count_sent();
	for (size_t i = 0; i < books.offered; i++) {
		struct record *record = &books.records[i];

		cr_assert_leq(record->sent + record->told, record->taken,
			      "seed %lu: %zu was taken %d, sent %u, told %u",
			      books.seed, i, record->taken, record->sent,
			      record->told);
		lost += record->taken - (record->sent + record->told);
	}
	cr_assert_eq(stats.traffic.sent, sim_sent_count(books.world.sim));
	cr_assert_eq(books.taken,
		     stats.traffic.sent + stats.traffic.failed +
			     stats.traffic.cancelled,
		     "seed %lu", books.seed);
	/* What nobody was told of belonged to sockets that were closed. */
	cr_assert_eq(lost, stats.traffic.cancelled + stats.traffic.failed -
				   books.told);
	cr_assert_eq(stats.send_blocks.in_use, 0);
	cr_assert_eq(stats.send_blocks_large.in_use, 0);
	cr_assert_eq(stats.buffers.in_use, 0);
	cr_assert_eq(stats.sockets, 0);
}

static void history(uint64_t seed, struct sim_chaos chaos,
		    const struct hail_engine_options *options)
{
	struct record *records = books.records;

	memset(records, 0, RECORDS_MAX * sizeof(*records));
	books = (struct books){.seed = seed, .records = records};
	world_start_seeded(&books.world, seed, options);
	*sim_chaos(books.world.sim) = chaos;
	books.world.trains = seed % 4 < 2;
	for (int i = 0; i < STEPS; i++)
		step();
	if (seed % 2)
		calm_down();
	close_all();
	balance();
	world_end(&books.world);
}

static void histories(uint64_t first, struct sim_chaos chaos,
		      const struct hail_engine_options *options)
{
	books.records = calloc(RECORDS_MAX, sizeof(*books.records));
	cr_assert_not_null(books.records);
	for (uint64_t seed = first; seed < first + 40; seed++)
		history(seed, chaos, options);
	free(books.records);
}

Test(outcome, is_one_over_a_kind_kernel)
{
	histories(1000, (struct sim_chaos){0}, NULL);
}

Test(outcome, is_one_while_links_fill_up_and_polls_are_late)
{
	histories(2000,
		  (struct sim_chaos){
			  .credit = 4,
			  .delay = 3,
			  .partial = 20,
			  .late = 20,
			  .reorder = true,
		  },
		  &HAIL_ENGINE_OPTIONS(.entries = 16));
}

Test(outcome, is_one_while_sends_fail_for_good)
{
	histories(3000, (struct sim_chaos){.fatal = 25, .partial = 10}, NULL);
}

Test(outcome, is_one_while_the_kernel_wants_for_memory)
{
	histories(4000, (struct sim_chaos){.again = 25, .delay = 2}, NULL);
}

Test(outcome, is_one_while_everything_happens_to_a_small_engine)
{
	histories(5000,
		  (struct sim_chaos){
			  .again = 10,
			  .fatal = 10,
			  .partial = 30,
			  .delay = 4,
			  .credit = 3,
			  .late = 20,
			  .reorder = true,
		  },
		  &HAIL_ENGINE_OPTIONS(.entries = 2, .completions = 4,
				       .buffers = 2, .buffers_max = 4,
				       .send_blocks = 16,
				       .send_blocks_large = 2, .budget = 2));
}
