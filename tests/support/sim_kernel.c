/* SPDX-License-Identifier: MIT */
/* sim_kernel.c: what the simulated kernel does: sockets receive, sends are
 * taken or fail, polls complete and cancels end what is armed. */
#include "sim_state.h"

#include "net/addr.h"
#include "net/recvmsg.h"
#include "net/sndbuf.h"
#include "util/poison.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/udp.h>

/* A multishot receive hands over about so many before others have a turn. */
#define RUN_MAX 33

/* ---- Answers ---- */

static void answer(struct sim *sim, uint32_t slot, struct hl_completion what)
{
	struct answer *entry = PUSH(&sim->answers);

	entry->completion = what;
	entry->slot = slot;
	if (sim->answers.count > sim->config.completions)
		sim->overflowed = true;
}

static struct armed *armed_of(struct slot *s, unsigned what)
{
	if (what == HL_ARM_RECEIVE)
		return &s->receive;
	return what == HL_ARM_WRITABLE ? &s->writable : &s->error;
}

static void end_armed(struct sim *sim, uint32_t slot, unsigned what, int result)
{
	static const uint8_t kinds[] = {
		[HL_ARM_RECEIVE] = HL_COMPLETION_RECEIVE,
		[HL_ARM_WRITABLE] = HL_COMPLETION_WRITABLE,
		[HL_ARM_ERROR] = HL_COMPLETION_ERROR,
	};
	struct armed *armed = armed_of(&sim->slots[slot], what);

	armed->stage = ENDED;
	armed->cancelling = false;
	answer(sim, slot,
	       (struct hl_completion){
		       .kind = kinds[what],
		       .result = result,
		       .id = slot,
		       .buffer = HL_BUFFER_NONE,
	       });
}

/* Which answer is handed out next: the oldest, or the oldest of some socket. */
static size_t choose_answer(struct sim *sim)
{
	size_t chosen = 0;
	uint32_t slot;

	if (!sim->chaos.reorder)
		return 0;
	slot = sim->answers.items[sim_random(sim, (uint32_t)sim->answers.count)]
		       .slot;
	while (sim->answers.items[chosen].slot != slot)
		chosen++;
	return chosen;
}

/* Whether the rest stays for a later wait. Failed sends never do: those that a
 * wait doesn't report count as sent. */
static bool withheld(struct sim *sim)
{
	if (!sim_chance(sim, sim->chaos.late))
		return false;
	for (size_t i = 0; i < sim->answers.count; i++)
		if (sim->answers.items[i].completion.kind == HL_COMPLETION_SEND)
			return false;
	return true;
}

static void handed_out(struct sim *sim, const struct answer *entry)
{
	struct slot *s = &sim->slots[entry->slot];

	if (entry->completion.kind == HL_COMPLETION_WRITABLE)
		s->writable.stage = IDLE;
	if (entry->completion.kind == HL_COMPLETION_RECEIVE &&
	    !entry->completion.more)
		s->receive.stage = IDLE;
	if (entry->completion.kind == HL_COMPLETION_ERROR &&
	    !entry->completion.more)
		s->error.stage = IDLE;
}

uint32_t sim_hand_out(struct sim *sim, struct hl_completion *out,
		      uint32_t capacity)
{
	uint32_t count = 0;

	while (count < capacity && sim->answers.count && !withheld(sim)) {
		size_t at = choose_answer(sim);
		struct answer entry = sim->answers.items[at];

		sim->answers.count--;
		memmove(&sim->answers.items[at], &sim->answers.items[at + 1],
			(sim->answers.count - at) * sizeof(entry));
		handed_out(sim, &entry);
		out[count++] = entry.completion;
	}
	sim->backend.counters.completions += count;
	return count;
}

/* ---- The way in ---- */

unsigned sim_pending_arrivals(const struct slot *s)
{
	return (unsigned)(s->arrivals.count - s->arrived);
}

static uint32_t pool_take(struct pool *pool)
{
	uint32_t id;

	if (!pool->count)
		return HL_BUFFER_NONE;
	id = pool->ring[pool->head++ & (SIM_POOL_MAX - 1)];
	pool->count--;
	pool->provided[id] = false;
	return id;
}

bool sim_coalesces(const struct slot *s)
{
	int on = 0;
	socklen_t size = sizeof(on);

	return !getsockopt(s->fd, IPPROTO_UDP, UDP_GRO, &on, &size) && on;
}

/* Writes the size of a coalesced one's pieces where there is space for it;
 * returns the bytes that it takes. */
static uint32_t fill_control(unsigned char *control, size_t space,
			     const struct arrival *a)
{
	int segment = a->segment;
	struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(sizeof(segment)),
		.cmsg_level = IPPROTO_UDP,
		.cmsg_type = UDP_GRO,
	};

	if (!segment || space < CMSG_SPACE(sizeof(segment)))
		return 0;
	memcpy(control, &header, sizeof(header));
	memcpy(control + CMSG_LEN(0), &segment, sizeof(segment));
	return CMSG_SPACE(sizeof(segment));
}

