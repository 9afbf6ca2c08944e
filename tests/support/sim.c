/* SPDX-License-Identifier: MIT */
/*
 * sim.c: the contract of backend/backend.h over the simulated kernel. Each
 * wait() lets time pass for what is delayed, carries out the queued requests
 * in their order, and lets every socket receive; what comes of it goes into
 * one queue of answers. Every call checks that the engine keeps its side.
 */
#include "net/addr.h"
#include "sim_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* After this long a wait for others' wakes counts as hanging. */
#define HANG_S 10

static struct sim *sim_of(struct hl_backend *backend)
{
	return (struct sim *)(void *)backend;
}

static void check_thread(struct sim *sim, const char *call)
{
	if (!sim->open)
		sim_fault(sim, "%s on a backend that isn't open", call);
	if (sim->started && !pthread_equal(sim->thread, pthread_self()))
		sim_fault(sim, "%s from another thread than start()", call);
}

/* The slot, or NULL where the call has no business with it. */
static struct slot *check_slot(struct sim *sim, uint32_t id, const char *call)
{
	check_thread(sim, call);
	if (!sim->started)
		sim_fault(sim, "%s before start()", call);
	if (id < SIM_SLOTS_MAX && sim->slots[id].attached)
		return &sim->slots[id];
	sim_fault(sim, "%s on slot %u, which isn't attached", call, id);
	return NULL;
}

static int scheduled(struct sim *sim, enum sim_call call)
{
	int code = sim->call_code[call];

	if (!code)
		return 0;
	if (sim->call_skip[call]) {
		sim->call_skip[call]--;
		return 0;
	}
	sim->call_code[call] = 0;
	return code;
}

static void hush_bell(const struct sim *sim)
{
	uint64_t count;

	while (read(sim->backend.fd, &count, sizeof(count)) < 0 &&
	       errno == EINTR)
		continue;
}

static struct request *queue(struct sim *sim, enum request_kind kind,
			     uint32_t slot)
{
	struct request *r = PUSH(&sim->requests);

	*r = (struct request){.kind = kind, .slot = slot};
	return r;
}

static int open_pool(struct pool *pool, const struct hl_backend_pool *memory)
{
	pool->memory = *memory;
	pool->ring = calloc(SIM_POOL_MAX, sizeof(*pool->ring));
	pool->provided = calloc(SIM_POOL_MAX, sizeof(*pool->provided));
	return pool->ring && pool->provided ? 0 : -ENOMEM;
}

static int op_open(struct hl_backend **out,
		   const struct hl_backend_config *config, void *arg)
{
	struct sim *sim = arg;
	int err;

	if (sim->open || sim->closed)
		sim_fault(sim, "open() of a sim that was open before");
	sim->backend = (struct hl_backend){.ops = &sim_ops};
	sim->backend.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sim->backend.fd < 0)
		return -errno;
	sim->config = *config;
	sim->open = true;
	for (int kind = 0; kind < HL_POOL_KINDS; kind++) {
		err = open_pool(&sim->pools[kind], &config->pools[kind]);
		if (err)
			return err;
	}
	*out = &sim->backend;
	return 0;
}

static void op_close(struct hl_backend *backend)
{
	struct sim *sim = sim_of(backend);

	if (!sim->open)
		sim_fault(sim, "close() of a backend that isn't open");
	sim->open = false;
	sim->closed = true;
	close(backend->fd);
	backend->fd = -1;
}

static int op_start(struct hl_backend *backend)
{
	struct sim *sim = sim_of(backend);
	int err = scheduled(sim, SIM_CALL_START);

	if (err)
		return err;
	check_thread(sim, "start()");
	if (sim->started)
		sim_fault(sim, "start() a second time");
	sim->started = true;
	sim->thread = pthread_self();
	return 0;
}

static int op_attach(struct hl_backend *backend, uint32_t slot, int fd,
		     enum hl_pool_kind pool, size_t control_space)
{
	struct sim *sim = sim_of(backend);
	struct slot *s;
	int err = scheduled(sim, SIM_CALL_ATTACH);

