/* SPDX-License-Identifier: MIT */
/* sim_test.c: what tests do with a sim, and how it complains. */
#include "sim_state.h"

#include <errno.h>
#include <hail/socket.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *sim_grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? 2 * *capacity : 16;
	items = realloc(items, *capacity * size);
	if (!items)
		abort();
	return items;
}

void sim_fault(struct sim *sim, const char *format, ...)
{
	char text[sizeof(sim->fault_text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "sim: %s\n", text);
	if (!sim->faults++)
		memcpy(sim->fault_text, text, sizeof(text));
}

/* splitmix64 */
static uint64_t next_random(struct sim *sim)
{
	uint64_t z = (sim->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t sim_random(struct sim *sim, uint32_t bound)
{
	return bound ? (uint32_t)(next_random(sim) % bound) : 0;
}

bool sim_chance(struct sim *sim, unsigned percent)
{
	return percent && sim_random(sim, 100) < percent;
}

void sim_ring_bell(const struct sim *sim)
{
	uint64_t one = 1;

	if (sim->backend.fd < 0)
		return;
	while (write(sim->backend.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

struct sim *sim_create(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		abort();
	sim->random = seed;
	sim->segment_max = UINT32_MAX;
	sim->segments_max = SIM_SEGMENTS_MAX;
	sim->backend.fd = -1;
	return sim;
}

void sim_destroy(struct sim *sim)
{
	for (uint32_t id = 0; id < SIM_SLOTS_MAX; id++)
		sim_drop_arrivals(&sim->slots[id]);
	for (size_t i = 0; i < sim->sent.count; i++)
		free(sim->sent.items[i].data);
	for (int kind = 0; kind < HL_POOL_KINDS; kind++) {
		free(sim->pools[kind].ring);
		free(sim->pools[kind].provided);
	}
	free(sim->sent.items);
	for (size_t i = 0; i < sim->lent.count; i++)
		free(sim->lent.items[i].pieces);
	free(sim->lent.items);
	sim_forget_requests(sim);
	free(sim->requests.items);
	free(sim->answers.items);
	free(sim);
}

struct sim_chaos *sim_chaos(struct sim *sim)
{
	return &sim->chaos;
}

unsigned sim_faults(const struct sim *sim)
{
	return sim->faults;
}

const char *sim_fault_text(const struct sim *sim)
{
	return sim->fault_text;
}

unsigned sim_attached(const struct sim *sim)
{
	unsigned count = 0;

	for (uint32_t id = 0; id < sim->slot_end; id++)
		count += sim->slots[id].attached;
	return count;
}

unsigned sim_waits(const struct sim *sim)
{
	return sim->waits;
}

uint64_t sim_batch_ns(const struct sim *sim)
{
	return sim->batch_ns;
}

bool sim_closed(const struct sim *sim)
{
	return sim->closed;
}

uint32_t sim_slot(const struct sim *sim, const struct hail_socket *socket)
{
	struct hail_addr wanted, local;

	if (hail_socket_local(socket, &wanted))
		return SIM_ANY;
	for (uint32_t id = 0; id < sim->slot_end; id++) {
		socklen_t size = sizeof(local);

		if (sim->slots[id].attached &&
		    !getsockname(sim->slots[id].fd, &local.sa, &size) &&
		    local.sa.sa_family == wanted.sa.sa_family &&
		    hail_addr_port(&local) == hail_addr_port(&wanted))
			return id;
	}
	return SIM_ANY;
}

uint32_t sim_slot_life(const struct sim *sim, uint32_t slot)
{
	return sim->slots[slot].life;
}

unsigned sim_armed(const struct sim *sim, uint32_t slot)
{
	const struct slot *s = &sim->slots[slot];

	return (s->receive.stage != IDLE ? HL_ARM_RECEIVE : 0u) |
	       (s->writable.stage != IDLE ? HL_ARM_WRITABLE : 0u) |
	       (s->error.stage != IDLE ? HL_ARM_ERROR : 0u);
}

/* The pool that the memory lies in and the buffer's id, or NULL. */
static const struct pool *find_pool(const struct sim *sim, const void *data,
				    size_t *id)
{
	for (int kind = 0; kind < HL_POOL_KINDS; kind++) {
		const struct pool *pool = &sim->pools[kind];
		uintptr_t offset =
			(uintptr_t)data - (uintptr_t)pool->memory.base;

		if (!pool->memory.stride)
			continue;
		*id = offset / pool->memory.stride;
		if (*id < pool->memory.count_max)
			return pool;
	}
	return NULL;
}

bool sim_in_pool(const struct sim *sim, const void *data)
{
	size_t id;

	return find_pool(sim, data, &id) != NULL;
}

bool sim_provided(const struct sim *sim, const void *data)
{
	size_t id;
	const struct pool *pool = find_pool(sim, data, &id);

	return pool && pool->provided[id];
}

uint32_t sim_provided_count(const struct sim *sim, enum hl_pool_kind pool)
{
	return sim->pools[pool].count;
}

static struct arrival *arrive(struct sim *sim, uint32_t slot)
{
	struct arrival *a;

	if (slot >= SIM_SLOTS_MAX || !sim->slots[slot].attached)
		sim_fault(sim,
			  "the test injects into slot %u, which isn't there",
			  slot);
	a = PUSH(&sim->slots[slot].arrivals);
	memset(a, 0, sizeof(*a));
	if (sim_is_due(sim))
		sim_ring_bell(sim);
	return a;
}

static void inject(struct sim *sim, uint32_t slot, const struct hail_addr *from,
		   const void *data, size_t size, uint16_t segment)
{
	struct arrival *a = arrive(sim, slot);

	a->from = *from;
	a->size = size;
	a->segment = segment;
	a->data = malloc(size + 1);
	if (!a->data)
		abort();
	if (size)
		memcpy(a->data, data, size);
}

void sim_inject(struct sim *sim, uint32_t slot, const struct hail_addr *from,
		const void *data, size_t size)
{
	inject(sim, slot, from, data, size, 0);
}

/* As the kernel does it: the socket decides when they arrive whether they stay
 * one piece. */
void sim_inject_coalesced(struct sim *sim, uint32_t slot,
			  const struct hail_addr *from, const void *data,
			  size_t size, uint16_t segment)
{
	const unsigned char *bytes = data;

	if (!segment || sim_coalesces(&sim->slots[slot])) {
		inject(sim, slot, from, data, size, segment);
		return;
	}
	for (size_t at = 0; at < size; at += segment)
		inject(sim, slot, from, bytes + at,
		       size - at < segment ? size - at : segment, 0);
}

void sim_inject_error(struct sim *sim, uint32_t slot, int code)
{
	arrive(sim, slot)->error = code;
}

void sim_inject_record(struct sim *sim, uint32_t slot,
		       const struct sim_record *record, int pending)
{
	struct slot *s = &sim->slots[slot];

	*PUSH(&s->records) = *record;
	if (pending)
		s->pending = pending;
	s->news = true;
	sim_ring_bell(sim);
}

size_t sim_records(const struct sim *sim, uint32_t slot)
{
	const struct slot *s = &sim->slots[slot];

	return s->records.count - s->recorded;
}

unsigned sim_pending(const struct sim *sim, uint32_t slot)
{
	return sim_pending_arrivals(&sim->slots[slot]);
}

void sim_end_reception(struct sim *sim, uint32_t slot)
{
	sim->slots[slot].end_next = true;
}

size_t sim_sent_count(const struct sim *sim)
{
	return sim->sent.count;
}

const struct sim_sent *sim_sent(const struct sim *sim, size_t index)
{
	return &sim->sent.items[index];
}

void sim_credit(struct sim *sim, uint32_t slot, uint32_t count)
{
	sim->slots[slot].credit = count;
	if (sim_is_due(sim))
		sim_ring_bell(sim);
}

void sim_stop(struct sim *sim, uint32_t slot)
{
	sim->slots[slot].stopped = true;
}

void sim_drain(struct sim *sim, uint32_t slot, uint32_t count)
{
	if (count == SIM_UNLIMITED)
		sim->slots[slot].stopped = false;
	sim_move_link(&sim->slots[slot], count);
	if (sim_is_due(sim))
		sim_ring_bell(sim);
}

void sim_capacity(struct sim *sim, uint32_t slot, size_t bytes)
{
	sim->slots[slot].capacity = bytes;
}

size_t sim_booked(const struct sim *sim, uint32_t slot)
{
	return sim->slots[slot].booked;
}

void sim_limit_segments(struct sim *sim, uint32_t segment_max, int code)
{
	sim->segment_max = segment_max;
	sim->segment_code = code;
}

void sim_limit_trains(struct sim *sim, uint32_t segments_max)
{
	sim->segments_max = segments_max;
}

void sim_fail_sends(struct sim *sim, uint32_t slot, int code, uint32_t skip,
		    uint32_t count)
{
	if (sim->rule_count == SIM_RULES_MAX)
		abort();
	sim->rules[sim->rule_count++] = (struct rule){slot, code, skip, count};
}

void sim_judge(struct sim *sim,
	       int (*judge)(void *arg, uint32_t slot,
			    const struct hail_message *message),
	       void *arg)
{
	sim->judge = judge;
	sim->judge_arg = arg;
}

void sim_forgive(struct sim *sim)
{
	sim->rule_count = 0;
	sim->judge = NULL;
}

unsigned sim_failures(const struct sim *sim)
{
	return sim->failures;
}

void sim_fail_call(struct sim *sim, enum sim_call call, int code, uint32_t skip)
{
	sim->call_code[call] = code;
	sim->call_skip[call] = skip;
}

void sim_break(struct sim *sim, int code)
{
	sim->broken = code;
}

void sim_each_wait(struct sim *sim, void (*run)(struct sim *sim, void *arg),
		   void *arg)
{
	sim->each_wait = run;
	sim->each_wait_arg = arg;
}

void sim_expect_wakes(struct sim *sim, bool expect)
{
	sim->expect_wakes = expect;
}