/* Writes a datagram as net/recvmsg.h lays it out; returns the bytes here. */
static int32_t fill(struct pool *pool, uint32_t id, const struct arrival *a,
		    size_t control_space)
{
	unsigned char *memory =
		pool->memory.base + (size_t)id * pool->memory.stride;
	size_t spaces = HL_RECVMSG_OVERHEAD + control_space;
	size_t room = pool->memory.size - spaces;
	size_t size = a->size < room ? a->size : room;
	struct hl_recvmsg_header header = {
		.name_size = hl_addr_size(&a->from),
		.payload_size = (uint32_t)a->size,
		.flags = a->size > room ? MSG_TRUNC : 0,
	};

	hl_unpoison(memory, spaces + size);
	memset(memory, 0xa5, spaces);
	header.control_size =
		fill_control(memory + HL_RECVMSG_OVERHEAD, control_space, a);
	memcpy(memory, &header, sizeof(header));
	memcpy(memory + sizeof(header), &a->from, header.name_size);
	if (size)
		memcpy(memory + spaces, a->data, size);
	return (int32_t)(spaces + size);
}

/* Hands the oldest arrival over. An empty datagram, a full queue and a test's
 * wish end the reception, with the datagram delivered. */
static void receive_one(struct sim *sim, uint32_t id)
{
	struct slot *s = &sim->slots[id];
	struct arrival *a = &s->arrivals.items[s->arrived];
	struct hl_completion what = {
		.kind = HL_COMPLETION_RECEIVE,
		.id = id,
	};

	if (a->error) {
		s->arrived++;
		end_armed(sim, id, HL_ARM_RECEIVE, a->error);
		return;
	}
	what.buffer = pool_take(&sim->pools[s->pool]);
	if (what.buffer == HL_BUFFER_NONE) {
		end_armed(sim, id, HL_ARM_RECEIVE, -ENOBUFS);
		return;
	}
	/* Then the kernel forgets that it is one. */
	if (a->segment && !sim_coalesces(s))
		a->segment = 0;
	what.result =
		fill(&sim->pools[s->pool], what.buffer, a, s->control_space);
	what.more = a->size && !s->end_next &&
		    sim->answers.count < sim->config.completions;
	if (!what.more)
		s->receive.stage = ENDED;
	if (a->size)
		s->end_next = false;
	s->arrived++;
	free(a->data);
	answer(sim, id, what);
}

static void receive_run(struct sim *sim, uint32_t id)
{
	struct slot *s = &sim->slots[id];
	unsigned run = 0;

	while (s->receive.stage == LIVE && sim_pending_arrivals(s) &&
	       run++ < RUN_MAX)
		receive_one(sim, id);
	if (s->arrived == s->arrivals.count) {
		s->arrived = 0;
		s->arrivals.count = 0;
	}
}

/* ---- The way out ---- */

uint64_t sim_checksum(const struct hail_message *message)
{
	const unsigned char *bytes = message->data;
	uint64_t sum = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < message->size; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
	bytes = (const void *)message->remote;
	for (size_t i = 0; bytes && i < hl_addr_size(message->remote); i++)
		sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
	return sum;
}

size_t sim_capacity_of(const struct slot *s)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	if (s->capacity)
		return s->capacity;
	getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
	return (size_t)bytes;
}

static bool is_full(const struct slot *s)
{
	return !s->credit || s->booked >= sim_capacity_of(s);
}

void sim_move_link(struct slot *s, uint32_t count)
{
	while (count-- && s->moved < s->held.count)
		s->booked -= s->held.items[s->moved++];
	if (s->moved == s->held.count) {
		s->moved = 0;
		s->held.count = 0;
	}
}

/* The rule's errno for this send, or 0 where it doesn't apply. */
static int apply_rule(struct rule *rule, uint32_t slot)
{
	if (!rule->count || (rule->slot != SIM_ANY && rule->slot != slot))
		return 0;
	if (rule->skip) {
		if (rule->skip != SIM_UNLIMITED)
			rule->skip--;
		return 0;
	}
	if (rule->count != SIM_UNLIMITED)
		rule->count--;
	return rule->code;
}

static int by_chance(struct sim *sim)
{
	static const int again[] = {-EAGAIN, -ENOBUFS, -ENOMEM};
	static const int fatal[] = {-EPERM, -ENETUNREACH, -EHOSTUNREACH,
				    -EMSGSIZE, -ECONNREFUSED};

	if (sim_chance(sim, sim->chaos.again))
		return again[sim_random(sim, 3)];
	if (sim_chance(sim, sim->chaos.fatal))
		return fatal[sim_random(sim, 5)];
	return 0;
}