	check_thread(sim, "attach()");
	if (err)
		return err;
	if (slot >= SIM_SLOTS_MAX)
		return -ENOMEM;
	s = &sim->slots[slot];
	if (s->attached)
		sim_fault(sim, "attach() on slot %u, which is attached", slot);
	if (fcntl(fd, F_GETFD) < 0)
		sim_fault(sim, "attach() of a descriptor that isn't open");
	*s = (struct slot){
		.attached = true,
		.fd = fd,
		.life = ++sim->lives,
		.pool = pool,
		.control_space = control_space,
		.credit = SIM_UNLIMITED,
	};
	if (slot >= sim->slot_end)
		sim->slot_end = slot + 1;
	return 0;
}

static void op_detach(struct hl_backend *backend, uint32_t slot)
{
	struct sim *sim = sim_of(backend);
	struct slot *s = check_slot(sim, slot, "detach()");

	if (!s)
		return;
	if (s->receive.stage != IDLE || s->writable.stage != IDLE ||
	    s->error.stage != IDLE)
		sim_fault(sim, "detach() of slot %u while it is armed", slot);
	if (fcntl(s->fd, F_GETFD) < 0)
		sim_fault(sim, "slot %u was closed before detach()", slot);
	s->attached = false;
	sim_drop_arrivals(s);
}

static void queue_armed(struct sim *sim, uint32_t slot, struct armed *armed,
			const char *name)
{
	if (armed->stage != IDLE)
		sim_fault(sim, "%s is armed twice on slot %u", name, slot);
	else
		armed->stage = QUEUED;
}

static int op_arm(struct hl_backend *backend, uint32_t slot, unsigned what)
{
	struct sim *sim = sim_of(backend);
	struct slot *s = check_slot(sim, slot, "arm()");
	int err = scheduled(sim, SIM_CALL_ARM);

	if (!s)
		return -EBADF;
	if (err)
		return err;
	if (!what ||
	    what & ~(unsigned)(HL_ARM_RECEIVE | HL_ARM_WRITABLE | HL_ARM_ERROR))
		sim_fault(sim, "arm() of nothing known: %#x", what);
	if (what & HL_ARM_RECEIVE)
		queue_armed(sim, slot, &s->receive, "reception");
	if (what & HL_ARM_WRITABLE)
		queue_armed(sim, slot, &s->writable, "writability");
	if (what & HL_ARM_ERROR)
		queue_armed(sim, slot, &s->error, "the error queue");
	queue(sim, REQUEST_ARM, slot)->what = what;
	return 0;
}

static int op_disarm(struct hl_backend *backend, uint32_t slot, unsigned what)
{
	struct sim *sim = sim_of(backend);
	struct slot *s = check_slot(sim, slot, "disarm()");
	int err = scheduled(sim, SIM_CALL_DISARM);

	if (!s)
		return -EBADF;
	if (err)
		return err;
	queue(sim, REQUEST_DISARM, slot)->what = what;
	return 0;
}

static void op_provide(struct hl_backend *backend, enum hl_pool_kind kind,
		       const uint32_t *ids, uint32_t count)
{
	struct sim *sim = sim_of(backend);
	struct pool *pool = &sim->pools[kind];

	check_thread(sim, "provide()");
	for (uint32_t i = 0; i < count; i++) {
		if (ids[i] >= pool->memory.count_max) {
			sim_fault(sim, "provide() of buffer %u, past the pool",
				  ids[i]);
			continue;
		}
		if (pool->provided[ids[i]]) {
			sim_fault(sim, "buffer %u is provided twice", ids[i]);
			continue;
		}
		pool->provided[ids[i]] = true;
		pool->ring[(pool->head + pool->count++) & (SIM_POOL_MAX - 1)] =
			ids[i];
	}
}

static uint32_t room_for(struct sim *sim, uint32_t count)
{
	size_t room = sim->requests.count < sim->config.entries
			      ? sim->config.entries - sim->requests.count
			      : 0;

	if (count > room)
		count = (uint32_t)room;
	if (count > 1 && sim_chance(sim, sim->chaos.partial))
		count = 1 + sim_random(sim, count);
	return count;
}

