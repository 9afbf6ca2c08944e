/* SPDX-License-Identifier: MIT */
/* lend.c: which trains are lent, and the books of those that are out. */
#include "lend.h"

#include "core.h"
#include "net/sndbuf.h"
#include "socket.h"
#include "train.h"
#include "util/assert.h"
#include "util/clock.h"

#include <errno.h>
#include <unistd.h>

/* Below these lending costs more than the copy: measured break-even at 16 KiB,
 * and a little above it where the kernel has to find the pages each time. */
#define LEAST 32768
#define LEAST_REGISTERED 16384
/* The kernel's MAX_SKB_FRAGS, at its least: a datagram that would need more
 * pages than this is refused with EMSGSIZE and not copied. */
#define FRAGMENTS_MAX 17
/* What an skb takes besides its pages. */
#define SKB_CHARGE 2048
/* Of the send blocks one in so many is never lent. */
#define KEPT_SHARE 4
/* In the flight's books, with the number: an enter follows the send. */
#define FENCE 0x80u

void hl_lend_init(struct hl_lending *lending, bool off, bool registered)
{
	lending->off = off;
	lending->least = registered ? LEAST_REGISTERED : LEAST;
	lending->page = (size_t)sysconf(_SC_PAGESIZE);
	lending->free = UINT64_MAX;
	for (int i = 0; i < HL_LOANS_MAX; i++)
		hl_list_init(&lending->loans[i].messages);
}

uint32_t hl_lend_regions(const struct hail_engine *engine,
			 struct iovec regions[static HL_LEND_REGIONS])
{
	uint32_t count = 0;

	for (int kind = 0; kind < HL_BLOCK_KINDS; kind++) {
		const struct hl_block_pool *pool = &engine->memory.pools[kind];

		regions[count++] = (struct iovec){
			.iov_base = pool->base,
			.iov_len = pool->stride * pool->total,
		};
	}
	for (int kind = 0; kind < HL_POOL_KINDS; kind++) {
		const struct hl_backend_pool *pool =
			&engine->pools[kind].memory;

		regions[count++] = (struct iovec){
			.iov_base = pool->base,
			.iov_len = pool->stride * pool->count_max,
		};
	}
	return count;
}

static struct hl_loan *loan_at(struct hail_engine *engine, uint32_t number)
{
	return &engine->lending.loans[number - 1];
}

/* Lent pages are booked whole, which may be more than was booked for copies of
 * the messages. Then the send buffer might be full before its time. */
static bool pays(const struct hl_lending *lending,
		 const struct hl_backend_send *send, uint32_t length)
{
	size_t bytes = 0, pages = 0, last;

	for (uint32_t i = 0; i < send->piece_count; i++) {
		bytes += send->pieces[i].iov_len;
		pages += hl_gso_pages(NULL, send->pieces[i].iov_base,
				      send->pieces[i].iov_len, lending->page);
	}
	if (bytes < lending->least || pages > FRAGMENTS_MAX)
		return false;
	last = bytes - (length - 1) * (size_t)send->segment;
	return pages * lending->page + SKB_CHARGE <=
	       (length - 1) * hl_sndbuf_charge(send->segment) +
		       hl_sndbuf_charge(last);
}

/* The number of a new loan. */
static uint32_t lend(struct hail_engine *engine, struct hail_socket *by)
{
	struct hl_lending *lending = &engine->lending;
	uint32_t number = (uint32_t)__builtin_ctzll(lending->free) + 1;
	struct hl_loan *loan = loan_at(engine, number);

	lending->free &= lending->free - 1;
	loan->by = by;
	loan->settled = loan->failed = loan->back = loan->copied = false;
	by->lender.loans++;
	hl_lender_lend(&by->lender);
	return number;
}

/* The time of day is seldom of interest, and then a turn's is good enough. */
static bool may(struct hail_engine *engine, const struct hl_lender *lender)
{
	return hl_lender_may(lender, lender->state == HL_LENDER_OFF
					     ? hl_core_now(engine)
					     : 0);
}

static bool may_any(const struct hail_socket *socket)
{
	const struct hail_engine *engine = socket->engine;

	return engine->flight.lendable && !engine->lending.off &&
	       socket->state != HL_SOCKET_CLOSING;
}

/* What is out is nobody's to wait for: it may be a part of the send blocks
 * only, and nothing where anybody lacks one. */
static bool affordable(const struct hail_engine *engine, uint32_t messages)
{
	return hl_list_empty(&engine->starved) &&
	       engine->lending.messages + messages <=
		       engine->options.send_blocks -
			       engine->options.send_blocks / KEPT_SHARE;
}

static void consider(struct hail_socket *socket, struct hl_backend_send *send)
{
	struct hail_engine *engine = socket->engine;
	struct hl_flight *flight = &engine->flight;
	const struct hl_gso_place *place = &flight->gso.places[send->token];
	struct hail_socket *by = hl_train_by(socket, send->token);
	const struct hail_addr *remote = send->remote;
	uint32_t number;

	if ((uint32_t)place->segment * place->length < engine->lending.least ||
	    place->length < 2 || !engine->lending.free ||
	    !affordable(engine, place->length) ||
	    !pays(&engine->lending, send, place->length) ||
	    !may(engine, &by->lender))
		return;
	number = lend(engine, by);
	send->loan = (uint8_t)number;
	if (!hl_gso_is_last(
		    &flight->gso, send->token,
		    hl_train_hash(engine, remote ? remote : &by->remote)))
		number |= FENCE;
	flight->loans[send->token] = (uint8_t)number;
	flight->lent = true;
}

