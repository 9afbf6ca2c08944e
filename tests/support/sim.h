/* SPDX-License-Identifier: MIT */
/*
 * sim.h: a backend without a kernel.
 *
 * Sockets are attached by slot as with io_uring, but nothing is sent or heard:
 * the test injects what arrives, decides what a send meets, and reads what was
 * sent. Everything that a kernel might do at will is drawn from a seed. Each
 * breach of the contract in backend/backend.h is printed and counted as a
 * fault; a test ends by asserting that there is none.
 *
 * One thread uses a sim, the engine's; only the backend's wake() is for all.
 */
#ifndef SIM_H
#define SIM_H

#include "backend/backend.h"

#include <hail/datagram.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hail_socket;
struct sim;

extern const struct hl_backend_ops sim_ops;

#define SIM_SEGMENTS_MAX 128     /* of one train */
#define SIM_ANY UINT32_MAX       /* every slot */
#define SIM_UNLIMITED UINT32_MAX /* no end of it */

/* What a sim does at will, in percent of the cases; zero is a kernel that does
 * what it is asked. May be changed at any time. */
struct sim_chaos {
	unsigned again;   /* sends that meet EAGAIN, ENOBUFS or ENOMEM */
	unsigned fatal;   /* sends that meet EPERM, ENETUNREACH ... */
	unsigned partial; /* send() calls that take fewer than they might */
	unsigned delay;   /* waits that a poll or a cancel takes, at most */
	unsigned credit;  /* datagrams that a stopped link moves in a wait */
	unsigned late;    /* answers that only a later wait hands out */
	bool reorder;     /* completions of different sockets change places */
};

/* A datagram that the simulated kernel took. */
struct sim_sent {
	uint32_t slot;
	uint32_t life;           /* the how-manieth attachment of the sim */
	struct hail_addr remote; /* the peer's, where the message named none */
	const void *origin;      /* where the bytes lay */
	unsigned char *data;     /* a copy of them */
	size_t size;
	struct hl_cmsg control; /* of size 0: it had none */
	uint16_t segment;       /* of the train that it came in; 0: in none */
	unsigned train; /* the send's number: those of a train share it */
};

/* A sim is given to hl_engine_create_with() as `arg`, outlives its engine and
 * is destroyed by the test. */
struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *sim);
struct sim_chaos *sim_chaos(struct sim *sim);
/* A number from 0 to bound - 1, from the seed. */
uint32_t sim_random(struct sim *sim, uint32_t bound);

/* Breaches of the contract so far; the first is told in words. */
unsigned sim_faults(const struct sim *sim);
const char *sim_fault_text(const struct sim *sim);
/* Sockets that are attached; waits so far; whether close() was called. */
unsigned sim_attached(const struct sim *sim);
unsigned sim_waits(const struct sim *sim);
bool sim_closed(const struct sim *sim);
/* For how long the latest wait was to go on for more. */
uint64_t sim_batch_ns(const struct sim *sim);

/* The slot of a socket that is open, found by its port. */
uint32_t sim_slot(const struct sim *sim, const struct hail_socket *socket);
uint32_t sim_slot_life(const struct sim *sim, uint32_t slot);
/* What of HL_ARM_... is armed, as the engine must see it. */
unsigned sim_armed(const struct sim *sim, uint32_t slot);
/* Whether the memory lies in a receive buffer, and in one that the simulated
 * kernel may write to. */
bool sim_in_pool(const struct sim *sim, const void *data);
bool sim_provided(const struct sim *sim, const void *data);
uint32_t sim_provided_count(const struct sim *sim, enum hl_pool_kind pool);

/* Arrives at the socket; waits there until reception is armed. */
void sim_inject(struct sim *sim, uint32_t slot, const struct hail_addr *from,
		const void *data, size_t size);
/* Datagrams of `segment` bytes, of which the last may be shorter, arrive as one
 * piece where the socket has UDP_GRO on, and else one by one. */
void sim_inject_coalesced(struct sim *sim, uint32_t slot,
			  const struct hail_addr *from, const void *data,
			  size_t size, uint16_t segment);
