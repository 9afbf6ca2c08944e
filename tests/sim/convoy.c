/* SPDX-License-Identifier: MIT */
/* convoy.c: sending numbered messages, and reading what became of them. */
#include "convoy.h"

/* Each message has memory of its own: errors name it. */
static unsigned char bytes[CONVOY_MAX][CONVOY_SIZE_MAX];

static void note_error(struct seen *seen, const struct hail_error *error)
{
	struct convoy *convoy = seen->arg;
	size_t offset = (size_t)((const unsigned char *)error->data - bytes[0]);
	size_t number = offset / CONVOY_SIZE_MAX;

	if (error->kind != HAIL_ERROR_SEND)
		return;
	cr_assert_lt(number, convoy->count);
	cr_assert_not(convoy->items[number].told, "%zu is told twice", number);
	cr_assert_eq(error->size, convoy->items[number].size);
	convoy->items[number].told = true;
}

void convoy_start(struct convoy *convoy, uint64_t seed,
		  const struct hail_engine_options *engine,
		  const struct hail_socket_options *socket)
{
	memset(convoy, 0, sizeof(*convoy));
	world_start_seeded(&convoy->world, seed, engine);
	convoy->world.trains = true;
	convoy->seen.arg = convoy;
	convoy->seen.on_error = note_error;
	world_open(&convoy->world, &convoy->seen, socket);
	world_turn(&convoy->world);
}

void convoy_end(struct convoy *convoy)
{
	convoy_assert_order(convoy);
	world_end(&convoy->world);
}

static struct hail_addr remote_of(uint8_t remote)
{
	return remote_at((uint16_t)(CONVOY_PORT + remote));
}

ssize_t convoy_offer(struct convoy *convoy,
		     const struct convoy_message *messages, uint32_t count)
{
	static struct hail_message batch[CONVOY_MAX];
	static struct hail_addr remotes[CONVOY_MAX];
	ssize_t taken;

	cr_assert_leq(convoy->count + count, CONVOY_MAX);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = convoy->count + i;

		memset(bytes[number], (int)number, messages[i].size);
		memcpy(bytes[number], &number, sizeof(number));
		remotes[i] = remote_of(messages[i].remote);
		batch[i] = (struct hail_message){bytes[number],
						 messages[i].size, &remotes[i]};
		convoy->items[number].remote = messages[i].remote;
		convoy->items[number].size = messages[i].size;
	}
	taken = hail_send_many(convoy->seen.socket, batch, count);
	memset(bytes[convoy->count], 0xdd, (size_t)count * CONVOY_SIZE_MAX);
	memset(remotes, 0xdd, sizeof(remotes));
	if (taken > 0)
		convoy->count += (uint32_t)taken;
	return taken;
}

void convoy_send(struct convoy *convoy, const struct convoy_message *messages,
		 uint32_t count)
{
	cr_assert_eq(convoy_offer(convoy, messages, count), count);
}

void convoy_send_equal(struct convoy *convoy, uint32_t count, uint16_t size)
{
	static struct convoy_message messages[CONVOY_MAX];

	for (uint32_t i = 0; i < count; i++)
		messages[i] = (struct convoy_message){0, size};
	convoy_send(convoy, messages, count);
}

/* Returns its number. */
static uint32_t assert_whole(const struct convoy *convoy,
			     const struct sim_sent *sent)
{
	struct hail_addr remote;
	uint32_t number;

	cr_assert_geq(sent->size, sizeof(number));
	memcpy(&number, sent->data, sizeof(number));
	cr_assert_lt(number, convoy->count, "%u was never taken", number);
	cr_assert_eq(sent->size, convoy->items[number].size);
	for (size_t i = sizeof(number); i < sent->size; i++)
		cr_assert_eq(sent->data[i], (unsigned char)number);
	remote = remote_of(convoy->items[number].remote);
	cr_assert(hail_addr_equal(&sent->remote, &remote));
	return number;
}

void convoy_assert_order(const struct convoy *convoy)
{
	int64_t last[CONVOY_REMOTES];
	size_t count = sim_sent_count(convoy->world.sim), told = 0;

	memset(last, 0xff, sizeof(last));
	for (size_t i = 0; i < count; i++) {
		uint32_t number =
			assert_whole(convoy, sim_sent(convoy->world.sim, i));
		uint8_t remote = convoy->items[number].remote;

		cr_assert_gt(number, last[remote], "%u after %ld to %u", number,
			     (long)last[remote], remote);
		cr_assert_not(convoy->items[number].told, "%u", number);
		last[remote] = number;
	}
	for (uint32_t i = 0; i < convoy->count; i++)
		told += convoy->items[i].told;
	cr_assert_eq(count + told, convoy->count);
}

uint32_t convoy_sends(const struct convoy *convoy, size_t first)
{
	struct sim *sim = convoy->world.sim;
	uint32_t sends = 0;

	for (size_t i = first; i < sim_sent_count(sim); i++)
		sends += i == first ||
			 sim_sent(sim, i)->train != sim_sent(sim, i - 1)->train;
	return sends;
}

uint32_t convoy_length(const struct convoy *convoy, size_t index)
{
	struct sim *sim = convoy->world.sim;
	uint32_t length = 0;

	for (size_t i = 0; i < sim_sent_count(sim); i++)
		length +=
			sim_sent(sim, i)->train == sim_sent(sim, index)->train;
	return length;
}