void hl_lend_begin(struct hail_socket *socket)
{
	struct hail_engine *engine = socket->engine;

	if (may_any(socket) && (socket->peers || may(engine, &socket->lender)))
		hl_gso_bound(&engine->flight.gso, FRAGMENTS_MAX,
			     engine->lending.page, engine->lending.least);
}

void hl_lend_plan(struct hail_socket *socket)
{
	struct hl_flight *flight = &socket->engine->flight;

	if (!may_any(socket))
		return;
	for (uint32_t i = 0; i < flight->send_count; i++)
		if (flight->sends[i].segment)
			consider(socket, &flight->sends[i]);
}

uint32_t hl_lend_run(const struct hail_engine *engine, uint32_t from,
		     uint32_t count)
{
	const struct hl_flight *flight = &engine->flight;
	const struct hl_backend_send *sends = &flight->sends[from];

	for (uint32_t i = 0; flight->lent && i < count; i++)
		if (flight->loans[sends[i].token] & FENCE)
			return i + 1;
	return count;
}

/* Its memory is free again; what it said of the way was heard before. */
static void end(struct hail_engine *engine, struct hl_loan *loan)
{
	while (!hl_list_empty(&loan->messages)) {
		hl_send_memory_drop(&engine->memory,
				    hl_list_entry(loan->messages.next,
						  struct hl_pending, link));
		engine->lending.messages--;
	}
	if (loan->by)
		loan->by->lender.loans--;
	loan->by = NULL;
	engine->lending.free |= UINT64_C(1) << (loan - engine->lending.loans);
	/* Somebody may have been refused a block that is free now. */
	if (!hl_list_empty(&engine->starved))
		hl_core_touch(engine);
}

/* The send is settled and the memory back: in whichever order. */
static void conclude(struct hail_engine *engine, struct hl_loan *loan)
{
	if (!loan->settled || !loan->back)
		return;
	if (!loan->failed) {
		engine->lending.copied += loan->copied;
		if (loan->by)
			hl_lender_learn(&loan->by->lender,
					loan->copied ? HL_LENDER_LOSS
						     : HL_LENDER_GAIN,
					hl_clock_now());
	}
	end(engine, loan);
}

static uint32_t number_of(const struct hl_flight *flight, uint32_t head)
{
	return flight->lent ? flight->loans[head] & ~FENCE : 0;
}

void hl_lend_never(struct hail_engine *engine, uint32_t token)
{
	uint32_t number = number_of(&engine->flight, token);

	if (number)
		loan_at(engine, number)->back = true;
}

void hl_lend_back(struct hail_engine *engine, uint32_t number, bool copied)
{
	struct hl_loan *loan = loan_at(engine, number);

	hl_debug_assert(!loan->back);
	loan->back = true;
	loan->copied = copied;
	conclude(engine, loan);
}

/* What may be the loan's fault alone: that the kernel doesn't know how, or that
 * no more memory may be locked. */
static bool refused(int result)
{
	return result == -EOPNOTSUPP || result == -ENOBUFS || result == -ENOMEM;
}

bool hl_lend_refused(const struct hail_engine *engine, uint32_t index,
		     int result)
{
	const struct hl_flight *flight = &engine->flight;

	return flight->lent && refused(result) &&
	       number_of(flight, flight->gso.places[index].head);
}

bool hl_lend_keep(struct hail_engine *engine, uint32_t index,
		  struct hl_pending *pending)
{
	const struct hl_flight *flight = &engine->flight;
	uint32_t number;

	if (!flight->lent)
		return false;
	number = number_of(flight, flight->gso.places[index].head);
	if (!number)
		return false;
	hl_list_unlink(&pending->link);
	hl_list_append(&loan_at(engine, number)->messages, &pending->link);
	engine->lending.messages++;
	return true;
}

static void learn_failure(struct hail_engine *engine, struct hl_loan *loan,
			  int result)
{
	struct hl_lending *lending = &engine->lending;
	bool loss = result == -ENOBUFS || result == -ENOMEM;

	loan->failed = true;
	/* Once with registered memory and once without. */
	if (result == -EOPNOTSUPP && ++lending->refused == 2)
		lending->off = true;
	if (loan->by)
		hl_lender_learn(&loan->by->lender,
				loss ? HL_LENDER_LOSS : HL_LENDER_UNKNOWN,
				hl_clock_now());
}

void hl_lend_settle(struct hail_engine *engine)
{
	struct hl_flight *flight = &engine->flight;

	for (uint32_t i = 0; flight->lent && i < flight->count; i++) {
		uint32_t number = number_of(flight, i);
		struct hl_loan *loan;

		if (!number)
			continue;
		loan = loan_at(engine, number);
		loan->settled = true;
		if (flight->results[i])
			learn_failure(engine, loan, flight->results[i]);
		else
			engine->lending.sent++;
		conclude(engine, loan);
	}
}

void hl_lend_forget(struct hail_socket *socket)
{
	struct hl_lending *lending = &socket->engine->lending;

	for (int i = 0; socket->lender.loans && i < HL_LOANS_MAX; i++)
		if (lending->loans[i].by == socket)
			lending->loans[i].by = NULL;
	socket->lender.loans = 0;
}
