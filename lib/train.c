/* SPDX-License-Identifier: MIT */
/* train.c: from messages to trains and peers, and what a refusal teaches. */
#include "train.h"

#include "core.h"
#include "lend.h"
#include "peer.h"
#include "send_check.h"
#include "util/clock.h"

#include <errno.h>

uint64_t hl_train_hash(const struct hail_engine *engine,
		       const struct hail_addr *remote)
{
	struct hail_addr plain;

	if (remote->sa.sa_family == AF_INET)
		return hail_addr_hash(remote, engine->flight.seed);
	plain = *remote;
	hail_addr_unmap(&plain);
	return hail_addr_hash(&plain, engine->flight.seed);
}

bool hl_train_begin(struct hail_socket *socket, uint32_t count)
{
	struct hl_flight *flight = &socket->engine->flight;
	bool careful = hl_send_check_careful(socket);
	bool trains = count > 1 && !socket->no_trains;

	flight->round++;
	flight->hashed = NULL;
	/* The clock is looked at only where something was refused. */
	flight->now = trains && flight->limits.until_ns ? hl_clock_now() : 0;
	if (flight->now >= flight->limits.until_ns && flight->now)
		flight->now = flight->limits.until_ns = 0;
	hl_gso_begin(&flight->gso, trains ? flight->segments_max : 1, careful);
	if (trains)
		hl_lend_begin(socket);
	flight->planning = trains || careful;
	flight->planned =
		flight->planning || (flight->count && flight->planned);
	return flight->planning || socket->peers;
}

static const struct hail_addr *remote_of(const struct hail_socket *socket,
					 const struct hail_message *message)
{
	return message->remote ? message->remote : &socket->remote;
}

struct hail_socket *hl_train_route(struct hail_socket *socket, uint32_t index,
				   const struct hail_message *message,
				   bool special)
{
	struct hl_flight *flight = &socket->engine->flight;
	const struct hail_addr *remote = remote_of(socket, message);
	struct hail_socket *peer = NULL;

	/* A batch to one remote mostly names it by one pointer. */
	if (remote != flight->hashed) {
		flight->hash = hl_train_hash(socket->engine, remote);
		flight->hashed = remote;
	}
	if (!socket->peers)
		return socket;
	/* What goes with a message may concern the socket that sends it. */
	if (!special)
		peer = hl_peer_find(socket->peers, remote, flight->hash);
	flight->peers[index] = peer;
	if (!peer)
		return socket;
	peer->peer_used = true;
	return peer;
}

bool hl_train_add(struct hail_socket *socket, uint32_t index,
		  const struct hail_message *messages, bool alone)
{
	struct hl_flight *flight = &socket->engine->flight;
	struct hl_gso_message message = {
		.messages = messages,
		.remote = remote_of(socket, &messages[index]),
		.hash = flight->hash,
		.segment_max = HL_GSO_UNLIMITED,
		.alone = alone,
	};

	if (!flight->planning) {
		hl_gso_add_plain(&flight->gso, index);
		return true;
	}
	if (flight->now)
		message.segment_max = hl_gso_limit_get(
			&flight->limits, flight->hash, flight->now);
	return hl_gso_add(&flight->gso, index, &message);
}

uint32_t hl_train_extend(struct hail_socket *socket, uint32_t index,
			 const struct hail_message *messages, uint32_t most)
{
	struct hl_flight *flight = &socket->engine->flight;
	uint32_t count = hl_gso_extend(&flight->gso, messages, most);

	for (uint32_t i = 1; socket->peers && i <= count; i++)
		flight->peers[index + i] = flight->peers[index];
	return count;
}

/* -EMSGSIZE is about the path, -EIO about its device. -EINVAL is what kernels
 * said of the path before 6.14; and of more than 64 segments before 6.9, which
 * is for where the release misleads. */
static void learn(struct hail_socket *socket,
		  const struct hail_message *message, uint32_t index)
{
	struct hl_flight *flight = &socket->engine->flight;
	const struct hl_gso_place *head = &flight->gso.places[index];
	int result = flight->results[index];
	uint64_t now = hl_clock_now();
	uint64_t hash =
		hl_train_hash(socket->engine, remote_of(socket, message));

	socket->traffic.train_refused++;
	if (result == -EINVAL && head->length > HL_GSO_SEGMENTS_OLD)
		flight->segments_max = HL_GSO_SEGMENTS_OLD;
	else
		hl_gso_limit_set(&flight->limits, hash,
				 result == -EIO ? 0 : head->segment - 1u, now);
}

void hl_train_count(struct hail_socket *socket)
{
	const struct hl_flight *flight = &socket->engine->flight;

	if (!flight->planned)
		return;
	socket->traffic.trains += flight->gso.trains;
	socket->traffic.train_sent += flight->gso.riders;
}

void hl_train_look_back(struct hail_socket *socket, uint32_t index)
{
	struct hl_flight *flight = &socket->engine->flight;
	struct hail_socket *by = hl_train_by(socket, index);
	int result = hl_flight_result(flight, index);

	if (!hl_socket_connected(by))
		return;
	if (!result) {
		by->passed = flight->serial;
		return;
	}
	flight->overtaken[index] = by->passed == flight->serial;
	if (flight->overtaken[index] && flight->planned)
		hl_gso_forget(&flight->gso, index);
}

bool hl_train_settle(struct hail_socket *socket,
		     const struct hail_message *message, uint32_t index)
{
	struct hl_flight *flight = &socket->engine->flight;
	const struct hl_gso_place *place = &flight->gso.places[index];
	int result = flight->results[place->head];
	bool refused = hl_gso_refused(&flight->gso, index, result);

	if (place->head != index || place->length < 2)
		return refused;
	if (refused) {
		learn(socket, message, index);
	} else if (!result) {
		socket->traffic.trains++;
		socket->traffic.train_sent += place->length;
	}
	return refused;
}