/* An ICMP error arrives. */
void sim_inject_error(struct sim *sim, uint32_t slot, int code);
/* A record comes to the error queue, and fails the next send of the slot with
 * `pending`, as an ICMP message does; 0: it fails none, and what another left
 * pending stays. */
struct sim_record {
	struct hail_addr name;
	size_t control_size;
	unsigned char control[128];
};
void sim_inject_record(struct sim *sim, uint32_t slot,
		       const struct sim_record *record, int pending);
/* How many records nobody has taken. */
size_t sim_records(const struct sim *sim, uint32_t slot);
/* What still waits in the socket. */
unsigned sim_pending(const struct sim *sim, uint32_t slot);
/* The next datagram comes as if the completion queue were full: it ends the
 * reception. */
void sim_end_reception(struct sim *sim, uint32_t slot);

/* What was sent, oldest first. */
size_t sim_sent_count(const struct sim *sim);
const struct sim_sent *sim_sent(const struct sim *sim, size_t index);

/* The socket takes `count` more datagrams, then its send buffer is full; free
 * sockets have SIM_UNLIMITED. */
void sim_credit(struct sim *sim, uint32_t slot, uint32_t count);
/* Stops the link: what is sent stays in the send buffer until sim_drain()
 * moves the oldest `count` of it. SIM_UNLIMITED starts the link again. */
void sim_stop(struct sim *sim, uint32_t slot);
void sim_drain(struct sim *sim, uint32_t slot, uint32_t count);
/* Bytes at which the send buffer is full; at first the SO_SNDBUF of the
 * socket. */
void sim_capacity(struct sim *sim, uint32_t slot, size_t bytes);
size_t sim_booked(const struct sim *sim, uint32_t slot);

/* Of the sends on the slot (or SIM_ANY), lets `skip` pass and has the next
 * `count` fail with `code`. Rules are asked in the order of their making. */
void sim_fail_sends(struct sim *sim, uint32_t slot, int code, uint32_t skip,
		    uint32_t count);
/* Asked for each send after the rules; 0 or the errno that it meets. */
void sim_judge(struct sim *sim,
	       int (*judge)(void *arg, uint32_t slot,
			    const struct hail_message *message),
	       void *arg);
/* Sends that ask for longer segments than these fail with `code` from now on;
 * with -EMSGSIZE not those whose message is no longer itself. At first there is
 * no limit. */
void sim_limit_segments(struct sim *sim, uint32_t segment_max, int code);
/* Trains of more segments than these fail with -EINVAL from now on. */
void sim_limit_trains(struct sim *sim, uint32_t segments_max);
/* Lent sends come back at once, or are held until sim_give_back(), which takes
 * `count` of them at will; and they say that they were copied or not. */
void sim_lend(struct sim *sim, bool hold, bool copied);
void sim_give_back(struct sim *sim, uint32_t count);
/* How many are out, and how many were lent so far. */
unsigned sim_lent(const struct sim *sim);
unsigned sim_lent_count(const struct sim *sim);
/* Sends fail with `code` where they are lent; 0: not any more. */
void sim_refuse_loans(struct sim *sim, int code);
/* Forgets rules and judge. */
void sim_forgive(struct sim *sim);
/* How many sends failed so far. */
unsigned sim_failures(const struct sim *sim);

/* Calls that can be made to fail. */
enum sim_call {
	SIM_CALL_START,
	SIM_CALL_ATTACH,
	SIM_CALL_ARM,
	SIM_CALL_DISARM,
	SIM_CALL_WAIT,
	SIM_CALLS,
};

/* Lets `skip` calls pass and has the next fail with `code`. */
void sim_fail_call(struct sim *sim, enum sim_call call, int code,
		   uint32_t skip);

/* Every wait() fails with `code` from now on; what was queued is forgotten. */
void sim_break(struct sim *sim, int code);

/* Is called at the start of each wait() that looks for events. */
void sim_each_wait(struct sim *sim, void (*run)(struct sim *sim, void *arg),
		   void *arg);
/* A wait for ever with nothing to come returns -EDEADLK, unless others may
 * wake it: then only after ten seconds. */
void sim_expect_wakes(struct sim *sim, bool expect);

#endif