/* Tokens name sends between two waits, so none may be used twice there. */
static void check_tokens(struct sim *sim, uint32_t token, uint32_t count)
{
	for (size_t i = 0; i < sim->requests.count; i++) {
		const struct request *r = &sim->requests.items[i];

		if (r->kind == REQUEST_SEND && r->token - token < count) {
			sim_fault(sim, "token %u is used twice", r->token);
			return;
		}
	}
}

static uint32_t op_send(struct hl_backend *backend, uint32_t slot,
			const struct hail_message *messages, uint32_t count,
			uint32_t token)
{
	struct sim *sim = sim_of(backend);

	if (!check_slot(sim, slot, "send()"))
		return count;
	if (!count)
		sim_fault(sim, "send() of nothing");
	count = room_for(sim, count);
	check_tokens(sim, token, count);
	for (uint32_t i = 0; i < count; i++) {
		struct request *r = queue(sim, REQUEST_SEND, slot);

		r->token = token + i;
		r->message = messages[i];
		r->checksum = sim_checksum(&messages[i]);
	}
	sim->sends_queued += count;
	return count;
}

static uint32_t op_send_each(struct hl_backend *backend,
			     const struct hl_backend_send *sends,
			     uint32_t count)
{
	struct sim *sim = sim_of(backend);

	if (!count)
		sim_fault(sim, "send_each() of nothing");
	count = room_for(sim, count);
	for (uint32_t i = 0; i < count; i++) {
		struct request *r;

		if (!check_slot(sim, sends[i].slot, "send_each()"))
			return count;
		check_tokens(sim, sends[i].token, 1);
		r = queue(sim, REQUEST_SEND, sends[i].slot);
		r->token = sends[i].token;
		sim_request_fill(sim, r, &sends[i]);
		r->checksum = sim_request_checksum(r);
	}
	sim->sends_queued += count;
	return count;
}

/* Blocks for real: on the descriptor that wake() writes to. */
static int sleep_until(struct sim *sim, int64_t timeout_ns)
{
	struct timespec limit = {.tv_sec = HANG_S};
	struct pollfd bell = {.fd = sim->backend.fd, .events = POLLIN};

	if (timeout_ns != HL_WAIT_FOREVER) {
		limit.tv_sec = (time_t)(timeout_ns / 1000000000);
		limit.tv_nsec = (long)(timeout_ns % 1000000000);
	}
	sim->backend.counters.sleeps++;
	if (!ppoll(&bell, 1, &limit, NULL) && timeout_ns == HL_WAIT_FOREVER)
		return -EDEADLK;
	return 0;
}

/* Nothing has come so far. What only needs further waits ends this one early,
 * as a signal would. */
static int idle(struct sim *sim, int64_t timeout_ns)
{
	if (timeout_ns == 0 || sim_moving(sim) || atomic_load(&sim->woken))
		return 0;
	if (timeout_ns == HL_WAIT_FOREVER && !sim->expect_wakes)
		return -EDEADLK;
	return sleep_until(sim, timeout_ns);
}

/* Whether there are so many answers, if every socket does all that it can. */
static bool enough(struct sim *sim, uint32_t capacity)
{
	size_t before;

	do {
		before = sim->answers.count;
		sim_look_at_all(sim);
	} while (sim->answers.count > before && sim->answers.count < capacity);
	return sim->answers.count >= capacity;
}

/* Goes on, for real, unless enough is there. Returns what is left of the
 * timeout. */
static int64_t wait_batch(struct sim *sim, int64_t timeout_ns,
			  uint64_t batch_ns, uint32_t capacity)
{
	bool limited = timeout_ns >= 0;
	struct timespec limit;

	if (limited && (uint64_t)timeout_ns < batch_ns)
		batch_ns = (uint64_t)timeout_ns;
	limit.tv_sec = (time_t)(batch_ns / 1000000000);
	limit.tv_nsec = (long)(batch_ns % 1000000000);
	sim->backend.counters.batch_waits++;
	if (enough(sim, capacity))
		return timeout_ns;
	ppoll(NULL, 0, &limit, NULL);
	enough(sim, capacity);
	return limited ? timeout_ns - (int64_t)batch_ns : timeout_ns;
}