static int judge_send(struct sim *sim, const struct request *r)
{
	struct slot *s = &sim->slots[r->slot];
	int code = s->pending;

	s->pending = 0;
	if (!code && r->loan)
		code = sim->lend_code;
	for (unsigned i = 0; i < sim->rule_count && !code; i++)
		code = apply_rule(&sim->rules[i], r->slot);
	if (!code && sim->judge)
		code = sim->judge(sim->judge_arg, r->slot, &r->message);
	if (!code)
		code = by_chance(sim);
	if (!code && is_full(&sim->slots[r->slot]))
		code = -EAGAIN;
	if (!code && sim_request_too_long(sim, r))
		code = sim->segment_code;
	if (!code && sim_request_too_many(sim, r))
		code = -EINVAL;
	return code;
}

/* One datagram of a send. */
static void record(struct sim *sim, const struct request *r, size_t offset,
		   size_t size)
{
	struct slot *s = &sim->slots[r->slot];
	struct sim_sent *sent = PUSH(&sim->sent);
	socklen_t name_size = sizeof(sent->remote);

	memset(sent, 0, sizeof(*sent));
	sent->slot = r->slot;
	sent->life = s->life;
	sent->size = size;
	sent->segment = r->segment;
	sent->train = sim->trains;
	sent->data = malloc(sent->size + 1);
	if (!sent->data)
		abort();
	sent->origin = sim_request_copy(r, offset, size, sent->data);
	sent->data[sent->size] = 0;
	if (r->control)
		sent->control = *r->control;
	if (r->message.remote)
		sent->remote = *r->message.remote;
	else if (getpeername(s->fd, &sent->remote.sa, &name_size))
		sim_fault(sim,
			  "a send without a remote on an unconnected socket");
}

static void take_datagram(struct sim *sim, const struct request *r,
			  size_t offset, size_t size)
{
	struct slot *s = &sim->slots[r->slot];
	size_t charge = hl_sndbuf_charge(size);

	record(sim, r, offset, size);
	if (s->credit != SIM_UNLIMITED && s->credit)
		s->credit--;
	if (!s->stopped)
		return;
	*PUSH(&s->held) = charge;
	s->booked += charge;
}

static void take_send(struct sim *sim, const struct request *r)
{
	size_t size = r->message.size;
	size_t segment = r->segment && r->segment < size ? r->segment : size;

	sim->trains++;
	take_datagram(sim, r, 0, segment);
	for (size_t offset = segment; offset < size; offset += segment)
		take_datagram(sim, r, offset,
			      size - offset < segment ? size - offset
						      : segment);
}

static void execute_send(struct sim *sim, const struct request *r)
{
	int code;

	if (!sim->slots[r->slot].attached) {
		sim_fault(sim, "slot %u was detached with sends queued",
			  r->slot);
		return;
	}
	if (sim_request_checksum(r) != r->checksum)
		sim_fault(sim, "a message changed between send() and wait()");
	if (sim_request_given_back(sim, r))
		sim_fault(sim,
			  "a send reads from a buffer that was given back");
	code = judge_send(sim, r);
	if (!code) {
		take_send(sim, r);
		if (r->loan)
			sim_lend_take(sim, r);
		return;
	}
	sim->failures++;
	answer(sim, r->slot,
	       (struct hl_completion){
		       .kind = HL_COMPLETION_SEND,
		       .more = sim_lend_fail(sim, r, code),
		       .result = code,
		       .id = r->token,
		       .buffer = HL_BUFFER_NONE,
	       });
}

void sim_drop_arrivals(struct slot *s)
{
	for (size_t i = s->arrived; i < s->arrivals.count; i++)
		free(s->arrivals.items[i].data);
	free(s->arrivals.items);
	free(s->held.items);
	free(s->records.items);
	memset(&s->records, 0, sizeof(s->records));
	memset(&s->arrivals, 0, sizeof(s->arrivals));
	memset(&s->held, 0, sizeof(s->held));
}

/* ---- Polls, cancels and time ---- */

static bool is_writable(const struct slot *s)
{
	return s->writable.stage == LIVE && !s->writable.delay && s->credit &&
	       s->booked < sim_capacity_of(s) / 2;
}

static void poll_writable(struct sim *sim, uint32_t id)
{
	if (is_writable(&sim->slots[id]))
		end_armed(sim, id, HL_ARM_WRITABLE, 0);
}

