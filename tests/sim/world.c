/* SPDX-License-Identifier: MIT */
/* world.c: worlds of one engine, and sockets under observation. */
#include "world.h"

#include "engine.h"

#define NUMBERS_MAX 4096
#define QUIET_TURNS 12

/* Set while a test is inside a call of the library that isn't a turn: no
 * handler may run then. */
static bool calling;

/* ---- Handlers ---- */

static struct seen *observe(struct hail_socket *socket)
{
	struct seen *seen = hail_socket_user(socket);

	if (calling || seen->closing || seen->closed)
		seen->late++;
	return seen;
}

static void on_data(struct hail_socket *socket,
		    const struct hail_datagram *batch, size_t count)
{
	struct seen *seen = observe(socket);

	seen->late += seen->lingering;
	seen->batches++;
	seen->datagrams += count;
	if (count > seen->batch_max)
		seen->batch_max = count;
	if (!count)
		seen->late++;
	if (seen->on_data)
		seen->on_data(seen, batch, count);
}

static void on_drain(struct hail_socket *socket)
{
	struct seen *seen = observe(socket);

	seen->late += seen->lingering;
	seen->drains++;
	if (seen->on_drain)
		seen->on_drain(seen);
}

static void on_error(struct hail_socket *socket, const struct hail_error *error)
{
	struct seen *seen = observe(socket);

	if (seen->errors < SEEN_ERRORS_MAX)
		seen->error[seen->errors] = *error;
	seen->errors++;
	if (seen->on_error)
		seen->on_error(seen, error);
}

static void on_close(struct hail_socket *socket)
{
	struct seen *seen = hail_socket_user(socket);

	if (calling || !(seen->closing || seen->lingering) || seen->closed)
		seen->late++;
	seen->closes++;
	seen->closed = true;
	if (seen->on_close)
		seen->on_close(seen);
}

/* ---- Worlds ---- */

void world_start_seeded(struct world *world, uint64_t seed,
			const struct hail_engine_options *options)
{
	world->trains = false;
	world->sim = sim_create(seed);
	world->engine = NULL;
	cr_assert_eq(hl_engine_create_with(&world->engine, options, &sim_ops,
					   world->sim),
		     0);
}

void world_start(struct world *world, const struct hail_engine_options *options)
{
	world_start_seeded(world, 1, options);
}

void world_end(struct world *world)
{
	cr_assert_eq(hail_engine_destroy(world->engine), 0);
	cr_assert(sim_closed(world->sim));
	cr_assert_eq(sim_faults(world->sim), 0, "%u faults, the first: %s",
		     sim_faults(world->sim), sim_fault_text(world->sim));
	sim_destroy(world->sim);
}

int world_turn(struct world *world)
{
	int events = hail_engine_turn(world->engine, 0);

	cr_assert_geq(events, 0, "a turn failed: %s", strerror(-events));
	return events;
}

/* The waits are for the back-off after a want of kernel memory. */
int world_settle(struct world *world)
{
	int total = 0;

	for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
		int64_t wait = quiet > QUIET_TURNS / 2 ? (int64_t)(MS / 2) : 0;
		int events = hail_engine_turn(world->engine, wait);

		cr_assert_geq(events, 0, "a turn failed: %s",
			      strerror(-events));
		if (events)
			quiet = 0;
		total += events;
	}
	return total;
}

struct hail_engine_stats world_stats(const struct world *world)
{
	struct hail_engine_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_engine_stats(world->engine, &stats), 0);
	return stats;
}

/* ---- Sockets ---- */

struct hail_addr remote_at(uint16_t port)
{
	struct hail_addr addr;

	cr_assert_eq(hail_addr_parse(&addr, "192.0.2.1", port), 0);
	return addr;
}