static int look_for_events(struct sim *sim, int64_t timeout_ns,
			   uint64_t batch_ns, uint32_t capacity)
{
	int err = 0;

	sim_look_at_all(sim);
	if (timeout_ns && batch_ns)
		timeout_ns = wait_batch(sim, timeout_ns, batch_ns, capacity);
	if (!sim->answers.count)
		err = idle(sim, timeout_ns);
	/* In this order: a wake in between leaves the bell ringing. */
	hush_bell(sim);
	atomic_store(&sim->woken, false);
	return err;
}

static int op_wait(struct hl_backend *backend, int64_t timeout_ns,
		   uint64_t batch_ns, struct hl_completion *out,
		   uint32_t capacity)
{
	struct sim *sim = sim_of(backend);
	int err = scheduled(sim, SIM_CALL_WAIT);

	check_thread(sim, "wait()");
	if (!sim->started)
		sim_fault(sim, "wait() before start()");
	if (!err && sim->broken) {
		sim_forget_requests(sim);
		sim->sends_queued = 0;
		err = sim->broken;
	}
	if (err)
		return err;
	sim->waits++;
	sim->batch_ns = batch_ns;
	backend->counters.enters++;
	if (timeout_ns != HL_WAIT_SUBMIT) {
		if (sim->each_wait)
			sim->each_wait(sim, sim->each_wait_arg);
		sim_pass_time(sim);
	}
	sim_submit(sim);
	hush_bell(sim);
	if (timeout_ns != HL_WAIT_SUBMIT)
		err = look_for_events(sim, timeout_ns, batch_ns, capacity);
	if (err)
		return err;
	backend->counters.overflows += sim->overflowed;
	sim->overflowed = false;
	err = (int)sim_hand_out(sim, out, capacity);
	if (sim_is_due(sim) || atomic_load(&sim->woken))
		sim_ring_bell(sim);
	return err;
}

static uint32_t op_reap(struct hl_backend *backend, struct hl_completion *out,
			uint32_t capacity)
{
	struct sim *sim = sim_of(backend);

	check_thread(sim, "reap()");
	return sim_hand_out(sim, out, capacity);
}

static bool op_queued(const struct hl_backend *backend)
{
	const struct sim *sim = (const void *)backend;

	return sim->requests.count > 0;
}

static void op_wake(struct hl_backend *backend)
{
	struct sim *sim = sim_of(backend);

	atomic_store(&sim->woken, true);
	sim_ring_bell(sim);
}

static int64_t op_outstanding(struct hl_backend *backend, uint32_t slot)
{
	struct sim *sim = sim_of(backend);
	struct slot *s = check_slot(sim, slot, "outstanding()");

	if (!s)
		return -EBADF;
	return (int64_t)(s->credit ? s->booked : sim_capacity_of(s));
}

static int op_take_error(struct hl_backend *backend, uint32_t slot,
			 struct msghdr *record)
{
	struct sim *sim = sim_of(backend);
	struct slot *s = check_slot(sim, slot, "take_error()");
	const struct sim_record *first;

	if (!s)
		return -EBADF;
	if (s->recorded == s->records.count)
		return -EAGAIN;
	first = &s->records.items[s->recorded++];
	s->pending = 0;
	record->msg_namelen = hl_addr_size(&first->name);
	memcpy(record->msg_name, &first->name, record->msg_namelen);
	if (first->control_size < record->msg_controllen)
		record->msg_controllen = first->control_size;
	memcpy(record->msg_control, first->control, record->msg_controllen);
	return 0;
}

/* Its bell rings whether somebody watches or not. */
static void op_watch(struct hl_backend *backend)
{
	(void)backend;
}

const struct hl_backend_ops sim_ops = {
	.name = "simulated",
	.open = op_open,
	.close = op_close,
	.start = op_start,
	.attach = op_attach,
	.detach = op_detach,
	.arm = op_arm,
	.disarm = op_disarm,
	.provide = op_provide,
	.send = op_send,
	.send_each = op_send_each,
	.wait = op_wait,
	.reap = op_reap,
	.queued = op_queued,
	.watch = op_watch,
	.wake = op_wake,
	.outstanding = op_outstanding,
	.take_error = op_take_error,
};