/* Tells of what has come, once, and may end with it. */
static void poll_error(struct sim *sim, uint32_t id)
{
	struct slot *s = &sim->slots[id];

	if (s->error.stage != LIVE || !s->news)
		return;
	s->news = false;
	if (sim_chance(sim, sim->chaos.late)) {
		end_armed(sim, id, HL_ARM_ERROR, POLLERR);
		return;
	}
	answer(sim, id,
	       (struct hl_completion){
		       .kind = HL_COMPLETION_ERROR,
		       .more = true,
		       .result = POLLERR,
		       .id = id,
		       .buffer = HL_BUFFER_NONE,
	       });
}

static void cancel(struct sim *sim, uint32_t id, unsigned what)
{
	struct slot *s = &sim->slots[id];
	struct armed *armed = armed_of(s, what);

	if (armed->stage == LIVE && armed->cancelling && !armed->delay)
		end_armed(sim, id, what, -ECANCELED);
}

static bool is_delayed(const struct armed *armed)
{
	return armed->stage == LIVE && armed->delay;
}

bool sim_moving(const struct sim *sim)
{
	bool moving = false;

	for (uint32_t id = 0; id < sim->slot_end && !moving; id++) {
		const struct slot *s = &sim->slots[id];

		moving = s->attached &&
			 (is_delayed(&s->receive) || is_delayed(&s->writable) ||
			  is_delayed(&s->error) ||
			  (sim->chaos.credit && s->held.count));
	}
	return moving;
}

static void age(struct armed *armed)
{
	if (is_delayed(armed))
		armed->delay--;
}

void sim_pass_time(struct sim *sim)
{
	for (uint32_t id = 0; id < sim->slot_end; id++) {
		struct slot *s = &sim->slots[id];

		if (!s->attached)
			continue;
		age(&s->receive);
		age(&s->writable);
		age(&s->error);
		if (sim->chaos.credit && s->held.count)
			sim_move_link(s,
				      1 + sim_random(sim, sim->chaos.credit));
	}
}

bool sim_is_due(const struct sim *sim)
{
	bool due = sim->answers.count || sim_moving(sim);

	for (uint32_t id = 0; id < sim->slot_end && !due; id++) {
		const struct slot *s = &sim->slots[id];

		due = s->attached &&
		      (is_writable(s) || (s->error.stage == LIVE && s->news) ||
		       (s->receive.stage == LIVE && sim_pending_arrivals(s)));
	}
	return due;
}

static void look_at_slot(struct sim *sim, uint32_t id)
{
	if (!sim->slots[id].attached)
		return;
	poll_error(sim, id);
	cancel(sim, id, HL_ARM_ERROR);
	receive_run(sim, id);
	cancel(sim, id, HL_ARM_RECEIVE);
	poll_writable(sim, id);
	cancel(sim, id, HL_ARM_WRITABLE);
}

/* Everybody in turn, from another one each time. */
void sim_look_at_all(struct sim *sim)
{
	uint32_t first = sim_random(sim, sim->slot_end);

	for (uint32_t i = 0; i < sim->slot_end; i++)
		look_at_slot(sim, (first + i) % sim->slot_end);
}

/* ---- Requests ---- */

static unsigned draw_delay(struct sim *sim)
{
	return sim_random(sim, sim->chaos.delay + 1);
}

static void execute_arm(struct sim *sim, uint32_t id, unsigned what)
{
	struct slot *s = &sim->slots[id];

	if (what & HL_ARM_RECEIVE) {
		s->receive = (struct armed){.stage = LIVE};
		if (!sim->pools[s->pool].count)
			end_armed(sim, id, HL_ARM_RECEIVE, -ENOBUFS);
		receive_run(sim, id);
	}
	if (what & HL_ARM_WRITABLE) {
		s->writable = (struct armed){
			.stage = LIVE,
			.delay = draw_delay(sim),
		};
		poll_writable(sim, id);
	}
	if (what & HL_ARM_ERROR) {
		s->error = (struct armed){.stage = LIVE};
		s->news = s->recorded < s->records.count;
		poll_error(sim, id);
	}
}

static void start_cancel(struct sim *sim, uint32_t id, unsigned what)
{
	struct slot *s = &sim->slots[id];
	struct armed *armed = armed_of(s, what);

	if (armed->stage != LIVE || armed->cancelling)
		return;
	armed->cancelling = true;
	armed->delay = draw_delay(sim);
	cancel(sim, id, what);
}

static void execute(struct sim *sim, const struct request *r)
{
	switch (r->kind) {
	case REQUEST_ARM:
		execute_arm(sim, r->slot, r->what);
		break;
	case REQUEST_DISARM:
		start_cancel(sim, r->slot, r->what);
		break;
	case REQUEST_SEND:
		execute_send(sim, r);
		break;
	}
}

void sim_submit(struct sim *sim)
{
	for (size_t i = 0; i < sim->requests.count; i++)
		execute(sim, &sim->requests.items[i]);
	sim->backend.counters.submissions += sim->requests.count;
	sim_forget_requests(sim);
	sim->sends_queued = 0;
}