int world_try_open(struct world *world, struct seen *seen,
		   const struct hail_socket_options *options)
{
	struct hail_socket_options mine = HAIL_SOCKET_OPTIONS(.window = 0);
	int err;

	if (options)
		mine = *options;
	mine.handlers = (struct hail_handlers){
		.data = on_data,
		.drain = on_drain,
		.error = on_error,
		.close = on_close,
	};
	mine.user = seen;
	mine.no_trains |= !world->trains;
	seen->world = world;
	seen->socket = NULL;
	seen->slot = SIM_ANY;
	err = hail_socket_open(&seen->socket, world->engine, &mine);
	if (err)
		return err;
	seen->slot = sim_slot(world->sim, seen->socket);
	return 0;
}

void world_open(struct world *world, struct seen *seen,
		const struct hail_socket_options *options)
{
	int err = world_try_open(world, seen, options);

	cr_assert_eq(err, 0, "opening a socket failed: %s", strerror(-err));
	cr_assert_neq(seen->slot, SIM_ANY);
}

void seen_close(struct seen *seen)
{
	seen->closing = true;
	cr_assert_eq(hail_socket_close(seen->socket), 0);
}

void seen_linger(struct seen *seen, int64_t timeout_ns)
{
	bool outer = calling;

	seen->lingering = true;
	calling = true;
	cr_assert_eq(hail_socket_close_linger(seen->socket, timeout_ns), 0);
	calling = outer;
}

void seen_block(struct seen *seen)
{
	sim_credit(seen->world->sim, seen->slot, 0);
}

void seen_unblock(struct seen *seen)
{
	sim_credit(seen->world->sim, seen->slot, SIM_UNLIMITED);
}

int seen_send(struct seen *seen, uint32_t number)
{
	struct hail_addr remote = remote_at(9);
	bool outer = calling;
	int err;

	calling = true;
	err = hail_send(seen->socket, &number, sizeof(number), &remote);
	calling = outer;
	return err;
}

ssize_t seen_send_many(struct seen *seen, uint32_t first, uint32_t count)
{
	static uint32_t numbers[NUMBERS_MAX];
	static struct hail_message messages[NUMBERS_MAX];
	struct hail_addr remote = remote_at(9);
	bool outer = calling;
	ssize_t taken;

	cr_assert_leq(count, NUMBERS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = first + i;
		messages[i] = (struct hail_message){
			.data = &numbers[i],
			.size = sizeof(numbers[i]),
			.remote = &remote,
		};
	}
	calling = true;
	taken = hail_send_many(seen->socket, messages, count);
	calling = outer;
	memset(numbers, 0xee, sizeof(numbers));
	return taken;
}

uint32_t sent_number(const struct world *world, size_t index)
{
	const struct sim_sent *sent = sim_sent(world->sim, index);
	uint32_t number;

	cr_assert_geq(sent->size, sizeof(number));
	memcpy(&number, sent->data, sizeof(number));
	return number;
}

void assert_sent(const struct world *world, uint32_t first, uint32_t count)
{
	cr_assert_eq(sim_sent_count(world->sim), count,
		     "%zu datagrams were sent, not %u",
		     sim_sent_count(world->sim), count);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(sent_number(world, i), first + i,
			     "the %u-th sent is %u", i, sent_number(world, i));
}

void seen_inject(struct seen *seen, uint32_t first, uint32_t count)
{
	struct hail_addr remote = remote_at(9);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = first + i;

		sim_inject(seen->world->sim, seen->slot, &remote, &number,
			   sizeof(number));
	}
}

uint32_t datagram_number(const struct hail_datagram *datagram)
{
	uint32_t number;

	cr_assert_geq(datagram->size, sizeof(number));
	memcpy(&number, datagram->data, sizeof(number));
	return number;
}

static struct hail_socket_stats stats_of(const struct seen *seen)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(seen->socket, &stats), 0);
	return stats;
}

struct hail_traffic seen_traffic(const struct seen *seen)
{
	return stats_of(seen).traffic;
}

uint32_t seen_in_flight(const struct seen *seen)
{
	return stats_of(seen).in_flight;
}
